//! Facts through the public door: as fast as it takes them, or at a pace.

use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use reqwest::Client;
use serde_json::Value;

use super::installation::Tenant;

/// What one company sends, in this order, over one connection.
pub(crate) struct Queue {
    pub(crate) tenant: Tenant,
    pub(crate) requests: Vec<Bytes>,
}

#[derive(Debug, Default)]
pub(crate) struct Fed {
    pub(crate) facts: u64,
    pub(crate) elapsed: Duration,
    /// Of each request, from its planned or actual start to the answer.
    pub(crate) latencies: Vec<Duration>,
}

impl Fed {
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        percentile(&self.latencies, percent)
    }
}

pub(crate) fn percentile(latencies: &[Duration], percent: usize) -> Duration {
    let mut sorted = latencies.to_vec();
    sorted.sort();
    let last = sorted.len().saturating_sub(1);
    sorted.get((sorted.len() * percent / 100).min(last)).copied().unwrap_or_default()
}

/// Posts all queues at once, each in its order. With `pace`, that many facts a second are begun in all, answered or not,
/// and latency counts from when a request should have begun.
pub(crate) async fn post(base_url: &str, queues: Vec<Queue>, pace: Option<f64>) -> anyhow::Result<Fed> {
    let started = Instant::now();
    let connections = queues.len() as f64;
    let feeds = queues.into_iter().enumerate().map(|(position, queue)| {
        let url = format!("{base_url}/v1/facts");
        tokio::spawn(async move {
            let client = Client::builder().pool_max_idle_per_host(1).build()?;
            let mut fed = Fed::default();
            let mut planned = started
                + pace.map_or(Duration::ZERO, |pace| {
                    Duration::from_secs_f64(super::facts::LINES as f64 * position as f64 / pace)
                });
            for body in queue.requests {
                if pace.is_some() {
                    tokio::time::sleep_until(planned.into()).await;
                }
                let begun = pace.map_or_else(Instant::now, |_| planned);
                let facts = post_one(&client, &url, &queue.tenant, body).await?;
                fed.facts += facts;
                fed.latencies.push(begun.elapsed());
                if let Some(pace) = pace {
                    planned += Duration::from_secs_f64(facts as f64 * connections / pace);
                }
            }
            anyhow::Ok(fed)
        })
    });
    let mut all = Fed::default();
    for feed in feeds.collect::<Vec<_>>() {
        let fed = feed.await??;
        all.facts += fed.facts;
        all.latencies.extend(fed.latencies);
    }
    all.elapsed = started.elapsed();
    Ok(all)
}

/// Every line must be applied.
async fn post_one(client: &Client, url: &str, tenant: &Tenant, body: Bytes) -> anyhow::Result<u64> {
    let request = client.post(url).bearer_auth(&tenant.key).header("content-type", "application/x-ndjson").body(body);
    let answer = request.send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    anyhow::ensure!(status.is_success(), "{} was answered {status}: {text}", tenant.slug);
    let report: Value = serde_json::from_str(&text)?;
    let number = |name: &str| report.get(name).and_then(Value::as_u64).context("no such number in the report");
    anyhow::ensure!(number("applied")? == number("lines")?, "not everything was applied: {text}");
    anyhow::ensure!(number("parked")? == 0, "something waits for what has not come: {text}");
    number("applied")
}
