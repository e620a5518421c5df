//! Which civil day of a tenant may be closed (D9), and how far one step of learning goes.

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use primitives::civil;

/// What the sources of a tenant say about payments they have not told yet (L4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// No source vouches for payments: the clock alone decides.
    ByClock,
    /// A source vouches for payments and has not said up to when.
    Unknown,
    /// Every source that vouches for payments has told what happened before this instant.
    Until(DateTime<Utc>),
}

/// The last day that is over for the clock and for every source that could still tell a payment of it.
pub(crate) fn closable_through(now: DateTime<Utc>, zone: Tz, coverage: Coverage) -> Option<NaiveDate> {
    let certain = match coverage {
        Coverage::ByClock => now,
        Coverage::Unknown => return None,
        Coverage::Until(instant) => now.min(instant),
    };
    civil::day_of(certain, zone).pred_opt()
}

/// Consecutive days that are learned in one step. A span never crosses the end of a month, because there the tenant is
/// calibrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub from: NaiveDate,
    pub through: NaiveDate,
}

impl Span {
    /// From `from` to the end of its month or to `closable`, whichever comes first; `None` when `from` cannot be closed.
    pub(crate) fn starting(from: NaiveDate, closable: NaiveDate) -> Option<Self> {
        (from <= closable).then(|| Self { from, through: month_end(from).min(closable) })
    }

    pub(crate) fn contains(self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.through
    }

    pub(crate) fn days(self) -> impl Iterator<Item = NaiveDate> + use<> {
        let through = self.through;
        self.from.iter_days().take_while(move |day| *day <= through)
    }

    pub(crate) fn ends_a_month(self) -> bool {
        self.through == month_end(self.through)
    }

    /// The first half; `None` for a single day.
    pub(crate) fn half(self) -> Option<Self> {
        let days = u64::try_from((self.through - self.from).num_days()).unwrap_or(0);
        let through = self.from.checked_add_days(Days::new(days.div_ceil(2).saturating_sub(1)))?;
        (days > 0).then_some(Self { from: self.from, through })
    }
}

/// The last day of the month of `day`.
pub(crate) fn month_end(day: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(day.year(), day.month(), u32::from(day.num_days_in_month())).unwrap_or(day)
}

/// The first day of the month of `day`.
pub(crate) fn month_start(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// The last end of a month that is not after `day`.
pub(crate) fn last_month_end(day: NaiveDate) -> Option<NaiveDate> {
    if month_end(day) == day { Some(day) } else { day.with_day(1)?.pred_opt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_closes_when_it_is_over_and_covered() {
        let bogota = Tz::America__Bogota;
        let until = |text: &str| Coverage::Until(text.parse().unwrap());
        let cases = [
            ("2026-03-02T04:59:59Z", Coverage::ByClock, Some("2026-02-28")),
            ("2026-03-02T05:00:00Z", Coverage::ByClock, Some("2026-03-01")),
            ("2026-03-02T05:00:00Z", Coverage::Unknown, None),
            ("2026-03-09T12:00:00Z", until("2026-03-02T05:00:00Z"), Some("2026-03-01")),
            ("2026-03-09T12:00:00Z", until("2026-03-02T04:00:00Z"), Some("2026-02-28")),
            ("2026-03-02T05:00:00Z", until("2026-12-31T00:00:00Z"), Some("2026-03-01")),
        ];
        for (now, coverage, expected) in cases {
            let closed = closable_through(now.parse().unwrap(), bogota, coverage);
            assert_eq!(closed, expected.map(date), "{now} {coverage:?}");
        }
    }

    #[test]
    fn a_span_stops_at_the_end_of_the_month() {
        let cases = [
            ("2026-01-05", "2026-03-10", Some("2026-01-31")),
            ("2026-02-01", "2026-02-10", Some("2026-02-10")),
            ("2026-02-28", "2026-03-10", Some("2026-02-28")),
            ("2026-03-11", "2026-03-10", None),
        ];
        for (from, closable, through) in cases {
            let span = Span::starting(date(from), date(closable));
            assert_eq!(span.map(|span| span.through), through.map(date), "{from} {closable}");
        }
        assert_eq!(last_month_end(date("2026-03-10")), Some(date("2026-02-28")));
        assert_eq!(last_month_end(date("2026-02-28")), Some(date("2026-02-28")));
    }

    #[test]
    fn halving_ends_at_one_day() {
        let mut span = Span { from: date("2026-01-01"), through: date("2026-01-31") };
        let mut lengths = vec![span.days().count()];
        while let Some(half) = span.half() {
            span = half;
            lengths.push(span.days().count());
        }
        assert_eq!(lengths, [31, 15, 7, 3, 1]);
    }
}
