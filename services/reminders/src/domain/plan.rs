//! When the next step of an invoice is due.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use primitives::civil;

use super::strategy::{Step, Strategy};

/// Where and when a customer is written to: the tenant's hour in the debtor's zone, the creditor's when unknown (D10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SendWindow {
    pub(crate) zone: Tz,
    /// Local hour, 0 to 23.
    pub(crate) hour: u32,
}

impl SendWindow {
    /// The instant at which the steps of a civil day fall due.
    pub(crate) fn opens(self, day: NaiveDate) -> DateTime<Utc> {
        let hour = NaiveTime::from_hms_opt(self.hour, 0, 0).unwrap_or(NaiveTime::MIN);
        civil::at(day, hour, self.zone)
    }

    /// The debtor's civil day.
    pub(crate) fn day(self, now: DateTime<Utc>) -> NaiveDate {
        civil::day_of(now, self.zone)
    }

    /// The last civil day whose steps have fallen due.
    pub(crate) fn through(self, now: DateTime<Utc>) -> NaiveDate {
        let day = self.day(now);
        if self.opens(day) <= now { day } else { day.checked_sub_days(Days::new(1)).unwrap_or(day) }
    }

    /// After a message was decided, its customer is left alone until the next day's hour.
    pub(crate) fn next_day(self, day: NaiveDate) -> DateTime<Utc> {
        self.opens(day.checked_add_days(Days::new(1)).unwrap_or(day))
    }
}

/// An invoice that reached its debtor later than this after its date was delivered late: a week is what a monthly closing and a
/// courier take, and nobody counts a term from less. Unless its tenant says otherwise.
pub(crate) const LATE_DELIVERY_DAYS: i32 = 7;

/// What the plan of one invoice depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Anchor {
    pub(crate) issue_date: NaiveDate,
    /// As printed; absent in records from before it was kept.
    pub(crate) due_date: Option<NaiveDate>,
    pub(crate) effective_due_date: NaiveDate,
    pub(crate) delivered_date: Option<NaiveDate>,
    /// Days from issue to delivery after which that was late.
    pub(crate) late_delivery_days: i32,
    /// Through which another system has dunned it (L8).
    pub(crate) last_dunned_on: Option<NaiveDate>,
    pub(crate) settled: bool,
    /// Highest offset decided so far.
    pub(crate) decided_through: Option<i32>,
    /// The last decision said that the invoice is paid.
    pub(crate) closed: bool,
}

impl Anchor {
    /// Day of delivery, and how many days after its date that was, of an invoice that came late or not before it was due: its
    /// clock starts then (R27).
    fn late_delivery(&self) -> Option<(NaiveDate, Days)> {
        let (due, delivered) = (self.due_date?, self.delivered_date?);
        let days = (delivered - self.issue_date).num_days();
        let is_late = days > i64::from(self.late_delivery_days) || delivered > due;
        Some((delivered, Days::new(u64::try_from(days).ok()?))).filter(|_| is_late)
    }

    /// The day from which steps are counted: the one that was agreed, or the whole term from a late delivery where that is later.
    pub(crate) fn due(&self) -> NaiveDate {
        let from_delivery = self.late_delivery().and_then(|(_, days)| self.due_date?.checked_add_days(days));
        from_delivery.map_or(self.effective_due_date, |day| day.max(self.effective_due_date))
    }

    /// The first day on which the debtor can be reminded.
    fn begins(&self) -> NaiveDate {
        self.late_delivery().map_or(self.issue_date, |(delivered, _)| delivered)
    }

    pub(crate) fn day_of(&self, step: &Step) -> Option<NaiveDate> {
        let days = Days::new(u64::from(step.offset_days.unsigned_abs()));
        if step.offset_days < 0 { self.due().checked_sub_days(days) } else { self.due().checked_add_days(days) }
    }

