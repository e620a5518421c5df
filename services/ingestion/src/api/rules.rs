//! The tenant's rules at work: after every acceptance they are tried on what waits for a payer, and on what payments left open
//! of the invoices that they name. What they decide is told as facts of Puntual's own, which go the way of all facts.

mod differences;
mod payments;

use runtime::{Caller, Door};

/// Tries the rules. A failure is told in the log: the next acceptance tries again.
pub(super) async fn apply(door: &Door, caller: &Caller) {
    if let Err(problem) = payments::apply(door, caller).await {
        tracing::warn!(status = %problem.status(), "rules of cash application could not be tried on payments");
    }
    if let Err(problem) = differences::apply(door, caller).await {
        tracing::warn!(status = %problem.status(), "rules of cash application could not be tried on differences");
    }
}
