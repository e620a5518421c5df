//! Up to when the sources of a tenant have told everything they know about payments (L4).

use chrono::{DateTime, Utc};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// No source declares coverage of payments: the clock alone decides.
    Undeclared,
    /// The source that is furthest behind covers up to here; `None` while one of them has never declared anything.
    Through(Option<DateTime<Utc>>),
}

impl Coverage {
    /// The coverage of several sources, given what each one covers.
    #[cfg(test)]
    pub(crate) fn of(sources: &[Option<DateTime<Utc>>]) -> Self {
        match sources {
            [] => Self::Undeclared,
            _ => Self::Through(sources.iter().copied().min().flatten()),
        }
    }

    /// Whether nothing that happened before `instant` can still come as news.
    pub(crate) fn reaches(self, instant: DateTime<Utc>) -> bool {
        match self {
            Self::Undeclared => true,
            Self::Through(until) => until.is_some_and(|until| until >= instant),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_that_is_furthest_behind_decides() {
        let day = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
        let deadline = day("2026-03-02T05:00:00Z").unwrap();
        let cases = [
            (vec![], true),
            (vec![None], false),
            (vec![day("2026-03-02T05:00:00Z")], true),
            (vec![day("2026-03-02T04:59:59Z")], false),
            (vec![day("2026-03-03T00:00:00Z"), day("2026-03-02T05:00:00Z")], true),
            (vec![day("2026-03-03T00:00:00Z"), None], false),
        ];
        for (sources, expected) in cases {
            assert_eq!(Coverage::of(&sources).reaches(deadline), expected, "{sources:?}");
        }
    }
}
