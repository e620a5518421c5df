//! Lines that wait for a person.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

pub(crate) struct NewLine {
    pub(crate) quarantine_id: Uuid,
    pub(crate) line: i32,
    pub(crate) byte_offset: i64,
    pub(crate) raw: Vec<u8>,
    pub(crate) sha256: Vec<u8>,
    pub(crate) code: String,
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
#[schema(as = QuarantinedLine)]
pub(crate) struct QuarantineRow {
    pub(crate) quarantine_id: Uuid,
    pub(crate) batch_id: Uuid,
    pub(crate) line: i32,
    pub(crate) byte_offset: i64,
    pub(crate) code: String,
    pub(crate) pointer: String,
    pub(crate) detail: String,
    pub(crate) status: String,
    pub(crate) times_seen: i32,
    pub(crate) recorded_at: DateTime<Utc>,
}

/// A line with all that is known of it.
#[derive(Debug, Clone)]
pub(crate) struct WholeRow {
    pub(crate) row: QuarantineRow,
    /// As it came; none when it was erased.
    pub(crate) raw: Option<Vec<u8>>,
    pub(crate) decision: Option<String>,
    pub(crate) decided_at: Option<DateTime<Utc>>,
    pub(crate) edited: Option<Vec<u8>>,
}

/// What a person decided about a line.
pub(crate) struct Decision<'a> {
    pub(crate) status: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) edited: Option<&'a [u8]>,
}

/// Keeps lines (one for each id); one seen before is counted.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    batch_id: Uuid,
    now: DateTime<Utc>,
    lines: &[NewLine],
) -> Result<(), sqlx::Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&NewLine) -> &String| lines.iter().map(of).cloned().collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO quarantine (tenant_id, batch_id, recorded_at, status, times_seen, quarantine_id, line, byte_offset, raw,
                                 sha256, code, pointer, detail)
         SELECT $1, $2, $3, 'open', 1, * FROM unnest($4::uuid[], $5::integer[], $6::bigint[], $7::bytea[], $8::bytea[],
                                 $9::text[], $10::text[], $11::text[])
         ON CONFLICT (tenant_id, quarantine_id) DO UPDATE SET times_seen = quarantine.times_seen + 1",
        tenant_id,
        batch_id,
        now,
        &lines.iter().map(|line| line.quarantine_id).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.line).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.byte_offset).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.raw.clone()).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.sha256.clone()).collect::<Vec<_>>(),
        &text(|line| &line.code),
        &text(|line| &line.pointer),
        &text(|line| &line.detail)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What waits, newest first.
pub(crate) async fn open(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    limit: i64,
) -> Result<Vec<QuarantineRow>, sqlx::Error> {
    sqlx::query_as!(
        QuarantineRow,
        "SELECT quarantine_id, batch_id, line, byte_offset, code, pointer, detail, status, times_seen, recorded_at
         FROM quarantine WHERE tenant_id = $1 AND status = 'open' ORDER BY recorded_at DESC, quarantine_id LIMIT $2",
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn line(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    quarantine_id: Uuid,
) -> Result<Option<WholeRow>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT quarantine_id, batch_id, line, byte_offset, code, pointer, detail, status, times_seen, recorded_at, raw,
                decision, decided_at, edited
         FROM quarantine WHERE tenant_id = $1 AND quarantine_id = $2",
        tenant_id,
        quarantine_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| WholeRow {
        row: QuarantineRow {
            quarantine_id: row.quarantine_id,
            batch_id: row.batch_id,
            line: row.line,
            byte_offset: row.byte_offset,
            code: row.code,
            pointer: row.pointer,
            detail: row.detail,
            status: row.status,
            times_seen: row.times_seen,
            recorded_at: row.recorded_at,
        },
        raw: row.raw,
        decision: row.decision,
        decided_at: row.decided_at,
        edited: row.edited,
    }))
}

/// Ends the waiting of an open line; false when it does not wait.
pub(crate) async fn decide(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    quarantine_id: Uuid,
    decision: &Decision<'_>,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE quarantine SET status = $3, decision = $4, edited = $5, decided_at = $6
         WHERE tenant_id = $1 AND quarantine_id = $2 AND status = 'open'",
        tenant_id,
        quarantine_id,
        decision.status,
        decision.reason,
        decision.edited,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
