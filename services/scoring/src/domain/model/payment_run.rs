//! The payer's own structure (field-rules.md L13): who pays in runs, weekly or on days of the month, is late by the
//! calendar and not by its will.

use std::cmp::Reverse;
use std::collections::VecDeque;

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::pace::weekday;
use super::statistics::{Cell, HalfLife};

/// Fewer payment days than these are no run …
const FEWEST: f64 = 8.0;
/// … nor those of which less than this share fall on one weekday. Somebody who pays on any of five weekdays alike passes
/// for a run with one chance in 150.
const SHARE: f64 = 0.65;

/// Payment days that are remembered for runs on days of the month: a year of two a month.
const REMEMBERED: usize = 24;
/// A run that falls on a weekend is paid up to so many days later.
const ROLL_DAYS: i64 = 2;
/// (payment days at least, of a thousand how many are on the run): with payments on any day alike it holds by one chance
/// in 40,000 …
const ONE_A_MONTH: (usize, usize) = (8, 875);
/// … and this by one in 500.
const TWO_A_MONTH: (usize, usize) = (10, 900);
const FEWEST_BETWEEN: u32 = 5;
/// Payment days older than that say nothing about the runs of today.
const OLDEST_DAYS: i64 = 400;

/// When somebody pays as a habit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Run {
    /// Monday = 0.
    Weekly(usize),
    /// One or two days of the month, ascending; one that a month lacks is its last day.
    Monthly(Vec<u32>),
}

/// On which days somebody paid.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct PaymentDays {
    /// By weekday, half-life a year.
    weekdays: [Cell; 7],
    /// The last ones, each once, newest last; days since 0000-12-31.
    days: VecDeque<i32>,
}

impl PaymentDays {
    /// Something was paid. One transfer for many invoices is one payment day. Days must not go back.
    pub(super) fn paid(&mut self, day: NaiveDate) {
        let number = day.num_days_from_ce();
        if self.days.back() == Some(&number) {
            return;
        }
        if let Some(cell) = self.weekdays.get_mut(weekday(day)) {
            cell.add(day, 1.0, 1.0, HalfLife::Days365);
        }
        self.days.push_back(number);
        while self.days.len() > REMEMBERED {
            self.days.pop_front();
        }
    }

    /// The payer's run, as known before `day`; `None` when it has none.
    pub(crate) fn run(&self, day: NaiveDate) -> Option<Run> {
        self.weekly(day).map(Run::Weekly).or_else(|| self.monthly(day).map(Run::Monthly))
    }

    fn weekly(&self, day: NaiveDate) -> Option<usize> {
        let payments = self.weekdays.map(|cell| cell.at(day, HalfLife::Days365).n);
        let whole = payments.iter().fold(0.0, |sum, payments| sum + payments);
        let on_run = payments.iter().position(|payments| *payments >= SHARE * whole)?;
        (whole >= FEWEST).then_some(on_run)
    }

    fn monthly(&self, day: NaiveDate) -> Option<Vec<u32>> {
        let days = self.days.iter().filter_map(|number| NaiveDate::from_num_days_from_ce_opt(*number));
        let days: Vec<NaiveDate> = days.filter(|paid| (day - *paid).num_days() <= OLDEST_DAYS).collect();
        let rolled: Vec<(u32, Vec<i64>)> =
            (1..=31).map(|run| (run, days.iter().map(|paid| since_run(*paid, run)).collect())).collect();
        let one = || rolled.iter().map(|(run, rolled)| (vec![*run], fit(rolled.iter().copied())));
        let two = || {
            let later = |run: u32| rolled.iter().filter(move |(other, _)| *other >= run + FEWEST_BETWEEN);
            let pairs = rolled.iter().flat_map(move |(run, days)| later(*run).map(move |other| ((*run, days), other)));
            pairs.map(|((run, one), (other, two))| {
                (vec![run, *other], fit(one.iter().zip(two).map(|(one, two)| *one.min(two))))
            })
        };
        let enough = |(runs, fit): (Vec<u32>, Fit), fewest, of_thousand| {
            (days.len() >= fewest && fit.0 * 1_000 >= of_thousand * days.len()).then_some(runs)
        };
        let (fewest, of_thousand) = ONE_A_MONTH;
        let found = one().max_by_key(|(_, fit)| *fit).and_then(|best| enough(best, fewest, of_thousand));
        let (fewest, of_thousand) = TWO_A_MONTH;
        found.or_else(|| two().max_by_key(|(_, fit)| *fit).and_then(|best| enough(best, fewest, of_thousand)))
    }

