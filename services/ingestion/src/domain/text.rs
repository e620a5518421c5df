//! Texts, dates and instants as facts may carry them: refused when they could not be stored, compared or printed faithfully.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

/// Longest natural key, in characters: what ERPs use fits, and it still fits one line of a report.
pub(crate) const KEY_CHARS: usize = 128;
/// Longest name or remark, in characters.
pub(crate) const TEXT_CHARS: usize = 500;
/// Dates further away from today than this are typing errors, not receivables.
const WINDOW_YEARS: i32 = 50;
/// RFC 5321: a path is at most 256 octets, two of which are the angle brackets.
const EMAIL_BYTES: usize = 254;

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextError {
    #[error("empty")]
    Empty,
    #[error("starts or ends with a blank")]
    Blank,
    #[error("holds a control character")]
    Control,
    #[error("longer than allowed")]
    TooLong,
    #[error("not an e-mail address")]
    Email,
    #[error("not a date of the form yyyy-mm-dd")]
    DateFormat,
    #[error("not a day of the calendar")]
    DateInvalid,
    #[error("more than 50 years away")]
    DateRange,
    #[error("an instant without an offset from UTC")]
    DateOffset,
}

impl TextError {
    /// The reason as callers see it.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Empty => "text-empty",
            Self::Blank => "text-blank",
            Self::Control => "text-control",
            Self::TooLong => "too-long",
            Self::Email => "email",
            Self::DateFormat => "date-format",
            Self::DateInvalid => "date-invalid",
            Self::DateRange => "date-range",
            Self::DateOffset => "date-offset",
        }
    }
}

/// A text of at most `max` characters, without control characters (PostgreSQL cannot store U+0000, and keys are joined with U+001F).
pub(crate) fn text(value: &str, max: usize) -> Result<&str, TextError> {
    if value.is_empty() {
        return Err(TextError::Empty);
    }
    // Bytes first: a megabyte need not be counted character by character.
    if value.len() > max * 4 || value.chars().count() > max {
        return Err(TextError::TooLong);
    }
    if value.chars().any(char::is_control) {
        return Err(TextError::Control);
    }
    if value.trim() != value {
        return Err(TextError::Blank);
    }
    Ok(value)
}

/// The source's own number of an object: compared byte by byte, so `A1` and `a1` are two objects.
pub(crate) fn natural_key(value: &str) -> Result<&str, TextError> {
    text(value, KEY_CHARS)
}

/// An address that can stand in a message's header; whether it exists only a delivery tells.
pub(crate) fn email(value: &str) -> Result<&str, TextError> {
    let value = text(value, EMAIL_BYTES)?;
    let plain =
        |part: &str| !part.is_empty() && !part.contains(['@', ' ', ',', ';', ':', '<', '>', '"', '(', ')', '\\']);
    match value.split_once('@') {
        Some((local, domain))
            if value.len() <= EMAIL_BYTES
                && plain(local)
                && plain(domain)
                && domain.contains('.')
                && !domain.starts_with(['.', '-'])
                && !domain.ends_with(['.', '-'])
                && !domain.contains("..") =>
        {
            Ok(value)
        }
        _ => Err(TextError::Email),
    }
}

/// A civil date, `yyyy-mm-dd` and nothing else, within 50 years of `today`.
pub(crate) fn date(value: &str, today: NaiveDate) -> Result<NaiveDate, TextError> {
    if !has_shape(value, "dddd-dd-dd") {
        return Err(TextError::DateFormat);
    }
    let date: NaiveDate = value.parse().map_err(|_| TextError::DateInvalid)?;
    in_window(date, today)?;
    Ok(date)
}

/// An RFC 3339 instant with an offset, within 50 years of `today`. Leap seconds and 24:00 are refused.
pub(crate) fn instant(value: &str, today: NaiveDate) -> Result<DateTime<Utc>, TextError> {
    let Some((head, tail)) = value.split_at_checked(19) else { return Err(TextError::DateFormat) };
    if !has_shape(head, "dddd-dd-ddTdd:dd:dd") {
        return Err(TextError::DateFormat);
    }
    let offset = tail.strip_prefix('.').map_or(tail, |tail| tail.trim_start_matches(|c: char| c.is_ascii_digit()));
    if offset.is_empty() {
        return Err(TextError::DateOffset);
    }
    if offset != "Z" && !has_shape(offset, "+dd:dd") && !has_shape(offset, "-dd:dd") {
        return Err(TextError::DateFormat);
    }
    let instant = DateTime::parse_from_rfc3339(value).map_err(|_| TextError::DateInvalid)?;
    if instant.nanosecond() >= 1_000_000_000 {
        return Err(TextError::DateInvalid); // chrono reads 23:59:60 as a leap second
    }
    let instant = instant.to_utc();
    in_window(instant.date_naive(), today)?;
    Ok(instant)
}

