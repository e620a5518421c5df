//! The `ingestion` role: what outside told, and who owes what because of it.

mod api;
mod domain;
pub mod operator;
mod store;

use contracts::stream;
use runtime::{Frame, FrameConfig, Running};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
pub const DEFAULT_CONFIG: &str = include_str!("../config.default.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub frame: FrameConfig,
    pub ingestion: IngestionConfig,
}

/// Nothing to choose yet: what facts may say is the contract, not a setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestionConfig {}

/// Runs the role until `shutdown`.
pub fn run(config: Config, shutdown: CancellationToken) -> Running {
    Box::pin(work(config, shutdown))
}

async fn work(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let frame = Frame::start(stream::INGESTION, config.frame, shutdown).await?;
    let feed =
        api::feed::run(frame.door_state(), frame.jetstream.clone(), frame.stream_replicas(), frame.shutdown.clone());
    frame.spawn(feed);
    frame.spawn(api::commands::serve(frame.door_state(), frame.jetstream.client(), frame.shutdown.clone()));
    frame.run(api::router()).await
}
