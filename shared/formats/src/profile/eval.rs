//! What the rules make of one row.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::plan::{Condition, Fact, Field, Form, From, Piece, Plan, Reading, Ref, Sign, Size, Terms, Test, To};
use super::row::{Row, Seen};
use super::value::{self, Kind, Refused};
use crate::layout;

/// Something wrong with one member of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    /// From 1.
    pub(super) cell: Option<usize>,
    pub(super) detail: String,
}

/// What became of a row.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) facts: Vec<Value>,
    /// Of what is wrong; facts with it lack that member.
    pub(super) faults: Vec<Fault>,
    /// Why it was left out, where a rule said so.
    pub(super) nothing: Option<String>,
}

/// Rules are tried in their order: each that fits gives a fact, and one that gives nothing ends the row.
pub(super) fn outcome(plan: &Plan, source: &str, row: Row<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut fits = false;
    for rule in &plan.rules {
        if !all(&rule.when, plan, row) {
            continue;
        }
        fits = true;
        let mut members = Members { plan, row, faults: &mut outcome.faults };
        match &rule.to {
            To::Nothing(why) => {
                outcome.nothing = Some(why.clone());
                break;
            }
            To::OpenItem { data } => outcome.facts.push(Value::Object(members.data(data))),
            To::Fact(fact) => outcome.facts.push(members.fact(fact, source)),
        }
    }
    if !fits {
        let detail = "no rule of the profile fits; one that makes nothing of such rows would say why".to_owned();
        outcome.faults.push(Fault { code: "no-rule", cell: None, detail });
    }
    outcome
}

pub(super) fn all(conditions: &[Condition], plan: &Plan, row: Row<'_>) -> bool {
    conditions.iter().all(|condition| holds(condition, plan, row))
}

pub(super) fn holds(condition: &Condition, plan: &Plan, row: Row<'_>) -> bool {
    let (text, kind) = match row.see(condition.column, plan) {
        Seen::Nothing => ("".into(), Kind::Text),
        Seen::Text(text, kind) => (text, kind),
        Seen::Inner(_) => ("…".into(), Kind::Text),
    };
    let holds = match &condition.test {
        Test::OneOf(texts) => texts.iter().any(|wanted| *wanted == text),
        Test::StartsWith(start) => text.starts_with(start.as_str()),
        Test::Contains(part) => text.contains(part.as_str()),
        Test::Empty => text.is_empty(),
        Test::Amount(size) => value::amount(&text, kind, &plan.reading.numbers).is_ok_and(|amount| match size {
            Size::Negative => amount < Decimal::ZERO,
            Size::Zero => amount.is_zero(),
            Size::Positive => amount > Decimal::ZERO,
        }),
    };
    holds != condition.not
}

struct Members<'a> {
    plan: &'a Plan,
    row: Row<'a>,
    faults: &'a mut Vec<Fault>,
}

impl Members<'_> {
    fn data(&mut self, fields: &[(String, Field)]) -> Map<String, Value> {
        fields.iter().filter_map(|(name, field)| Some((name.clone(), self.member(name, field)?))).collect()
    }

    fn fact(&mut self, fact: &Fact, source: &str) -> Value {
        let data = self.data(&fact.data);
        let mut attribute = |name: &str, field: Option<&Field>| match self.member(name, field?)? {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        };
        let time = attribute("time", Some(&fact.time));
        let id = match &fact.id {
            Some(field) => attribute("id", Some(field)),
            None => time.as_deref().map(|time| {
                let key = fact.key.map(|key| data.get(key).and_then(Value::as_str).unwrap_or_default());
                layout::default_id(fact.kind, key, time)
            }),
        };
        let attributes = layout::Attributes {
            id,
            time,
            legal_entity: attribute("legal_entity", fact.legal_entity.as_ref()),
            source_version: attribute("source_version", fact.source_version.as_ref()),
        };
        layout::envelope(fact.kind, source, attributes, data)
    }

    /// A fault is noted once, however many facts of the row need the field.
    fn member(&mut self, name: &str, field: &Field) -> Option<Value> {
        let (code, detail) = match evaluate(field, self.plan, self.row) {
            Ok(Some(value)) => return Some(value),
            Ok(None) if !field.required => return None,
            Ok(None) => ("missing-member", "it is empty".to_owned()),
            Err(refused) => refused,
        };
        let column = first_column(field);
        let cell = column.and_then(|column| self.row.cell(column));
        // The caller knows the name of a cell's column; a path it does not know.
        let path = column.filter(|_| cell.is_none()).and_then(|column| self.plan.references.get(column));
        let place = path.map_or_else(String::new, |reference| format!(" ({})", reference.shown()));
        let fault = Fault { code, cell, detail: format!("{name}{place}: {detail}") };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
        None
    }
}