fn in_window(date: NaiveDate, today: NaiveDate) -> Result<(), TextError> {
    if (date.year() - today.year()).abs() > WINDOW_YEARS { Err(TextError::DateRange) } else { Ok(()) }
}

/// `d` stands for a digit, everything else for itself.
fn has_shape(value: &str, shape: &str) -> bool {
    value.len() == shape.len()
        && value
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, form)| if form == b'd' { byte.is_ascii_digit() } else { byte == form })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        "2026-03-01".parse().unwrap()
    }

    #[test]
    fn keys_are_printable_trimmed_and_short() {
        let long = "é".repeat(KEY_CHARS);
        for good in ["F-1", "a/b c", "🧾 1", long.as_str(), "A1"] {
            assert_eq!(natural_key(good), Ok(good));
        }
        let too_long = "x".repeat(KEY_CHARS + 1);
        let cases = [
            ("", TextError::Empty),
            (" F-1", TextError::Blank),
            ("F-1\u{a0}", TextError::Blank),
            ("F\u{0}1", TextError::Control),
            ("F\u{1f}1", TextError::Control),
            ("F\n1", TextError::Control),
            (too_long.as_str(), TextError::TooLong),
        ];
        for (bad, expected) in cases {
            assert_eq!(natural_key(bad), Err(expected), "{bad:?}");
        }
    }

    #[test]
    fn dates_are_iso_real_and_near() {
        let cases = [
            ("2026-02-28", Ok("2026-02-28".parse().unwrap())),
            ("2026-02-30", Err(TextError::DateInvalid)),
            ("2025-02-29", Err(TextError::DateInvalid)),
            ("03/04/2026", Err(TextError::DateFormat)),
            ("2026-3-4", Err(TextError::DateFormat)),
            ("2026-03-04T00:00:00Z", Err(TextError::DateFormat)),
            ("0000-01-01", Err(TextError::DateRange)),
            ("1900-01-01", Err(TextError::DateRange)),
            ("9999-12-31", Err(TextError::DateRange)),
            ("45992", Err(TextError::DateFormat)),
        ];
        for (value, expected) in cases {
            assert_eq!(date(value, today()), expected, "{value}");
        }
    }

    #[test]
    fn instants_need_an_offset_and_a_real_second() {
        assert_eq!(instant("2026-03-01T10:00:00-05:00", today()).unwrap().to_rfc3339(), "2026-03-01T15:00:00+00:00");
        assert!(instant("2026-03-01T10:00:00.123456Z", today()).is_ok());
        let cases = [
            ("2026-03-01T10:00:00", TextError::DateOffset),
            ("2026-03-01", TextError::DateFormat),
            ("2026-03-01 10:00:00Z", TextError::DateFormat),
            ("2026-03-01T24:00:00Z", TextError::DateInvalid),
            ("2026-03-01T23:59:60Z", TextError::DateInvalid),
            ("2026-02-30T10:00:00Z", TextError::DateInvalid),
            ("1900-01-01T00:00:00Z", TextError::DateRange),
            ("2026-03-01T10:00:00+0500", TextError::DateFormat),
        ];
        for (value, expected) in cases {
            assert_eq!(instant(value, today()), Err(expected), "{value}");
        }
    }

    #[test]
    fn addresses_cannot_carry_a_second_header() {
        assert!(email("cuentas.por.pagar@acme.com.co").is_ok());
        for bad in
            ["a", "a@b", "@b.co", "a@", "a@b@c.co", "a b@c.co", "a@c..co", "a@c.co,x@y.co", "A <a@c.co>", "a@-c.co"]
        {
            assert_eq!(email(bad), Err(TextError::Email), "{bad}");
        }
        assert_eq!(email("a@b.co\r\nBcc: x@y.co"), Err(TextError::Control));
    }
}
