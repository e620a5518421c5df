//! What `puntual demo` can be told.

use std::path::PathBuf;

use chrono::{Days, NaiveDate};

/// The last day of every demo. Fixed, so that the same seed gives the same figures whenever it runs.
const LAST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(2026, 10, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// Which year, how long, and what is left at the end.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Demo {
    /// Another seed is another year; the same seed is the same year to the last cent
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub(crate) seed: u64,
    /// Days to live through; the last one is 2026-10-31
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: u32,
    /// Customers of the distributor
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=9999))]
    pub(crate) customers: u32,
    /// Stop at the end instead of leaving everything running
    #[arg(long)]
    pub(crate) exit: bool,
    /// Write the figures of the summary to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Where the ERP's, the bank's and the CRM's files, configurations and logs go
    #[arg(long, value_name = "DIR", default_value = ".local/demo")]
    pub(crate) dir: PathBuf,
    /// PostgreSQL as a role that may create roles and databases; databases `puntual_demo_*` are made anew
    #[arg(long, value_name = "URL", env = "PUNTUAL_PG_ADMIN_URL", hide_env_values = true)]
    pub(crate) pg_admin_url: String,
    /// A nats-server without streams of Puntual
    #[arg(long, value_name = "URL", env = "PUNTUAL_NATS_URL", hide_env_values = true)]
    pub(crate) nats_url: String,
}

impl Demo {
    pub(crate) fn last_day() -> NaiveDate {
        LAST_DAY
    }

    pub(crate) fn first_day(&self) -> NaiveDate {
        LAST_DAY.checked_sub_days(Days::new(u64::from(self.days.saturating_sub(1)))).unwrap_or(LAST_DAY)
    }
}
