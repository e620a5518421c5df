//! What can never be applied: kept whole with its reason until a person re-drives it (D15).

use chrono::{DateTime, Utc};
use contracts::Stream;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::consumer::Delivery;

/// An event that was set aside.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Letter {
    pub event_id: Uuid,
    /// Absent where the event did not say.
    pub tenant_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    pub stream: String,
    pub stream_seq: i64,
    pub subject: String,
    /// Why it was rejected, the last time.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i32,
    pub at: DateTime<Utc>,
    /// Since when a person wants it tried again, and who.
    pub redrive_requested_at: Option<DateTime<Utc>>,
    pub redrive_requested_by: Option<String>,
    /// Where it was asked for.
    pub payload: Option<Vec<u8>>,
}

/// A letter that was tried again.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LogEntry {
    pub event_id: Uuid,
    pub tenant_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    pub stream: String,
    pub stream_seq: i64,
    pub subject: String,
    /// Why it was set aside before.
    pub reason: String,
    /// "applied" or "rejected".
    pub outcome: String,
    pub requested_by: String,
    pub requested_at: DateTime<Utc>,
    pub at: DateTime<Utc>,
}

/// Which letters are meant: all that meet every condition given.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub tenant_id: Option<Uuid>,
    pub event_id: Option<Uuid>,
    pub subject: Option<String>,
    /// A part of the reason.
    pub reason: Option<String>,
}

/// Letters in the order of their ids, the first behind `after`.
pub async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    after: Option<Uuid>,
    limit: i64,
    with_payload: bool,
) -> Result<Vec<Letter>, sqlx::Error> {
    sqlx::query_as(
        "SELECT event_id, tenant_id, customer_id, stream, stream_seq, subject, reason, attempts, at, redrive_requested_at,
                redrive_requested_by, CASE WHEN $7 THEN payload END AS payload
         FROM dead_letter
         WHERE ($1::uuid IS NULL OR tenant_id = $1) AND ($2::uuid IS NULL OR event_id = $2)
           AND ($3::text IS NULL OR subject = $3) AND ($4::text IS NULL OR position($4 IN reason) > 0)
           AND ($5::uuid IS NULL OR event_id > $5)
         ORDER BY event_id LIMIT $6",
    )
    .bind(filter.tenant_id)
    .bind(filter.event_id)
    .bind(&filter.subject)
    .bind(&filter.reason)
    .bind(after)
    .bind(limit)
    .bind(with_payload)
    .fetch_all(conn)
    .await
}

/// Asks for letters to be tried again; returns how many are meant. Asked twice is asked once.
pub async fn request_redrive(conn: &mut PgConnection, filter: &Filter, by: &str) -> Result<u64, sqlx::Error> {
    let marked = sqlx::query(
        "UPDATE dead_letter SET redrive_requested_at = coalesce(redrive_requested_at, now()),
             redrive_requested_by = coalesce(redrive_requested_by, $5)
         WHERE ($1::uuid IS NULL OR tenant_id = $1) AND ($2::uuid IS NULL OR event_id = $2)
           AND ($3::text IS NULL OR subject = $3) AND ($4::text IS NULL OR position($4 IN reason) > 0)",
    )
    .bind(filter.tenant_id)
    .bind(filter.event_id)
    .bind(&filter.subject)
    .bind(&filter.reason)
    .bind(by)
    .execute(conn)
    .await?;
    Ok(marked.rows_affected())
}

/// What was tried again, the newest first.
pub async fn log(conn: &mut PgConnection, tenant_id: Option<Uuid>, limit: i64) -> Result<Vec<LogEntry>, sqlx::Error> {
    sqlx::query_as(
        "SELECT event_id, tenant_id, customer_id, stream, stream_seq, subject, reason, outcome, requested_by, requested_at, at
         FROM dead_letter_log WHERE ($1::uuid IS NULL OR tenant_id = $1) ORDER BY at DESC, entry_no DESC LIMIT $2",
    )
    .bind(tenant_id)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Records one poisoned event in the transaction of its batch. The event counts as handled from then on.
pub(crate) async fn record(
    conn: &mut PgConnection,
    stream: Stream,
    delivery: &Delivery,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO dead_letter (event_id, tenant_id, customer_id, stream, stream_seq, subject, reason, payload)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (event_id) DO NOTHING",
    )
    .bind(delivery.event_id)
    .bind(delivery.tenant_id)
    .bind(delivery.customer_id)
    .bind(stream.name)
    .bind(i64::try_from(delivery.stream_seq).unwrap_or(i64::MAX))
    .bind(&delivery.subject)
    .bind(storable(reason))
    .bind(delivery.payload.as_ref())
    .execute(conn)
    .await?;
    Ok(())
}

