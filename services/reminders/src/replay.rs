//! A recorded decision, decided again (G1).

use sha2::{Digest, Sha256};

use crate::domain::decide::{Snapshot, decide};

/// What the snapshot of a decision record says when it is decided again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Offset in days, outcome, reason; one for each step that was due.
    pub decisions: Vec<(i32, &'static str, &'static str)>,
    /// SHA-256 of the snapshot's text form, in hexadecimal, as the door shows it.
    pub snapshot_sha256: String,
}

/// Decides the snapshot of a decision record again; fails when it is not one.
pub fn replay(snapshot: &serde_json::Value) -> Result<Replayed, serde_json::Error> {
    let snapshot: Snapshot = serde::Deserialize::deserialize(snapshot)?;
    let decisions = decide(&snapshot)
        .into_iter()
        .map(|decision| (decision.offset_days, decision.outcome.as_str(), decision.outcome.reason()))
        .collect();
    let text = serde_json::to_string(&snapshot)?;
    Ok(Replayed { decisions, snapshot_sha256: crate::api::hex(&Sha256::digest(text.as_bytes())) })
}
