//! What platforms ask: is it alive, is it ready, what does it measure.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sqlx::PgPool;

/// A probe that takes longer counts as failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// One recorder a process, however many roles run in it.
pub(crate) fn install_metrics() {
    METRICS.get_or_init(|| {
        PrometheusBuilder::new().install_recorder().inspect_err(|error| tracing::warn!(%error, "no metrics")).ok()
    });
}

#[derive(Clone)]
pub(crate) struct Probed {
    pub(crate) worker: PgPool,
    pub(crate) nats: async_nats::Client,
}

pub(crate) fn router(probed: Probed) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route(
            "/metrics",
            get(|| async { METRICS.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default() }),
        )
        .with_state(probed)
}

async fn readyz(State(probed): State<Probed>) -> (StatusCode, String) {
    let ask = sqlx::query("SELECT 1").execute(&probed.worker);
    let database = matches!(tokio::time::timeout(PROBE_TIMEOUT, ask).await, Ok(Ok(_)));
    let broker = probed.nats.connection_state() == async_nats::connection::State::Connected;
    let status = if database && broker { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |up| if up { "up" } else { "down" };
    (status, format!("database {}\nnats {}\n", word(database), word(broker)))
}
