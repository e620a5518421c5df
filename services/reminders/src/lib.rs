//! The `reminders` role: which step is due, to whom, in which words, and whether it may still leave. What it decides and
//! why is in `README.md` beside this crate and at the head of `domain`.

use std::sync::atomic::AtomicI64;

use anyhow::Context;
use contracts::{Stream, stream};
use messaging::Handler;
use runtime::{Frame, FrameConfig, Running};
use serde::Deserialize;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;

mod api;
mod domain;
mod handlers;
mod mail;
pub mod reemit;
mod replay;
mod store;
mod sweeps;

pub use mail::relay::{SmtpSettings, Tls};
pub use replay::{Replayed, replay};

pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
pub const DEFAULT_CONFIG: &str = include_str!("../config.default.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub frame: FrameConfig,
    pub reminders: Settings,
}

/// The role's own settings; `config.default.toml` explains each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub batch_customers: u32,
    pub lease_seconds: u32,
    pub max_attempts: u32,
    pub smtp: SmtpSettings,
}

/// The events that the role applies.
pub fn subjects() -> Vec<(Stream, Vec<&'static str>)> {
    vec![
        (stream::INGESTION, handlers::Ingestion.subjects()),
        (stream::SCORING, handlers::Scoring.subjects()),
        (stream::PROMISES, handlers::Promises.subjects()),
    ]
}

/// Works until `shutdown`.
pub fn run(config: Config, shutdown: CancellationToken) -> Running {
    Box::pin(work(config, shutdown))
}

async fn work(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let Settings { batch_customers, lease_seconds, max_attempts, smtp } = config.reminders;
    anyhow::ensure!(
        u64::from(lease_seconds) > smtp.call_timeout_seconds,
        "reminders.lease_seconds must be longer than reminders.smtp.call_timeout_seconds"
    );
    let sender = mail::letter::Sender::of(&smtp).context("reminders.smtp")?;
    let mut frame = Frame::start(stream::REMINDERS, config.frame, shutdown).await?;
    frame.consume(stream::INGESTION, handlers::Ingestion);
    frame.consume(stream::SCORING, handlers::Scoring);
    frame.consume(stream::PROMISES, handlers::Promises);
    frame.sweep(sweeps::Leases { pool: frame.worker.clone(), clock: frame.clock, wake: frame.wake() });
    frame.sweep(sweeps::Dispatch {
        pool: frame.worker.clone(),
        clock: frame.clock,
        barrier: frame.barrier(),
        wake: frame.wake(),
        renderer: mail::Renderer::new().context("built-in templates")?,
        sender,
        smtp,
        lease_seconds: lease_seconds.into(),
        max_attempts: i32::try_from(max_attempts).context("reminders.max_attempts")?,
        batch_customers: batch_customers.into(),
        pace: AtomicI64::new(batch_customers.into()),
    });
    frame.run(api::router()).await
}
