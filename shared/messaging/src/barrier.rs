//! "I know everything you had accepted when I asked" (D11).
//!
//! The asker sends a request to the service that owns a stream. That service appends a fence to its outbox, waits until
//! its relay has published it, and answers with the stream's sequence; the asker goes on when its own durable has applied
//! everything up to there. No answer in time means no barrier: whoever asked must not go on.

use std::time::Duration;

use async_nats::Client;
use contracts::common::{BarrierReply, BarrierRequest};
use contracts::{Stream, subject};
use prost::Message;
use sqlx::PgPool;

use crate::consumer::Position;
use crate::outbox::Outbox;
use crate::relay::Wake;

/// A barrier that takes longer is none: what was true when it was asked for is too old.
pub const BARRIER_TIMEOUT: Duration = Duration::from_secs(2);

/// Why there is no barrier.
#[derive(Debug, thiserror::Error)]
pub enum BarrierError {
    #[error("{0} is not consumed by this role")]
    NotConsumed(&'static str),
    #[error("no barrier of {stream} within {}s: {cause}", BARRIER_TIMEOUT.as_secs())]
    TimedOut { stream: &'static str, cause: &'static str },
    #[error("the owner of {stream} refused: {cause}")]
    Refused { stream: &'static str, cause: String },
}

/// Asks for barriers on the streams that this role consumes.
#[derive(Debug, Clone)]
pub struct Barrier {
    client: Client,
    positions: Vec<Position>,
}

impl Barrier {
    pub fn new(client: Client, positions: Vec<Position>) -> Self {
        Self { client, positions }
    }

    /// Returns when this role has applied everything that the owner of `stream` had accepted before the call, with the
    /// sequence up to which it has. Fails closed after [`BARRIER_TIMEOUT`].
    #[tracing::instrument(name = "barrier.pass", skip_all, fields(stream = stream.name))]
    pub async fn pass(&self, stream: Stream) -> Result<u64, BarrierError> {
        let position = self
            .positions
            .iter()
            .find(|position| position.stream() == stream)
            .ok_or(BarrierError::NotConsumed(stream.name))?;
        let timed_out = |cause| BarrierError::TimedOut { stream: stream.name, cause };
        let refused = |cause: String| BarrierError::Refused { stream: stream.name, cause };
        let deadline = tokio::time::Instant::now() + BARRIER_TIMEOUT;
        let request = self
            .client
            .request(subject::barrier_raise(stream.service), BarrierRequest::default().encode_to_vec().into());
        let reply = tokio::time::timeout_at(deadline, request)
            .await
            .map_err(|_| timed_out("no answer"))?
            .map_err(|error| refused(error.to_string()))?;
        let reply = BarrierReply::decode(reply.payload).map_err(|error| refused(error.to_string()))?;
        if !reply.error.is_empty() {
            return Err(refused(reply.error));
        }
        tokio::time::timeout_at(deadline, position.reached(reply.stream_seq, Some(reply.epoch)))
            .await
            .map_err(|_| timed_out("not applied yet"))?;
        Ok(reply.stream_seq)
    }
}

/// A place in a stream that covers everything its service had committed when it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Raised {
    #[sqlx(try_from = "i64")]
    pub stream_seq: u64,
    /// Sequences of another epoch mean something else.
    #[sqlx(try_from = "i32")]
    pub epoch: u32,
}

/// Publishes everything committed so far in the stream of the calling service; returns a place that covers it, or
/// `None` when the relay has not come so far within [`BARRIER_TIMEOUT`]: nobody waits for the answer any more.
pub async fn raise(pool: &PgPool, stream: Stream, wake: &Wake) -> Result<Option<Raised>, sqlx::Error> {
    match tokio::time::timeout(BARRIER_TIMEOUT, publish_fence(pool, stream, wake)).await {
        Ok(raised) => raised.map(Some),
        Err(_) => Ok(None),
    }
}

async fn publish_fence(pool: &PgPool, stream: Stream, wake: &Wake) -> Result<Raised, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let now = sqlx::query_scalar("SELECT now()").fetch_one(&mut *tx).await?;
    let mut outbox = Outbox::new(stream, now);
    let fence = outbox.push_fence();
    outbox.save(&mut tx).await?;
    let (xid, id): (String, i64) =
        sqlx::query_as("SELECT xid::text, id FROM outbox WHERE event_id = $1 AND xid = pg_current_xact_id()")
            .bind(fence)
            .fetch_one(&mut *tx)
            .await?;
    tx.commit().await?;
    wake.notify();
    let mut pause = Duration::from_millis(1);
    loop {
        // Below the window, or in it and behind the cursor: published.
        let published: Option<Raised> = sqlx::query_as(
            "SELECT stream_seq, epoch FROM relay_state WHERE stream = $1
             AND ($2::text::xid8 < lo OR ($2::text::xid8 < hi AND $3 <= last_id))",
        )
        .bind(stream.name)
        .bind(&xid)
        .bind(id)
        .fetch_optional(pool)
        .await?;
        if let Some(raised) = published {
            return Ok(raised);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(16));
    }
}
