//! What platforms ask: is it alive, is it ready, what does it measure.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sqlx::PgPool;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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
    doors().split_for_parts().0.with_state(probed)
}

pub(crate) fn doors() -> OpenApiRouter<Probed> {
    OpenApiRouter::new().routes(routes!(livez)).routes(routes!(readyz)).routes(routes!(measured))
}

/// Is it alive?
///
/// It is when it answers.
#[utoipa::path(get, path = "/livez", operation_id = "livez", tag = "platform", security(()),
    responses((status = 200, description = "Alive", body = String)))]
async fn livez() -> &'static str {
    "alive\n"
}

/// What does it measure?
///
/// In the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "platform", security(()),
    responses((status = 200, description = "All metrics", body = String)))]
async fn measured() -> String {
    METRICS.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

/// Is it ready?
///
/// It is when its database and the broker answer.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "platform", security(()),
    responses(
        (status = 200, description = "Ready", body = String),
        (status = 503, description = "Something it needs is down", body = String),
    ))]
async fn readyz(State(probed): State<Probed>) -> (StatusCode, String) {
    let ask = sqlx::query("SELECT 1").execute(&probed.worker);
    let database = matches!(tokio::time::timeout(PROBE_TIMEOUT, ask).await, Ok(Ok(_)));
    let broker = probed.nats.connection_state() == async_nats::connection::State::Connected;
    let status = if database && broker { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |up| if up { "up" } else { "down" };
    (status, format!("database {}\nnats {}\n", word(database), word(broker)))
}
