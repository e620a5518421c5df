//! The `scoring` role: how likely a customer pays late, by how much, and in which segment that puts it.

use std::sync::Arc;

use contracts::{Stream, stream};
use messaging::Handler;
use runtime::{Frame, FrameConfig, Running};
use rust_decimal::Decimal;
use serde::Deserialize;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;

use crate::pressure::Pressure;

mod api;
pub mod backtest;
mod domain;
mod handlers;
mod pressure;
pub mod reemit;
mod store;
mod sweeps;

pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
pub const DEFAULT_CONFIG: &str = include_str!("../config.default.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub frame: FrameConfig,
    pub scoring: ScoringSettings,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoringSettings {
    /// Invoices that one step of learning reads at most; a single day is read whole.
    pub invoices_per_close: i64,
    /// Customers that are assessed in one transaction at the end of a month, when everybody is.
    pub customers_per_assessment: i64,
    /// Customers whose scores are published in one transaction at most.
    pub publish_batch: i64,
    /// Customers whose open invoices are foretold in one transaction at most.
    pub outlook_batch: i64,
    /// Probability of being late from which on an invoice that is not yet due is a risk.
    pub risk_threshold: Decimal,
}

/// The events that the role applies.
pub fn subjects() -> Vec<(Stream, Vec<&'static str>)> {
    vec![
        (stream::INGESTION, handlers::Facts::new(Arc::new(Pressure::new())).subjects()),
        (stream::PROMISES, handlers::Promises.subjects()),
    ]
}

/// Works until `shutdown`.
pub fn run(config: Config, shutdown: CancellationToken) -> Running {
    Box::pin(work(config, shutdown))
}

async fn work(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut frame = Frame::start(stream::SCORING, config.frame, shutdown).await?;
    let pressure = Arc::new(Pressure::new());
    frame.consume(stream::INGESTION, handlers::Facts::new(Arc::clone(&pressure)));
    frame.consume(stream::PROMISES, handlers::Promises);
    frame.sweep(sweeps::DayClose {
        pool: frame.worker.clone(),
        clock: frame.clock,
        wake: frame.wake(),
        settings: config.scoring.clone(),
    });
    frame.sweep(sweeps::Outlooks {
        pool: frame.worker.clone(),
        clock: frame.clock,
        wake: frame.wake(),
        pressure,
        settings: config.scoring,
    });
    frame.run(api::router()).await
}
