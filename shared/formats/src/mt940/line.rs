//! `:61:`, the statement line: value date, entry date, mark, funds code, amount, type, references.

use chrono::{Datelike, NaiveDate};
use primitives::{Currency, Money};

use super::{Field, century, narrative, unreadable};
use crate::statement::{Direction, Entry, Status, meaningful};
use crate::{Finding, draft};

/// German business transaction codes of debits that take back what had been collected.
const RETURNED_DEBITS: [&str; 3] = ["009", "108", "109"];
/// And of credits that bring back what had been paid.
const RETURNED_CREDITS: [&str; 4] = ["059", "159", "181", "184"];

pub(super) fn date(text: &str) -> Option<NaiveDate> {
    century(text)
}

/// Digits with a decimal comma, also with nothing behind it.
pub(super) fn amount(text: &str, currency: Currency, field: &Field<'_>) -> Result<Money, Finding> {
    let text = text.trim_end();
    let plain = text.replacen(',', ".", 1);
    let plain = plain.strip_suffix('.').unwrap_or(&plain);
    let plain = if plain.starts_with('.') { format!("0{plain}") } else { plain.to_owned() };
    if plain.starts_with('-') {
        return Err(field.finding("amount-format", "an amount has no sign, its mark says which way it goes"));
    }
    draft::money(&plain, currency, &field.place())
}

pub(super) fn entry(field: &Field<'_>, told: Option<&Field<'_>>, currency: Currency) -> Result<Entry, Finding> {
    let text = field.first();
    let (value, rest) = text.split_at_checked(6).unwrap_or((text, ""));
    let value_on =
        date(value).ok_or_else(|| field.finding("date-invalid", format!("{} is no date", draft::shown(value))))?;
    let (booked_on, rest) = entry_date(rest, value_on);
    let mark = mark(rest).ok_or_else(|| unreadable(field, "no mark C, D, RC or RD"))?;
    let rest = mark.rest;
    let rest = rest.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest);
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, ',' | '.')).unwrap_or(rest.len());
    let (sum, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let sum = amount(sum, currency, field)?;
    let (kind, rest) = kind(rest);
    let (customer, bank) = rest.split_once("//").unwrap_or((rest, ""));
    let mut narrative = match told {
        Some(told) if told.tag == "NS" => narrative::numbered(&told.lines),
        told => narrative::read(told.map_or(&[], |told| told.lines.as_slice())),
    };
    let transaction = &mut narrative.transaction;
    let supplement = field.lines.get(1).map_or("", |line| line.trim());
    let lines = field.lines.iter().chain(told.into_iter().flat_map(|told| &told.lines));
    transaction.contents = Some(lines.flat_map(|line| line.split_whitespace()).collect());
    let customer = customer.trim();
    if transaction.account.is_none() {
        transaction.account =
            [supplement, customer].into_iter().find(|text| narrative::is_iban(text)).map(str::to_owned);
    }
    if transaction.end_to_end.is_none() && transaction.account.as_deref() != Some(customer) {
        // What is left of NONREF where a bank counts from the type's second letter.
        transaction.end_to_end = meaningful(customer).filter(|reference| reference != "N");
    }
    if transaction.text.is_none() && transaction.references.is_empty() && transaction.account.is_none() {
        transaction.text = draft::line(supplement);
    }
    let coming_back = kind == "RTI" || narrative.back || mark.reversal || is_return(mark.direction, &narrative.code);
    if coming_back && transaction.returned.is_none() {
        transaction.returned = Some(narrative.reason);
    }
    Ok(Entry {
        place: field.place(),
        amount: sum,
        direction: mark.direction,
        reversal: mark.reversal,
        status: if mark.expected { Status::Pending } else { Status::Booked },
        booked_on,
        value_on,
        booked_at: None,
        bank_reference: meaningful(bank),
        transactions: vec![narrative.transaction],
    })
}

fn is_return(direction: Direction, code: &str) -> bool {
    match direction {
        Direction::Debit => RETURNED_DEBITS.contains(&code),
        Direction::Credit => RETURNED_CREDITS.contains(&code),
    }
}

/// `mmdd` in the year nearest to the value date, or blanks in its place.
fn entry_date(rest: &str, value: NaiveDate) -> (NaiveDate, &str) {
    let Some((digits, after)) =
        rest.split_at_checked(4).filter(|(head, _)| head.bytes().all(|byte| byte.is_ascii_digit()))
    else {
        return (value, rest.trim_start());
    };
    let year = value.year();
    let near = [year - 1, year, year + 1]
        .into_iter()
        .filter_map(|year| century(&format!("{:02}{digits}", year.rem_euclid(100))));
    let booked = near.min_by_key(|booked| (*booked - value).num_days().abs());
    (booked.unwrap_or(value), after)
}

