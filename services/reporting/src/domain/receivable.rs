//! When an invoice and its settlements count, on the axis of value dates.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

/// The day from which an invoice is overdue: the one after it was due, but not before it existed.
pub(crate) fn overdue_from(issue_date: NaiveDate, due_date: NaiveDate) -> NaiveDate {
    due_date.checked_add_days(Days::new(1)).unwrap_or(due_date).max(issue_date)
}

/// The day on which a settlement reduces the receivable: its value date, but not before there was one. A payment in
/// advance is cash on account until the invoice is issued.
pub(crate) fn counts_on(value_date: NaiveDate, issue_date: NaiveDate) -> NaiveDate {
    value_date.max(issue_date)
}

/// The day on which the settlements, given as (day it counts on, amount), have paid the invoice off; `None` while open.
pub(crate) fn closed_on(
    issue_date: NaiveDate,
    amount: Decimal,
    settlements: &[(NaiveDate, Decimal)],
) -> Option<NaiveDate> {
    let mut by_day = settlements.to_vec();
    by_day.sort_unstable_by_key(|(day, _)| *day);
    let mut open = amount;
    let mut last = issue_date;
    for (day, settled) in by_day {
        if open <= Decimal::ZERO {
            break;
        }
        open -= settled;
        last = day;
    }
    (open <= Decimal::ZERO).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn an_invoice_is_overdue_from_the_day_after() {
        assert_eq!(overdue_from(day("2026-01-01"), day("2026-01-31")), day("2026-02-01"));
        assert_eq!(overdue_from(day("2026-03-01"), day("2026-01-31")), day("2026-03-01"), "issued after it was due");
    }

    #[test]
    fn an_invoice_closes_with_the_settlement_that_covers_it() {
        let issued = day("2026-01-10");
        let parts = |rows: &[(&str, i64)]| -> Vec<(NaiveDate, Decimal)> {
            rows.iter().map(|(on, amount)| (day(on), Decimal::from(*amount))).collect()
        };
        let cases = [
            (100, parts(&[]), None),
            (100, parts(&[("2026-02-01", 60)]), None),
            (100, parts(&[("2026-03-01", 40), ("2026-02-01", 60)]), Some("2026-03-01")),
            (0, parts(&[]), Some("2026-01-10")),
        ];
        for (amount, settlements, expected) in cases {
            assert_eq!(closed_on(issued, Decimal::from(amount), &settlements), expected.map(day));
        }
    }
}
