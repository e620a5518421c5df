//! The values that members hold, as `reading` accepts them.
#![allow(dead_code, reason = "described here, read by `reading`")]

use primitives::Currency;
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::openapi::{RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

/// The sender's own number or code of a thing, compared byte by byte: `A1` and `a1` are two. Without control characters,
/// and without blanks at its ends.
#[derive(ToSchema, serde::Deserialize)]
#[schema(value_type = String, min_length = 1, max_length = 128,
    pattern = r"^[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]([^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])?$",
    example = "F-1001")]
pub(crate) struct Key(String);

/// Code of a person or a team of the creditor: no e-mail address, for it travels in events.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 128,
    pattern = r"^[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000@]([^\u0000-\u001f\u007f-\u009f@]*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000@])?$",
    example = "ventas-norte")]
pub(crate) struct Code(String);

/// By which a batch is sent again.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
    example = "8e03978e-40d5-43e8-bc93-6894a57f9324")]
pub(crate) struct KeyOfBatch(String);

/// The id of a message, as its `Message-ID` has it before the `@`.
#[derive(ToSchema)]
#[schema(value_type = String, format = Uuid,
    pattern = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
    example = "0198c7d4-5a1e-5f7e-9b3c-2f6a1d0c7e11")]
pub(crate) struct MessageId(String);

/// Without control characters, and without blanks at its ends.
#[derive(ToSchema, serde::Deserialize)]
#[schema(value_type = String, min_length = 1, max_length = 500,
    pattern = r"^[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]([^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])?$",
    example = "Comercial Andina")]
pub(crate) struct Text(String);

/// An address that can stand in the header of a message.
#[derive(ToSchema)]
#[schema(value_type = String, format = "email", min_length = 5, max_length = 254,
    pattern = r#"^[^\u0000-\u0020\u007f-\u00a0@,;:<>"()\\]+@[^\u0000-\u0020\u007f-\u00a0@,;:<>"()\\.-][^\u0000-\u0020\u007f-\u00a0@,;:<>"()\\]*\.[^\u0000-\u0020\u007f-\u00a0@,;:<>"()\\.-]+$"#,
    example = "pagos@andina.example")]
pub(crate) struct Email(String);

/// A day of the calendar, within 50 years of today.
#[derive(ToSchema)]
#[schema(value_type = String, format = Date, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", example = "2026-03-01")]
pub(crate) struct Day(String);

/// A moment with its offset from UTC, within 50 years of today. Leap seconds and 24:00 are refused.
#[derive(ToSchema)]
#[schema(value_type = String, format = DateTime,
    pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
    example = "2026-03-01T12:00:00Z")]
pub(crate) struct Moment(String);

/// More than zero, below 10^15, with no more decimals than the currency has. A string, so that no reader makes a float
/// of it.
#[derive(ToSchema, serde::Deserialize)]
#[schema(value_type = String, pattern = r"^[0-9]+(\.[0-9]+)?$", example = "1250000.00")]
pub(crate) struct Amount(String);

/// Zero or more, below 10^15, with no more decimals than the currency has. A string, so that no reader makes a float of
/// it.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^-?[0-9]+(\.[0-9]+)?$", example = "0.00")]
pub(crate) struct AmountOrZero(String);

/// Below 10^15, with no more decimals than the currency has. A string, so that no reader makes a float of it.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^-?[0-9]+(\.[0-9]+)?$", example = "80000.00")]
pub(crate) struct AnyAmount(String);

/// Units of one currency for one unit of another: more than zero, below 10^9, with 10 decimals at most.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^[0-9]+(\.[0-9]{1,10})?$", example = "4012.35")]
pub(crate) struct Rate(String);

/// ISO 3166-1, two letters.
#[derive(ToSchema, serde::Deserialize)]
#[schema(value_type = String, pattern = "^[A-Z]{2}$", example = "CO")]
pub(crate) struct Country(String);

/// ISO 639-1, two letters.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[a-z]{2}$", example = "es")]
pub(crate) struct Language(String);

/// The name of an IANA time zone.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[A-Za-z0-9_+/-]+$", example = "America/Bogota")]
pub(crate) struct TimeZone(String);

/// ISO 4217: those that have a minor unit.
#[derive(serde::Deserialize)]
pub(crate) struct CurrencyCode;

impl ToSchema for CurrencyCode {}

impl PartialSchema for CurrencyCode {
    fn schema() -> RefOr<Schema> {
        let letters = || 'A'..='Z';
        let codes = letters()
            .flat_map(|first| letters().flat_map(move |second| letters().map(move |third| [first, second, third])));
        let known = codes.map(String::from_iter).filter(|code| Currency::parse(code).is_ok());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("ISO 4217: those that have a minor unit."))
            .enum_values(Some(known.map(Value::String)))
            .examples([Value::from("COP")])
            .into()
    }
}
