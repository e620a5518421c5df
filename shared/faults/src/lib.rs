//! Places where a process can be made to die, and bugs that it can be given, so that crashlab can see whether anybody
//! notices. Without the feature `armed` all of it is nothing; with it, a release build does not compile.
//!
//! | variable | meaning | example |
//! |---|---|---|
//! | `PUNTUAL_FAULT_POINT` | abort when this point is passed for the n-th time | `relay.after_publish@3` |
//! | `PUNTUAL_SEEDED_BUG` | behave wrongly in this one way | `ack_before_commit` |
//!
//! The `fail` crate has no action that ends a process, only a panic, and a panic in a task is caught.

#[cfg(all(feature = "armed", not(debug_assertions)))]
compile_error!("`armed` gives the product bugs on purpose: it exists for debug builds only");

/// The points, in the order in which a fact passes them.
pub const POINTS: [&str; 13] = [
    "intake.before_commit",
    "intake.after_commit",
    "relay.before_publish",
    "relay.after_publish",
    "relay.after_note",
    "consumer.before_commit",
    "consumer.after_commit",
    "consumer.after_ack",
    "dispatch.after_claim",
    "dispatch.after_check",
    "dispatch.before_hand_off",
    "dispatch.after_hand_off",
    "dispatch.after_record",
];

/// Bugs that a checker worth its name finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A batch is acknowledged before its transaction commits.
    AckBeforeCommit,
    /// What was applied is not remembered.
    NoInboxKey,
    /// A reminder rests on what is known, not on what was accepted.
    SendBeforeBarrier,
    /// A hand-off whose worker died is done again.
    ResendOnLeaseExpiry,
    /// Amounts are added as binary floating point.
    FloatSum,
    /// A key without its tenant: what one company's bank says counts for all.
    TenantMissingInKey,
    /// A row that does not exist yet is not locked (D13).
    LostUpdateOnMissingRow,
    /// A durable that is ahead of its stream is left as it is.
    AckFloorIgnored,
    /// Deadlines are known to the process that heard of them, and die with it.
    PromiseTimerInMemory,
    /// An allocation that moves is posted anew and never taken back.
    ForgottenReversal,
    /// An older version overwrites a newer one.
    OlderOverwritesNewer,
    /// A row of the outbox is passed over.
    RelaySkipsRow,
}

impl Bug {
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::AckBeforeCommit, "ack_before_commit"),
        (Self::NoInboxKey, "no_inbox_key"),
        (Self::SendBeforeBarrier, "send_before_barrier"),
        (Self::ResendOnLeaseExpiry, "resend_on_lease_expiry"),
        (Self::FloatSum, "float_sum"),
        (Self::TenantMissingInKey, "tenant_missing_in_key"),
        (Self::LostUpdateOnMissingRow, "lost_update_on_missing_row"),
        (Self::AckFloorIgnored, "ack_floor_ignored"),
        (Self::PromiseTimerInMemory, "promise_timer_in_memory"),
        (Self::ForgottenReversal, "forgotten_reversal"),
        (Self::OlderOverwritesNewer, "older_overwrites_newer"),
        (Self::RelaySkipsRow, "relay_skips_row"),
    ];
}

/// The process passes a named point, and may not survive it.
#[cfg(not(feature = "armed"))]
#[inline]
pub fn point(_name: &'static str) {}

/// True when this process was given the bug.
#[cfg(not(feature = "armed"))]
#[inline]
pub const fn seeded(_bug: Bug) -> bool {
    false
}

#[cfg(feature = "armed")]
pub use armed::{point, seeded};

#[cfg(feature = "armed")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Bug;

    /// The point to die at and how often it is still passed before.
    static POINT: OnceLock<Option<(String, AtomicU64)>> = OnceLock::new();
    static BUG: OnceLock<Option<Bug>> = OnceLock::new();

    #[allow(clippy::disallowed_methods, reason = "no configuration: what a test does to the process")]
    fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    pub fn point(name: &'static str) {
        let armed = POINT.get_or_init(|| {
            let text = variable("PUNTUAL_FAULT_POINT")?;
            let (name, count) = text.split_once('@')?;
            Some((name.to_owned(), AtomicU64::new(count.parse().ok()?)))
        });
        if let Some((wanted, left)) = armed
            && wanted == name
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            // As sudden as kill -9: nothing is flushed, closed or dropped.
            std::process::abort();
        }
    }

    pub fn seeded(bug: Bug) -> bool {
        let given = BUG.get_or_init(|| {
            let name = variable("PUNTUAL_SEEDED_BUG")?;
            Bug::ALL.iter().find(|(_, known)| *known == name).map(|(bug, _)| *bug)
        });
        *given == Some(bug)
    }
}
