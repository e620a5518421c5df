//! The door on NATS: facts published on `puntual.feed.<tenant>.<source>` as CloudEvents, structured or binary, are kept in
//! the stream `FEED` until they are accepted. A message is acknowledged once what became of it is committed: a receipt or a
//! line in the quarantine, where `batch_id` is derived from its place in the stream.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::{self, AckKind, Message};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use contracts::{header, stream, subject};
use futures::{FutureExt, StreamExt};
use messaging::topology::{self, TopologyError};
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Problem};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::accept::accept;
use super::reading::batch::Line;
use super::reading::json::Json;
use super::reading::{Finding, cloud_event, json};
use super::rules;

/// Facts that are accepted in one transaction, at most.
const BATCH: usize = 500;
/// How long a batch that has begun waits for company.
const ACCUMULATE: Duration = Duration::from_millis(2);
/// Messages kept in memory ahead of the transaction: of the largest, some two hundred megabytes would be too much.
const PREFETCH: usize = 500;
/// Between attempts to reach the stream, or to accept what could not be accepted.
const PAUSE: Duration = Duration::from_secs(1);
/// Who acts where a fact does not say it.
const ACTOR: &str = "nats feed";

/// Accepts what is published until `shutdown`.
pub(crate) async fn run(door: Door, jetstream: jetstream::Context, replicas: usize, shutdown: CancellationToken) {
    let mut attached = false;
    while !shutdown.is_cancelled() {
        if let Err(error) = consume(&door, &jetstream, replicas, &mut attached, &shutdown).await {
            tracing::warn!(stream = stream::FEED.name, %error, "feed interrupted");
        }
        tokio::select! { () = shutdown.cancelled() => {}, () = tokio::time::sleep(PAUSE) => {} }
    }
}

async fn consume(
    door: &Door,
    jetstream: &jetstream::Context,
    replicas: usize,
    attached: &mut bool,
    shutdown: &CancellationToken,
) -> Result<(), TopologyError> {
    let error = |error: &dyn std::fmt::Display| TopologyError::JetStream(error.to_string());
    if topology::find_stream(jetstream, stream::FEED).await?.is_none() {
        topology::create_stream(jetstream, stream::FEED, replicas, 0, 0).await?;
    }
    let durable = topology::attach(jetstream, stream::FEED, stream::FEED.service, *attached, &BTreeSet::new()).await?;
    *attached = true;
    let mut messages = durable
        .stream()
        .max_messages_per_batch(PREFETCH)
        .expires(Duration::from_secs(30))
        .heartbeat(Duration::from_secs(5))
        .messages()
        .await
        .map_err(|failure| error(&failure))?;
    loop {
        let first = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            message = messages.next() => message,
        };
        let Some(first) = first else { return Ok(()) };
        let batch = together(first.map_err(|failure| error(&failure))?, &mut messages).await;
        process(door, &batch).await;
    }
}

/// A message and those that come with it.
async fn together(first: Message, messages: &mut pull::Stream) -> Vec<Message> {
    let mut batch = vec![first];
    let company_until = tokio::time::Instant::now() + ACCUMULATE;
    while batch.len() < BATCH {
        let next = match tokio::task::unconstrained(messages.next()).now_or_never() {
            Some(ready) => ready,
            None => tokio::time::timeout_at(company_until, messages.next()).await.unwrap_or_default(),
        };
        // An error shows again at the next call.
        let Some(Ok(message)) = next else { break };
        batch.push(message);
    }
    batch
}

async fn process(door: &Door, batch: &[Message]) {
    let mut tenants: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
    for message in batch {
        match subject::of_feed(&message.subject) {
            Some((tenant, _)) => tenants.entry(tenant).or_default().push(message),
            None => settle(message, AckKind::Term).await,
        }
    }
    for (tenant, messages) in tenants {
        match of_tenant(door, tenant, &messages).await {
            Ok(true) => {
                for message in messages {
                    settle(message, AckKind::Ack).await;
                }
            }
            // Nobody's: there is no quarantine to keep it in.
            Ok(false) => {
                tracing::warn!(tenant, messages = messages.len(), "feed of an unknown tenant refused");
                for message in messages {
                    settle(message, AckKind::Term).await;
                }
            }
            Err(problem) => {
                tracing::warn!(tenant, status = %problem.status(), "feed could not be accepted, it comes again");
                for message in messages {
                    settle(message, AckKind::Nak(Some(PAUSE))).await;
                }
            }
        }
    }
}

/// What cannot be said now comes again, and is a replay then.
async fn settle(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(%error, "not acknowledged");
    }
}

/// False when there is no such tenant.
async fn of_tenant(door: &Door, tenant: &str, messages: &[&Message]) -> Result<bool, Problem> {
    let tenant_id = ids::tenant(tenant);
    let mut tx = door.begin(tenant_id).await?;
    if !crate::store::context::exists(&mut tx, tenant_id).await? {
        return Ok(false);
    }
    tx.rollback().await?;
    let caller =
        Caller { tenant_id, key_id: Uuid::nil(), name: ACTOR.to_owned(), scopes: vec!["facts:write".to_owned()] };
    let lines: Vec<Line> = messages.iter().map(|message| line(message)).collect();
    let place = messages.first().and_then(|message| message.info().ok()).map_or(0, |info| info.stream_sequence);
    let batch_id = ids::derive(tenant_id, Kind::Quarantine, &["feed", &place.to_string()]);
    accept(door, &caller, &lines, Some(batch_id)).await?;
    rules::apply(door, &caller).await;
    Ok(true)
}

/// A message as a line of a batch, its number in the stream as the line's.
fn line(message: &Message) -> Line {
    let number = message.info().map_or(0, |info| usize::try_from(info.stream_sequence).unwrap_or(usize::MAX));
    let headers = headers(message);
    let is_structured = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("application/cloudevents"));
    if is_structured || !cloud_event::is_binary(&headers) {
        let unreadable = misplaced(message, &message.payload);
        return Line { unreadable, ..Line::new(number, 0, message.payload.clone()) };
    }
    match cloud_event::binary(&headers, &message.payload) {
        Ok(event) => Line { unreadable: misplaced(message, &event), ..Line::new(number, 0, event) },
        Err(finding) => Line { unreadable: Some(finding), ..Line::new(number, 0, message.payload.clone()) },
    }
}

fn headers(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, values) in message.headers.iter().flat_map(async_nats::HeaderMap::iter) {
        let Ok(name) = HeaderName::from_bytes(name.to_string().to_ascii_lowercase().as_bytes()) else { continue };
        for value in values {
            if let Ok(value) = HeaderValue::from_str(value.as_str()) {
                headers.append(&name, value);
            }
        }
    }
    headers
}

/// A source may publish on its own subject only: whoever gives out NATS users gives out subjects.
fn misplaced(message: &Message, event: &[u8]) -> Option<Finding> {
    let (_, source) = subject::of_feed(&message.subject)?;
    let Ok(Json::Object(members)) = json::parse(event) else { return None };
    let told = members.iter().find(|(name, _)| name == "source")?;
    let is_own = matches!(&told.1, Json::Text(told) if told == source);
    (!is_own).then(|| Finding::new("source-mismatch", "#/source", format!("published on the subject of {source}")))
}
