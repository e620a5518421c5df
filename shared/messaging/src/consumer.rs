//! From a stream to tables: a batch of events, their inbox rows and their effects are one transaction; acks come after it.
//!
//! Subscribers are confluent (any order, any duplication, the same state), so all replicas of a service share one durable
//! and need no coordination. An event is applied once because its inbox row and its effects commit together.

mod bisect;

use std::collections::HashSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::{AckKind, Context, Message};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use contracts::{Event, Stream, header};
use faults::Bug;
use futures::{FutureExt, StreamExt};
use sqlx::{PgConnection, PgPool};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::HandlerError;
use crate::poison::{self, Wanted};
use crate::redrive::Redrive;
use crate::relay::Wake;
use crate::topology::{self, TopologyError};
use crate::{dead_letter, trace};

/// The knee of the throughput curve; larger batches bring nothing.
const BATCH: usize = 500;
/// How long a batch that has begun waits for company.
const ACCUMULATE: Duration = Duration::from_millis(2);
/// Messages kept in memory ahead of the transaction.
const PREFETCH: usize = 1_000;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A batch is retried in memory for less than the server's ack wait; afterwards it is delivered again.
const RETRY_IN_MEMORY: Duration = Duration::from_secs(10);
/// How often a batch that is committed is acknowledged before it is left to come again.
const ACK_ATTEMPTS: u32 = 3;
/// How often the durable is compared with its stream, besides at every new connection and error.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// How often a consumer that hears nothing looks whether it is time for that.
const IDLE: Duration = Duration::from_millis(250);
/// Between attempts to reach a stream that its owner has not made yet.
const TOPOLOGY_RETRY: Duration = Duration::from_millis(200);

/// One event as it arrived.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub event_id: Uuid,
    pub subject: String,
    pub tenant_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    pub payload: Bytes,
    /// Position in the stream.
    pub stream_seq: u64,
    /// When its writer told it, by the clock of the business; of a dead letter, when it was set aside. Absent where the event
    /// does not say.
    pub told_at: Option<DateTime<Utc>>,
    traceparent: Option<String>,
}

impl Delivery {
    /// A dead letter as it once arrived.
    pub(crate) fn of_letter(letter: &dead_letter::Letter) -> Self {
        Self {
            event_id: letter.event_id,
            subject: letter.subject.clone(),
            tenant_id: letter.tenant_id,
            customer_id: letter.customer_id,
            payload: letter.payload.clone().unwrap_or_default().into(),
            stream_seq: letter.stream_seq.unsigned_abs(),
            told_at: Some(letter.at),
            traceparent: None,
        }
    }
}

/// Applies events to a role's tables.
pub trait Handler: Send + Sync + 'static {
    /// What it wants; other events are not delivered, or acknowledged unread.
    fn subjects(&self) -> Vec<&'static str>;

    /// Applies events that were never applied before, in the transaction that remembers them. An error leaves no trace:
    /// on [`HandlerError::Retry`] the batch comes again, on [`HandlerError::Reject`] it is bisected down to its cause.
    fn handle(
        &self,
        conn: &mut PgConnection,
        batch: &[Delivery],
    ) -> impl Future<Output = Result<(), HandlerError>> + Send;
}

/// The events of type `E` in a batch, in order.
pub fn decode_all<E: Event>(batch: &[Delivery]) -> Result<Vec<E>, HandlerError> {
    Ok(decode_with_seq(batch)?.into_iter().map(|(_, event)| event).collect())
}

/// The events of type `E` in a batch, in order, each with its position in the stream.
pub fn decode_with_seq<E: Event>(batch: &[Delivery]) -> Result<Vec<(u64, E)>, HandlerError> {
    batch
        .iter()
        .filter(|delivery| delivery.subject == E::SUBJECT)
        .map(|delivery| {
            E::decode(delivery.payload.clone())
                .map(|event| (delivery.stream_seq, event))
                .map_err(|error| HandlerError::reject(format!("{} cannot be decoded: {error}", E::SUBJECT)))
        })
        .collect()
}