/// How many letters of a stream wait, and how many of them are to be tried again.
pub(crate) async fn count(conn: &mut PgConnection, stream: Stream) -> Result<(i64, i64), sqlx::Error> {
    sqlx::query_as("SELECT count(*), count(redrive_requested_at) FROM dead_letter WHERE stream = $1")
        .bind(stream.name)
        .fetch_one(conn)
        .await
}

/// Letters to be tried again, in the order of the stream.
pub(crate) async fn requested(conn: &mut PgConnection, stream: Stream, limit: i64) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT event_id FROM dead_letter WHERE stream = $1 AND redrive_requested_at IS NOT NULL
         ORDER BY stream_seq, event_id LIMIT $2",
    )
    .bind(stream.name)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// The letter, unless it is tried already, or was.
pub(crate) async fn lock_requested(conn: &mut PgConnection, event_id: Uuid) -> Result<Option<Letter>, sqlx::Error> {
    sqlx::query_as(
        "SELECT event_id, tenant_id, customer_id, stream, stream_seq, subject, reason, attempts, at, redrive_requested_at,
                redrive_requested_by, payload
         FROM dead_letter WHERE event_id = $1 AND redrive_requested_at IS NOT NULL FOR UPDATE SKIP LOCKED",
    )
    .bind(event_id)
    .fetch_optional(conn)
    .await
}

/// The letter was applied and waits no more.
pub(crate) async fn applied(conn: &mut PgConnection, letter: &Letter) -> Result<(), sqlx::Error> {
    log_attempt(&mut *conn, letter, "applied").await?;
    sqlx::query("DELETE FROM dead_letter WHERE event_id = $1").bind(letter.event_id).execute(conn).await?;
    Ok(())
}

/// The letter was rejected again and waits as before.
pub(crate) async fn rejected_again(conn: &mut PgConnection, letter: &Letter, reason: &str) -> Result<(), sqlx::Error> {
    log_attempt(&mut *conn, letter, "rejected").await?;
    sqlx::query(
        "UPDATE dead_letter SET attempts = attempts + 1, reason = $2, redrive_requested_at = NULL,
             redrive_requested_by = NULL
         WHERE event_id = $1",
    )
    .bind(letter.event_id)
    .bind(storable(reason))
    .execute(conn)
    .await?;
    Ok(())
}

async fn log_attempt(conn: &mut PgConnection, letter: &Letter, outcome: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO dead_letter_log (event_id, tenant_id, customer_id, stream, stream_seq, subject, reason, outcome,
             requested_by, requested_at)
         SELECT event_id, tenant_id, customer_id, stream, stream_seq, subject, reason, $2, redrive_requested_by,
                redrive_requested_at
         FROM dead_letter WHERE event_id = $1",
    )
    .bind(letter.event_id)
    .bind(outcome)
    .execute(conn)
    .await?;
    Ok(())
}

/// Checks now what is otherwise checked at commit, where it would fail for everything in the transaction.
pub(crate) async fn check_constraints(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SET CONSTRAINTS ALL IMMEDIATE").execute(conn).await.map(drop)
}

/// PostgreSQL's text has no NUL, whatever a poisoned event made its handler say.
fn storable(reason: &str) -> String {
    reason.replace('\0', "\u{fffd}")
}

/// Of `customers`, those with an event that waits for a person: nothing may be sent to them (D11).
pub async fn blocked_customers(
    conn: &mut PgConnection,
    tenant_ids: &[Uuid],
    customer_ids: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT DISTINCT d.tenant_id, d.customer_id FROM dead_letter d
         JOIN unnest($1::uuid[], $2::uuid[]) AS asked (tenant_id, customer_id)
           ON asked.tenant_id = d.tenant_id AND asked.customer_id = d.customer_id",
    )
    .bind(tenant_ids)
    .bind(customer_ids)
    .fetch_all(conn)
    .await
}
