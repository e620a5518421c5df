//! The doors: facts in, receipts and proofs out.

pub(crate) mod accept;
mod allocations;
mod balance;
mod batch_key;
mod body;
mod buyers;
mod cash_rules;
mod certificates;
pub(crate) mod commands;
mod conservation;
mod digest;
mod exchanges;
mod facts;
pub(crate) mod feed;
mod holds;
mod late_deliveries;
mod media_type;
mod openapi;
mod parked;
mod profiles;
mod quarantine;
pub(crate) mod reading;
mod receipts;
mod refusal;
mod report;
mod rules;
mod settings;
mod snapshots;
mod unapplied;
mod watermark;

use axum::Router;
use runtime::{Caller, Door, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> Router<Door> {
    let (doors, _) = doors().split_for_parts();
    doors.method_not_allowed_fallback(refusal::method_not_allowed)
}

/// The doors of this role; its document knows those that are here, and no others.
fn doors() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(facts::post))
        .routes(routes!(receipts::get))
        .routes(routes!(watermark::get))
        .routes(routes!(snapshots::post, snapshots::list))
        .routes(routes!(snapshots::get))
        .routes(routes!(profiles::list))
        .routes(routes!(profiles::get, profiles::put, profiles::remove))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::get))
        .routes(routes!(quarantine::redrive))
        .routes(routes!(quarantine::edit_redrive))
        .routes(routes!(quarantine::discard))
        .routes(routes!(parked::get))
        .routes(routes!(holds::get))
        .routes(routes!(unapplied::get))
        .routes(routes!(allocations::post))
        .routes(routes!(cash_rules::get, cash_rules::put))
        .routes(routes!(settings::get, settings::put))
        .routes(routes!(exchanges::get))
        .routes(routes!(certificates::get))
        .routes(routes!(late_deliveries::get))
        .routes(routes!(conservation::get))
        .routes(routes!(digest::get))
        .routes(routes!(balance::get))
        .routes(routes!(openapi::document))
        .routes(routes!(openapi::page))
}

/// Whoever writes facts may also ask what became of them.
fn may_ask(caller: &Caller) -> Result<(), Problem> {
    caller.require("read").or_else(|_| caller.require("facts:write"))
}