    /// The steps still to be decided, each with its position and its day.
    pub(crate) fn pending<'a>(
        &self,
        strategy: &'a Strategy,
    ) -> impl Iterator<Item = (usize, &'a Step, NaiveDate)> + use<'a> {
        let anchor = *self;
        let over = anchor.settled && anchor.closed;
        strategy
            .steps
            .iter()
            .enumerate()
            .filter(move |(_, step)| !over && anchor.decided_through.is_none_or(|last| step.offset_days > last))
            .filter_map(move |(position, step)| Some((position, step, anchor.day_of(step)?)))
            // Nobody is reminded of what has not been invoiced yet, or has not come: such a step never was.
            .filter(move |(_, _, day)| *day >= anchor.begins())
            // Nor of what another system has reminded it of already.
            .filter(move |(_, _, day)| anchor.last_dunned_on.is_none_or(|last| *day > last))
    }

    /// The day of the next step; `None` when the plan is over.
    pub(crate) fn next_day(&self, strategy: &Strategy) -> Option<NaiveDate> {
        self.pending(strategy).map(|(_, _, day)| day).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::strategy::built_in;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_step_follows_the_highest_one_decided() {
        let default = built_in().remove(0);
        let cases = [
            // (issued, due, decided through, settled, closed, next)
            ("2026-03-01", "2026-03-31", None, false, false, Some("2026-03-24")),
            ("2026-03-24", "2026-03-31", None, false, false, Some("2026-03-24")),
            ("2026-03-25", "2026-03-31", None, false, false, Some("2026-03-31")), // −7 would be before the invoice
            ("2026-03-31", "2026-03-31", None, false, false, Some("2026-03-31")),
            ("2026-03-01", "2026-03-31", Some(-7), false, false, Some("2026-03-31")),
            ("2026-03-01", "2026-03-31", Some(5), false, false, Some("2026-04-10")), // decided by another strategy
            ("2026-03-01", "2026-03-31", Some(20), false, false, None),
            ("2026-03-01", "2026-03-31", Some(0), true, false, Some("2026-04-03")), // will say: paid
            ("2026-03-01", "2026-03-31", Some(3), true, true, None),
            ("2026-03-01", "2026-03-31", Some(3), false, true, Some("2026-04-10")), // the payment bounced
        ];
        for (issued, due, decided_through, settled, closed, next) in cases {
            let anchor = Anchor {
                issue_date: date(issued),
                due_date: Some(date(due)),
                effective_due_date: date(due),
                delivered_date: None,
                late_delivery_days: LATE_DELIVERY_DAYS,
                last_dunned_on: None,
                settled,
                decided_through,
                closed,
            };
            assert_eq!(anchor.next_day(&default), next.map(date), "{anchor:?}");
        }
    }

    #[test]
    fn what_another_system_has_dunned_goes_on_where_that_one_stopped() {
        let default = built_in().remove(0);
        for (dunned, next) in [("2026-03-30", "2026-03-31"), ("2026-04-03", "2026-04-10"), ("2026-09-01", "over")] {
            let anchor = Anchor {
                issue_date: date("2026-03-01"),
                due_date: Some(date("2026-03-31")),
                effective_due_date: date("2026-03-31"),
                delivered_date: None,
                late_delivery_days: LATE_DELIVERY_DAYS,
                last_dunned_on: Some(date(dunned)),
                settled: false,
                decided_through: None,
                closed: false,
            };
            let day = anchor.next_day(&default).map_or_else(|| "over".to_owned(), |day| day.to_string());
            assert_eq!(day, next, "{dunned}");
        }
    }

    #[test]
    fn the_clock_of_an_invoice_that_came_late_starts_when_it_came() {
        let default = built_in().remove(0);
        let cases = [
            // (delivered, agreed until, counted from, first step)
            (None, "2026-03-31", "2026-03-31", "2026-03-24"),
            (Some("2026-02-25"), "2026-03-31", "2026-03-31", "2026-03-24"), // before its own date
            (Some("2026-03-08"), "2026-03-31", "2026-03-31", "2026-03-24"), // within a week
            (Some("2026-03-09"), "2026-03-31", "2026-04-08", "2026-04-01"),
            (Some("2026-04-02"), "2026-03-31", "2026-05-02", "2026-04-25"), // after it was due
            (Some("2026-03-09"), "2026-04-30", "2026-04-30", "2026-04-23"), // more was agreed
        ];
        for (delivered, agreed, counted, first) in cases {
            let anchor = Anchor {
                issue_date: date("2026-03-01"),
                due_date: Some(date("2026-03-31")),
                effective_due_date: date(agreed),
                delivered_date: delivered.map(date),
                late_delivery_days: LATE_DELIVERY_DAYS,
                last_dunned_on: None,
                settled: false,
                decided_through: None,
                closed: false,
            };
            assert_eq!((anchor.due(), anchor.next_day(&default)), (date(counted), Some(date(first))), "{delivered:?}");
            let patient = Anchor { late_delivery_days: 400, ..anchor };
            let is_past_due = delivered.is_some_and(|delivered| date(delivered) > date("2026-03-31"));
            assert_eq!(patient.due() == date(agreed), !is_past_due, "a tenant to whom it was not late: {delivered:?}");
        }
        // Cash on delivery that came after a fortnight: no step before it came.
        let anchor = Anchor {
            issue_date: date("2026-03-01"),
            due_date: Some(date("2026-03-01")),
            effective_due_date: date("2026-03-01"),
            delivered_date: Some(date("2026-03-15")),
            late_delivery_days: LATE_DELIVERY_DAYS,
            last_dunned_on: None,
            settled: false,
            decided_through: None,
            closed: false,
        };
        assert_eq!(anchor.next_day(&default), Some(date("2026-03-15")));
    }

    #[test]
    fn steps_fall_due_at_the_hour_of_the_debtor() {
        let cases = [
            ("America/Bogota", 9, "2026-05-31", "2026-05-31T14:00:00Z"),
            ("America/Santiago", 0, "2026-09-06", "2026-09-06T04:00:00Z"), // midnight does not exist
            ("America/Santiago", 23, "2026-04-04", "2026-04-05T02:00:00Z"), // 23:00 happens twice: the first
            ("Europe/Madrid", 9, "2026-03-29", "2026-03-29T07:00:00Z"),    // on the day summer time begins
        ];
        for (zone, hour, day, expected) in cases {
            let window = SendWindow { zone: zone.parse().unwrap(), hour };
            let opens = window.opens(date(day));
            assert_eq!(opens, expected.parse::<DateTime<Utc>>().unwrap(), "{zone} {day}");
            assert_eq!(window.through(opens), date(day));
            assert_eq!(window.through(opens - chrono::Duration::seconds(1)), date(day).pred_opt().unwrap());
        }
    }
}
