//! Everything that is around a measurement: servers, databases, processes, facts.

pub(crate) mod broker;
pub(crate) mod facts;
pub(crate) mod feed;
pub(crate) mod installation;
pub(crate) mod meter;
pub(crate) mod role;

use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use sqlx::{Connection, PgConnection};

use crate::report::Machine;
use meter::Meter;

/// Where measurements happen.
pub(crate) struct Lab {
    pub(crate) admin_url: String,
    pub(crate) nats_server: PathBuf,
    /// The product's executable, built beside this one.
    pub(crate) puntual: PathBuf,
    pub(crate) scale: f64,
    pub(crate) meter: Meter,
    progress: ProgressBar,
}

impl Lab {
    pub(crate) async fn new(admin_url: String, nats_server: PathBuf, scale: f64) -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        let puntual = own.with_file_name("puntual");
        anyhow::ensure!(puntual.exists(), "{} is missing: build both with `make bench`", puntual.display());
        let progress = ProgressBar::new(0);
        progress.set_style(ProgressStyle::with_template("{elapsed_precise} {bar:30} {pos}/{len} {wide_msg}")?);
        progress.enable_steady_tick(Duration::from_millis(500));
        let meter = Meter::new(&mut PgConnection::connect(&admin_url).await?).await?;
        Ok(Self { admin_url, nats_server, puntual, scale, meter, progress })
    }

    /// So many more steps are to come.
    pub(crate) fn expect(&self, steps: u64) {
        self.progress.inc_length(steps);
    }

    pub(crate) fn step(&self, what: &str) {
        self.progress.inc(1);
        self.progress.set_message(what.to_owned());
        if self.progress.is_hidden() {
            eprintln!("{:>6.1}s {what}", self.progress.elapsed().as_secs_f64());
        }
    }

    pub(crate) fn done(&self) {
        self.progress.finish_and_clear();
    }

    pub(crate) fn scaled(&self, number: usize) -> usize {
        ((number as f64 * self.scale) as usize).max(1)
    }

    pub(crate) async fn machine(&self) -> anyhow::Result<Machine> {
        let mut admin = PgConnection::connect(&self.admin_url).await?;
        let settings: Vec<(String, String)> = sqlx::query_as(
            "SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'shared_buffers')",
        )
        .fetch_all(&mut admin)
        .await?;
        Ok(Machine { cores: std::thread::available_parallelism()?.get(), scale: self.scale, postgres: settings })
    }
}

/// Asks until the answer is yes; fails when that takes too long.
pub(crate) async fn until<F, Fut>(what: &str, limit: Duration, mut condition: F) -> anyhow::Result<()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let started = Instant::now();
    while !condition().await {
        anyhow::ensure!(started.elapsed() < limit, "not within {}s: {what}", limit.as_secs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
