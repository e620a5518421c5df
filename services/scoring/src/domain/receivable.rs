//! An invoice as part of the open book, and from which day on a change of it alters the book.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

/// What is owed on an invoice at the end of any day follows from these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receivable {
    pub customer_id: Uuid,
    pub currency: String,
    /// Gross, taxes included.
    pub amount: Decimal,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    /// Value dates and amounts in force, oldest first.
    pub settlements: Vec<(NaiveDate, Decimal)>,
}

/// The first day on whose evening the book differs.
pub(crate) fn first_difference(known: Option<&Receivable>, now: &Receivable) -> Option<NaiveDate> {
    let Some(known) = known else { return Some(now.issued_on) };
    let terms = |it: &Receivable| (it.customer_id, it.currency.clone(), it.amount, it.issued_on, it.due_on);
    if terms(known) != terms(now) {
        return Some(known.issued_on.min(now.issued_on));
    }
    // Sorted by day: up to the first that is not the same, nothing has changed.
    let places = 0..known.settlements.len().max(now.settlements.len());
    let differs = places.into_iter().find(|place| known.settlements.get(*place) != now.settlements.get(*place))?;
    let at = |it: &Receivable| it.settlements.get(differs).map(|(day, _)| *day);
    at(known).into_iter().chain(at(now)).min().map(|day| day.max(now.issued_on))
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::date;
    use super::*;

    #[test]
    fn the_book_differs_from_the_first_day_that_is_told_otherwise() {
        let of = |settlements: &[(&str, i64)]| Receivable {
            customer_id: Uuid::nil(),
            currency: "COP".into(),
            amount: Decimal::from(100),
            issued_on: date("2026-01-05"),
            due_on: date("2026-02-04"),
            settlements: settlements.iter().map(|(day, amount)| (date(day), Decimal::from(*amount))).collect(),
        };
        let open = of(&[]);
        let part = of(&[("2026-01-20", 30)]);
        let dearer = Receivable { amount: Decimal::from(101), ..part.clone() };
        let cases = [
            (None, &open, Some("2026-01-05")),
            (Some(&open), &open, None),
            (Some(&part), &part, None),
            (Some(&open), &part, Some("2026-01-20")),
            (Some(&part), &open, Some("2026-01-20")),
            (Some(&part), &of(&[("2026-01-20", 30), ("2026-02-01", 70)]), Some("2026-02-01")),
            (Some(&part), &of(&[("2026-01-10", 30)]), Some("2026-01-10")),
            (Some(&part), &of(&[("2026-01-20", 31)]), Some("2026-01-20")),
            (Some(&open), &of(&[("2026-01-01", 30)]), Some("2026-01-05")),
            (Some(&part), &dearer, Some("2026-01-05")),
        ];
        for (known, now, expected) in cases {
            assert_eq!(first_difference(known, now), expected.map(date), "{known:?} {now:?}");
        }
    }
}
