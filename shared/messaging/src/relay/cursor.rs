//! Where the relay stands: the row of `relay_state`, and the outbox as seen from there.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use contracts::Stream;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

/// The server accepts at most 1,000 messages in an atomic batch.
const PAGE_ROWS: i64 = 1_000;

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Cursor {
    pub(super) epoch: i32,
    pub(super) lo: String,
    pub(super) hi: String,
    pub(super) last_id: i64,
    pub(super) stream_seq: i64,
    pub(super) stream_created: Option<DateTime<Utc>>,
    pub(super) stream_missing: i64,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) event_id: Uuid,
    pub(super) subject: String,
    pub(super) headers: Vec<u8>,
    #[sqlx(try_from = "Vec<u8>")]
    pub(super) payload: Bytes,
}

/// A window does not grow: after a page that is not full there is nothing more in it.
pub(super) fn is_last(page: &[Row]) -> bool {
    i64::try_from(page.len()).unwrap_or(PAGE_ROWS) < PAGE_ROWS
}

/// A session of its own, whose death PostgreSQL notices, and with it the end of the leadership.
pub(super) async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    let mut conn = PgConnection::connect(url).await?;
    // A lost update of the cursor only repeats a publish, which the server refuses.
    for setting in [
        "SET synchronous_commit = off",
        "SET tcp_keepalives_idle = 5",
        "SET tcp_keepalives_interval = 5",
        "SET tcp_keepalives_count = 3",
        "SET statement_timeout = '60s'",
        // A page is read along the primary key. Left to itself the planner may read and sort the rest of the window for every
        // page of it, above all before the first ANALYZE of a partition: 473 ms instead of 2 at 92,000 rows.
        "SET enable_sort = off",
    ] {
        sqlx::query(setting).execute(&mut conn).await?;
    }
    Ok(conn)
}

pub(super) async fn is_leader(conn: &mut PgConnection, stream: Stream) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtext('relay'), hashtext($1))")
        .bind(stream.name)
        .fetch_one(conn)
        .await
}

impl Cursor {
    pub(super) async fn load(conn: &mut PgConnection, stream: Stream) -> Result<Self, sqlx::Error> {
        sqlx::query("INSERT INTO relay_state (stream) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(stream.name)
            .execute(&mut *conn)
            .await?;
        sqlx::query_as(
            "SELECT epoch, lo::text AS lo, hi::text AS hi, last_id, stream_seq, stream_created, stream_missing
             FROM relay_state WHERE stream = $1",
        )
        .bind(stream.name)
        .fetch_one(conn)
        .await
    }

    pub(super) fn stream_seq(&self) -> u64 {
        u64::try_from(self.stream_seq).unwrap_or(0)
    }

    /// The next page of the window; empty when the window is exhausted.
    pub(super) async fn page(&self, conn: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
        self.page_after(conn, self.last_id).await
    }

    pub(super) async fn page_after(&self, conn: &mut PgConnection, last_id: i64) -> Result<Vec<Row>, sqlx::Error> {
        sqlx::query_as(
            "SELECT id, event_id, subject, headers, payload FROM outbox
             WHERE xid >= $1::text::xid8 AND xid < $2::text::xid8 AND id > $3 ORDER BY id LIMIT $4",
        )
        .bind(&self.lo)
        .bind(&self.hi)
        .bind(last_id)
        .bind(PAGE_ROWS)
        .fetch_all(conn)
        .await
    }

    /// Remembers that everything in the window up to `last_id` is in the stream, which ends at `stream_seq`.
    pub(super) async fn note(
        &mut self,
        conn: &mut PgConnection,
        stream: Stream,
        last_id: i64,
    ) -> Result<(), sqlx::Error> {
        self.last_id = last_id;
        sqlx::query("UPDATE relay_state SET last_id = $2, stream_seq = $3 WHERE stream = $1")
            .bind(stream.name)
            .bind(self.last_id)
            .bind(self.stream_seq)
            .execute(conn)
            .await?;
        Ok(())
    }

    /// Moves the window up to the present horizon; false when there is nothing in it. A crash of PostgreSQL may lose this
    /// too: rows may then be cut into other windows and come again in another order, which readers cannot tell from any
    /// other duplicate.
    pub(super) async fn open_window(&mut self, conn: &mut PgConnection, stream: Stream) -> Result<bool, sqlx::Error> {
        let opened: Option<(String, String, i64)> = sqlx::query_as(
            // OFFSET 0 keeps the planner on the (xid, id) index instead of walking the primary key.
            "WITH horizon AS (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS hi),
                  decided AS (SELECT min(id) AS first FROM (
                    SELECT id FROM outbox WHERE xid >= $2::text::xid8 AND xid < (SELECT hi FROM horizon) OFFSET 0) AS w)
             UPDATE relay_state SET lo = relay_state.hi, hi = horizon.hi, last_id = decided.first - 1
             FROM horizon, decided WHERE stream = $1 AND decided.first IS NOT NULL
             RETURNING relay_state.lo::text, relay_state.hi::text, last_id",
        )
        .bind(stream.name)
        .bind(&self.hi)
        .fetch_optional(conn)
        .await?;
        let Some((lo, hi, last_id)) = opened else { return Ok(false) };
        (self.lo, self.hi, self.last_id) = (lo, hi, last_id);
        Ok(true)
    }

    /// True when no committed row waits, not even behind the horizon.
    pub(super) async fn nothing_pending(&self, conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
        // The order keeps the planner on the (xid, id) index: asked for any row, it looks through the whole outbox for one
        // when there is none.
        let pending: Option<i64> =
            sqlx::query_scalar("SELECT id FROM outbox WHERE xid >= $1::text::xid8 ORDER BY xid LIMIT 1")
                .bind(&self.hi)
                .fetch_optional(conn)
                .await?;
        Ok(pending.is_none())
    }
}

/// The first id in a window, and how many rows it holds.
pub(super) async fn window(conn: &mut PgConnection, lo: &str, hi: &str) -> Result<(Option<i64>, i64), sqlx::Error> {
    sqlx::query_as(
        "SELECT min(id), count(*)
         FROM (SELECT id FROM outbox WHERE xid >= $1::text::xid8 AND xid < $2::text::xid8 OFFSET 0) AS w",
    )
    .bind(lo)
    .bind(hi)
    .fetch_one(conn)
    .await
}
