//! Days on which banks and offices work.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Monday to Friday without the given holidays.
#[derive(Debug, Clone, Default)]
pub struct BusinessCalendar {
    holidays: BTreeSet<NaiveDate>,
}

impl BusinessCalendar {
    pub fn new(holidays: impl IntoIterator<Item = NaiveDate>) -> Self {
        Self { holidays: holidays.into_iter().collect() }
    }

    pub fn is_open(&self, day: NaiveDate) -> bool {
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !self.holidays.contains(&day)
    }

    /// The n-th open day after `day`; `day` itself for 0.
    pub fn open_days_after(&self, day: NaiveDate, count: u32) -> NaiveDate {
        let mut current = day;
        let mut left = count;
        while left > 0 {
            let Some(next) = current.checked_add_days(Days::new(1)) else { return current };
            current = next;
            if self.is_open(current) {
                left -= 1;
            }
        }
        current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekends_and_holidays_do_not_count() {
        let monday_holiday: NaiveDate = "2026-11-02".parse().unwrap();
        let calendar = BusinessCalendar::new([monday_holiday]);
        let friday: NaiveDate = "2026-10-30".parse().unwrap();
        assert_eq!(calendar.open_days_after(friday, 1), "2026-11-03".parse().unwrap());
        assert_eq!(calendar.open_days_after(friday, 0), friday);
    }
}
