//! Texts as the values that ingestion takes: amounts with a point, ISO dates, instants in UTC.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone, Utc};
use rust_decimal::Decimal;

use super::plan::{Negative, Numbers, Reading};

/// What a cell was before it was a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Written with a point and without groups.
    Number,
    /// ISO, with a time where it has one.
    Date,
    /// An error of a spreadsheet (`#REF!`).
    Error,
}

/// Why a value is refused: code and detail.
pub(super) type Refused = (&'static str, String);

/// Formats that are numbers and not made of `%`.
const COUNTED: [&str; 5] = ["epoch_days", "epoch_s", "epoch_ms", "epoch_us", "excel_serial"];
/// Serial numbers of 1954 and 2064: what stands in a column of dates and is between them was a date.
const SERIALS: std::ops::RangeInclusive<u64> = 20_000..=60_000;
/// Day 0 of Excel, whose 29 February 1900 every later serial number counts.
const EXCEL_DAY_0: (i32, u32, u32) = (1899, 12, 30);
/// Dates outside of it come from a format that does not fit.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

const COERCED: &str = "excel-coerced";

pub(super) fn check_format(format: &str) -> Result<(), String> {
    if COUNTED.contains(&format) {
        return Ok(());
    }
    if format.is_empty() || StrftimeItems::new(format).any(|item| matches!(item, Item::Error)) {
        return Err("this is no date format; %Y-%m-%d, %d.%m.%Y and %d/%m/%y are some".to_owned());
    }
    // A format that cannot read what it wrote lacks the year, the month or the day.
    let sample = NaiveDate::from_ymd_opt(2026, 11, 25).and_then(|date| date.and_hms_opt(13, 14, 15));
    let mut written = String::new();
    let told = sample.is_some_and(|sample| {
        std::fmt::Write::write_fmt(&mut written, format_args!("{}", sample.and_utc().format(format))).is_ok()
    });
    if told && (NaiveDate::parse_from_str(&written, format).is_ok() || parsed(&written, format).is_some()) {
        return Ok(());
    }
    Err("a year, a month and a day are expected in a date format".to_owned())
}

/// `1.23E+11`: a number that a spreadsheet has shortened.
pub(super) fn is_shortened(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or_default();
    let digit = |c: char| c.is_ascii_digit();
    !digits.is_empty()
        && digits.chars().all(digit)
        && mantissa.starts_with(digit)
        && mantissa.chars().all(|c| digit(c) || c == '.' || c == ',')
}

pub(super) fn text(text: &str, kind: Kind) -> Result<String, Refused> {
    if kind == Kind::Error {
        return Err((COERCED, format!("{text} is an error of the spreadsheet, not a value")));
    }
    if is_shortened(text) {
        let hint = "format the column as text before the number is typed or imported";
        return Err((COERCED, format!("{text} is a number that a spreadsheet has shortened; {hint}")));
    }
    Ok(text.to_owned())
}

pub(super) fn amount(text: &str, kind: Kind, numbers: &Numbers) -> Result<Decimal, Refused> {
    self::text(text, kind)?;
    let refuse = || {
        let group = numbers.group.map_or_else(String::new, |group| format!(" and groups of three before \"{group}\""));
        ("amount-format", format!("\"{text}\" is no amount with the decimal sign \"{}\"{group}", numbers.decimal))
    };
    if kind == Kind::Number {
        return Decimal::from_str_exact(text).map_err(|_| refuse());
    }
    let mut rest = text.to_owned();
    for ignored in &numbers.ignore {
        rest = rest.replace(ignored.as_str(), "");
    }
    let mut rest = rest.trim();
    let mut is_negative = false;
    for form in &numbers.negative {
        let inner = match form {
            Negative::Leading => rest.strip_prefix('-').or_else(|| rest.strip_prefix('\u{2212}')),
            Negative::Trailing => rest.strip_suffix('-'),
            Negative::Parentheses => rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')),
        };
        if let Some(inner) = inner {
            (rest, is_negative) = (inner.trim(), true);
            break;
        }
    }
    let (whole, fraction) = rest.split_once(numbers.decimal).map_or((rest, None), |(whole, rest)| (whole, Some(rest)));
    let whole = ungrouped(whole, numbers.group).ok_or_else(refuse)?;
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(&whole) || fraction.is_some_and(|fraction| !is_digits(fraction)) {
        return Err(refuse());
    }
    let sign = if is_negative { "-" } else { "" };
    let canonical = fraction.map_or_else(|| format!("{sign}{whole}"), |fraction| format!("{sign}{whole}.{fraction}"));
    Decimal::from_str_exact(&canonical).map_err(|_| refuse())
}

/// Groups have three digits, only the first may have fewer: `1.5` with groups before `.` is no fifteen.
fn ungrouped(whole: &str, group: Option<char>) -> Option<String> {
    let Some(group) = group else { return Some(whole.to_owned()) };
    let is_group = |c: char| c == group || (group == ' ' && c.is_whitespace()) || (group == '\'' && c == '’');
    let mut groups = whole.split(is_group);
    let first = groups.next()?;
    let mut all = first.to_owned();
    let mut count = 0_usize;
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        all.push_str(group);
        count += 1;
    }
    (count == 0 || (1..=3).contains(&first.len())).then_some(all)
}