    /// Days from the due date to the payer's next run, 0 without one: what of a delay is structure.
    pub(crate) fn structural_days(&self, due_on: NaiveDate, day: NaiveDate) -> u32 {
        match self.run(day) {
            Some(Run::Weekly(run)) => u32::try_from((run + 7 - weekday(due_on)) % 7).unwrap_or(0),
            Some(Run::Monthly(runs)) => {
                (0..31).find(|ahead| is_run(due_on + Days::new(u64::from(*ahead)), &runs)).unwrap_or(0)
            }
            None => 0,
        }
    }
}

fn is_run(day: NaiveDate, runs: &[u32]) -> bool {
    let last = u32::from(day.num_days_in_month());
    runs.iter().any(|run| day.day() == (*run).min(last))
}

/// Days since the last run, when it may have been rolled so far.
fn since_run(day: NaiveDate, run: u32) -> i64 {
    (0..=ROLL_DAYS).find(|back| is_run(day - chrono::Duration::days(*back), &[run])).unwrap_or(i64::MAX)
}

/// Payment days on a run, and how little they were rolled: of two that explain as many, the one they lie on.
type Fit = (usize, Reverse<i64>);

fn fit(rolled: impl Iterator<Item = i64>) -> Fit {
    let on_run = rolled.filter(|days| *days <= ROLL_DAYS);
    let (count, rolled) = on_run.fold((0, 0), |(count, sum), days| (count + 1, sum + days));
    (count, Reverse(rolled))
}

#[cfg(test)]
mod tests {
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
    fn a_weekly_run_is_two_thirds_of_enough_payments() {
        let cases: [(&[u64], Option<usize>); 5] = [
            (&[], None),
            (&[4, 4, 4, 4, 4, 4], None),
            (&[4; 10], Some(4)),
            (&[4, 4, 0, 4, 4, 2, 4, 4, 1, 4], Some(4)),
            (&[0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1], None),
        ];
        for (weekdays, run) in cases {
            assert_eq!(paid(weekdays).run(date("2026-04-01")), run.map(Run::Weekly), "{weekdays:?}");
        }
        // What is a year old and more is half forgotten: there are not enough of them any more.
        assert_eq!(paid(&[4; 10]).run(date("2027-04-01")), None);
    }

    #[test]
    fn days_of_the_month_are_runs_too() {
        let paid_on = |days: &[&str]| {
            let mut paid = PaymentDays::default();
            for day in days {
                paid.paid(date(day));
            }
            paid
        };
        // The tenth, and after a weekend the Monday.
        let tenth = [
            "2025-06-10",
            "2025-07-10",
            "2025-08-11",
            "2025-09-10",
            "2025-10-10",
            "2025-11-10",
            "2025-12-10",
            "2026-01-12",
        ];
        assert_eq!(paid_on(&tenth).run(date("2026-02-01")), Some(Run::Monthly(vec![10])));
        assert_eq!(paid_on(&tenth[..7]).run(date("2026-02-01")), None);
        let twice = [
            "2025-09-15",
            "2025-09-30",
            "2025-10-15",
            "2025-10-31",
            "2025-11-17",
            "2025-11-30",
            "2025-12-15",
            "2025-12-31",
            "2026-01-15",
            "2026-01-31",
        ];
        assert_eq!(paid_on(&twice).run(date("2026-02-01")), Some(Run::Monthly(vec![15, 31])));
        let any = ["2025-09-02", "2025-09-09", "2025-09-25", "2025-10-13", "2025-10-20", "2025-11-05", "2025-11-18"];
        let any = [any.as_slice(), ["2025-11-27", "2025-12-12", "2025-12-23", "2026-01-08"].as_slice()].concat();
        assert_eq!(paid_on(&any).run(date("2026-02-01")), None);

        let (tenth, twice, day) = (paid_on(&tenth), paid_on(&twice), date("2026-02-01"));
        for (due, days) in [("2026-02-10", 0), ("2026-02-11", 27), ("2026-02-08", 2)] {
            assert_eq!(tenth.structural_days(date(due), day), days, "{due}");
        }
        for (due, days) in [("2026-02-16", 12), ("2026-03-16", 15), ("2026-03-31", 0)] {
            assert_eq!(twice.structural_days(date(due), day), days, "{due}");
        }
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
