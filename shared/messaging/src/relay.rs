//! From the outbox to the stream: one leader per service, the only writer of its stream.
//!
//! Rows are read in windows `lo <= xid < hi`, where `hi` is a snapshot horizon: every transaction below it is decided, so
//! nothing can appear behind the cursor. Inside a window the order is that of `id`, because a transaction with an older
//! xid may have waited for the row lock of a younger one. Every publish names the sequence it expects the stream to end
//! at: a second relay is fenced off, and a stream that lost its tail is noticed before anything new is written
//! ([`recovery`]).

mod cursor;
mod recovery;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::jetstream::Context;
use async_nats::{Client, HeaderMap};
use contracts::{Stream, header};
use faults::Bug;
use sqlx::{Connection, PgConnection};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::batch_publish::{self, Outgoing, PublishError, Staged};
use crate::topology::TopologyError;
use cursor::{Cursor, Row, is_last};

/// A transaction that is still open when ours commits holds the horizon back: look again soon.
const POLL_BUSY: Duration = Duration::from_millis(2);
/// For rows written by a process that has no relay to wake.
const POLL_IDLE: Duration = Duration::from_millis(200);
/// How long after a wake-up the short poll lasts.
const BUSY_POLLS: u32 = 500;
/// Between attempts to become the leader.
const LEADER_RETRY: Duration = Duration::from_secs(1);
/// After a failure.
const FAILURE_PAUSE: Duration = Duration::from_millis(250);
/// How often the stream is compared with what is known of it, besides at every new connection and failure.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

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
    /// Copies of the stream, when it has to be made.
    pub replicas: usize,
    pub wake: Wake,
}

