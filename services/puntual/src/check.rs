//! `puntual check`: what is wrong in the databases and at the broker, said by those who would have to know.
//!
//! | check | needs quiet |
//! |---|---|
//! | databases and streams are there | no |
//! | no money appeared or vanished (M1, M2); the ledger is what the fold makes of it (D8) | no |
//! | no dead letters (D15) | no |
//! | streams are whole and are those that the relays know; no durable is ahead of its stream (I4) | no |
//! | every event of an outbox is in the inbox of everyone who wants it (I2) | yes |
//! | every projection is what its owner says (I7) | yes |
//!
//! *Quiet* is when nothing waits in an outbox or a stream, and nothing new was written while all this was looked at. What
//! needs quiet is not judged without it.

mod broker;
mod deliveries;
mod mirrors;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use ingestion::operator::proof;
use serde::Serialize;
use sqlx::PgPool;

use crate::house::House;
use crate::service::Service;
use crate::terminal;

/// Exit code when nothing was found to be wrong, and not everything could be judged.
const NOT_QUIET: u8 = 2;
/// Something is being written at any moment: looks that it disturbed are repeated, and so are those that found something.
const LOOKS: u32 = 4;
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);
/// An event that its relay has not published by then is stuck.
const STUCK_SECONDS: f64 = 60.0;

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Look again until nothing is under way and nothing wrong, at most so long
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    #[command(flatten)]
    house: House,
}

/// What is said at the end.
#[derive(Debug, Serialize)]
struct Report {
    /// Nothing is wrong with what was judged.
    ok: bool,
    quiet: bool,
    /// Events that are on their way.
    behind: u64,
    checks: Vec<Finding>,
}

/// One check of one place.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    place: String,
    /// How many things were looked at; of a stream or a durable, the sequence up to which it goes.
    looked_at: u64,
    /// Events that wait here.
    behind: u64,
    /// What is wrong.
    found: Vec<String>,
    /// Could not be judged, for want of quiet.
    skipped: bool,
}

impl Finding {
    fn of(check: &'static str, place: impl Into<String>, looked_at: u64, found: Vec<String>) -> Self {
        Self { check, place: place.into(), looked_at, behind: 0, found, skipped: false }
    }

    fn behind(self, behind: u64) -> Self {
        Self { behind, ..self }
    }

    /// Without quiet, what was found says nothing.
    fn at_quiet(mut self, is_quiet: bool) -> Self {
        if !is_quiet {
            self.skipped = true;
            self.found.clear();
        }
        self
    }
}

/// The databases that can be reached.
type Pools = BTreeMap<Service, PgPool>;

