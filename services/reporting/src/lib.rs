//! The `reporting` role: what the ledger, the reminders and the promises add up to, as JSON and as the page that a credit
//! manager opens in the morning.

mod api;
mod domain;
mod handlers;
mod store;

use contracts::{Stream, stream};
use messaging::Handler;
use runtime::{Frame, FrameConfig, Running};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
pub const DEFAULT_CONFIG: &str = include_str!("../config.default.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub frame: FrameConfig,
    pub reporting: ReportingConfig,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportingConfig {
    /// Whether people reach the pages over TLS.
    pub https: bool,
    /// Days within which a promise counts as won by a message.
    pub promise_window_days: u16,
}

/// The events that the role applies.
pub fn subjects() -> Vec<(Stream, Vec<&'static str>)> {
    vec![
        (stream::INGESTION, handlers::FromIngestion.subjects()),
        (stream::SCORING, handlers::FromScoring.subjects()),
        (stream::REMINDERS, handlers::FromReminders.subjects()),
        (stream::PROMISES, handlers::FromPromises.subjects()),
    ]
}

/// Runs the role until `shutdown`.
pub fn run(config: Config, shutdown: CancellationToken) -> Running {
    Box::pin(work(config, shutdown))
}

async fn work(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut frame = Frame::start(stream::REPORTING, config.frame, shutdown).await?;
    frame.consume(stream::INGESTION, handlers::FromIngestion);
    frame.consume(stream::SCORING, handlers::FromScoring);
    frame.consume(stream::REMINDERS, handlers::FromReminders);
    frame.consume(stream::PROMISES, handlers::FromPromises);
    frame.run(api::router(config.reporting)).await
}
