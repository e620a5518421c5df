//! Reads the members of one object; what it does not know, it refuses.

use chrono::{DateTime, NaiveDate, Utc};
use primitives::{Currency, Money, MoneyError};

use super::Finding;
use super::json::{Json, below};
use crate::domain::text::{self, TextError};

/// Sign that an amount must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Positive,
    NotNegative,
    Any,
}

/// Why a value is refused.
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) detail: String,
}

impl From<TextError> for Refusal {
    fn from(error: TextError) -> Self {
        Self { code: error.code(), detail: error.to_string() }
    }
}

impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        let code = match error {
            MoneyError::Format => "amount-format",
            MoneyError::Scale => "amount-scale",
            MoneyError::Range => "amount-range",
            MoneyError::Currency => "currency",
            MoneyError::Mixed => "currency-mismatch",
        };
        Self { code, detail: error.to_string() }
    }
}

/// A finding was noted; reading goes on, so that one answer names all that is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noted;

pub(super) type Read<T> = Result<T, Noted>;

pub(super) struct Members<'a> {
    pointer: String,
    object: &'a [(String, Json)],
    known: Vec<&'static str>,
    today: NaiveDate,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Members<'a> {
    pub(super) fn of(json: &'a Json, pointer: &str, today: NaiveDate, findings: &'a mut Vec<Finding>) -> Read<Self> {
        if let Json::Object(object) = json {
            return Ok(Self { pointer: pointer.to_owned(), object, known: Vec::new(), today, findings });
        }
        findings.push(Finding::new("wrong-type", pointer, format!("an object is expected, not {}", json.kind())));
        Err(Noted)
    }

    /// Notes the members that nobody asked for.
    pub(super) fn finish(self) {
        for (name, _) in self.object {
            if !self.known.contains(&name.as_str()) {
                self.findings.push(Finding::new(
                    "unknown-field",
                    below(&self.pointer, name),
                    "no such member is known here",
                ));
            }
        }
    }

    pub(super) fn key(&mut self, name: &'static str) -> Read<String> {
        self.required(name, |value| Ok(text::natural_key(value)?.to_owned()))
    }

    pub(super) fn optional_key(&mut self, name: &'static str) -> Read<Option<String>> {
        self.optional(name, |value| Ok(text::natural_key(value)?.to_owned()))
    }

    pub(super) fn optional_text(&mut self, name: &'static str, max: usize) -> Read<Option<String>> {
        self.optional(name, |value| Ok(text::text(value, max)?.to_owned()))
    }

    pub(super) fn date(&mut self, name: &'static str) -> Read<NaiveDate> {
        let today = self.today;
        self.required(name, |value| Ok(text::date(value, today)?))
    }

    pub(super) fn optional_date(&mut self, name: &'static str) -> Read<Option<NaiveDate>> {
        let today = self.today;
        self.optional(name, |value| Ok(text::date(value, today)?))
    }

    pub(super) fn instant(&mut self, name: &'static str) -> Read<DateTime<Utc>> {
        let today = self.today;
        self.required(name, |value| Ok(text::instant(value, today)?))
    }

    pub(super) fn currency(&mut self) -> Read<Currency> {
        self.currency_in("currency")
    }

    /// A currency under another name.
    pub(super) fn currency_in(&mut self, name: &'static str) -> Read<Currency> {
        self.required(name, |value| Ok(Currency::parse(value)?))
    }

    /// An amount in `currency`, whose own finding is enough when there was one.
    pub(super) fn amount(&mut self, name: &'static str, currency: Read<Currency>, sign: Sign) -> Read<Money> {
        self.optional_amount(name, currency, sign)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn optional_amount(
        &mut self,
        name: &'static str,
        currency: Read<Currency>,
        sign: Sign,
    ) -> Read<Option<Money>> {
        let Some(json) = self.raw(name) else { return Ok(None) };
        let currency = currency?;
        if matches!(json, Json::Number(_)) {
            let detail = "amounts are strings, so that no reader makes a float of them";
            return Err(self.note(name, "amount-format", detail.to_owned()));
        }
        let value = self.as_text(name, json)?;
        let checked = Money::parse(value, currency).map_err(Refusal::from).and_then(|money| match sign {
            Sign::Any => Ok(money),
            _ if money.is_negative() => Err(Refusal { code: "amount-sign", detail: "must not be negative".to_owned() }),
            Sign::Positive if money.is_zero() => {
                Err(Refusal { code: "amount-zero", detail: "must not be zero".to_owned() })
            }
            _ => Ok(money),
        });
        self.checked(name, checked).map(Some)
    }

    /// One of `known`, or `default` when absent.
    pub(super) fn choice(
        &mut self,
        name: &'static str,
        known: &[&'static str],
        default: &'static str,
    ) -> Read<&'static str> {
        Ok(self.optional_choice(name, known)?.unwrap_or(default))
    }

    pub(super) fn optional_choice(&mut self, name: &'static str, known: &[&'static str]) -> Read<Option<&'static str>> {
        self.optional(name, |value| one_of(value, known))
    }

    pub(super) fn required_choice(&mut self, name: &'static str, known: &[&'static str]) -> Read<&'static str> {
        self.required(name, |value| one_of(value, known))
    }

    pub(super) fn flag(&mut self, name: &'static str, default: bool) -> Read<bool> {
        match self.raw(name) {
            None => Ok(default),
            Some(Json::Bool(value)) => Ok(*value),
            Some(other) => Err(self.wrong_type(name, "a boolean", other)),
        }
    }

    /// The items of an array with their pointers; empty when absent.
    pub(super) fn items(&mut self, name: &'static str, max: usize) -> Read<Vec<(String, &'a Json)>> {
        let items = match self.raw(name) {
            None => return Ok(Vec::new()),
            Some(Json::Array(items)) => items,
            Some(other) => return Err(self.wrong_type(name, "an array", other)),
        };
        if items.len() > max {
            return Err(self.note(name, "too-many-items", format!("at most {max} are allowed")));
        }
        let pointer = below(&self.pointer, name);
        Ok(items.iter().enumerate().map(|(index, item)| (format!("{pointer}/{index}"), item)).collect())
    }

    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Read<T> {
        self.optional(name, check)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Read<Option<T>> {
        let Some(json) = self.raw(name) else { return Ok(None) };
        let value = self.as_text(name, json)?;
        self.checked(name, check(value)).map(Some)
    }

    /// Whether a member is there at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.object.iter().any(|(member, _)| member == name)
    }

    pub(super) fn raw(&mut self, name: &'static str) -> Option<&'a Json> {
        self.known.push(name);
        self.object.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    pub(super) fn note(&mut self, name: &str, code: &'static str, detail: String) -> Noted {
        self.findings.push(Finding::new(code, below(&self.pointer, name), detail));
        Noted
    }

    pub(super) fn missing(&mut self, name: &str) -> Noted {
        self.note(name, "missing-member", "the member is required".to_owned())
    }

    pub(super) fn wrong_type(&mut self, name: &str, expected: &str, found: &Json) -> Noted {
        self.note(name, "wrong-type", format!("{expected} is expected, not {}", found.kind()))
    }

    /// Notes that a member is not known here.
    pub(super) fn unknown(&mut self, name: &str) -> Noted {
        self.note(name, "unknown-field", "no such member is known here".to_owned())
    }

    /// The same findings, for what is inside a member.
    pub(super) fn inner(&mut self) -> (NaiveDate, &mut Vec<Finding>) {
        (self.today, self.findings)
    }

    fn as_text(&mut self, name: &str, json: &'a Json) -> Read<&'a str> {
        if let Json::Text(value) = json {
            return Ok(value);
        }
        Err(self.wrong_type(name, "a string", json))
    }

    fn checked<T>(&mut self, name: &str, checked: Result<T, Refusal>) -> Read<T> {
        checked.map_err(|refusal| self.note(name, refusal.code, refusal.detail))
    }
}

fn one_of(value: &str, known: &[&'static str]) -> Result<&'static str, Refusal> {
    known
        .iter()
        .find(|choice| **choice == value)
        .copied()
        .ok_or_else(|| Refusal { code: "unknown-value", detail: format!("one of {} is expected", known.join(", ")) })
}
