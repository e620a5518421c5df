//! Civil time: the one place where a date, a time of day and a zone become an instant.
//!
//! A civil deadline is "the end of the local day" unless it has a cut-off, and the end of a day is the *start of the
//! next one*: the first instant whose local date is later. That instant is not always 00:00 (in Santiago the clock
//! jumps from 23:59:59 to 01:00), and a day may be missing altogether (Apia, 2011-12-30).

use chrono::{DateTime, Days, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// The longest hole a zone has cut into local time: a whole day, when Samoa crossed the date line.
const LONGEST_GAP_MINUTES: i64 = 25 * 60;

/// Until when something may still be done: a date, an optional cut-off on that date, and the zone that both are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    pub date: NaiveDate,
    /// `None`: the whole day counts.
    pub cut_off: Option<NaiveTime>,
    pub zone: Tz,
}

impl Deadline {
    pub fn end_of_day(date: NaiveDate, zone: Tz) -> Self {
        Self { date, cut_off: None, zone }
    }

    /// The first instant that is too late.
    pub fn instant(&self) -> DateTime<Utc> {
        match self.cut_off {
            None => end_of_day(self.date, self.zone),
            Some(time) => last_occurrence(self.date.and_time(time), self.zone),
        }
    }

    pub fn has_passed(&self, now: DateTime<Utc>) -> bool {
        now >= self.instant()
    }
}

/// The first instant of the local day `date`, or of the next day that exists.
pub fn start_of_day(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    first_occurrence(date.and_time(NaiveTime::MIN), zone)
}

/// The first instant after the local day `date`.
pub fn end_of_day(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    date.checked_add_days(Days::new(1)).map_or(DateTime::<Utc>::MAX_UTC, |next| start_of_day(next, zone))
}

/// The instant of a local wall-clock reading: the first one when it happens twice, the first instant after the gap when it never happens.
pub fn at(date: NaiveDate, time: NaiveTime, zone: Tz) -> DateTime<Utc> {
    first_occurrence(date.and_time(time), zone)
}

/// The local date of an instant.
pub fn day_of(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

fn first_occurrence(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => instant.to_utc(),
        LocalResult::None => after_gap(local, zone),
    }
}

/// Ambiguity is read in favour of the one who has the deadline: the later of two occurrences.
fn last_occurrence(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(_, instant) => instant.to_utc(),
        LocalResult::None => after_gap(local, zone),
    }
}

/// Gaps start and end on whole minutes in every zone since 1972, and are rare enough to be walked.
fn after_gap(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    (1..=LONGEST_GAP_MINUTES)
        .filter_map(|minutes| local.checked_add_signed(Duration::minutes(minutes)))
        .find_map(|later| zone.from_local_datetime(&later).earliest())
        .map_or_else(|| local.and_utc(), |instant| instant.to_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_end_of_a_day_is_the_start_of_the_next() {
        let cases = [
            // (zone, day, first instant that is too late)
            ("America/Bogota", "2026-05-31", "2026-06-01T05:00:00Z"),
            ("America/Santiago", "2026-09-05", "2026-09-06T04:00:00Z"), // midnight of the 6th does not exist
            ("America/Santiago", "2026-04-04", "2026-04-05T04:00:00Z"), // 23:00 to 24:00 of the 4th happens twice
            ("Africa/Cairo", "2026-04-23", "2026-04-23T22:00:00Z"),     // 00:00 to 01:00 of the 24th does not exist
            ("America/Havana", "2026-10-31", "2026-11-01T04:00:00Z"), // 00:00 to 01:00 happens twice: the first counts
            ("Asia/Kathmandu", "2026-01-01", "2026-01-01T18:15:00Z"),
            ("Pacific/Kiritimati", "2026-01-01", "2026-01-01T10:00:00Z"),
            ("Pacific/Apia", "2011-12-29", "2011-12-30T10:00:00Z"), // the 30th never happened
            ("America/Tijuana", "2026-07-01", "2026-07-02T07:00:00Z"),
        ];
        for (zone, day, expected) in cases {
            let deadline = Deadline::end_of_day(date(day), zone.parse().unwrap());
            assert_eq!(deadline.instant(), expected.parse::<DateTime<Utc>>().unwrap(), "{zone} {day}");
        }
    }

    #[test]
    fn a_deadline_passes_exactly_at_its_instant() {
        let deadline = Deadline {
            cut_off: NaiveTime::from_hms_opt(17, 0, 0),
            ..Deadline::end_of_day(date("2026-03-02"), Tz::America__Lima)
        };
        let instant = deadline.instant();
        assert_eq!(instant.to_rfc3339(), "2026-03-02T22:00:00+00:00");
        assert!(!deadline.has_passed(instant - Duration::milliseconds(1)));
        assert!(deadline.has_passed(instant));
    }

    proptest! {
        #[test]
        fn every_instant_of_a_day_lies_between_its_ends(zone in 0..chrono_tz::TZ_VARIANTS.len(), seconds in 1_500_000_000_i64..2_200_000_000) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let instant = DateTime::from_timestamp(seconds, 0).unwrap();
            let day = day_of(instant, zone);
            prop_assert!(start_of_day(day, zone) <= instant);
            prop_assert!(instant < end_of_day(day, zone));
        }
    }
}
