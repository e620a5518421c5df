//! Reading and writing the scalar forms of the contract: ids, instants, dates, decimals.
//!
//! Reading fails with the name of the field, so that a dead letter says what was wrong.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use prost_types::Timestamp;
use rust_decimal::Decimal;
use uuid::Uuid;

/// A field that does not hold what the schema says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field {field} is not {expected}")]
pub struct Malformed {
    pub field: &'static str,
    pub expected: &'static str,
}

pub fn id(field: &'static str, text: &str) -> Result<Uuid, Malformed> {
    Uuid::from_str(text).map_err(|_| Malformed { field, expected: "a uuid" })
}

/// `None` for the empty string.
pub fn optional_id(field: &'static str, text: &str) -> Result<Option<Uuid>, Malformed> {
    if text.is_empty() { Ok(None) } else { id(field, text).map(Some) }
}

pub fn ids(field: &'static str, texts: &[String]) -> Result<Vec<Uuid>, Malformed> {
    texts.iter().map(|text| id(field, text)).collect()
}

pub fn date(field: &'static str, text: &str) -> Result<NaiveDate, Malformed> {
    NaiveDate::from_str(text).map_err(|_| Malformed { field, expected: "an ISO 8601 date" })
}

pub fn optional_date(field: &'static str, text: &str) -> Result<Option<NaiveDate>, Malformed> {
    if text.is_empty() { Ok(None) } else { date(field, text).map(Some) }
}

pub fn decimal(field: &'static str, text: &str) -> Result<Decimal, Malformed> {
    Decimal::from_str_exact(text).map_err(|_| Malformed { field, expected: "a decimal" })
}

/// `None` for the empty string.
pub fn optional_decimal(field: &'static str, text: &str) -> Result<Option<Decimal>, Malformed> {
    if text.is_empty() { Ok(None) } else { decimal(field, text).map(Some) }
}

pub fn instant(field: &'static str, timestamp: Option<&Timestamp>) -> Result<DateTime<Utc>, Malformed> {
    optional_instant(field, timestamp)?.ok_or(Malformed { field, expected: "set" })
}

pub fn optional_instant(
    field: &'static str,
    timestamp: Option<&Timestamp>,
) -> Result<Option<DateTime<Utc>>, Malformed> {
    let Some(timestamp) = timestamp else { return Ok(None) };
    u32::try_from(timestamp.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(timestamp.seconds, nanos))
        .map(Some)
        .ok_or(Malformed { field, expected: "an instant" })
}

/// The wire form of an instant.
#[allow(clippy::cast_possible_wrap, clippy::as_conversions, reason = "subsecond nanos are below 2^31")]
pub fn timestamp(instant: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: instant.timestamp(), nanos: instant.timestamp_subsec_nanos() as i32 }
}

/// The wire form of an optional date: empty when absent.
pub fn date_text(date: Option<NaiveDate>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}

/// A version as PostgreSQL stores it; negative is refused there by a check.
pub fn version(field: &'static str, version: u64) -> Result<i64, Malformed> {
    i64::try_from(version).map_err(|_| Malformed { field, expected: "a version" })
}