#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Topology(#[from] TopologyError),
    #[error("{stream} ends at {actual}, but {expected} was acknowledged: the broker lost data")]
    BrokerLostData { stream: &'static str, expected: u64, actual: u64 },
    #[error("reading the tail of {stream}: {cause}")]
    Tail { stream: &'static str, cause: String },
}

/// Rows to be published together.
struct Page {
    rows: Vec<Row>,
    /// Sent ahead, while the page before was being committed.
    staged: Option<Staged>,
}

/// What the stream holds of a page whose publish got no answer.
enum Tail {
    /// The first so many messages of the page.
    Holds(usize),
    /// Messages that are not ours, up to this sequence.
    Foreign(u64),
}

impl Relay {
    /// Publishes until `shutdown`; failures are logged and retried.
    pub async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.lead(&shutdown).await {
                metrics::counter!("puntual_relay_failures_total", "stream" => self.stream.name).increment(1);
                tracing::error!(stream = self.stream.name, %error, "relay paused");
                tokio::select! { () = shutdown.cancelled() => {}, () = tokio::time::sleep(FAILURE_PAUSE) => {} }
            }
        }
    }

    async fn lead(&self, shutdown: &CancellationToken) -> Result<(), RelayError> {
        let mut conn = cursor::connect(&self.database_url).await?;
        while !cursor::is_leader(&mut conn, self.stream).await? {
            tokio::select! { () = shutdown.cancelled() => return Ok(()), () = tokio::time::sleep(LEADER_RETRY) => {} }
        }
        let mut cursor = Cursor::load(&mut conn, self.stream).await?;
        tracing::info!(stream = self.stream.name, ?cursor, "relay leads");
        let mut connects = None;
        let mut checked = Instant::now();
        let mut busy_polls: u32 = 0;
        // The next page, read and sent while the one before it is committed.
        let mut ahead: Option<Page> = None;
        while !shutdown.is_cancelled() {
            let connects_now = Some(self.client.statistics().connects.load(Ordering::Relaxed));
            if connects != connects_now || checked.elapsed() > CHECK_INTERVAL {
                if recovery::reconcile(self, &mut conn, &mut cursor).await? {
                    ahead = None;
                } else if let Some(page) = &mut ahead
                    && connects != connects_now
                {
                    page.staged = None;
                }
                (connects, checked) = (connects_now, Instant::now());
            }
            let page = match ahead.take() {
                Some(page) => page,
                None => Page { rows: cursor.page(&mut conn).await?, staged: None },
            };
            if !page.rows.is_empty() {
                ahead = self.publish_page(&mut conn, &mut cursor, page).await?;
                continue;
            }
            if cursor.open_window(&mut conn, self.stream).await? {
                continue;
            }
            let pause = if busy_polls > 0 { POLL_BUSY } else { POLL_IDLE };
            busy_polls = busy_polls.saturating_sub(1);
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.wake.0.notified() => busy_polls = BUSY_POLLS,
                () = tokio::time::sleep(pause) => {}
            }
            if pause == POLL_BUSY && cursor.nothing_pending(&mut conn).await? {
                busy_polls = 0;
            }
        }
        conn.close().await?;
        Ok(())
    }

    /// Publishes a page and notes it; reads and stages the next one meanwhile.
    async fn publish_page(
        &self,
        conn: &mut PgConnection,
        cursor: &mut Cursor,
        page: Page,
    ) -> Result<Option<Page>, RelayError> {
        let Page { rows, staged } = page;
        let Some(last_id) = rows.last().map(|row| row.id) else { return Ok(None) };
        let started = Instant::now();
        faults::point("relay.before_publish");
        let expected = cursor.stream_seq();
        let staged = match staged {
            Some(staged) => Ok(staged),
            None => batch_publish::stage(&self.client, outgoing(&rows), expected).await,
        };
        let through = staged.as_ref().map(Staged::through).ok();
        let next_page = async {
            let rows = if is_last(&rows) { Vec::new() } else { cursor.page_after(&mut *conn, last_id).await? };
            let staged = match through {
                // What goes wrong here is seen when this page's turn comes.
                Some(through) => batch_publish::stage(&self.client, outgoing(&rows), through).await.ok(),
                None => None,
            };
            Ok::<_, sqlx::Error>(Page { rows, staged })
        };
        let (published, next) = tokio::join!(self.publish_rows(&rows, expected, staged), next_page);
        faults::point("relay.after_publish");
        metrics::histogram!("puntual_relay_publish_seconds", "stream" => self.stream.name).record(started.elapsed());
        let published = published?;
        cursor.stream_seq = i64::try_from(published.stream_seq).unwrap_or(i64::MAX);
        if !published.whole {
            cursor.note(conn, self.stream, cursor.last_id).await?;
            return Ok(None);
        }
        metrics::counter!("puntual_relay_published_total", "stream" => self.stream.name)
            .increment(u64::try_from(rows.len()).unwrap_or(0));
        cursor.note(conn, self.stream, last_id).await?;
        faults::point("relay.after_note");
        let next = next?;
        // After a break of the connection the server may have a part of it only.
        Ok(Some(if published.at_once { next } else { Page { staged: None, ..next } }))
    }

    async fn publish_rows(
        &self,
        rows: &[Row],
        expected: u64,
        staged: Result<Staged, PublishError>,
    ) -> Result<Published, RelayError> {
        let answer = match staged {
            Ok(staged) => batch_publish::commit(&self.client, staged).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(stream_seq) => Ok(Published { stream_seq, whole: true, at_once: true }),
            Err(error @ (PublishError::Unknown(_) | PublishError::WrongLastSequence { .. })) => {
                tracing::warn!(stream = self.stream.name, %error, "publish outcome unknown, reading the stream's tail");
                metrics::counter!("puntual_publish_outcomes_unknown_total", "stream" => self.stream.name).increment(1);
                let stored = match self.tail(rows, expected).await? {
                    Tail::Holds(stored) => stored,
                    Tail::Foreign(stream_seq) => {
                        tracing::error!(stream = self.stream.name, stream_seq, "somebody else writes into the stream");
                        metrics::counter!("puntual_foreign_messages_total", "stream" => self.stream.name).increment(1);
                        return Ok(Published { stream_seq, whole: false, at_once: false });
                    }
                };
                let from = expected + u64::try_from(stored).unwrap_or(0);
                let rest = rows.get(stored..).unwrap_or_default();
                let stream_seq =
                    batch_publish::publish(&self.client, rest.iter().map(Row::outgoing).collect(), from).await?;
                Ok(Published { stream_seq, whole: true, at_once: false })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What the stream holds after sequence `expected`.
    async fn tail(&self, rows: &[Row], expected: u64) -> Result<Tail, RelayError> {
        let tail = |cause: String| RelayError::Tail { stream: self.stream.name, cause };
        let mut stream = self.jetstream.get_stream(self.stream.name).await.map_err(|error| tail(error.to_string()))?;
        let last = stream.info().await.map_err(|error| tail(error.to_string()))?.state.last_sequence;
        if last < expected {
            return Err(RelayError::BrokerLostData { stream: self.stream.name, expected, actual: last });
        }
        let mut stored = 0;
        for (sequence, row) in (expected + 1..=last).zip(rows) {
            let found = stream.get_raw_message(sequence).await.map_err(|error| tail(error.to_string()))?;
            let id = found.headers.get(header::ID).map(async_nats::HeaderValue::as_str);
            if id != Some(row.event_id.to_string().as_str()) {
                return Ok(Tail::Foreign(last));
            }
            stored += 1;
        }
        // A crash of PostgreSQL may lose several notes of the cursor: a page that is there whole may have successors there.
        // One that is there in part may not.
        if stored < rows.len() && last > expected + u64::try_from(stored).unwrap_or(0) {
            return Ok(Tail::Foreign(last));
        }
        Ok(Tail::Holds(stored))
    }
}

/// What came of a page.
struct Published {
    /// Where the stream ends.
    stream_seq: u64,
    /// With the page in it; otherwise what is in between is not ours, and ours comes after it.
    whole: bool,
    /// Acknowledged to us, not found there afterwards.
    at_once: bool,
}

fn outgoing(rows: &[Row]) -> Vec<Outgoing> {
    let skipped = usize::from(faults::seeded(Bug::RelaySkipsRow) && rows.len() % 5 == 3);
    rows.iter().skip(skipped).map(Row::outgoing).collect()
}

impl Row {
    fn outgoing(&self) -> Outgoing {
        Outgoing { subject: self.subject.clone(), headers: headers_of(&self.headers), payload: self.payload.clone() }
    }
}

/// Headers as the outbox stores them: `name: value` lines.
fn headers_of(lines: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in String::from_utf8_lossy(lines).lines() {
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name, value.trim_start());
        }
    }
    headers
}
