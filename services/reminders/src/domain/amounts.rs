//! Amounts and dates as a debtor reads them.

use chrono::{Datelike, NaiveDate};
use primitives::Currency;
use rust_decimal::Decimal;

use super::recipient::Language;

const ENGLISH_MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `1.234,56 COP` in Spanish, `COP 1,234.56` in English; as many decimals as the currency has.
pub(crate) fn amount(amount: Decimal, currency: Currency, language: Language) -> String {
    let mut exact = amount;
    exact.rescale(currency.scale());
    let text = exact.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let (group, point) = match language {
        Language::Spanish => ('.', ','),
        Language::English => (',', '.'),
    };
    let mut number = String::new();
    if exact.is_sign_negative() && !exact.is_zero() {
        number.push('-');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            number.push(group);
        }
        number.push(digit);
    }
    if !fraction.is_empty() {
        number.push(point);
        number.push_str(fraction);
    }
    match language {
        Language::Spanish => format!("{number} {currency}"),
        Language::English => format!("{currency} {number}"),
    }
}

/// `31/05/2026` in Spanish, `31 May 2026` in English: neither can be read with day and month swapped.
pub(crate) fn date(date: NaiveDate, language: Language) -> String {
    let month = usize::try_from(date.month0()).ok().and_then(|month| ENGLISH_MONTHS.get(month)).unwrap_or(&"?");
    match language {
        Language::Spanish => format!("{:02}/{:02}/{}", date.day(), date.month(), date.year()),
        Language::English => format!("{} {month} {}", date.day(), date.year()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_the_reader_writes_them() {
        let cases = [
            ("1234.56", "COP", "1.234,56 COP", "COP 1,234.56"),
            ("1234567", "CLP", "1.234.567 CLP", "CLP 1,234,567"),
            ("999.5", "USD", "999,50 USD", "USD 999.50"),
            ("0", "MXN", "0,00 MXN", "MXN 0.00"),
            ("1000", "KWD", "1.000,000 KWD", "KWD 1,000.000"),
            ("-12345.6", "EUR", "-12.345,60 EUR", "EUR -12,345.60"),
        ];
        for (text, code, spanish, english) in cases {
            let currency = Currency::parse(code).unwrap();
            let exact: Decimal = text.parse().unwrap();
            assert_eq!(amount(exact, currency, Language::Spanish), spanish);
            assert_eq!(amount(exact, currency, Language::English), english);
        }
        let day: NaiveDate = "2026-05-03".parse().unwrap();
        assert_eq!(date(day, Language::Spanish), "03/05/2026");
        assert_eq!(date(day, Language::English), "3 May 2026");
    }
}