fn first_column(field: &Field) -> Option<Ref> {
    match &field.from {
        From::Column(column) => Some(*column),
        From::Constant(_) => None,
        From::Template(pieces) => {
            pieces.iter().find_map(|piece| if let Piece::Column(column) = piece { Some(*column) } else { None })
        }
        From::FirstOf(fields) => fields.iter().find_map(first_column),
    }
}

fn evaluate(field: &Field, plan: &Plan, row: Row<'_>) -> Result<Option<Value>, Refused> {
    let read = match &field.from {
        From::FirstOf(fields) => {
            let mut found = None;
            for part in fields {
                found = evaluate(part, plan, row)?;
                if found.is_some() {
                    break;
                }
            }
            return Ok(found.or_else(|| field.default.as_deref().map(|text| json!(text))));
        }
        From::Constant(text) => Some((text.clone(), Kind::Text)),
        From::Template(pieces) => composed(pieces, field, plan, row)?.map(|text| (text, Kind::Text)),
        From::Column(column) => match row.see(*column, plan) {
            Seen::Nothing => None,
            Seen::Text(text, kind) => Some((unpadded(&text, field), kind)),
            Seen::Inner(inner) => return of_inner(inner, field, &plan.reading).map(Some),
        },
    };
    let Some((text, kind)) = read else { return Ok(field.default.as_deref().map(|text| json!(text))) };
    let (text, kind) = match &field.lookup {
        None => (text, kind),
        Some(lookup) => match lookup.entries.get(&text).or(lookup.otherwise.as_ref()) {
            Some(found) => (found.clone(), Kind::Text),
            None => return Err(("lookup", format!("the profile's lookup has no entry for \"{text}\""))),
        },
    };
    if text.is_empty() {
        return Ok(field.default.as_deref().map(|text| json!(text)));
    }
    converted(&text, kind, field, plan, row)
}

fn unpadded(text: &str, field: &Field) -> String {
    if !field.trim_zeros || text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_owned();
    }
    let trimmed = text.trim_start_matches('0');
    if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
}

/// Empty as soon as one of its columns is: half a number is another number.
fn composed(pieces: &[Piece], field: &Field, plan: &Plan, row: Row<'_>) -> Result<Option<String>, Refused> {
    let mut whole = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => whole.push_str(text),
            Piece::Column(column) => match row.see(*column, plan) {
                Seen::Text(text, kind) => whole.push_str(&unpadded(&value::text(&text, kind)?, field)),
                Seen::Nothing | Seen::Inner(_) => return Ok(None),
            },
        }
    }
    Ok(Some(whole))
}

