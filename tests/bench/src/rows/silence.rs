//! How long after a payment was accepted a reminder could still leave: until the invoice is settled in reminders' tables.

use std::time::{Duration, Instant};

use primitives::ids::{self, Kind};
use reqwest::Client;
use serde_json::Value;
use sqlx::PgPool;

use crate::lab::Lab;
use crate::lab::facts::{Company, LINES, bodies};
use crate::lab::feed::{self, Queue, percentile};
use crate::lab::installation::{Installation, LEGAL_ENTITY, Tenant};
use crate::lab::role::Role;
use crate::report::{Report, Row};

const MEASURED: Duration = Duration::from_secs(20);
/// Payments whose way is followed.
const PROBES_PER_SECOND: u32 = 10;
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) async fn measure(
    lab: &Lab,
    report: &mut Report,
    here: &Installation<'_>,
    ingestion: &Role,
    tenants: &[Tenant],
    pace: f64,
) -> anyhow::Result<()> {
    lab.step("silence: payments followed at half the chain's load");
    let measured = MEASURED.mul_f64(lab.scale.min(1.0));
    let Some(tenant) = tenants.first() else { anyhow::bail!("no tenant") };
    // Invoices to be paid by the probes: there before the clock starts.
    let probes = (measured.as_secs_f64() * f64::from(PROBES_PER_SECOND)) as usize;
    let company = Company::new("probe", probes * 2);
    let facts: Vec<Value> = company.masters().chain(company.invoices()).collect();
    let queue = Queue { tenant: tenant.clone(), requests: bodies(&facts, LINES) };
    feed::post(&ingestion.base_url, vec![queue], None).await?;

    let load = super::intake::queues(tenants, "b", (pace * measured.as_secs_f64()) as usize, LINES);
    let pool = here.pool("reminders").await?;
    let (background, silences) = tokio::join!(
        feed::post(&ingestion.base_url, load, Some(pace)),
        follow(&ingestion.base_url, tenant, &company, &pool, probes)
    );
    let (background, silences) = (background?, silences?);
    let milliseconds = |percent| percentile(&silences, percent).as_secs_f64() * 1e3;
    report.push(Row::alone("silence_p99_ms", milliseconds(99), "ms").at_most(2_000.0, 500.0).bound_by("queues").note(
        format!(
            "{} single payments among {:.0} facts/s, from the 2xx to the invoice settled in reminders; p50 {:.0} ms",
            silences.len(),
            background.facts as f64 / background.elapsed.as_secs_f64(),
            milliseconds(50)
        ),
    ));
    Ok(())
}

async fn follow(
    base_url: &str,
    tenant: &Tenant,
    company: &Company,
    pool: &PgPool,
    probes: usize,
) -> anyhow::Result<Vec<Duration>> {
    let client = Client::new();
    let tenant_id = ids::tenant(&tenant.slug);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / PROBES_PER_SECOND);
    let mut followed = Vec::new();
    for number in 0..probes.min(usize::try_from(company.invoice_count())?) {
        ticks.tick().await;
        let invoice = number as u64;
        let body = company.payment_of(invoice, invoice, company.today(), true).to_string();
        let post = client
            .post(format!("{base_url}/v1/facts"))
            .bearer_auth(&tenant.key)
            .header("content-type", "application/json")
            .body(body);
        let (pool, number) = (pool.clone(), company.invoice_number(invoice));
        let invoice_id = ids::derive(tenant_id, Kind::Invoice, &[LEGAL_ENTITY, &number]);
        followed.push(tokio::spawn(async move {
            let answer = post.send().await?;
            anyhow::ensure!(answer.status().is_success(), "a payment was answered {}", answer.status());
            let accepted = Instant::now();
            loop {
                let status: Option<String> =
                    sqlx::query_scalar("SELECT status FROM invoices WHERE tenant_id = $1 AND invoice_id = $2")
                        .bind(tenant_id)
                        .bind(invoice_id)
                        .fetch_optional(&pool)
                        .await?;
                if status.as_deref() == Some("settled") {
                    return Ok(accepted.elapsed());
                }
                anyhow::ensure!(accepted.elapsed() < LIMIT, "{number} is never silenced");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }));
    }
    let mut silences = Vec::new();
    for probe in followed {
        silences.push(probe.await??);
    }
    Ok(silences)
}
