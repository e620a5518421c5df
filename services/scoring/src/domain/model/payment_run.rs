//! The payer's own structure (field-rules.md L13): who pays in weekly runs is late by the calendar and not by its will.

use chrono::NaiveDate;

use super::pace::weekday;
use super::statistics::{Cell, HalfLife};

/// Fewer payments than these are no run …
const FEWEST: f64 = 8.0;
/// … nor those of which less than this share fall on one weekday. Somebody who pays on any of five weekdays alike passes
/// for a run with one chance in 150.
const SHARE: f64 = 0.65;

/// On which weekdays somebody paid; half-life a year.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct PaymentDays([Cell; 7]);

impl PaymentDays {
    pub(super) fn paid(&mut self, day: NaiveDate) {
        if let Some(cell) = self.0.get_mut(weekday(day)) {
            cell.add(day, 1.0, 1.0, HalfLife::Days365);
        }
    }

    /// The weekday of the payer's weekly run, Monday = 0; `None` when it has none, as known before `day`.
    pub(super) fn run(&self, day: NaiveDate) -> Option<usize> {
        let payments = self.0.map(|cell| cell.at(day, HalfLife::Days365).n);
        let whole = payments.iter().fold(0.0, |sum, payments| sum + payments);
        let on_run = payments.iter().position(|payments| *payments >= SHARE * whole)?;
        (whole >= FEWEST).then_some(on_run)
    }

    /// Days from the due date to the payer's next run, 0 without one: what of a delay is structure.
    pub(super) fn structural_days(&self, due_on: NaiveDate, day: NaiveDate) -> u32 {
        let days = self.run(day).map_or(0, |run| (run + 7 - weekday(due_on)) % 7);
        u32::try_from(days).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::super::super::evidence::tests::date;
    use super::*;

    fn paid(weekdays: &[u64]) -> PaymentDays {
        // 2026-01-05 is a Monday.
        let mut days = PaymentDays::default();
        for (week, weekday) in (0_u64..).zip(weekdays) {
            days.paid(date("2026-01-05") + Days::new(week * 7 + weekday));
        }
        days
    }

    #[test]
    fn a_run_is_two_thirds_of_enough_payments() {
        let cases: [(&[u64], Option<usize>); 5] = [
            (&[], None),
            (&[4, 4, 4, 4, 4, 4], None),
            (&[4; 10], Some(4)),
            (&[4, 4, 0, 4, 4, 2, 4, 4, 1, 4], Some(4)),
            (&[0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1], None),
        ];
        for (weekdays, run) in cases {
            assert_eq!(paid(weekdays).run(date("2026-04-01")), run, "{weekdays:?}");
        }
        // What is a year old and more is half forgotten: there are not enough of them any more.
        assert_eq!(paid(&[4; 10]).run(date("2027-04-01")), None);
    }

    #[test]
    fn the_days_to_the_next_run_are_structure() {
        let day = date("2026-04-01");
        let friday = paid(&[4; 12]);
        for (due, days) in [("2026-04-10", 0), ("2026-04-09", 1), ("2026-04-11", 6), ("2026-04-06", 4)] {
            assert_eq!(friday.structural_days(date(due), day), days, "{due}");
        }
        assert_eq!(PaymentDays::default().structural_days(date("2026-04-09"), day), 0);
    }
}
