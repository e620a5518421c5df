//! Which of two changes of one object is newer.
//!
//! The order must be total and must not depend on which change came first, else two arrival orders end in two states. So
//! it is a key and not a comparison of pairs: a change with a numeric `source_version` outranks every change without one, then
//! the version, then `time`, then `id`, then the source. (Comparing by version only "when both have one" is a cycle
//! waiting to happen: v1 at noon, v2 in the morning, and one without a version in between.)

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

/// Versions are compared as numbers of up to 28 digits: an SAP time stamp with microseconds fits.
const VERSION_DIGITS: usize = 28;

/// The position of a change among the changes of its object, as text that sorts byte by byte (`COLLATE "C"`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChangeOrder(String);

impl ChangeOrder {
    pub(crate) fn new(source_version: Option<&str>, time: DateTime<Utc>, id: &str, source: &str) -> Self {
        let version =
            source_version.and_then(numeric).map_or_else(|| "0".to_owned(), |digits| format!("1{digits:0>28}"));
        Self(format!("{version} {} {id}\u{1f}{source}", moment(time)))
    }

    /// As it was stored; empty sorts before every change.
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The second word of an order: when the change was made, as text that sorts byte by byte.
pub(crate) fn moment(time: DateTime<Utc>) -> String {
    // Seconds are within ±50 years of now, so that with the offset they are positive and of one width.
    let seconds = time.timestamp().saturating_add(10_000_000_000);
    let nanos = time.timestamp_subsec_nanos();
    format!("{seconds:012}{nanos:09}")
}

/// The newest of several changes of each object, given in the order of arrival, and which of them came too late.
#[derive(Debug)]
pub(crate) struct Newest<K, T> {
    pub(crate) winners: BTreeMap<K, T>,
    /// Those that changed nothing, in the order of arrival.
    pub(crate) stale: Vec<T>,
}

/// `stored` is the order of the change that is in force already.
pub(crate) fn newest<'a, K: Ord + Copy, T: Copy>(
    changes: impl IntoIterator<Item = (K, &'a ChangeOrder, T)>,
    stored: &BTreeMap<K, ChangeOrder>,
) -> Newest<K, T> {
    let mut best: BTreeMap<K, (&ChangeOrder, T)> = BTreeMap::new();
    let mut stale = Vec::new();
    for (key, order, change) in changes {
        let in_force = best.get(&key).map(|(order, _)| *order).or_else(|| stored.get(&key));
        if in_force.is_some_and(|in_force| in_force >= order) {
            stale.push(change);
        } else {
            best.insert(key, (order, change));
        }
    }
    Newest { winners: best.into_iter().map(|(key, (_, change))| (key, change)).collect(), stale }
}

fn numeric(version: &str) -> Option<&str> {
    let digits = version.trim_start_matches('0');
    (!version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= VERSION_DIGITS)
        .then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(version: Option<&str>, time: &str, id: &str) -> ChangeOrder {
        ChangeOrder::new(version, time.parse().unwrap(), id, "erp")
    }

    #[test]
    fn versions_are_compared_as_numbers_then_time_then_id() {
        let noon = "2026-01-01T12:00:00Z";
        let later = "2026-01-01T12:00:00.000000001Z";
        assert!(order(Some("9"), later, "a") < order(Some("10"), noon, "a"));
        assert!(order(Some("007"), noon, "a") < order(Some("8"), noon, "a"));
        assert!(order(None, noon, "b") < order(None, later, "a"));
        assert!(order(None, noon, "a") < order(None, noon, "b"));
        assert!(order(None, later, "z") < order(Some("0"), noon, "a"));
        assert!(order(Some("rev-b"), noon, "z") < order(Some("rev-a"), later, "a"), "not a number: time decides");
        assert!(ChangeOrder::stored(String::new()) < order(None, noon, "a"), "what was only mentioned");
    }

    #[test]
    fn of_several_changes_the_newest_wins_and_the_late_ones_are_told() {
        let noon = "2026-01-01T12:00:00Z";
        let orders: Vec<_> = ["1", "3", "2", "5"].iter().map(|version| order(Some(version), noon, "a")).collect();
        let changes = [(1, &orders[0], 'a'), (1, &orders[1], 'b'), (1, &orders[2], 'c'), (2, &orders[1], 'd')];
        let decided = newest(changes, &BTreeMap::from([(2, orders[3].clone())]));
        assert_eq!(decided.winners, BTreeMap::from([(1, 'b')]));
        assert_eq!(decided.stale, ['c', 'd']);
    }
}