/// The events of type `E` in a batch, in order, each with the instant at which it was told; those that do not say when have
/// always been known.
pub fn decode_with_time<E: Event>(batch: &[Delivery]) -> Result<Vec<(DateTime<Utc>, E)>, HandlerError> {
    let told_at = batch.iter().filter(|delivery| delivery.subject == E::SUBJECT).map(|delivery| delivery.told_at);
    let told_at = told_at.map(Option::unwrap_or_default);
    Ok(told_at.zip(decode_all(batch)?).collect())
}

/// How far a durable has applied its stream.
#[derive(Debug, Clone)]
pub struct Position {
    stream: Stream,
    service: &'static str,
    jetstream: Context,
    moved: watch::Receiver<u64>,
}

impl Position {
    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// Returns when every replica together has applied the stream, as it is since `epoch`, up to `sequence`. A durable of
    /// another epoch says nothing about that: it may have passed sequences that were written anew since.
    pub async fn reached(&self, sequence: u64, epoch: Option<u32>) {
        let mut moved = self.moved.clone();
        loop {
            match topology::standing(&self.jetstream, self.stream, self.service).await {
                Ok(Some(standing))
                    if standing.has_reached(sequence) && epoch.is_none_or(|epoch| epoch == standing.epoch) =>
                {
                    return;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(stream = self.stream.name, %error, "ack floor unknown"),
            }
            // Another replica may be the one that moves: look again soon either way.
            tokio::select! { _ = moved.changed() => {}, () = tokio::time::sleep(Duration::from_millis(10)) => {} }
        }
    }
}

/// The durable of one service on one stream.
#[derive(Debug)]
pub struct Consumer<H> {
    stream: Stream,
    service: &'static str,
    pool: PgPool,
    jetstream: Context,
    wake: Wake,
    handler: H,
    wanted: Wanted,
    moved: watch::Sender<u64>,
    /// Set from the first time on that the durable was there: from then on its absence is a loss.
    attached: AtomicBool,
}

impl<H: Handler> Consumer<H> {
    pub fn new(
        stream: Stream,
        service: &'static str,
        pool: PgPool,
        jetstream: Context,
        wake: Wake,
        handler: H,
    ) -> (Self, Position) {
        let (moved, watched) = watch::channel(0);
        let position = Position { stream, service, jetstream: jetstream.clone(), moved: watched };
        let wanted = Wanted::of(&handler);
        let attached = AtomicBool::new(false);
        (Self { stream, service, pool, jetstream, wake, handler, wanted, moved, attached }, position)
    }

    /// Applies events until `shutdown`, and dead letters that are to be tried again.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { stream, service, pool, handler, wanted, wake, .. } = &self;
        let redrive = Redrive { stream: *stream, service, pool, handler, wanted, wake };
        tokio::join!(self.consume_on(&shutdown), redrive.run(&shutdown));
    }

