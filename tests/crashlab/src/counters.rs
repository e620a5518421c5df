//! How often the rare states were reached: what never happened was not tested.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// States that a run must reach; a name may end in `*` for any of a family.
const MUST_HAPPEN: [&str; 21] = [
    "redelivery",
    "duplicate_swallowed",
    "ack_lost",
    "commit_unknown",
    "duplicate_post",
    "uncertain_send",
    "lease_takeover",
    "stream_recovered.*",
    "consumer_rebuilt.*",
    "broker_rewound",
    "broker_tail_lost",
    "broker_wiped",
    "promise_late_after_downtime",
    "race_payment_before_deadline",
    "race_payment_after_deadline",
    "tick_repeated",
    "barrier_failed_closed",
    "backend_killed",
    "postmaster_killed",
    "mail_misbehaved",
    "deliveries_held_back",
];

/// All of them, each fail-point for itself.
pub fn must_happen() -> impl Iterator<Item = String> {
    let points = faults::POINTS.into_iter().map(|point| format!("fail_point.{point}"));
    MUST_HAPPEN.into_iter().map(str::to_owned).chain(points)
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Counters(pub BTreeMap<String, u64>);

impl Counters {
    pub fn add(&mut self, name: impl Into<String>, count: u64) {
        if count > 0 {
            *self.0.entry(name.into()).or_default() += count;
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            self.add(name.clone(), *count);
        }
    }

    /// What a run should have reached and did not.
    pub fn missing(&self) -> Vec<String> {
        let reached = |name: &str| match name.strip_suffix('*') {
            Some(family) => self.0.keys().any(|key| key.starts_with(family)),
            None => self.0.contains_key(name),
        };
        must_happen().filter(|name| !reached(name)).collect()
    }
}

/// Counters of one schedule, counted from many tasks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Counters>>);

impl Tally {
    pub(crate) fn add(&self, name: impl Into<String>, count: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(name, count);
    }

    pub(crate) fn total(&self) -> Counters {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
