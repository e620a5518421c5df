//! How long something took, how much processor time it cost in all that takes part, and how much of the machine others had
//! meanwhile: on a shared machine the processor time per event tells more than the clock.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;
use sqlx::PgConnection;

/// Linux tells times in hundredths of a second, whatever its own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

/// One measurement.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    /// Of PostgreSQL, nats-server, the role and the bench together, for each event.
    pub(crate) cpu_us: f64,
    /// Share of the machine's processor time that went elsewhere.
    pub(crate) others: f64,
}

/// Knows whose processor time counts.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    roots: [u32; 2],
}

pub(crate) struct Running<'a> {
    meter: &'a Meter,
    since: Instant,
    ours: f64,
    machine: f64,
}

impl Meter {
    pub(crate) async fn new(admin: &mut PgConnection) -> anyhow::Result<Self> {
        let data: String = sqlx::query_scalar("SHOW data_directory").fetch_one(admin).await?;
        let pid = std::fs::read_to_string(PathBuf::from(data).join("postmaster.pid")).context("postmaster.pid")?;
        let postmaster = pid.lines().next().unwrap_or_default().parse()?;
        Ok(Self { roots: [std::process::id(), postmaster] })
    }

    pub(crate) fn start(&self) -> Running<'_> {
        Running { meter: self, since: Instant::now(), ours: self.family_seconds(), machine: machine_seconds() }
    }

    /// Processor time of the bench, of PostgreSQL, and of all that they started, ended or not.
    fn family_seconds(&self) -> f64 {
        let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let stats: HashMap<u32, (u32, f64)> = folders.filter_map(|folder| stat(&folder.path())).collect();
        let belongs = |mut pid: u32| loop {
            if self.roots.contains(&pid) {
                return true;
            }
            match stats.get(&pid) {
                Some((parent, _)) if *parent > 1 => pid = *parent,
                _ => return false,
            }
        };
        stats.iter().filter(|(pid, _)| belongs(**pid)).map(|(_, (_, seconds))| seconds).sum()
    }
}

impl Running<'_> {
    pub(crate) fn stop(&self, events: u64) -> Measured {
        let ours = self.meter.family_seconds() - self.ours;
        let machine = machine_seconds() - self.machine;
        let elapsed = self.since.elapsed().as_secs_f64();
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        Measured {
            per_second: events as f64 / elapsed,
            cpu_us: ours * 1e6 / events.max(1) as f64,
            others: ((machine - ours) / (elapsed * cores)).clamp(0.0, 1.0),
        }
    }
}

/// Pid, parent, and seconds of a process with its ended children.
fn stat(folder: &std::path::Path) -> Option<(u32, (u32, f64))> {
    let pid = folder.file_name()?.to_str()?.parse().ok()?;
    let text = std::fs::read_to_string(folder.join("stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    Some((pid, (fields.get(1)?.parse().ok()?, ticks / TICKS_PER_SECOND)))
}

/// Processor time that the machine spent on anything.
fn machine_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<f64> =
        text.lines().next().unwrap_or_default().split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq
    let idle: f64 = fields.iter().skip(3).take(2).sum();
    (fields.iter().take(8).sum::<f64>() - idle) / TICKS_PER_SECOND
}
