//! Numbers and dates as text: exact on the wire, grouped and shortened on pages.

use chrono::{Datelike, NaiveDate};
use primitives::Currency;
use rust_decimal::Decimal;

use super::words::Language;
use crate::domain::figure::{DAYS_DIGITS, rounded};
use crate::domain::month::Month;

/// An amount at the scale of its currency.
pub(in crate::api) fn wire_amount(amount: Decimal, currency: &str) -> String {
    rounded(amount, scale(currency)).to_string()
}

fn scale(currency: &str) -> u32 {
    Currency::parse(currency).map_or(2, |currency| currency.scale())
}

impl Language {
    /// Thousands and decimal separators.
    fn separators(self) -> (char, char) {
        match self {
            Self::Spanish => ('.', ','),
            Self::English => (',', '.'),
        }
    }

    /// `1.234.567,89` or `1,234,567.89`.
    pub(in crate::api) fn number(self, value: Decimal, digits: u32) -> String {
        let (thousands, point) = self.separators();
        let text = rounded(value, digits).to_string();
        let (sign, unsigned) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("\u{2212}", rest));
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let mut grouped = String::from(sign);
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(thousands);
            }
            grouped.push(digit);
        }
        if !fraction.is_empty() {
            grouped.push(point);
            grouped.push_str(fraction);
        }
        grouped
    }

    /// The exact amount, without its currency.
    pub(in crate::api) fn amount(self, amount: Decimal, currency: &str) -> String {
        self.number(amount, scale(currency))
    }

    /// Three or four significant digits with a unit: `12,3 mil`, `1,24 M`.
    pub(in crate::api) fn short(self, value: Decimal) -> String {
        let units: [(i64, &str); 3] = match self {
            Self::Spanish => [(1_000_000, "M"), (1_000, "mil"), (1, "")],
            Self::English => [(1_000_000, "M"), (1_000, "K"), (1, "")],
        };
        let magnitude = value.abs();
        let (size, unit) = units.into_iter().find(|(size, _)| magnitude >= Decimal::from(*size)).unwrap_or((1, ""));
        let scaled = value.checked_div(Decimal::from(size)).unwrap_or(value);
        let digits = match (size, scaled.abs()) {
            (1, _) => 0,
            (_, scaled) if scaled >= Decimal::ONE_HUNDRED => 0,
            (_, scaled) if scaled >= Decimal::TEN => 1,
            _ => 2,
        };
        let number = self.number(scaled, digits);
        if unit.is_empty() { number } else { format!("{number}\u{a0}{unit}") }
    }

    /// A share as whole percent; `–` without one.
    pub(in crate::api) fn percent(self, share: Option<Decimal>) -> String {
        share.map_or_else(|| "–".to_owned(), |share| format!("{}\u{a0}%", self.number(share * Decimal::ONE_HUNDRED, 0)))
    }

    pub(in crate::api) fn days(self, days: Decimal) -> String {
        self.number(days, DAYS_DIGITS)
    }

    /// `21 nov 2026`.
    pub(in crate::api) fn date(self, date: NaiveDate) -> String {
        format!("{} {} {}", date.day(), self.month_name(date.month()), date.year())
    }

    /// `21 nov`.
    pub(in crate::api) fn day(self, date: NaiveDate) -> String {
        format!("{} {}", date.day(), self.month_name(date.month()))
    }

    /// `nov`; the first of a year says which.
    pub(in crate::api) fn month(self, month: Month) -> String {
        self.month_name(month.number()).to_owned()
    }

    /// `nov 2026`.
    pub(in crate::api) fn month_and_year(self, month: Month) -> String {
        format!("{} {}", self.month_name(month.number()), month.year())
    }

    fn month_name(self, number: u32) -> &'static str {
        const SPANISH: [&str; 12] =
            ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"];
        const ENGLISH: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let names = match self {
            Self::Spanish => SPANISH,
            Self::English => ENGLISH,
        };
        let index = usize::try_from(number.saturating_sub(1)).unwrap_or(0);
        names.get(index).copied().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let cases = [
            ("1234567.891", 2, "1.234.567,89", "1,234,567.89"),
            ("999", 0, "999", "999"),
            ("-1000.5", 1, "\u{2212}1.000,5", "\u{2212}1,000.5"),
            ("0.05", 2, "0,05", "0.05"),
        ];
        for (value, digits, spanish, english) in cases {
            let value: Decimal = value.parse().unwrap();
            assert_eq!(Language::Spanish.number(value, digits), spanish);
            assert_eq!(Language::English.number(value, digits), english);
        }
    }

    #[test]
    fn large_amounts_are_shortened() {
        let cases = [
            ("0", "0"),
            ("999.4", "999"),
            ("1234", "1,23\u{a0}mil"),
            ("1234567890", "1.235\u{a0}M"),
            ("45600000", "45,6\u{a0}M"),
        ];
        for (value, expected) in cases {
            assert_eq!(Language::Spanish.short(value.parse().unwrap()), expected);
        }
    }

    #[test]
    fn amounts_keep_the_scale_of_their_currency() {
        let amount: Decimal = "1234.5".parse().unwrap();
        assert_eq!(wire_amount(amount, "COP"), "1234.50");
        assert_eq!(wire_amount(Decimal::from(1234), "CLP"), "1234");
        assert_eq!(Language::Spanish.amount(amount, "COP"), "1.234,50");
    }

    #[test]
    fn dates_are_short() {
        let date: NaiveDate = "2026-01-05".parse().unwrap();
        assert_eq!(Language::Spanish.date(date), "5 ene 2026");
        assert_eq!(Language::English.day(date), "5 Jan");
        assert_eq!(Language::English.month_and_year(Month::of(date)), "Jan 2026");
    }
}
