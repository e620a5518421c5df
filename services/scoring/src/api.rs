//! The door: what scoring says about a tenant's customers.

mod model;
mod outlooks;
mod rules;
mod score;
mod segments;

use axum::Router;
use axum::routing::get;
use runtime::Door;

pub(crate) fn router() -> Router<Door> {
    Router::new()
        .route("/v1/customers/{customer}/score", get(score::show))
        .route("/v1/customers/{customer}/score/history", get(score::history))
        .route("/v1/invoices/{invoice}/prediction", get(outlooks::show))
        .route("/v1/risks", get(outlooks::risks))
        .route("/v1/model", get(model::show))
        .route("/v1/segments", get(segments::count))
        .merge(rules::router())
}