    /// Applies events; whatever fails is logged and taken up again.
    async fn consume_on(&self, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            match self.consume(shutdown).await {
                Ok(()) | Err(TopologyError::Missing(_)) => {}
                Err(error) => tracing::warn!(stream = self.stream.name, %error, "consumer interrupted"),
            }
            tokio::select! { () = shutdown.cancelled() => {}, () = tokio::time::sleep(TOPOLOGY_RETRY) => {} }
        }
    }

    /// Applies events until `shutdown`, or until the durable has to be looked at.
    async fn consume(&self, shutdown: &CancellationToken) -> Result<(), TopologyError> {
        let jetstream_error = |error: &dyn std::fmt::Display| TopologyError::JetStream(error.to_string());
        let connects = self.connects();
        let had_one = self.attached.load(Ordering::Relaxed);
        let filters = self.wanted.filters(self.stream);
        let durable = topology::attach(&self.jetstream, self.stream, self.service, had_one, &filters).await?;
        self.attached.store(true, Ordering::Relaxed);
        let mut messages = durable
            .stream()
            .max_messages_per_batch(PREFETCH)
            .expires(Duration::from_secs(30))
            .heartbeat(Duration::from_secs(5))
            .messages()
            .await
            .map_err(|error| jetstream_error(&error))?;
        let mut checked = Instant::now();
        loop {
            if checked.elapsed() > CHECK_INTERVAL {
                if topology::inspect(&self.jetstream, self.stream, self.service).await?.is_err() {
                    return Ok(());
                }
                checked = Instant::now();
            }
            // The server that knew of the running pull may be gone: take what it had sent, then begin anew.
            let reconnected = connects != self.connects();
            let first = tokio::select! {
                biased;
                () = shutdown.cancelled() => {
                    give_back(&mut messages).await;
                    return Ok(());
                }
                message = messages.next() => message,
                () = tokio::time::sleep(IDLE), if !reconnected => continue,
                () = std::future::ready(()), if reconnected => return Ok(()),
            };
            let Some(first) = first else { return Ok(()) };
            let mut batch = vec![first.map_err(|error| jetstream_error(&error))?];
            let company_until = tokio::time::Instant::now() + ACCUMULATE;
            let mut interrupted = None;
            while batch.len() < BATCH {
                // Outside tokio's co-operative budget, which would cut batches to about 125.
                let next = match tokio::task::unconstrained(messages.next()).now_or_never() {
                    Some(ready) => ready,
                    None => match tokio::time::timeout_at(company_until, messages.next()).await {
                        Ok(next) => next,
                        Err(_) => break,
                    },
                };
                match next {
                    Some(Ok(message)) => batch.push(message),
                    Some(Err(error)) => {
                        interrupted = Some(jetstream_error(&error));
                        break;
                    }
                    None => break,
                }
            }
            self.process(&batch, shutdown).await;
            if let Some(error) = interrupted {
                return Err(error);
            }
        }
    }

    /// How often this process has connected to the broker.
    fn connects(&self) -> u64 {
        self.jetstream.client().statistics().connects.load(Ordering::Relaxed)
    }

    /// Applies a batch and acknowledges it; leaves it unacknowledged when it cannot be applied for now.
    async fn process(&self, messages: &[Message], shutdown: &CancellationToken) {
        let again = messages.iter().filter(|message| message.info().is_ok_and(|info| info.delivered > 1)).count();
        if again > 0 {
            self.counted("puntual_events_redelivered_total", again);
        }
        if faults::seeded(Bug::AckBeforeCommit) {
            self.acknowledge(messages).await;
        }
        let deliveries: Vec<Delivery> =
            messages.iter().map(|message| delivery_of(self.stream, message)).filter(|d| self.wants(d)).collect();
        if !deliveries.is_empty() && !self.apply_with_retries(&deliveries, shutdown).await {
            return;
        }
        self.acknowledge(messages).await;
        faults::point("consumer.after_ack");
        let last = messages.last().and_then(|message| message.info().ok());
        self.moved.send_replace(last.map_or(0, |info| info.stream_sequence));
    }

    /// Acknowledges what is committed. One confirmed ack at the end fences the batch: a connection that was lost on the
    /// way shows in it, and everything is said again. What stays unsaid is delivered again and swallowed by the inbox.
    async fn acknowledge(&self, messages: &[Message]) {
        let Some((last, others)) = messages.split_last() else { return };
        for _ in 0..ACK_ATTEMPTS {
            let mut sent = true;
            for message in others {
                sent &= message.ack().await.is_ok();
            }
            match last.double_ack().await {
                Ok(()) if sent => return,
                Ok(()) => {}
                Err(error) => tracing::warn!(stream = self.stream.name, %error, "batch not confirmed"),
            }
            self.counted("puntual_acks_lost_total", messages.len());
            if !matches!(topology::inspect(&self.jetstream, self.stream, self.service).await, Ok(Ok(_))) {
                return;
            }
        }
    }

    fn counted(&self, name: &'static str, count: usize) {
        metrics::counter!(name, "stream" => self.stream.name, "service" => self.service)
            .increment(u64::try_from(count).unwrap_or(0));
    }

    fn wants(&self, delivery: &Delivery) -> bool {
        self.wanted.wants(&delivery.subject)
    }

    async fn apply_with_retries(&self, batch: &[Delivery], shutdown: &CancellationToken) -> bool {
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.apply(batch).await {
                Ok(()) => {
                    metrics::counter!("puntual_events_applied_total", "stream" => self.stream.name, "service" => self.service)
                        .increment(u64::try_from(batch.len()).unwrap_or(0));
                    metrics::histogram!("puntual_batch_seconds", "stream" => self.stream.name, "service" => self.service)
                        .record(started.elapsed());
                    return true;
                }
                Err(error) => {
                    metrics::counter!("puntual_batch_failures_total", "stream" => self.stream.name, "service" => self.service)
                        .increment(1);
                    tracing::warn!(stream = self.stream.name, %error, batch = batch.len(), "batch failed");
                    if started.elapsed() + pause > RETRY_IN_MEMORY {
                        return false;
                    }
                    let jitter = Duration::from_millis(u64::from(Uuid::now_v7().as_bytes()[15]) % 50);
                    tokio::select! {
                        () = shutdown.cancelled() => return false,
                        () = tokio::time::sleep(pause + jitter) => pause = (pause * 2).min(LONGEST_PAUSE),
                    }
                }
            }
        }
    }

    #[tracing::instrument(name = "consumer.batch", skip_all, fields(stream = self.stream.name, batch = batch.len()))]
    async fn apply(&self, batch: &[Delivery]) -> Result<(), HandlerError> {
        let span = tracing::Span::current();
        batch
            .iter()
            .filter_map(|delivery| delivery.traceparent.as_deref())
            .take(8)
            .for_each(|parent| trace::link(&span, parent));
        let mut tx = self.pool.begin().await?;
        let new = unseen(&mut tx, batch).await?;
        if new.len() < batch.len() {
            self.counted("puntual_duplicates_total", batch.len() - new.len());
        }
        if new.is_empty() {
            return Ok(tx.rollback().await?);
        }
        let (new, unreadable) = self.wanted.part(new);
        let dead = self.set_aside(&mut tx, unreadable).await?;
        let applied = match poison::handle(&self.handler, &mut tx, &new).await {
            Ok(()) => {
                faults::point("consumer.before_commit");
                tx.commit().await.map_err(HandlerError::from)
            }
            Err(error) => tx.rollback().await.map_err(HandlerError::from).and(Err(error)),
        };
        match applied {
            Ok(()) => {
                faults::point("consumer.after_commit");
                self.announce(dead).await;
            }
            Err(HandlerError::Reject(reason)) => {
                tracing::warn!(stream = self.stream.name, %reason, "batch rejected, looking for the cause");
                self.bisect(batch).await?;
            }
            Err(error) => return Err(error),
        }
        self.wake.notify();
        Ok(())
    }
}

