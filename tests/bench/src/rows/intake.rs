//! Facts through the door of a real ingestion, the relay held back, beside plain inserts of the rows that they left.

use std::time::Duration;

use crate::lab::Lab;
use crate::lab::facts::Company;
use crate::lab::feed::{self, Queue};
use crate::lab::installation::{Installation, Tenant};
use crate::lab::role::Role;
use crate::report::{Report, Row};

use super::copy::{self, Rows};

/// Facts at scale 1.
const FACTS: usize = 80_000;
/// Companies, each with a connection of its own.
pub(crate) const COMPANIES: usize = 4;
/// How long requests come at half the rate.
const PACED: Duration = Duration::from_secs(20);

pub(crate) async fn measure(
    lab: &Lab,
    report: &mut Report,
    here: &Installation<'_>,
    ingestion: &Role,
) -> anyhow::Result<()> {
    let tenants = here.tenants(COMPANIES).await?;
    let queues = queues(&tenants, "a", lab.scaled(FACTS));
    let requests: usize = queues.iter().map(|queue| queue.requests.len()).sum();
    lab.step("intake: facts through the door");
    let running = lab.meter.start();
    let fed = feed::post(&ingestion.base_url, queues, None).await?;
    let ours = running.stop(fed.facts);

    lab.step("intake: reading the rows that they left");
    let rows = Rows::read(here, requests).await?;
    lab.step("intake: the same rows by plain inserts");
    let twin = here.twin("ingestion").await?;
    let plain = copy::insert(lab, &rows, &twin, COMPANIES, fed.facts).await?;
    report.push(
        Row::rate("intake", ours, plain, "facts/s").must(0.25).stretch(0.5).bound_by("PostgreSQL").note(
            format!(
                "{} facts in {requests} requests of 1,000 lines, {COMPANIES} companies with a connection each, relay held \
                 back; reference: the {} rows left in {} tables, UNNEST in as many transactions over as many connections",
                fed.facts, rows.total, rows.tables,
            ),
        ),
    );

    lab.step("intake: at half its ceiling");
    let pace = ours.per_second / 2.0;
    let facts = (pace * PACED.as_secs_f64() * lab.scale.min(1.0)) as usize;
    let paced = feed::post(&ingestion.base_url, self::queues(&tenants, "b", facts), Some(pace)).await?;
    let p99 = paced.percentile(99).as_secs_f64() * 1e3;
    report.push(Row::alone("intake_p99_ms", p99, "ms").at_most(100.0, 50.0).bound_by("PostgreSQL").note(format!(
        "{} requests of 1,000 lines at {pace:.0} facts/s; p50 {:.0} ms",
        paced.latencies.len(),
        paced.percentile(50).as_secs_f64() * 1e3
    )));
    Ok(())
}

/// What the companies tell, `facts` in all.
pub(crate) fn queues(tenants: &[Tenant], run: &str, facts: usize) -> Vec<Queue> {
    let each = facts.div_ceil(tenants.len());
    let queue = |tenant: &Tenant| Queue { tenant: tenant.clone(), requests: Company::new(run, each).requests() };
    tenants.iter().map(queue).collect()
}
