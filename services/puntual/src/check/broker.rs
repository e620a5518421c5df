//! Streams, and the durables that read them.

use anyhow::Context as _;
use async_nats::jetstream::{self, Context};
use chrono::{DateTime, Utc};
use contracts::{Stream, stream};
use messaging::topology;
use runtime::FrameConfig;
use sqlx::PgPool;
use std::time::Duration;

use super::{Finding, Pools};
use crate::service::Service;

const ANSWER_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn connect(config: &FrameConfig) -> anyhow::Result<Context> {
    let mut options = async_nats::ConnectOptions::new().name("puntual check").connection_timeout(ANSWER_WITHIN);
    if !config.nats.credentials_file.is_empty() {
        options = options.credentials_file(&config.nats.credentials_file).await.context("nats credentials")?;
    }
    let client = options.connect(&config.nats.url).await.context("connect to nats")?;
    Ok(jetstream::context::ContextBuilder::new().timeout(ANSWER_WITHIN).build(client))
}

/// Events that wait for some durable.
pub(super) async fn waiting(jetstream: &Context) -> anyhow::Result<u64> {
    let mut waiting = 0;
    for reader in stream::ALL {
        for upstream in reader.upstream() {
            if let Some(standing) = topology::standing(jetstream, *upstream, reader.service).await? {
                waiting += standing.waiting;
            }
        }
    }
    Ok(waiting)
}

/// Where a relay says that its stream ends.
#[derive(Debug, sqlx::FromRow)]
struct Noted {
    epoch: i32,
    stream_seq: i64,
    stream_created: Option<DateTime<Utc>>,
    stream_missing: i64,
}

/// Findings, each with whether it needs quiet.
pub(super) async fn streams(pools: &Pools, jetstream: Option<&Context>) -> anyhow::Result<Vec<(bool, Finding)>> {
    let mut findings = Vec::new();
    let Some(jetstream) = jetstream else { return Ok(findings) };
    for owner in Service::ALL {
        let Some(stream) = stream::ALL.into_iter().find(|stream| stream.service == owner.name()) else { continue };
        let Some(pool) = pools.get(&owner) else { continue };
        findings.extend(one(pool, jetstream, stream).await?);
    }
    Ok(findings)
}

async fn one(pool: &PgPool, jetstream: &Context, stream: Stream) -> anyhow::Result<Vec<(bool, Finding)>> {
    // The note first: the relay publishes before it notes.
    let noted: Option<Noted> =
        sqlx::query_as("SELECT epoch, stream_seq, stream_created, stream_missing FROM relay_state WHERE stream = $1")
            .bind(stream.name)
            .fetch_optional(pool)
            .await?;
    let Some(found) = topology::find_stream(jetstream, stream).await? else {
        return Ok(vec![(false, Finding::of("stream", stream.name, 0, vec!["there is no such stream".into()]))]);
    };
    let (mut lost, mut differs) = (Vec::new(), Vec::new());
    if let Some(noted) = &noted {
        let (noted_seq, noted_missing) = (noted.stream_seq.unsigned_abs(), noted.stream_missing.unsigned_abs());
        if found.last_seq < noted_seq {
            lost.push(format!("it ends at {}, and {noted_seq} was published: its tail is lost", found.last_seq));
        }
        if found.missing > noted_missing {
            lost.push(format!("{} sequences hold no message, {noted_missing} are known", found.missing));
        }
        if noted.stream_created.is_some_and(|created| created != found.created) {
            lost.push(format!("it was made at {}, the relay knows another one", found.created));
        }
        if found.last_seq > noted_seq {
            differs.push(format!("it ends at {}, and the relay has published {noted_seq} only", found.last_seq));
        }
        if u32::try_from(noted.epoch) != Ok(found.epoch) {
            differs.push(format!("it is of epoch {}, the relay is in epoch {}", found.epoch, noted.epoch));
        }
    }
    let mut findings = vec![
        (false, Finding::of("stream", stream.name, found.last_seq, lost)),
        (true, Finding::of("relay", stream.name, found.last_seq, differs)),
    ];
    for reader in stream::ALL.into_iter().filter(|reader| reader.upstream().contains(&stream)) {
        // The durable first: its floor may not be ahead of a stream that is read later.
        let standing = topology::standing(jetstream, stream, reader.service).await?;
        let last_seq = topology::find_stream(jetstream, stream).await?.map_or(0, |found| found.last_seq);
        let place = format!("{} on {}", reader.service, stream.name);
        let Some(standing) = standing else {
            findings.push((false, Finding::of("durable", place, 0, vec!["it is not there".into()])));
            continue;
        };
        let (mut ahead, mut differs) = (Vec::new(), Vec::new());
        if standing.ack_floor > last_seq {
            ahead.push(format!("acknowledged up to {}, the stream ends at {last_seq}", standing.ack_floor));
        }
        if standing.epoch != found.epoch {
            differs.push(format!("made for epoch {}, the stream is of epoch {}", standing.epoch, found.epoch));
        }
        let finding = Finding::of("durable", place.clone(), standing.ack_floor, ahead).behind(standing.waiting);
        findings.push((false, finding));
        if !differs.is_empty() {
            findings.push((true, Finding::of("durable", place, standing.ack_floor, differs)));
        }
    }
    Ok(findings)
}
