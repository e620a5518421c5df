//! From the outbox to the stream: one leader per service, the only writer of its stream.
//!
//! Rows are read in windows `lo <= xid < hi`, where `hi` is a snapshot horizon: every transaction below it is decided, so
//! nothing can appear behind the cursor. Inside a window the order is that of `id`, because a transaction with an older
//! xid may have waited for the row lock of a younger one. Every publish names the sequence it expects the stream to end
//! at: a second relay is fenced off, and a stream that lost its tail is noticed before anything new is written.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::{Client, HeaderMap};
use contracts::{Stream, header};
use sqlx::{Connection, PgConnection};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::batch_publish::{self, Outgoing, PublishError};

/// The server accepts at most 1,000 messages in an atomic batch.
const PAGE_ROWS: i64 = 1_000;
/// A transaction that is still open when ours commits holds the horizon back: look again soon.
const POLL_BUSY: Duration = Duration::from_millis(2);
/// For rows written by a process that has no relay to wake.
const POLL_IDLE: Duration = Duration::from_millis(200);
/// How long after a wake-up the short poll lasts.
const BUSY_POLLS: u32 = 500;
/// Between attempts to become the leader, and after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// Wakes the relay after a commit that appended to the outbox, so that nobody waits for its poll.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    pub fn notify(&self) {
        self.0.notify_one();
    }
}

/// The relay of one service.
#[derive(Debug)]
pub struct Relay {
    pub stream: Stream,
    /// A direct connection: leadership is a session-level advisory lock (D20).
    pub database_url: String,
    pub client: Client,
    pub jetstream: Context,
    pub wake: Wake,
}