/// Of a batch, the events whose effects are not committed yet; remembers them in the running transaction.
async fn unseen(conn: &mut PgConnection, batch: &[Delivery]) -> Result<Vec<Delivery>, sqlx::Error> {
    if faults::seeded(Bug::NoInboxKey) {
        return Ok(batch.to_vec());
    }
    let ids: Vec<Uuid> = batch.iter().map(|delivery| delivery.event_id).collect();
    let new: HashSet<Uuid> = sqlx::query_scalar(
        "INSERT INTO inbox (event_id) SELECT DISTINCT id FROM unnest($1::uuid[]) AS t (id) ORDER BY id
         ON CONFLICT DO NOTHING RETURNING event_id",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?
    .into_iter()
    .collect();
    let mut once = HashSet::new();
    Ok(batch.iter().filter(|d| new.contains(&d.event_id) && once.insert(d.event_id)).cloned().collect())
}

/// Lets another replica have at once what was sent here and will not be applied here.
async fn give_back(messages: &mut pull::Stream) {
    while let Some(Some(Ok(message))) = tokio::task::unconstrained(messages.next()).now_or_never() {
        if message.ack_with(AckKind::Nak(None)).await.is_err() {
            return;
        }
    }
}

fn delivery_of(stream: Stream, message: &Message) -> Delivery {
    let text = |name: &str| {
        message.headers.as_ref().and_then(|headers| headers.get(name)).map(async_nats::HeaderValue::as_str)
    };
    let id = |name: &str| text(name).and_then(|value| value.parse().ok());
    let stream_seq = message.info().map_or(0, |info| info.stream_sequence);
    Delivery {
        // Not written by a relay of ours: its place in the stream is what tells it apart.
        event_id: id(header::ID)
            .unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/{stream_seq}", stream.name).as_bytes())),
        subject: message.subject.to_string(),
        tenant_id: id(header::TENANT),
        customer_id: id(header::CUSTOMER),
        payload: message.payload.clone(),
        stream_seq,
        told_at: text(header::TIME).and_then(|time| time.parse().ok()),
        traceparent: text(header::TRACE_PARENT).map(str::to_owned),
    }
}
