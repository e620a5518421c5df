//! The `promises` role: what debtors promised, whether they kept it, and who should know when they did not.

use std::sync::Arc;

use anyhow::Context;
use contracts::{Stream, stream};
use runtime::{Frame, FrameConfig, Running};
use serde::Deserialize;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;

mod api;
mod domain;
mod handlers;
mod judge;
mod outgoing;
pub mod reemit;
mod settings;
mod store;
mod sweeps;
mod timers;

pub use settings::Settings;

pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
pub const DEFAULT_CONFIG: &str = include_str!("../config.default.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub frame: FrameConfig,
    pub promises: Settings,
}

/// The events that the role applies.
pub fn subjects() -> Vec<(Stream, Vec<&'static str>)> {
    vec![(stream::INGESTION, handlers::subjects())]
}

/// Works until `shutdown`.
pub fn run(config: Config, shutdown: CancellationToken) -> Running {
    Box::pin(work(config, shutdown))
}

async fn work(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let batch = i64::from(config.promises.batch);
    let policy = Arc::new(config.promises.policy().context("settings of promises")?);
    let mut frame = Frame::start(stream::PROMISES, config.frame, shutdown).await?;
    frame.consume(stream::INGESTION, handlers::IngestionEvents { clock: frame.clock, policy: Arc::clone(&policy) });
    frame.sweep(sweeps::zone_rules::ZoneRules::new(frame.worker.clone(), batch));
    frame.sweep(sweeps::deadlines::Deadlines {
        pool: frame.worker.clone(),
        clock: frame.clock,
        barrier: frame.barrier(),
        wake: frame.wake(),
        policy,
        batch,
    });
    frame.run(api::router()).await
}
