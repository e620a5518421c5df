//! From a stream to tables: a batch of events, their inbox rows and their effects are one transaction; acks come after it.
//!
//! Subscribers are confluent (any order, any duplication, the same state), so all replicas of a service share one durable
//! and need no coordination. An event is applied once because its inbox row and its effects commit together.

use std::collections::HashSet;
use std::future::Future;
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::{Context, Message};
use bytes::Bytes;
use contracts::{Event, Stream, header, subject};
use futures::{FutureExt, StreamExt};
use sqlx::{Connection, PgConnection, PgPool};
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
const RETRY_IN_MEMORY: Duration = Duration::from_secs(45);
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
            traceparent: None,
        }
    }
}

/// Applies events to a role's tables.
pub trait Handler: Send + Sync + 'static {
    /// What it wants; other events are acknowledged unread.
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

    /// Returns when every replica together has applied the stream up to `sequence`.
    pub async fn reached(&self, sequence: u64) {
        let mut moved = self.moved.clone();
        loop {
            match self.ack_floor().await {
                Ok(floor) if floor >= sequence => return,
                Ok(_) => {}
                Err(error) => tracing::warn!(stream = self.stream.name, %error, "ack floor unknown"),
            }
            // Another replica may be the one that moves: look again soon either way.
            tokio::select! { _ = moved.changed() => {}, () = tokio::time::sleep(Duration::from_millis(10)) => {} }
        }
    }

    async fn ack_floor(&self) -> Result<u64, TopologyError> {
        let durable: PullConsumer = self
            .jetstream
            .get_consumer_from_stream(self.service, self.stream.name)
            .await
            .map_err(|error| TopologyError::JetStream(error.to_string()))?;
        Ok(durable.cached_info().ack_floor.stream_sequence)
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
        (Self { stream, service, pool, jetstream, wake, handler, wanted, moved }, position)
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

    async fn consume(&self, shutdown: &CancellationToken) -> Result<(), TopologyError> {
        let jetstream_error = |error: &dyn std::fmt::Display| TopologyError::JetStream(error.to_string());
        let durable = topology::ensure_durable(&self.jetstream, self.stream, self.service).await?;
        let mut messages = durable
            .stream()
            .max_messages_per_batch(PREFETCH)
            .expires(Duration::from_secs(30))
            .heartbeat(Duration::from_secs(5))
            .messages()
            .await
            .map_err(|error| jetstream_error(&error))?;
        loop {
            let first = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                message = messages.next() => message,
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

    /// Applies a batch and acknowledges it; leaves it unacknowledged when it cannot be applied for now.
    async fn process(&self, messages: &[Message], shutdown: &CancellationToken) {
        let deliveries: Vec<Delivery> =
            messages.iter().map(|message| delivery_of(self.stream, message)).filter(|d| self.wants(d)).collect();
        if !deliveries.is_empty() && !self.apply_with_retries(&deliveries, shutdown).await {
            return;
        }
        let Some((last, others)) = messages.split_last() else { return };
        for message in others {
            if let Err(error) = message.ack().await {
                tracing::warn!(stream = self.stream.name, %error, "ack lost, the event will come again");
            }
        }
        // One confirmed ack fences the batch: what is lost before it is only delivered again.
        if let Err(error) = last.double_ack().await {
            tracing::warn!(stream = self.stream.name, %error, "batch not confirmed, it will come again");
        }
        self.moved.send_replace(last.info().map_or(0, |info| info.stream_sequence));
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
        let (new, unreadable) = self.wanted.part(unseen(&mut tx, batch).await?);
        let dead = self.set_aside(&mut tx, unreadable).await?;
        let applied = match poison::handle(&self.handler, &mut tx, &new).await {
            Ok(()) => tx.commit().await.map_err(HandlerError::from),
            Err(error) => tx.rollback().await.map_err(HandlerError::from).and(Err(error)),
        };
        match applied {
            Ok(()) => self.announce(dead).await,
            Err(HandlerError::Reject(reason)) => {
                tracing::warn!(stream = self.stream.name, %reason, "batch rejected, looking for the cause");
                self.bisect(batch).await?;
            }
            Err(error) => return Err(error),
        }
        self.wake.notify();
        Ok(())
    }

    /// Applies what can be applied, in one transaction; each event that cannot becomes a dead letter of its own.
    async fn bisect(&self, batch: &[Delivery]) -> Result<(), HandlerError> {
        let mut tx = self.pool.begin().await?;
        let (new, unreadable) = self.wanted.part(unseen(&mut tx, batch).await?);
        let mut dead = self.set_aside(&mut tx, unreadable).await?;
        self.apply_range(&mut tx, &new, &mut dead).await?;
        tx.commit().await?;
        self.announce(dead).await;
        Ok(())
    }

    /// Records what the handler cannot be given.
    async fn set_aside(
        &self,
        conn: &mut PgConnection,
        unreadable: Vec<(Delivery, String)>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let mut dead = Vec::with_capacity(unreadable.len());
        for (delivery, reason) in unreadable {
            dead_letter::record(conn, self.stream, &delivery, &reason).await?;
            dead.push(format!("{}: {reason}", delivery.event_id));
        }
        Ok(dead)
    }

    async fn announce(&self, dead: Vec<String>) {
        for reason in dead {
            metrics::counter!("puntual_dead_letters_total", "stream" => self.stream.name, "service" => self.service)
                .increment(1);
            tracing::error!(stream = self.stream.name, %reason, "event set aside as a dead letter");
            let client = self.jetstream.client();
            let told = client.publish_with_headers(
                subject::dead_letter(self.service),
                async_nats::HeaderMap::new(),
                reason.into(),
            );
            if let Err(error) = told.await {
                tracing::warn!(%error, "dead letter not announced; the table has it");
            }
        }
    }

    async fn apply_range(
        &self,
        conn: &mut PgConnection,
        range: &[Delivery],
        dead: &mut Vec<String>,
    ) -> Result<(), HandlerError> {
        let mut savepoint = conn.begin().await?;
        let handled = match poison::handle(&self.handler, &mut savepoint, range).await {
            // What is checked at commit only would fail there for the whole batch: check it here, for this range.
            Ok(()) => dead_letter::check_constraints(&mut savepoint).await.map_err(HandlerError::from),
            Err(error) => Err(error),
        };
        match handled {
            Ok(()) => {
                savepoint.commit().await?;
                return Ok(());
            }
            Err(HandlerError::Reject(reason)) => {
                savepoint.rollback().await?;
                if let [poison] = range {
                    dead_letter::record(conn, self.stream, poison, &reason).await?;
                    dead.push(format!("{}: {reason}", poison.event_id));
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
        let (left, right) = range.split_at(range.len() / 2);
        Box::pin(self.apply_range(conn, left, dead)).await?;
        Box::pin(self.apply_range(conn, right, dead)).await
    }
}

/// Of a batch, the events whose effects are not committed yet; remembers them in the running transaction.
async fn unseen(conn: &mut PgConnection, batch: &[Delivery]) -> Result<Vec<Delivery>, sqlx::Error> {
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
        traceparent: text(header::TRACE_PARENT).map(str::to_owned),
    }
}