pub(crate) async fn check(options: Check) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let mut looks = 0;
    let report = loop {
        looks += 1;
        let report = look(&options.house).await?;
        let waited = looks >= LOOKS && started.elapsed() >= Duration::from_secs(options.wait);
        // What mends itself, as a relay does a stream that was lost, is not wrong for long.
        if (report.quiet && report.ok) || waited {
            break report;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    };
    if options.json {
        terminal::say(serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(match (report.ok, report.quiet) {
        (false, _) => ExitCode::FAILURE,
        (true, false) => ExitCode::from(NOT_QUIET),
        (true, true) => ExitCode::SUCCESS,
    })
}

async fn look(house: &House) -> anyhow::Result<Report> {
    let mut checks = Vec::new();
    let mut pools = Pools::new();
    let connecting = Service::ALL.map(|service| async move { (service, house.pool(service).await) });
    for (service, connected) in futures::future::join_all(connecting).await {
        let found = match connected {
            Ok(pool) => {
                pools.insert(service, pool);
                Vec::new()
            }
            Err(error) => vec![format!("{error:#}")],
        };
        checks.push(Finding::of("database", service.name(), 1, found));
    }
    let jetstream = match broker::connect(&house.config(Service::Ingestion)?).await {
        Ok(jetstream) => Some(jetstream),
        Err(error) => {
            checks.push(Finding::of("broker", "nats", 1, vec![format!("{error:#}")]));
            None
        }
    };

    let before = backlog(&pools, jetstream.as_ref()).await?;
    let (ledger, letters, streams, deliveries, mirrors) = tokio::try_join!(
        ledger(&pools),
        dead_letters(&pools),
        broker::streams(&pools, jetstream.as_ref()),
        deliveries::unapplied(&pools),
        mirrors::compare(&pools),
    )?;
    checks.extend(ledger.into_iter().chain(letters));
    let after = backlog(&pools, jetstream.as_ref()).await?;
    for pool in pools.values() {
        pool.close().await;
    }

    let quiet = before.behind == 0 && after.behind == 0 && before.written == after.written;
    checks.extend(after.stuck);
    checks.extend(streams.into_iter().map(|(needs_quiet, finding)| finding.at_quiet(quiet || !needs_quiet)));
    checks.extend(deliveries.into_iter().chain(mirrors).map(|finding| finding.at_quiet(quiet)));
    let ok = checks.iter().all(|finding| finding.found.is_empty());
    Ok(Report { ok, quiet, behind: before.behind.max(after.behind), checks })
}

/// What is under way.
#[derive(Debug)]
struct Backlog {
    behind: u64,
    /// The last event that each service has written.
    written: Vec<(Service, i64)>,
    stuck: Vec<Finding>,
}

async fn backlog(pools: &Pools, jetstream: Option<&async_nats::jetstream::Context>) -> anyhow::Result<Backlog> {
    let mut backlog = Backlog { behind: 0, written: Vec::new(), stuck: Vec::new() };
    for (service, pool) in pools {
        // Barriers write fences at any time; nobody applies them.
        let (unpublished, oldest, last): (i64, Option<f64>, i64) = sqlx::query_as(
            "SELECT count(*), extract(epoch FROM now() - min(o.created_at))::float8,
                    (SELECT coalesce(max(id), 0) FROM outbox WHERE subject NOT LIKE '%.fence.raised.%')
             FROM outbox o
             WHERE o.subject NOT LIKE '%.fence.raised.%' AND o.xid >= coalesce((SELECT min(lo) FROM relay_state), '0')
               AND NOT EXISTS (SELECT FROM relay_state s WHERE o.xid < s.hi AND (o.xid < s.lo OR o.id <= s.last_id))",
        )
        .fetch_one(pool)
        .await?;
        backlog.behind += unpublished.unsigned_abs();
        backlog.written.push((*service, last));
        let is_stuck = oldest.is_some_and(|seconds| seconds > STUCK_SECONDS);
        let found = if is_stuck {
            vec![format!("{unpublished} events are not published, the oldest for {:.0} s", oldest.unwrap_or_default())]
        } else {
            Vec::new()
        };
        let (written, behind) = (last.unsigned_abs(), unpublished.unsigned_abs());
        backlog.stuck.push(Finding::of("outbox", service.name(), written, found).behind(behind));
    }
    if let Some(jetstream) = jetstream {
        backlog.behind += broker::waiting(jetstream).await?;
    }
    Ok(backlog)
}

async fn ledger(pools: &Pools) -> anyhow::Result<Vec<Finding>> {
    let Some(pool) = pools.get(&Service::Ingestion) else { return Ok(Vec::new()) };
    let (conserved, folded) = tokio::try_join!(proof::conservation(pool), proof::recomputation(pool))?;
    Ok(vec![
        Finding::of("conservation", "ledger", conserved.looked_at, conserved.found),
        Finding::of("recomputation", "ledger", folded.looked_at, folded.found),
    ])
}

async fn dead_letters(pools: &Pools) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (service, pool) in pools {
        let rows: Vec<(String, i64, String)> =
            sqlx::query_as("SELECT subject, count(*), min(reason) FROM dead_letter GROUP BY subject ORDER BY subject")
                .fetch_all(pool)
                .await?;
        let count = rows.iter().map(|(_, count, _)| count.unsigned_abs()).sum();
        let found =
            rows.into_iter().map(|(subject, count, reason)| format!("{count} of {subject}: {reason}")).collect();
        findings.push(Finding::of("dead letters", service.name(), count, found));
    }
    Ok(findings)
}

fn print(report: &Report) {
    let mut rows = vec![["", "check", "of", "looked at", "behind"].map(str::to_owned).to_vec()];
    rows.extend(report.checks.iter().map(|finding| {
        let verdict = match (finding.skipped, finding.found.is_empty()) {
            (true, _) => "-",
            (false, true) => "ok",
            (false, false) => "WRONG",
        };
        let looked_at = terminal::grouped(&finding.looked_at.to_string());
        let behind = if finding.behind > 0 { terminal::grouped(&finding.behind.to_string()) } else { String::new() };
        vec![verdict.to_owned(), finding.check.to_owned(), finding.place.clone(), looked_at, behind]
    }));
    for line in terminal::table(&rows, 3) {
        terminal::say(line);
    }
    for finding in &report.checks {
        for wrong in &finding.found {
            terminal::say(format_args!("{} of {}: {wrong}", finding.check, finding.place));
        }
    }
    if !report.quiet {
        terminal::say(format_args!("not quiet: {} events behind; what is marked - was not judged", report.behind));
    }
    terminal::say(if report.ok { "nothing is wrong with what was judged" } else { "something is wrong" });
}
