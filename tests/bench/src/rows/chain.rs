//! All five roles at once: from facts at the door to reporting's tables.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contracts::stream;

use crate::lab::facts::LINES;
use crate::lab::installation::{Installation, ROLES};
use crate::lab::meter::Measured;
use crate::lab::role::Role;
use crate::lab::{Lab, feed, until};
use crate::report::{Report, Row};

use super::intake::{COMPANIES, queues};
use super::{raw_insert, silence};

/// Facts at scale 1.
const FACTS: usize = 60_000;
const LIMIT: Duration = Duration::from_mins(5);
/// What the whole chain should carry on two cores that insert so many raw rows a second.
const EVENTS_PER_SECOND: f64 = 5_000.0;
const RAW_ROWS_PER_SECOND: f64 = 90_000.0;

pub(crate) async fn measure(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    lab.expect(5);
    lab.step("chain: setting up");
    let here = Installation::make(lab, "chain").await?;
    lab.step("chain: raw inserts");
    let raw = raw_insert::measure(lab, &here).await?;
    let tenants = here.tenants(COMPANIES).await?;
    let mut roles: BTreeMap<&str, Role> = BTreeMap::new();
    for role in ROLES {
        roles.insert(role, here.start(role).await?);
    }
    caught_up(&here).await?;

    lab.step("chain: as fast as it goes");
    let queues = queues(&tenants, "a", lab.scaled(FACTS), LINES);
    let Some(ingestion) = roles.get("ingestion") else { anyhow::bail!("no ingestion") };
    let running = lab.meter.start();
    let started = Instant::now();
    let fed = feed::post(&ingestion.base_url, queues, None).await?;
    caught_up(&here).await?;
    let took = started.elapsed().as_secs_f64();
    let ours = running.stop(fed.facts);
    // Before and after: what the machine gives changes within a minute.
    let again = raw_insert::measure(lab, &here).await?;
    let rows_per_second = f64::midpoint(raw.per_second, again.per_second);
    let reference = Measured { per_second: EVENTS_PER_SECOND * rows_per_second / RAW_ROWS_PER_SECOND, ..raw };
    report.push(Row::rate("chain", ours, reference, "facts/s").must(0.6).stretch(1.0).bound_by("CPU").note(format!(
        "{} facts from the door to all tables of five roles in {took:.1}s, the door alone took {:.1}s; reference: 5,000/s scaled by \
         this run's raw inserts, {rows_per_second:.0} rows/s over 90,000",
        fed.facts,
        fed.elapsed.as_secs_f64(),
    )));

    silence::measure(lab, report, &here, ingestion, &tenants, ours.per_second / 2.0).await?;
    for (name, role) in &roles {
        let row = Row::alone(&format!("{name}_memory_mib"), role.peak_memory_mib()?, "MiB");
        report
            .push(row.at_most(150.0, 60.0).bound_by("batches").note("peak resident memory in the course of the chain"));
    }
    for role in roles.into_values() {
        role.stop().await?;
    }
    here.remove().await
}

/// Returns when every fact has arrived everywhere and what follows from it too.
async fn caught_up(here: &Installation<'_>) -> anyhow::Result<()> {
    let mut rows = here.relayed(LIMIT).await?;
    loop {
        for consumer in stream::ALL {
            for upstream in consumer.upstream() {
                until(&format!("{} has applied {}", consumer.service, upstream.name), LIMIT, || async {
                    here.broker.progress(upstream.name, consumer.service).await.is_some_and(|(_, waiting)| waiting == 0)
                })
                .await?;
            }
        }
        let now = here.relayed(LIMIT).await?;
        if now == rows {
            return Ok(());
        }
        rows = now;
    }
}
