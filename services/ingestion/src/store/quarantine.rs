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

#[derive(Debug, Clone, serde::Serialize)]
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

/// Status and text of a line; no text when it was erased.
pub(crate) async fn line(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    quarantine_id: Uuid,
) -> Result<Option<(String, Option<Vec<u8>>)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT status, raw FROM quarantine WHERE tenant_id = $1 AND quarantine_id = $2",
        tenant_id,
        quarantine_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.status, row.raw)))
}

/// Ends the waiting of an open line; false when it does not wait.
pub(crate) async fn decide(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    quarantine_id: Uuid,
    status: &str,
    decision: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE quarantine SET status = $3, decision = $4, decided_at = $5
         WHERE tenant_id = $1 AND quarantine_id = $2 AND status = 'open'",
        tenant_id,
        quarantine_id,
        status,
        decision,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
