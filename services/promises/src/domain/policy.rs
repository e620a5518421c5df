//! How strictly promises are read: the tolerances, and how long to wait for a source that is behind.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use primitives::{BusinessCalendar, Currency, Deadline};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::domain::promise::{Promise, Terms};

/// What becomes of a promised day on which banks are closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Roll {
    /// The debtor named that day, and it counts.
    #[default]
    None,
    /// The next open day.
    Following,
    /// The next open day, or the last open day before when that would be in another month.
    ModifiedFollowing,
}

impl Roll {
    fn apply(self, day: NaiveDate, calendar: &BusinessCalendar) -> NaiveDate {
        if self == Self::None || calendar.is_open(day) {
            return day;
        }
        let following = calendar.open_days_after(day, 1);
        if self == Self::ModifiedFollowing && following.month() != day.month() {
            return (1..)
                .map_while(|back| day.checked_sub_days(Days::new(back)))
                .find(|before| calendar.is_open(*before))
                .unwrap_or(day);
        }
        following
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    /// Bank days after the promised one on which a payment still counts.
    pub tolerance_days: u32,
    /// Part of the promised amount that may be missing, in percent.
    pub tolerance_percent: Decimal,
    /// Amount that may be missing, for each currency. The larger of the two tolerances holds.
    pub tolerance_amounts: BTreeMap<Currency, Decimal>,
    pub roll: Roll,
    /// Bank days after the last day until which a judgement waits for coverage.
    pub unconfirmed_cap_days: u32,
    pub calendar: BusinessCalendar,
}

impl Policy {
    /// The terms of a promise that is made under this policy.
    pub(crate) fn terms(&self, promise: &Promise) -> Terms {
        let rolled = self.roll.apply(promise.promised_date, &self.calendar);
        let promised = promise.amount.amount();
        let fixed = self.tolerance_amounts.get(&promise.amount.currency()).copied().unwrap_or_default();
        let share = promised.checked_mul(self.tolerance_percent).unwrap_or_default() / Decimal::ONE_HUNDRED;
        Terms {
            last_day: self.calendar.open_days_after(rolled, self.tolerance_days),
            required: (promised - fixed.max(share)).max(Decimal::ZERO),
        }
    }

    /// From when on a promise is judged although a source is behind.
    pub(crate) fn cap(&self, promise: &Promise, terms: Terms) -> DateTime<Utc> {
        let day = self.calendar.open_days_after(terms.last_day, self.unconfirmed_cap_days);
        Deadline::end_of_day(day, promise.zone).instant()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::judgement::samples;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_closed_day_rolls_only_where_the_policy_says_so() {
        // 2026-10-31 is a Saturday, 2026-11-02 a Colombian holiday moved to Monday (case 14).
        let calendar = BusinessCalendar::new([date("2026-11-02")]);
        let cases = [
            (Roll::None, 0, "2026-10-31", "2026-10-31"),
            (Roll::Following, 0, "2026-10-31", "2026-11-03"),
            (Roll::ModifiedFollowing, 0, "2026-10-31", "2026-10-30"),
            (Roll::ModifiedFollowing, 0, "2026-11-02", "2026-11-03"),
            (Roll::Following, 0, "2026-11-03", "2026-11-03"),
            (Roll::None, 1, "2026-10-31", "2026-11-03"),
            (Roll::Following, 2, "2026-10-31", "2026-11-05"),
        ];
        for (roll, tolerance_days, promised, expected) in cases {
            let policy = Policy { roll, tolerance_days, calendar: calendar.clone(), ..Policy::default() };
            let promise = samples::promise("2026-10-01", promised, "100.00");
            assert_eq!(policy.terms(&promise).last_day, date(expected), "{roll:?} {tolerance_days} {promised}");
        }
    }

    #[test]
    fn the_larger_tolerance_holds() {
        let cop = Currency::parse("COP").unwrap();
        let cases = [("0", None, "100"), ("1.5", None, "98.5"), ("1.5", Some("5"), "95"), ("0", Some("200"), "0")];
        for (percent, fixed, expected) in cases {
            let policy = Policy {
                tolerance_percent: percent.parse().unwrap(),
                tolerance_amounts: fixed.map(|amount| (cop, amount.parse().unwrap())).into_iter().collect(),
                ..Policy::default()
            };
            let terms = policy.terms(&samples::promise("2026-10-01", "2026-10-10", "100.00"));
            assert_eq!(terms.required, expected.parse().unwrap(), "{percent} {fixed:?}");
        }
    }
}
