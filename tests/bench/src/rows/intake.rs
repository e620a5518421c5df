//! Facts through the door of a real ingestion, the relay held back, beside plain inserts of the rows that they left.

use std::time::Duration;

use crate::lab::Lab;
use crate::lab::facts::{Company, LINES};
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
    let whole = queues(&tenants, "a", lab.scaled(FACTS), LINES);
    let requests: usize = whole.iter().map(|queue| queue.requests.len()).sum();
    lab.step("intake: facts through the door");
    let running = lab.meter.start();
    let fed = feed::post(&ingestion.base_url, whole, None).await?;
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

    let pace = ours.per_second / 2.0;
    let paced = Paced { tenants: &tenants, base_url: &ingestion.base_url, pace };
    lab.step("intake: at half its ceiling");
    report.push(paced.p99(lab, "intake_p99_ms", "b", LINES).await?.at_most(100.0, 50.0));
    // Smaller requests cost more for each fact: their ceiling is lower.
    lab.step("intake: smaller requests");
    let small = feed::post(&ingestion.base_url, queues(&tenants, "c", lab.scaled(FACTS / 4), LINES / 10), None).await?;
    let pace = small.facts as f64 / small.elapsed.as_secs_f64() / 2.0;
    let paced = Paced { pace, ..paced };
    lab.step("intake: smaller requests at half their ceiling");
    report.push(paced.p99(lab, "intake_p99_ms_100", "d", LINES / 10).await?.at_most(100.0, 50.0));
    Ok(())
}

/// Requests that come when they come, answered or not.
struct Paced<'a> {
    tenants: &'a [Tenant],
    base_url: &'a str,
    /// Facts a second.
    pace: f64,
}

impl Paced<'_> {
    async fn p99(&self, lab: &Lab, name: &str, run: &str, lines: usize) -> anyhow::Result<Row> {
        let facts = (self.pace * PACED.as_secs_f64() * lab.scale.min(1.0)) as usize;
        let fed = feed::post(self.base_url, queues(self.tenants, run, facts, lines), Some(self.pace)).await?;
        let milliseconds = |percent| fed.percentile(percent).as_secs_f64() * 1e3;
        Ok(Row::alone(name, milliseconds(99), "ms").bound_by("one request's CPU").note(format!(
            "{} requests of {lines} lines at {:.0} facts/s; p50 {:.0} ms",
            fed.latencies.len(),
            self.pace,
            milliseconds(50)
        )))
    }
}

/// What the companies tell, `facts` in all, `lines` a request.
pub(crate) fn queues(tenants: &[Tenant], run: &str, facts: usize, lines: usize) -> Vec<Queue> {
    let each = facts.div_ceil(tenants.len());
    let queue = |tenant: &Tenant| Queue { tenant: tenant.clone(), requests: Company::new(run, each).requests(lines) };
    tenants.iter().map(queue).collect()
}
