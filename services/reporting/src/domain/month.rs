//! Calendar months.

use std::fmt;

use chrono::{Datelike, Days, Months, NaiveDate};

/// One month of one year, known by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Month(NaiveDate);

impl Month {
    /// The month that a day is in.
    pub(crate) fn of(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    pub(crate) fn first_day(self) -> NaiveDate {
        self.0
    }

    pub(crate) fn last_day(self) -> NaiveDate {
        self.0.checked_add_months(Months::new(1)).and_then(|next| next.checked_sub_days(Days::new(1))).unwrap_or(self.0)
    }

    /// The month after this one; itself at the end of the calendar.
    pub(crate) fn next(self) -> Self {
        self.0.checked_add_months(Months::new(1)).map_or(self, Self)
    }

    /// The month `count` months before this one; itself at the start of the calendar.
    pub(crate) fn back(self, count: u32) -> Self {
        self.0.checked_sub_months(Months::new(count)).map_or(self, Self)
    }

    /// How many of its days have begun on `day`: all of a month that is over, the days so far of the running one.
    pub(crate) fn days_until(self, day: NaiveDate) -> i64 {
        let last = self.last_day().min(day);
        (last.signed_duration_since(self.0).num_days() + 1).max(0)
    }

    /// From this month to `last`, both included; empty when `last` is earlier.
    pub(crate) fn through(self, last: Self) -> impl Iterator<Item = Self> {
        let mut next = Some(self);
        std::iter::from_fn(move || {
            let current = next.filter(|month| *month <= last)?;
            next = Some(current.next()).filter(|following| *following > current);
            Some(current)
        })
    }

    pub(crate) fn number(self) -> u32 {
        self.0.month()
    }

    pub(crate) fn year(self) -> i32 {
        self.0.year()
    }
}

/// `2026-05`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn months_know_their_days() {
        let february = Month::of(day("2028-02-17"));
        assert_eq!(february.to_string(), "2028-02");
        assert_eq!(february.last_day(), day("2028-02-29"));
        assert_eq!(february.days_until(day("2028-02-10")), 10);
        assert_eq!(february.days_until(day("2028-03-10")), 29);
        assert_eq!(february.days_until(day("2028-01-31")), 0);
        assert_eq!(february.back(2).to_string(), "2027-12");
    }

    #[test]
    fn a_run_of_months_has_no_hole() {
        let run: Vec<String> =
            Month::of(day("2026-11-30")).through(Month::of(day("2027-02-01"))).map(|month| month.to_string()).collect();
        assert_eq!(run, ["2026-11", "2026-12", "2027-01", "2027-02"]);
        assert_eq!(Month::of(day("2026-11-30")).through(Month::of(day("2026-10-01"))).count(), 0);
    }
}