/// Where the relay stands; the row of `relay_state`.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Cursor {
    lo: String,
    hi: String,
    last_id: i64,
    stream_seq: i64,
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: i64,
    subject: String,
    headers: Vec<u8>,
    payload: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error("another writer published to {stream} at sequence {sequence}")]
    ForeignWriter { stream: &'static str, sequence: u64 },
    #[error("{stream} ends at {actual}, but {expected} was acknowledged: the broker lost data")]
    BrokerLostData { stream: &'static str, expected: u64, actual: u64 },
    #[error("reading the tail of {stream}: {cause}")]
    Tail { stream: &'static str, cause: String },
}

impl Relay {
    /// Publishes until `shutdown`; failures are logged and retried.
    pub async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.lead(&shutdown).await {
                metrics::counter!("puntual_relay_failures_total", "stream" => self.stream.name).increment(1);
                tracing::error!(stream = self.stream.name, %error, "relay paused");
                tokio::select! { () = shutdown.cancelled() => {}, () = tokio::time::sleep(RETRY) => {} }
            }
        }
    }

    async fn lead(&self, shutdown: &CancellationToken) -> Result<(), RelayError> {
        let mut conn = PgConnection::connect(&self.database_url).await?;
        // A lost update of the cursor only repeats a publish, which the server refuses.
        sqlx::query("SET synchronous_commit = off").execute(&mut conn).await?;
        loop {
            let leader: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtext('relay'), hashtext($1))")
                .bind(self.stream.name)
                .fetch_one(&mut conn)
                .await?;
            if leader {
                break;
            }
            tokio::select! { () = shutdown.cancelled() => return Ok(()), () = tokio::time::sleep(RETRY) => {} }
        }
        sqlx::query("INSERT INTO relay_state (stream) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(self.stream.name)
            .execute(&mut conn)
            .await?;
        let mut cursor: Cursor = sqlx::query_as(
            "SELECT lo::text AS lo, hi::text AS hi, last_id, stream_seq FROM relay_state WHERE stream = $1",
        )
        .bind(self.stream.name)
        .fetch_one(&mut conn)
        .await?;
        tracing::info!(stream = self.stream.name, stream_seq = cursor.stream_seq, "relay leads");
        let mut busy_polls: u32 = 0;
        while !shutdown.is_cancelled() {
            let published = self.publish_page(&mut conn, &mut cursor).await?;
            if published || self.open_window(&mut conn, &mut cursor).await? {
                continue;
            }
            let pause = if busy_polls > 0 { POLL_BUSY } else { POLL_IDLE };
            busy_polls = busy_polls.saturating_sub(1);
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.wake.0.notified() => busy_polls = BUSY_POLLS,
                () = tokio::time::sleep(pause) => {}
            }
            if pause == POLL_BUSY && self.nothing_pending(&mut conn, &cursor).await? {
                busy_polls = 0;
            }
        }
        conn.close().await?;
        Ok(())
    }

    /// Publishes the next page of the window; false when the window is exhausted.
    async fn publish_page(&self, conn: &mut PgConnection, cursor: &mut Cursor) -> Result<bool, RelayError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, subject, headers, payload FROM outbox
             WHERE xid >= $1::text::xid8 AND xid < $2::text::xid8 AND id > $3 ORDER BY id LIMIT $4",
        )
        .bind(&cursor.lo)
        .bind(&cursor.hi)
        .bind(cursor.last_id)
        .bind(PAGE_ROWS)
        .fetch_all(&mut *conn)
        .await?;
        let Some(last_id) = rows.last().map(|row| row.id) else { return Ok(false) };
        let count = u64::try_from(rows.len()).unwrap_or(0);
        let started = std::time::Instant::now();
        let stream_seq = self.publish_rows(rows, u64::try_from(cursor.stream_seq).unwrap_or(0)).await?;
        metrics::histogram!("puntual_relay_publish_seconds", "stream" => self.stream.name).record(started.elapsed());
        metrics::counter!("puntual_relay_published_total", "stream" => self.stream.name).increment(count);
        cursor.last_id = last_id;
        cursor.stream_seq = i64::try_from(stream_seq).unwrap_or(i64::MAX);
        sqlx::query("UPDATE relay_state SET last_id = $2, stream_seq = $3 WHERE stream = $1")
            .bind(self.stream.name)
            .bind(cursor.last_id)
            .bind(cursor.stream_seq)
            .execute(conn)
            .await?;
        Ok(true)
    }

    async fn publish_rows(&self, rows: Vec<Row>, expected: u64) -> Result<u64, RelayError> {
        let messages: Vec<Outgoing> = rows
            .into_iter()
            .map(|row| Outgoing {
                subject: row.subject,
                headers: headers_of(&row.headers),
                payload: row.payload.into(),
            })
            .collect();
        match batch_publish::publish(&self.client, messages.clone(), expected).await {
            Ok(sequence) => Ok(sequence),
            Err(error @ (PublishError::Unknown(_) | PublishError::WrongLastSequence { .. })) => {
                tracing::warn!(stream = self.stream.name, %error, "publish outcome unknown, reading the stream's tail");
                let stored = self.stored_of(&messages, expected).await?;
                let from = expected + u64::try_from(stored).unwrap_or(0);
                let rest: Vec<Outgoing> = messages.into_iter().skip(stored).collect();
                Ok(if rest.is_empty() { from } else { batch_publish::publish(&self.client, rest, from).await? })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// How many of `messages` the stream already holds after sequence `expected`.
    async fn stored_of(&self, messages: &[Outgoing], expected: u64) -> Result<usize, RelayError> {
        let tail = |cause: String| RelayError::Tail { stream: self.stream.name, cause };
        let mut stream = self.jetstream.get_stream(self.stream.name).await.map_err(|error| tail(error.to_string()))?;
        let last = stream.info().await.map_err(|error| tail(error.to_string()))?.state.last_sequence;
        if last < expected {
            return Err(RelayError::BrokerLostData { stream: self.stream.name, expected, actual: last });
        }
        let mut stored = 0;
        for (sequence, message) in (expected + 1..=last).zip(messages) {
            let found = stream.get_raw_message(sequence).await.map_err(|error| tail(error.to_string()))?;
            if found.headers.get(header::ID) != message.headers.get(header::ID) {
                return Err(RelayError::ForeignWriter { stream: self.stream.name, sequence });
            }
            stored += 1;
        }
        // A crash of PostgreSQL may lose several notes of the cursor: a page that is there whole may have successors there.
        // One that is there in part may not.
        if stored < messages.len() && last > expected + u64::try_from(stored).unwrap_or(0) {
            return Err(RelayError::ForeignWriter { stream: self.stream.name, sequence: last });
        }
        Ok(stored)
    }

    /// Moves the window up to the present horizon; false when there is nothing in it.
    async fn open_window(&self, conn: &mut PgConnection, cursor: &mut Cursor) -> Result<bool, RelayError> {
        let found: Option<i64> = sqlx::query_scalar(
            // OFFSET 0 keeps the planner on the (xid, id) index instead of walking the primary key.
            "SELECT min(id) FROM (SELECT id FROM outbox WHERE xid >= $1::text::xid8
               AND xid < pg_snapshot_xmin(pg_current_snapshot()) OFFSET 0) AS decided",
        )
        .bind(&cursor.hi)
        .fetch_one(&mut *conn)
        .await?;
        if found.is_none() {
            return Ok(false);
        }
        let mut tx = conn.begin().await?;
        // Windows must be the same after a crash, else their pages would be; pages may be repeated.
        sqlx::query("SET LOCAL synchronous_commit = on").execute(&mut *tx).await?;
        let (lo, hi): (String, String) = sqlx::query_as(
            "UPDATE relay_state SET lo = hi, hi = pg_snapshot_xmin(pg_current_snapshot()) WHERE stream = $1
             RETURNING lo::text, hi::text",
        )
        .bind(self.stream.name)
        .fetch_one(&mut *tx)
        .await?;
        let first: Option<i64> = sqlx::query_scalar(
            "SELECT min(id) FROM (SELECT id FROM outbox WHERE xid >= $1::text::xid8 AND xid < $2::text::xid8 OFFSET 0) AS w",
        )
        .bind(&lo)
        .bind(&hi)
        .fetch_one(&mut *tx)
        .await?;
        let last_id = first.unwrap_or(0) - 1;
        sqlx::query("UPDATE relay_state SET last_id = $2 WHERE stream = $1")
            .bind(self.stream.name)
            .bind(last_id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        *cursor = Cursor { lo, hi, last_id, stream_seq: cursor.stream_seq };
        Ok(true)
    }

    /// True when no committed row waits, not even behind the horizon.
    async fn nothing_pending(&self, conn: &mut PgConnection, cursor: &Cursor) -> Result<bool, RelayError> {
        let pending: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM outbox WHERE xid >= $1::text::xid8)")
            .bind(&cursor.hi)
            .fetch_one(conn)
            .await?;
        Ok(!pending)
    }
}

/// Headers as the outbox stores them: `name: value` lines.
fn headers_of(lines: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in String::from_utf8_lossy(lines).split("\r\n") {
        if let Some((name, value)) = line.split_once(": ") {
            headers.insert(name, value);
        }
    }
    headers
}
