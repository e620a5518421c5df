//! A full outbox drained by the relay of a real ingestion, beside raw atomic batches of the same messages to the same
//! broker, which syncs before it acknowledges.

use std::time::{Duration, Instant};

use anyhow::Context;
use async_nats::HeaderMap;
use bytes::Bytes;
use sqlx::Connection;
use sqlx::PgConnection;

use crate::lab::Lab;
use crate::lab::broker::Broker;
use crate::lab::installation::Installation;
use crate::lab::meter::Measured;
use crate::report::{Report, Row};

/// Messages of an atomic batch; the server's limit.
const BATCH: usize = 1_000;
const LIMIT: Duration = Duration::from_mins(2);
const RAW: &str = "RAW";

pub(crate) async fn measure(
    lab: &Lab,
    report: &mut Report,
    here: &Installation<'_>,
    held: PgConnection,
    reported: bool,
) -> anyhow::Result<()> {
    let stream = contracts::stream::INGESTION.name;
    let all = u64::try_from(here.number("ingestion", "SELECT count(*) FROM outbox").await?)?;
    lab.step("relay: draining the outbox");
    // Leadership is free from here on.
    let running = lab.meter.start();
    held.close().await?;
    let per_second = drained(&here.broker, stream, all).await?;
    let ours = Measured { per_second, ..running.stop(all) };
    if !reported {
        return Ok(());
    }
    lab.step("relay: raw atomic batches");
    let raw = raw_publish(lab, here).await?;
    report.push(
        Row::rate("relay", ours, raw, "events/s").must(0.8).stretch(0.95).bound_by("nats-server").note(format!(
            "{all} events of the outbox, sync_interval always; reference: the same messages, atomic batches of {BATCH}, one \
             in flight"
        )),
    );
    Ok(())
}

/// Events a second from the first page seen to the last.
async fn drained(broker: &Broker, stream: &str, all: u64) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut first = None;
    loop {
        let now = Instant::now();
        let last = broker.last_sequence(stream).await;
        let (from, at) = match first {
            None if last > 0 => *first.insert((last, now)),
            None => (0, now),
            Some(first) => first,
        };
        if last >= all {
            return Ok((all - from) as f64 / (now - at).as_secs_f64());
        }
        anyhow::ensure!(began.elapsed() < LIMIT, "the outbox is not drained: {last} of {all}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn raw_publish(lab: &Lab, here: &Installation<'_>) -> anyhow::Result<Measured> {
    let rows: Vec<(String, Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT subject, headers, payload FROM outbox ORDER BY id")
            .fetch_all(&mut here.worker("ingestion").await?)
            .await?;
    let mut messages = Vec::with_capacity(rows.len());
    for (subject, headers, payload) in rows {
        let mut map = HeaderMap::new();
        for line in std::str::from_utf8(&headers)?.split("\r\n") {
            if let Some((name, value)) = line.split_once(": ") {
                map.insert(name, value);
            }
        }
        messages.push((format!("{RAW}.{subject}"), map, Bytes::from(payload)));
    }
    let count = messages.len() as u64;
    here.broker.raw_stream(RAW).await?;
    let client = &here.broker.client;
    let running = lab.meter.start();
    let mut rest = messages.into_iter().peekable();
    for batch in 0.. {
        if rest.peek().is_none() {
            break;
        }
        let id = format!("raw-{batch}");
        let mut number = 0;
        while let Some((subject, mut headers, payload)) = rest.next() {
            number += 1;
            headers.insert("Nats-Batch-Id", id.as_str());
            headers.insert("Nats-Batch-Sequence", number.to_string());
            if number < BATCH && rest.peek().is_some() {
                client.publish_with_headers(subject, headers, payload).await?;
                continue;
            }
            headers.insert("Nats-Batch-Commit", "1");
            let answer = client.request_with_headers(subject, headers, payload).await?;
            let text = std::str::from_utf8(&answer.payload).context("answer of the broker")?;
            anyhow::ensure!(!text.contains("\"error\""), "refused: {text}");
            break;
        }
    }
    let rate = running.stop(count);
    here.broker.jetstream.delete_stream(RAW).await?;
    Ok(rate)
}
