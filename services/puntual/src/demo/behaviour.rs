//! How a simulated debtor treats an invoice: when it pays by itself, and what a reminder does to it.

use chrono::{Datelike, Days, NaiveDate, Weekday};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Behaviour {
    Punctual,
    SlightlyLate,
    HabituallyLate,
    FridaysOnly,
    FixedDays,
    LumpSums,
    Withholder,
    Disputer,
    PromiseKeeper,
    PromiseBreaker,
    Declining,
    NeverPays,
}

/// Of fifty customers, how many behave like this.
pub(crate) const DECK: [(Behaviour, u32); 12] = [
    (Behaviour::Punctual, 20),
    (Behaviour::SlightlyLate, 8),
    (Behaviour::HabituallyLate, 4),
    (Behaviour::FridaysOnly, 3),
    (Behaviour::FixedDays, 3),
    (Behaviour::LumpSums, 2),
    (Behaviour::Withholder, 3),
    (Behaviour::Disputer, 2),
    (Behaviour::PromiseKeeper, 2),
    (Behaviour::PromiseBreaker, 1),
    (Behaviour::Declining, 1),
    (Behaviour::NeverPays, 1),
];

/// The days on which a debtor's treasury pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayDays {
    Workdays,
    Fridays,
    /// The 15th and the 30th (or the month's last day), or the workday after.
    Halves,
    /// The 25th, or the workday after.
    Monthly,
}

/// The habit behind a behaviour. Percentages are of invoices, except where they say otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habit {
    /// Days after the due date at which it would pay if nobody wrote, earliest and latest.
    pub(crate) delay_days: (i32, i32),
    /// Further days of delay that build up over the length of the demo.
    pub(crate) decline_days: i32,
    pub(crate) pay_days: PayDays,
    pub(crate) pays: bool,
    /// Names the invoices that a payment is for.
    pub(crate) remits: bool,
    pub(crate) withholds: bool,
    /// Of reminders, how many make it pay within days.
    pub(crate) responds_percent: u32,
    /// Of reminders, how many it answers with a promise.
    pub(crate) promises_percent: u32,
    /// Of promises, how many it keeps.
    pub(crate) keeps_percent: u32,
    /// Of reminders, how many it answers with an objection.
    pub(crate) disputes_percent: u32,
    /// Pays in two parts.
    pub(crate) parts_percent: u32,
}

impl Behaviour {
    pub(crate) fn habit(self) -> Habit {
        let usual = Habit {
            delay_days: (-3, 4),
            decline_days: 0,
            pay_days: PayDays::Workdays,
            pays: true,
            remits: true,
            withholds: false,
            responds_percent: 40,
            promises_percent: 4,
            keeps_percent: 85,
            disputes_percent: 1,
            parts_percent: 3,
        };
        match self {
            Self::Punctual => Habit {
                delay_days: (-7, 0),
                promises_percent: 1,
                keeps_percent: 98,
                disputes_percent: 0,
                parts_percent: 1,
                ..usual
            },
            Self::SlightlyLate => Habit { delay_days: (1, 8), ..usual },
            Self::HabituallyLate => Habit {
                delay_days: (12, 48),
                responds_percent: 25,
                promises_percent: 15,
                keeps_percent: 65,
                parts_percent: 10,
                ..usual
            },
            Self::FridaysOnly => Habit { delay_days: (-4, 2), pay_days: PayDays::Fridays, ..usual },
            Self::FixedDays => Habit { delay_days: (-6, 0), pay_days: PayDays::Halves, ..usual },
            Self::LumpSums => Habit {
                delay_days: (3, 8),
                pay_days: PayDays::Monthly,
                remits: false,
                responds_percent: 20,
                promises_percent: 0,
                parts_percent: 0,
                ..usual
            },
            Self::Withholder => Habit { delay_days: (-3, 5), withholds: true, ..usual },
            Self::Disputer => Habit { delay_days: (3, 16), disputes_percent: 25, ..usual },
            Self::PromiseKeeper => {
                Habit { delay_days: (8, 26), promises_percent: 60, keeps_percent: 93, responds_percent: 15, ..usual }
            }
            Self::PromiseBreaker => {
                Habit { delay_days: (20, 60), promises_percent: 60, keeps_percent: 20, responds_percent: 5, ..usual }
            }
            Self::Declining => Habit { decline_days: 50, keeps_percent: 60, responds_percent: 20, ..usual },
            Self::NeverPays => Habit {
                delay_days: (90, 180),
                pays: false,
                responds_percent: 0,
                promises_percent: 8,
                keeps_percent: 0,
                ..usual
            },
        }
    }
}

