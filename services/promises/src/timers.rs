//! The seeded bug of deadlines that only this process knows: a timer in memory for each promise that it was told of. The
//! rows of `promises` are what really keeps them, over every restart.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::domain::promise::PromiseKey;

static TIMERS: Mutex<BTreeSet<PromiseKey>> = Mutex::new(BTreeSet::new());

pub(crate) fn start(promises: impl Iterator<Item = PromiseKey>) {
    TIMERS.lock().unwrap_or_else(PoisonError::into_inner).extend(promises);
}

pub(crate) fn runs(promise: PromiseKey) -> bool {
    TIMERS.lock().unwrap_or_else(PoisonError::into_inner).contains(&promise)
}
