//! `make bench`: raw limits of the servers and what Puntual makes of them, measured side by side in one run, because
//! absolute figures wander on shared machines and their ratios much less.
#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_arithmetic,
    reason = "measured quantities are floats, and the counts behind them are small"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "the bench measures in real time and plays everybody around the services"
)]
#![allow(clippy::print_stdout, reason = "the table is the product")]

mod lab;
mod report;
mod rows;

use std::path::PathBuf;

use clap::Parser;

use lab::Lab;
use report::Report;

/// Measures raw limits and Puntual side by side; needs the servers of `deploy/local/run`
#[derive(Debug, Parser)]
struct Options {
    /// Also write the rows as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write charts as SVG
    #[arg(long, value_name = "DIR")]
    charts: Option<PathBuf>,
    /// Multiplies the number of facts; 1 takes some six minutes on two cores
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Only these parts: intake, relay, consumers, repeats (of consumers), chain. All but the last need what intake leaves
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    only: Vec<String>,
    #[arg(long, env = "PUNTUAL_PG_ADMIN_URL", hide = true)]
    admin_url: String,
    #[arg(long, env = "PUNTUAL_NATS_SERVER", hide = true)]
    nats_server: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let lab = Lab::new(options.admin_url.clone(), options.nats_server.clone(), options.scale).await?;
    let mut report = Report::new(lab.machine().await?);
    let wanted = |part: &str| options.only.is_empty() || options.only.iter().any(|only| only == part);
    if rows::stages::PARTS.into_iter().any(wanted) {
        rows::stages::measure(&lab, &mut report, wanted).await?;
    }
    if wanted("chain") {
        rows::chain::measure(&lab, &mut report).await?;
    }
    lab.done();
    println!("{}", report.table());
    if let Some(file) = &options.json {
        std::fs::write(file, report.json()?)?;
    }
    if let Some(folder) = &options.charts {
        report.charts(folder)?;
    }
    Ok(())
}
