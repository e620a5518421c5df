//! The doors: facts in, receipts and proofs out.

pub(crate) mod accept;
mod allocations;
mod body;
mod conservation;
mod digest;
mod facts;
pub(crate) mod feed;
mod media_type;
mod parked;
mod quarantine;
pub(crate) mod reading;
mod receipts;
mod refusal;
mod snapshots;
mod unapplied;
mod watermark;

use axum::Router;
use axum::routing::{get, post};
use runtime::{Caller, Door, Problem};

pub(crate) fn router() -> Router<Door> {
    Router::new()
        .route("/v1/facts", post(facts::post))
        .route("/v1/snapshots", post(snapshots::post).get(snapshots::list))
        .route("/v1/snapshots/{id}", get(snapshots::get))
        .route("/v1/feeds/{source}/watermark", get(watermark::get))
        .route("/v1/receipts/{source}/{id}", get(receipts::get))
        .route("/v1/quarantine", get(quarantine::list))
        .route("/v1/quarantine/{id}", get(quarantine::get))
        .route("/v1/quarantine/{id}/redrive", post(quarantine::redrive))
        .route("/v1/quarantine/{id}/edit-redrive", post(quarantine::edit_redrive))
        .route("/v1/quarantine/{id}/discard", post(quarantine::discard))
        .route("/v1/ledger/conservation", get(conservation::get))
        .route("/v1/ledger/digest", get(digest::get))
        .route("/v1/parked", get(parked::get))
        .route("/v1/unapplied", get(unapplied::get))
        .route("/v1/allocations", post(allocations::post))
        .method_not_allowed_fallback(refusal::method_not_allowed)
}

/// Whoever writes facts may also ask what became of them.
fn may_ask(caller: &Caller) -> Result<(), Problem> {
    caller.require("read").or_else(|_| caller.require("facts:write"))
}