/// Zero without a sign, whatever its scale.
pub(super) fn written(amount: Decimal) -> String {
    if amount.is_zero() { amount.abs().to_string() } else { amount.to_string() }
}

pub(super) fn date(text: &str, kind: Kind, formats: &[String], reading: &Reading) -> Result<NaiveDate, Refused> {
    if let Some(date) = dated(text, kind, formats, reading) {
        return Ok(date);
    }
    Err(no_date(text, kind, formats, "date"))
}

/// Midnight of a date in the profile's time zone.
pub(super) fn instant(text: &str, kind: Kind, formats: &[String], reading: &Reading) -> Result<String, Refused> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(shown(instant.to_utc()));
    }
    let typed = (kind == Kind::Date).then(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok()).flatten();
    let mut read = typed;
    for format in formats {
        if read.is_some() {
            break;
        }
        if let Some(instant) = counted(text, format) {
            return Ok(shown(instant));
        }
        read = NaiveDateTime::parse_from_str(text, format).ok().filter(|at| in_range(at.date()));
    }
    let read = read.or_else(|| dated(text, kind, formats, reading).map(|date| date.and_time(NaiveTime::MIN)));
    let local = read.and_then(|read| reading.time_zone.from_local_datetime(&read).earliest());
    local.map(|at| shown(at.to_utc())).ok_or_else(|| no_date(text, kind, formats, "instant"))
}

fn shown(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn dated(text: &str, kind: Kind, formats: &[String], reading: &Reading) -> Option<NaiveDate> {
    if kind == Kind::Date {
        return text.get(..10).and_then(|day| day.parse().ok());
    }
    formats.iter().find_map(|format| {
        if let Some(instant) = counted(text, format) {
            // Days are days wherever they are counted; seconds are of a place.
            let is_days = matches!(format.as_str(), "epoch_days" | "excel_serial");
            let local = || instant.with_timezone(&reading.time_zone).date_naive();
            return Some(if is_days { instant.date_naive() } else { local() });
        }
        let plain = NaiveDate::parse_from_str(text, format).ok();
        plain.or_else(|| parsed(text, format)).filter(|date| in_range(*date))
    })
}

fn parsed(text: &str, format: &str) -> Option<NaiveDate> {
    NaiveDateTime::parse_from_str(text, format).ok().map(|at| at.date())
}

fn in_range(date: NaiveDate) -> bool {
    YEARS.contains(&chrono::Datelike::year(&date))
}

fn counted(text: &str, format: &str) -> Option<DateTime<Utc>> {
    if !COUNTED.contains(&format) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    let midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
    let instant = match format {
        "epoch_days" => DateTime::from_timestamp(number.checked_mul(86_400)?, 0),
        "epoch_s" => DateTime::from_timestamp(number, 0),
        "epoch_ms" => DateTime::from_timestamp_millis(number),
        "epoch_us" => DateTime::from_timestamp_micros(number),
        _ => {
            let (year, month, day) = EXCEL_DAY_0;
            let days = Days::new(u64::try_from(number).ok()?);
            NaiveDate::from_ymd_opt(year, month, day)?.checked_add_days(days).map(midnight)
        }
    };
    instant.filter(|instant| in_range(instant.date_naive()))
}

fn no_date(text: &str, kind: Kind, formats: &[String], what: &str) -> Refused {
    if let Err(refused) = self::text(text, kind) {
        return refused;
    }
    if text.len() == 5 && text.parse().is_ok_and(|serial: u64| SERIALS.contains(&serial)) {
        let hint = "format the column as a date, or add excel_serial to the formats";
        return (COERCED, format!("{text} is the serial number of a date in a spreadsheet; {hint}"));
    }
    let article = if what == "instant" { "an" } else { "a" };
    ("date-format", format!("\"{text}\" is not {article} {what} of the form {}", formats.join(" or ")))
}

/// What a spreadsheet shows of a float: fifteen digits. Longer whole numbers have lost some and are written shortened.
pub(super) fn of_float(number: f64) -> String {
    let scientific = format!("{number:.14e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return "0".to_owned();
    }
    if !(-20..=14).contains(&exponent) {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{sign}{first}{point}{rest}E{exponent:+}");
    }
    if exponent < 0 {
        let zeros = usize::try_from(exponent.unsigned_abs()).unwrap_or(1) - 1;
        return format!("{sign}0.{}{digits}", "0".repeat(zeros));
    }
    let whole = usize::try_from(exponent).unwrap_or(0) + 1;
    match digits.split_at_checked(whole) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{digits:0<whole$}"),
    }
}

