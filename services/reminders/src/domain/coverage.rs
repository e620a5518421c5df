//! Whether the sources that could contradict a reminder have spoken (L4).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use primitives::civil;

/// True when every source that covers payments has told all of yesterday, in the creditor's zone. A tenant that declared
/// no such source is not held up. `covered_until` is `None` for a source that never declared coverage.
pub(crate) fn is_covered(now: DateTime<Utc>, creditor_zone: Tz, covered_until: &[Option<DateTime<Utc>>]) -> bool {
    let today = civil::start_of_day(civil::day_of(now, creditor_zone), creditor_zone);
    covered_until.iter().all(|until| until.is_some_and(|until| until >= today))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yesterday_must_be_complete() {
        let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = instant("2026-05-04T14:00:00Z"); // 09:00 in Bogotá, whose day began at 05:00Z
        let cases: [(&[Option<&str>], bool); 6] = [
            (&[], true),
            (&[None], false),
            (&[Some("2026-05-04T05:00:00Z")], true),
            (&[Some("2026-05-04T04:59:59Z")], false),
            (&[Some("2026-05-04T05:00:00Z"), Some("2026-05-03T05:00:00Z")], false),
            (&[Some("2026-05-04T05:00:00Z"), None], false),
        ];
        for (declared, expected) in cases {
            let covered: Vec<_> = declared.iter().map(|until| until.map(instant)).collect();
            assert_eq!(is_covered(now, Tz::America__Bogota, &covered), expected, "{declared:?}");
        }
    }
}