struct Mark<'a> {
    direction: Direction,
    reversal: bool,
    /// MT942 tells what is expected, too.
    expected: bool,
    rest: &'a str,
}

/// The money's direction: taking back a credit is a debit.
fn mark(rest: &str) -> Option<Mark<'_>> {
    let marks = [
        ("RC", Direction::Debit, true, false),
        ("RD", Direction::Credit, true, false),
        ("EC", Direction::Credit, false, true),
        ("ED", Direction::Debit, false, true),
        ("C", Direction::Credit, false, false),
        ("D", Direction::Debit, false, false),
    ];
    marks.into_iter().find_map(|(text, direction, reversal, expected)| {
        rest.strip_prefix(text).map(|rest| Mark { direction, reversal, expected, rest })
    })
}

/// `N`, `F` or `S` and three characters.
fn kind(rest: &str) -> (&str, &str) {
    let typed = rest.strip_prefix(['N', 'F', 'S']).and_then(|rest| rest.split_at_checked(3));
    typed.unwrap_or(("", rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&'static str]) -> Result<Entry, Finding> {
        let field = Field { line: 7, tag: "61", lines: lines.to_vec(), length: 0 };
        entry(&field, None, Currency::parse("EUR").unwrap())
    }

    #[test]
    fn banks_write_lines_in_many_ways() {
        use Direction::{Credit, Debit};
        let cases = [
            // (line, value date, entry date, direction, reversal, amount, reference, bank's reference)
            ("2604150415D7,N192NONREF", "2026-04-15", "2026-04-15", Debit, false, "7.00", None, None),
            (
                "2603020302C1190,50NTRFINV-1//B7",
                "2026-03-02",
                "2026-03-02",
                Credit,
                false,
                "1190.50",
                Some("INV-1"),
                Some("B7"),
            ),
            ("260415    DD31,07NMSCNONREF//", "2026-04-15", "2026-04-15", Debit, false, "31.07", None, None),
            ("2604150415CN0,02NTRFNONREF//XB1", "2026-04-15", "2026-04-15", Credit, false, "0.02", None, Some("XB1")),
            ("2604150415RCR66,10NRTINONREF", "2026-04-15", "2026-04-15", Debit, true, "66.10", None, None),
            (
                "260415D000000000033,00N102EREF            ",
                "2026-04-15",
                "2026-04-15",
                Debit,
                false,
                "33.00",
                None,
                None,
            ),
            ("2512310102C10,NTRFX", "2025-12-31", "2026-01-02", Credit, false, "10.00", Some("X"), None),
            ("2601021231RD10,NTRFX", "2026-01-02", "2025-12-31", Credit, true, "10.00", Some("X"), None),
            ("090230C1,N000X", "2009-02-28", "2009-02-28", Credit, false, "1.00", Some("X"), None),
            ("260302C,5NTRFX", "2026-03-02", "2026-03-02", Credit, false, "0.50", Some("X"), None),
        ];
        for (line, value, booked, direction, reversal, amount, reference, bank) in cases {
            let entry = read(&[line]).unwrap();
            assert_eq!(
                (entry.value_on.to_string().as_str(), entry.booked_on.to_string().as_str()),
                (value, booked),
                "{line}"
            );
            assert_eq!(
                (entry.direction, entry.reversal, entry.amount.to_string().as_str()),
                (direction, reversal, amount),
                "{line}"
            );
            assert_eq!(entry.transactions[0].end_to_end.as_deref(), reference, "{line}");
            assert_eq!(entry.bank_reference.as_deref(), bank, "{line}");
        }
    }

    #[test]
    fn the_account_may_stand_in_place_of_a_reference() {
        let entry = read(&["2604150415C318,20NOVBNL25TEST9999999999", "voorbeeld bv"]).unwrap();
        let transaction = &entry.transactions[0];
        assert_eq!(transaction.account.as_deref(), Some("NL25TEST9999999999"));
        assert_eq!(transaction.end_to_end, None);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let cases = [
            ("", "date-invalid"),
            ("261301C1,NTRF", "date-invalid"),
            ("260302X1,NTRF", "statement-line"),
            ("260302CNTRF", "amount-format"),
            ("260302C1,2,3NTRF", "amount-format"),
            ("260302C1,234NTRF", "amount-scale"),
            ("260302C9999999999999999,NTRF", "amount-range"),
        ];
        for (line, code) in cases {
            let finding = read(&[line]).unwrap_err();
            assert_eq!((finding.code, finding.place.line, finding.place.path.as_str()), (code, 7, ":61:"), "{line}");
        }
    }
}
