//! Doors: two for programs, one for people.

mod aging;
mod assets;
mod dashboard;
mod desk;
mod kpis;
mod page;
mod parameters;
mod session;

use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Extension, Router};
use runtime::Door;

use crate::ReportingConfig;

pub(crate) fn router(settings: ReportingConfig) -> Router<Door> {
    Router::new()
        .route("/", get(dashboard::show))
        .route("/signin", get(session::form).post(session::sign_in))
        .route("/signout", post(session::sign_out))
        .route("/assets/{name}", get(assets::serve))
        .route("/v1/kpis", get(kpis::show))
        .route("/v1/aging", get(aging::show))
        .layer(Extension(Arc::new(settings)))
}
