//! Whether facts come in by the crowd. What is foretold of open invoices can wait a little while they do; the facts cannot.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A batch of at least so many events is a crowd …
const CROWD: usize = 32;
/// … which is over when none has come for so long.
const QUIET: Duration = Duration::from_secs(1);
/// Nothing waits longer than that, whatever comes in.
const PATIENCE: Duration = Duration::from_secs(30);

/// Shared by the handler, which sees the batches, and the sweep, which waits.
#[derive(Debug)]
pub(crate) struct Pressure {
    started: Instant,
    /// Milliseconds from the start to the last crowd, and to the last time that somebody did not wait.
    last_crowd: AtomicU64,
    last_turn: AtomicU64,
}

impl Pressure {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), last_crowd: AtomicU64::new(0), last_turn: AtomicU64::new(0) }
    }

    pub(crate) fn saw(&self, events: usize) {
        if events >= CROWD {
            self.last_crowd.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Is it somebody's turn who can wait?
    pub(crate) fn allows(&self) -> bool {
        let (now, last_crowd) = (self.now(), self.last_crowd.load(Ordering::Relaxed));
        let is_quiet = last_crowd == 0 || Self::since(now, last_crowd) >= QUIET;
        let allows = is_quiet || Self::since(now, self.last_turn.load(Ordering::Relaxed)) >= PATIENCE;
        if allows {
            self.last_turn.store(now, Ordering::Relaxed);
        }
        allows
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    fn since(now: u64, then: u64) -> Duration {
        Duration::from_millis(now.saturating_sub(then))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_waited_for_and_a_few_are_not() {
        let pressure = Pressure::new();
        assert!(pressure.allows());
        pressure.saw(CROWD - 1);
        assert!(pressure.allows());
        pressure.saw(CROWD);
        assert!(!pressure.allows());
    }
}
