//! What the roles count about themselves, kept over their deaths.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::counters::Counters;

/// The last reading of each counter of each process.
#[derive(Debug, Default)]
pub(crate) struct Readings(Mutex<BTreeMap<(String, u64), BTreeMap<String, u64>>>);

/// Counter of a role -> name in the summary, and the label that parts it.
const WATCHED: [(&str, &str, Option<&str>); 8] = [
    ("puntual_events_redelivered_total", "redelivery", None),
    ("puntual_duplicates_total", "duplicate_swallowed", None),
    ("puntual_acks_lost_total", "ack_lost", None),
    ("puntual_stream_recoveries_total", "stream_recovered", Some("cause")),
    ("puntual_consumers_rebuilt_total", "consumer_rebuilt", Some("cause")),
    ("puntual_batch_failures_total", "batch_failed", None),
    ("puntual_relay_failures_total", "relay_paused", None),
    ("puntual_dead_letters_total", "dead_letter", None),
];

impl Readings {
    pub(crate) fn take(&self, address: &str, generation: u64, text: &str) {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((metric, value)) = line.rsplit_once(' ') else { continue };
            let (name, labels) = metric.split_once('{').unwrap_or((metric, ""));
            let Some((_, ours, label)) = WATCHED.into_iter().find(|(theirs, _, _)| *theirs == name) else { continue };
            let part = label.and_then(|label| {
                let (_, after) = labels.split_once(&format!("{label}=\""))?;
                after.split('"').next()
            });
            let key = part.map_or_else(|| ours.to_owned(), |part| format!("{ours}.{part}"));
            *sums.entry(key).or_default() += value.parse::<u64>().unwrap_or(0);
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((address.to_owned(), generation), sums);
    }

    pub(crate) fn total(&self) -> Counters {
        let mut total = Counters::default();
        for sums in self.0.lock().unwrap_or_else(PoisonError::into_inner).values() {
            for (name, count) in sums {
                total.add(name.clone(), *count);
            }
        }
        total
    }
}