pub(crate) fn is_workday(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// `day` moved by a number of days, in either direction.
pub(crate) fn plus_days(day: NaiveDate, days: i32) -> NaiveDate {
    let distance = Days::new(u64::from(days.unsigned_abs()));
    let moved = if days < 0 { day.checked_sub_days(distance) } else { day.checked_add_days(distance) };
    moved.unwrap_or(day)
}

pub(crate) fn next_workday(day: NaiveDate) -> NaiveDate {
    let mut day = day;
    while !is_workday(day) {
        day = plus_days(day, 1);
    }
    day
}

impl PayDays {
    /// The first pay day that is not before `day`.
    pub(crate) fn next(self, day: NaiveDate) -> NaiveDate {
        // Every rule has a day in any stretch of forty days.
        (0..40).map(|ahead| plus_days(day, ahead)).find(|candidate| self.includes(*candidate)).unwrap_or(day)
    }

    /// The last pay day that is not after `day`, if it is not before `earliest`.
    pub(crate) fn last(self, earliest: NaiveDate, day: NaiveDate) -> Option<NaiveDate> {
        (0..40)
            .map(|back| plus_days(day, -back))
            .take_while(|candidate| *candidate >= earliest)
            .find(|candidate| self.includes(*candidate))
    }

    pub(crate) fn includes(self, day: NaiveDate) -> bool {
        match self {
            Self::Workdays => is_workday(day),
            Self::Fridays => day.weekday() == Weekday::Fri,
            Self::Halves => {
                let last = last_day_of_month(day);
                [15, last.min(30)].into_iter().any(|nominal| day == nominal_workday(day, nominal))
                    || day == after_month_end(day)
            }
            Self::Monthly => day == nominal_workday(day, 25),
        }
    }
}

fn nominal_workday(month: NaiveDate, day: u32) -> NaiveDate {
    month.with_day(day).map_or(month, next_workday)
}

/// The workday to which the 30th of the month before has moved, where it has moved over the end of that month.
fn after_month_end(day: NaiveDate) -> NaiveDate {
    let before = day.with_day(1).map_or(day, |first| plus_days(first, -1));
    let nominal = last_day_of_month(before).min(30);
    before.with_day(nominal).map_or(before, next_workday)
}

fn last_day_of_month(day: NaiveDate) -> u32 {
    (28..=31).rev().find(|candidate| day.with_day(*candidate).is_some()).unwrap_or(28)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn pay_days_are_the_next_allowed_ones() {
        let cases = [
            (PayDays::Workdays, "2026-01-03", "2026-01-05"), // a Saturday
            (PayDays::Fridays, "2026-01-03", "2026-01-09"),
            (PayDays::Halves, "2026-01-03", "2026-01-15"),
            (PayDays::Halves, "2026-01-16", "2026-01-30"),
            (PayDays::Halves, "2026-02-14", "2026-02-16"), // the 15th is a Sunday
            (PayDays::Halves, "2026-02-17", "2026-03-02"), // the 28th is a Saturday
            (PayDays::Halves, "2026-05-30", "2026-06-01"), // the 30th is a Saturday
            (PayDays::Monthly, "2026-01-03", "2026-01-26"), // the 25th is a Sunday
            (PayDays::Monthly, "2026-01-27", "2026-02-25"),
        ];
        for (rule, from, expected) in cases {
            assert_eq!(rule.next(date(from)), date(expected), "{rule:?} from {from}");
        }
    }

    #[test]
    fn the_last_pay_day_is_looked_for_in_the_window_only() {
        assert_eq!(PayDays::Fridays.last(date("2026-01-03"), date("2026-01-11")), Some(date("2026-01-09")));
        assert_eq!(PayDays::Fridays.last(date("2026-01-10"), date("2026-01-11")), None);
    }

    #[test]
    fn the_deck_has_fifty_cards() {
        assert_eq!(DECK.iter().map(|(_, count)| count).sum::<u32>(), 50);
    }
}
