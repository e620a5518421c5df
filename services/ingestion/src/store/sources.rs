//! Sources and up to when they have told everything.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SourceRow {
    pub(crate) source_id: Uuid,
    pub(crate) version: i64,
    pub(crate) code: String,
    pub(crate) application_authority: String,
    pub(crate) mode: String,
    pub(crate) covers: Vec<String>,
    pub(crate) covered_until: Option<DateTime<Utc>>,
}

/// Sources by id, locked in the order of their ids.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<SourceRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        SourceRow,
        "SELECT source_id, version, code, application_authority, mode, covers, covered_until
         FROM sources WHERE tenant_id = $1 AND source_id = ANY($2) ORDER BY source_id FOR NO KEY UPDATE",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

/// False when the tenant has a source of that code already.
pub(crate) async fn insert(conn: &mut PgConnection, tenant_id: Uuid, source: &SourceRow) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO sources (tenant_id, source_id, code, application_authority, mode, covers, covered_until, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        tenant_id,
        source.source_id,
        source.code,
        source.application_authority,
        source.mode,
        &source.covers,
        source.covered_until,
        source.version
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn save_coverage(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[SourceRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE sources s SET covered_until = n.covered_until, version = n.version
         FROM unnest($2::uuid[], $3::timestamptz[], $4::bigint[]) AS n (source_id, covered_until, version)
         WHERE s.tenant_id = $1 AND s.source_id = n.source_id",
        tenant_id,
        &rows.iter().map(|row| row.source_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.covered_until).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &rows.iter().map(|row| row.version).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn save_mode(conn: &mut PgConnection, tenant_id: Uuid, row: &SourceRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE sources SET mode = $3, version = $4 WHERE tenant_id = $1 AND source_id = $2",
        tenant_id,
        row.source_id,
        row.mode,
        row.version
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a source's word about money is worth.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    pub(crate) source_id: Uuid,
    /// Who applies cash.
    pub(crate) applies_cash: String,
    /// Money that the source told of until then is in its list of open items.
    pub(crate) snapshot_until: Option<DateTime<Utc>>,
}

pub(crate) async fn authorities(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<Authority>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        Authority,
        "SELECT source_id, application_authority AS applies_cash, snapshot_until FROM sources WHERE tenant_id = $1 AND source_id = ANY($2)",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}
