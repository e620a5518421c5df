//! What the readers share: the forms of numbers, dates, amounts and texts that Puntual takes.

use std::fmt::Write;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use primitives::civil;
use primitives::{Currency, Money, MoneyError};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Finding, Place};

/// The longest natural key that ingestion takes, in characters.
pub(crate) const KEY_CHARS: usize = 128;
/// The longest name or remark that it takes.
pub(crate) const TEXT_CHARS: usize = 500;
/// What a `Decimal` adds and multiplies without rounding, with room for sums.
const DECIMAL_DIGITS: usize = 18;

pub(crate) type Data = Map<String, Value>;

pub(crate) fn data<const N: usize>(members: [(&str, Value); N]) -> Data {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn put(data: &mut Data, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        data.insert(name.to_owned(), value.into());
    }
}

/// A number or code by which others know something.
pub(crate) fn key(value: &str, place: &Place) -> Result<String, Finding> {
    let refuse = |code, detail: &str| Err(Finding::new(code, place.clone(), detail));
    if value.is_empty() {
        return refuse("text-empty", "a number is expected");
    }
    if value.chars().count() > KEY_CHARS {
        return refuse("too-long", "a number has at most 128 characters");
    }
    if value.chars().any(char::is_control) {
        return refuse("text-control", "a number has no control characters");
    }
    Ok(value.to_owned())
}

/// A name or remark on one line, cut where it is too long to be kept.
pub(crate) fn line(value: &str) -> Option<String> {
    let mut text = String::new();
    for word in value.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if text.len() > TEXT_CHARS * 4 {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.extend(word.chars().take(TEXT_CHARS));
    }
    let text: String = text.chars().take(TEXT_CHARS).collect();
    Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())
}

pub(crate) fn currency(code: &str, place: &Place) -> Result<Currency, Finding> {
    let refuse = || format!("{} is not an ISO 4217 currency that can be owed", shown(code));
    Currency::parse(code).map_err(|_| Finding::new("currency", place.clone(), refuse()))
}

/// An amount as it stands in the file, without any blank.
pub(crate) fn money(text: &str, currency: Currency, place: &Place) -> Result<Money, Finding> {
    Money::parse(text, currency).map_err(|error| amount_finding(error, &format!("{} {currency}", shown(text)), place))
}

pub(crate) fn rounded(amount: Decimal, currency: Currency, place: &Place) -> Result<Money, Finding> {
    Money::new(amount, currency).map_err(|error| amount_finding(error, &format!("{amount} {currency}"), place))
}

fn amount_finding(error: MoneyError, shown: &str, place: &Place) -> Finding {
    let code = match error {
        MoneyError::Format => "amount-format",
        MoneyError::Scale => "amount-scale",
        MoneyError::Range => "amount-range",
        MoneyError::Currency => "currency",
        MoneyError::Mixed => "currency-mismatch",
    };
    Finding::new(code, place.clone(), format!("{shown}: {error}"))
}

/// A number that is added up or multiplied: more decimals than the currency has may stand in it.
pub(crate) fn decimal(text: &str, place: &Place) -> Result<Decimal, Finding> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return Err(amount_finding(MoneyError::Format, &shown(text), place));
    }
    let fraction = fraction.trim_end_matches('0');
    let whole = whole.trim_start_matches('0');
    if whole.len() + fraction.len() > DECIMAL_DIGITS {
        return Err(amount_finding(MoneyError::Range, &shown(text), place));
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let number = format!("{sign}0{whole}.{fraction}0").parse();
    number.map_err(|_| amount_finding(MoneyError::Range, &shown(text), place))
}

/// A value quoted in a detail, which stays short whatever the file says.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("\"{short}\"")
}

/// `xs:date`, whose zone says nothing about a due date, or the date of an `xs:dateTime`.
pub(crate) fn date(text: &str, place: &Place) -> Result<NaiveDate, Finding> {
    let (day, rest) = text.split_at_checked(10).unwrap_or((text, ""));
    let shaped = day.len() == 10
        && day.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shaped || !(rest.is_empty() || rest == "Z" || rest.starts_with(['T', '+', '-'])) || rest.len() > 25 {
        return Err(Finding::new("date-format", place.clone(), format!("{} is not a date yyyy-mm-dd", shown(text))));
    }
    day.parse().map_err(|_| Finding::new("date-invalid", place.clone(), format!("{day} is not a day of the calendar")))
}

/// When a document was made: its date, and its time (`hh:mm:ss`, with an offset or without) if it tells one.
pub(crate) fn instant(date: NaiveDate, time: Option<&str>, zone: Tz) -> String {
    let local = time.and_then(|time| time.get(..8)).and_then(|time| time.parse::<NaiveTime>().ok());
    let exact = time.and_then(|time| DateTime::parse_from_rfc3339(&format!("{date}T{time}")).ok());
    let instant = exact.map_or_else(|| civil::at(date, local.unwrap_or(NaiveTime::MIN), zone), |exact| exact.to_utc());
    written(instant)
}

pub(crate) fn written(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(crate) fn after(date: NaiveDate, days: u32) -> NaiveDate {
    date.checked_add_days(Days::new(u64::from(days))).unwrap_or(date)
}

/// 128 bits of what a thing says, in hexadecimal: enough that two things never meet.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0x1f]);
    }
    let mut text = String::with_capacity(32);
    for byte in hash.finalize().iter().take(16) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_plain() {
        for (text, expected) in
            [("10", "10"), ("-0.50", "-0.50"), ("1190000.0000", "1190000"), ("0.000001", "0.000001")]
        {
            let expected: Decimal = expected.parse().unwrap();
            assert_eq!(decimal(text, &Place::start()).unwrap(), expected, "{text}");
        }
        for bad in ["", " 10 ", "+10", "INF", "1e3", "1,5", "10.", ".5", "--1", "١"] {
            assert_eq!(decimal(bad, &Place::start()).unwrap_err().code, "amount-format", "{bad}");
            assert_eq!(money(bad, Currency::parse("EUR").unwrap(), &Place::start()).unwrap_err().code, "amount-format");
        }
        assert_eq!(decimal(&"9".repeat(19), &Place::start()).unwrap_err().code, "amount-range");
    }

    #[test]
    fn dates_may_carry_a_zone_that_is_not_asked() {
        for text in ["2026-03-31", "2026-03-31Z", "2026-03-31-05:00", "2026-03-31T23:59:59+01:00"] {
            assert_eq!(date(text, &Place::start()).unwrap().to_string(), "2026-03-31");
        }
        let cases = [
            ("31/03/2026", "date-format"),
            ("2026-02-30", "date-invalid"),
            ("2026-3-1", "date-format"),
            ("é026-03-31", "date-format"),
        ];
        for (text, code) in cases {
            assert_eq!(date(text, &Place::start()).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn instants_use_the_offset_or_the_zone() {
        let day: NaiveDate = "2026-03-31".parse().unwrap();
        let bogota: Tz = "America/Bogota".parse().unwrap();
        assert_eq!(instant(day, None, bogota), "2026-03-31T05:00:00Z");
        assert_eq!(instant(day, Some("10:00:00"), bogota), "2026-03-31T15:00:00Z");
        assert_eq!(instant(day, Some("10:00:00+01:00"), bogota), "2026-03-31T09:00:00Z");
        assert_eq!(instant(day, Some("nonsense"), bogota), "2026-03-31T05:00:00Z");
    }
}
