//! Pauses, as ingestion tells of them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A pause that is in force, as a decision's record keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hold {
    pub(crate) hold_id: Uuid,
    pub(crate) kind: String,
}

/// Civil days of the debtor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) placed_on: NaiveDate,
    /// The last day of the pause.
    pub(crate) until: Option<NaiveDate>,
    /// The first day without it.
    pub(crate) lifted_on: Option<NaiveDate>,
}

impl Period {
    pub(crate) fn holds_on(self, day: NaiveDate) -> bool {
        self.placed_on <= day
            && self.until.is_none_or(|last| day <= last)
            && self.lifted_on.is_none_or(|first_without| day < first_without)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_is_held_and_the_day_of_lifting_is_not() {
        let date = |day: u32| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let held = |period: Period| (1..=9).filter(|day| period.holds_on(date(*day))).collect::<Vec<_>>();
        let period = Period { placed_on: date(3), until: None, lifted_on: None };
        assert_eq!(held(period), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(held(Period { until: Some(date(5)), ..period }), [3, 4, 5]);
        assert_eq!(held(Period { lifted_on: Some(date(5)), ..period }), [3, 4]);
        assert_eq!(held(Period { until: Some(date(7)), lifted_on: Some(date(5)), ..period }), [3, 4]);
        assert_eq!(held(Period { lifted_on: Some(date(1)), ..period }), [0; 0]);
    }
}