fn converted(text: &str, kind: Kind, field: &Field, plan: &Plan, row: Row<'_>) -> Result<Option<Value>, Refused> {
    let reading = &plan.reading;
    let formats = if field.formats.is_empty() { &reading.dates } else { &field.formats };
    Ok(Some(match field.form {
        Form::Text if kind == Kind::Date => {
            let hint = "format the column as text, or say as: instant where a date is meant";
            return Err(("excel-coerced", format!("{text} is a date where a text is expected; {hint}")));
        }
        Form::Text => json!(value::text(text, kind)?),
        Form::Amount => json!(signed(value::amount(text, kind, &reading.numbers)?, field.sign)),
        Form::DebeziumDecimal => json!(signed(debezium_decimal(text, kind, field.scale, reading)?, field.sign)),
        Form::Date => return day(value::date(text, kind, formats, reading)?, field, plan, row),
        Form::DebeziumDate => {
            let formats = [if kind == Kind::Number { "epoch_days" } else { "%Y-%m-%d" }.to_owned()];
            return day(value::date(text, kind, &formats, reading)?, field, plan, row);
        }
        Form::Instant => json!(value::instant(text, kind, formats, reading)?),
        Form::Flag => flag(text)?,
        Form::List => json!(value::text(text, kind)?.split(&field.separator).map(str::trim).collect::<Vec<_>>()),
        Form::Parts => {
            let text = value::text(text, kind)?;
            json!(text.split(&field.separator).map(|part| layout::part(part.trim())).collect::<Vec<_>>())
        }
    }))
}

fn of_inner(inner: &Value, field: &Field, reading: &Reading) -> Result<Value, Refused> {
    match (field.form, inner) {
        (Form::List, Value::Array(items)) => Ok(json!(items.iter().map(plain).collect::<Vec<_>>())),
        (Form::Parts, Value::Array(items)) => {
            let part = |item: &Value| if item.is_object() { item.clone() } else { layout::part(&plain(item)) };
            Ok(json!(items.iter().map(part).collect::<Vec<_>>()))
        }
        // A numeric without a declared scale tells its own.
        (Form::DebeziumDecimal, Value::Object(members)) => {
            let scale = members.get("scale").and_then(Value::as_u64).and_then(|scale| u32::try_from(scale).ok());
            let bytes = members.get("value").and_then(Value::as_str);
            let (Some(scale), Some(bytes)) = (scale, bytes) else {
                return Err(("amount-format", "scale and value are expected".to_owned()));
            };
            Ok(json!(signed(debezium_decimal(bytes, Kind::Text, Some(scale), reading)?, field.sign)))
        }
        _ => Err(("wrong-type", "a single value is expected, not a list or an object".to_owned())),
    }
}

fn plain(item: &Value) -> String {
    item.as_str().map_or_else(|| item.to_string(), |text| text.trim().to_owned())
}

/// Bytes where a scale is known, otherwise digits.
fn debezium_decimal(text: &str, kind: Kind, scale: Option<u32>, reading: &Reading) -> Result<Decimal, Refused> {
    match scale {
        Some(scale) if kind == Kind::Text => value::of_bytes(text, scale),
        _ => value::amount(text, Kind::Number, &reading.numbers),
    }
}

fn signed(amount: Decimal, sign: Sign) -> String {
    value::written(match sign {
        Sign::Keep => amount,
        Sign::Negate => -amount,
        Sign::Absolute => amount.abs(),
    })
}

/// None when terms are to be added and the row has none: nobody said that it is due at once.
fn day(date: NaiveDate, field: &Field, plan: &Plan, row: Row<'_>) -> Result<Option<Value>, Refused> {
    let days = match &field.terms {
        None => 0,
        Some(Terms::Days(days)) => *days,
        Some(Terms::From(days)) => {
            let Some(told) = evaluate(days, plan, row)? else { return Ok(None) };
            let text = told.as_str().unwrap_or_default();
            let days = text.parse::<u16>().map_err(|_| ("terms", format!("\"{text}\" is no number of days")))?;
            u64::from(days)
        }
    };
    let date = date.checked_add_days(Days::new(days)).unwrap_or(date);
    Ok(Some(json!(date.to_string())))
}

fn flag(text: &str) -> Result<Value, Refused> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "x" | "sí" | "si" | "ja" | "verdadero" | "wahr" => Ok(json!(true)),
        "false" | "no" | "n" | "0" | "nein" | "falso" | "falsch" => Ok(json!(false)),
        _ => Err(("wrong-type", format!("\"{text}\" is neither yes nor no"))),
    }
}