/// Big-endian two's complement, as Kafka Connect writes decimals.
pub(super) fn of_bytes(base64: &str, scale: u32) -> Result<Decimal, Refused> {
    let refuse = || ("amount-format", format!("\"{base64}\" is not a decimal of at most 12 bytes in base64"));
    let bytes = unbase64(base64).filter(|bytes| (1..=12).contains(&bytes.len())).ok_or_else(refuse)?;
    let start: i128 = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    let number = bytes.iter().fold(start, |number, byte| (number << 8) | i128::from(*byte));
    Decimal::try_from_i128_with_scale(number, scale).map_err(|_| refuse())
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for character in text.bytes() {
        let six = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = ((bits << 6) | u32::from(six)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(decimal: char, group: Option<char>) -> Numbers {
        let negative = vec![Negative::Leading, Negative::Trailing, Negative::Parentheses];
        Numbers { decimal, group, negative, ignore: vec!["$".to_owned()] }
    }

    #[test]
    fn amounts_are_read_as_the_profile_says_or_not_at_all() {
        let read = |text: &str, decimal, group| {
            amount(text, Kind::Text, &numbers(decimal, group)).map(written).map_err(|(code, _)| code)
        };
        for (text, canonical) in [
            ("1.234.567,80", "1234567.80"),
            ("1.234-", "-1234"),
            ("(12,50)", "-12.50"),
            ("-0,00", "0.00"),
            ("$ 10", "10"),
            ("1234,5", "1234.5"),
        ] {
            assert_eq!(read(text, ',', Some('.')).as_deref(), Ok(canonical), "{text}");
        }
        for text in ["1.5", "1,5,0", "", "-", "1.234.5", "1234.567", "abc", "--1", ",5", "1,", "1 000"] {
            assert_eq!(read(text, ',', Some('.')), Err("amount-format"), "{text}");
        }
        assert_eq!(read("1,23E+11", ',', Some('.')), Err(COERCED));
        assert_eq!(read("1 234.50", '.', Some(' ')).as_deref(), Ok("1234.50"));
        assert_eq!(read("1\u{a0}234.50", '.', Some(' ')).as_deref(), Ok("1234.50"));
    }

    #[test]
    fn floats_are_written_as_a_spreadsheet_shows_them() {
        for (number, text) in [
            (0.300_000_000_000_000_04, "0.3"),
            (100_045.0, "100045"),
            (1234.56, "1234.56"),
            (-0.05, "-0.05"),
            (0.0, "0"),
            (123_456_789_012_345.0, "123456789012345"),
            (1.234_567_890_123_456_7e19, "1.23456789012346E+19"),
            (1e-7, "0.0000001"),
            (1e20, "1E+20"),
        ] {
            assert_eq!(of_float(number), text);
        }
        assert!(is_shortened(&of_float(1e20)));
    }

    #[test]
    fn decimals_come_as_bytes() {
        let read = |text, scale| of_bytes(text, scale).map(|amount| amount.to_string()).ok();
        assert_eq!(read("AeJA", 2).as_deref(), Some("1234.56"));
        assert_eq!(read("/w==", 2).as_deref(), Some("-0.01"));
        assert_eq!(read("", 2), None);
        assert_eq!(read("****", 2), None);
        assert_eq!(read("AAAAAAAAAAAAAAAAAAAAAAAA", 2), None);
    }

    #[test]
    fn formats_have_a_year_a_month_and_a_day() {
        for good in ["%Y-%m-%d", "%d.%m.%y", "%d/%m/%Y %H:%M", "%Y%m%d", "epoch_days", "%d %b %Y"] {
            assert_eq!(check_format(good), Ok(()), "{good}");
        }
        for bad in ["", "%Q", "%d.%m.", "yyyy-mm-dd", "%H:%M"] {
            assert!(check_format(bad).is_err(), "{bad}");
        }
    }
}
