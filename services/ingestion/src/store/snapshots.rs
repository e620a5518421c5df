//! Lists of open items, and what a source's newest list no longer shows.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A source as one of its lists finds it.
#[derive(Debug, Clone)]
pub(crate) struct ListingSource {
    pub(crate) source_id: Uuid,
    pub(crate) mode: String,
    pub(crate) covers: Vec<String>,
    pub(crate) snapshot_until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
pub(crate) struct SnapshotRow {
    pub(crate) snapshot_id: Uuid,
    pub(crate) as_of: DateTime<Utc>,
    pub(crate) sha256: Vec<u8>,
    pub(crate) status: String,
    pub(crate) report: Value,
    pub(crate) updated_at: DateTime<Utc>,
}

/// An open invoice that a source has told of.
#[derive(Debug, Clone)]
pub(crate) struct OpenRow {
    pub(crate) invoice_id: Uuid,
    pub(crate) number: String,
    pub(crate) legal_entity: String,
    /// Code.
    pub(crate) payer: String,
    pub(crate) currency: String,
    pub(crate) open_amount: Decimal,
}

/// Money on account that a source's list has shown.
#[derive(Debug, Clone)]
pub(crate) struct ListedRow {
    pub(crate) credit_id: Uuid,
    pub(crate) number: String,
    pub(crate) legal_entity: String,
    /// Code.
    pub(crate) payer: String,
    pub(crate) currency: String,
    pub(crate) value_date: NaiveDate,
}

/// The next of what the source has shown on account at `until` or before, by id, `limit` of them. `until` as a
/// [`crate::domain::order::moment`].
pub(crate) async fn listed_of_source(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    code: &str,
    until: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<ListedRow>, sqlx::Error> {
    sqlx::query_as!(
        ListedRow,
        r#"SELECT c.credit_id, c.number, l.code AS legal_entity, p.code AS payer, c.currency, c.value_date
           FROM sources s
           JOIN credits c ON c.tenant_id = s.tenant_id AND c.source_id = s.source_id
           JOIN legal_entities l ON l.tenant_id = c.tenant_id AND l.legal_entity_id = c.legal_entity_id
           JOIN customers p ON p.tenant_id = c.tenant_id AND p.customer_id = c.payer_id
           WHERE s.tenant_id = $1 AND s.code = $2 AND c.kind = 'on_account' AND c.amount > 0
             AND split_part(c.source_order, ' ', 2) COLLATE "C" <= $3 AND c.credit_id > $4
           ORDER BY c.credit_id LIMIT $5"#,
        tenant_id,
        code,
        until,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The source of a code, locked until the end of the transaction.
pub(crate) async fn lock_source(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    code: &str,
) -> Result<Option<ListingSource>, sqlx::Error> {
    sqlx::query_as!(
        ListingSource,
        "SELECT source_id, mode, covers, snapshot_until FROM sources WHERE tenant_id = $1 AND code = $2 FOR NO KEY UPDATE",
        tenant_id,
        code
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn by_id(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    snapshot_id: Uuid,
) -> Result<Option<SnapshotRow>, sqlx::Error> {
    sqlx::query_as!(
        SnapshotRow,
        "SELECT snapshot_id, as_of, sha256, status, report, updated_at FROM snapshots
         WHERE tenant_id = $1 AND snapshot_id = $2",
        tenant_id,
        snapshot_id
    )
    .fetch_optional(conn)
    .await
}

/// The list of a source that is being applied.
pub(crate) async fn running(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    source_id: Uuid,
) -> Result<Option<SnapshotRow>, sqlx::Error> {
    sqlx::query_as!(
        SnapshotRow,
        "SELECT snapshot_id, as_of, sha256, status, report, updated_at FROM snapshots
         WHERE tenant_id = $1 AND source_id = $2 AND status = 'applying' ORDER BY updated_at DESC LIMIT 1",
        tenant_id,
        source_id
    )
    .fetch_optional(conn)
    .await
}

/// The lists of a source, newest first.
pub(crate) async fn of_source(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    code: &str,
    limit: i64,
) -> Result<Vec<SnapshotRow>, sqlx::Error> {
    sqlx::query_as!(
        SnapshotRow,
        "SELECT n.snapshot_id, n.as_of, n.sha256, n.status, n.report, n.updated_at
         FROM sources s JOIN snapshots n ON n.tenant_id = s.tenant_id AND n.source_id = s.source_id
         WHERE s.tenant_id = $1 AND s.code = $2 ORDER BY n.as_of DESC LIMIT $3",
        tenant_id,
        code,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Writes what has become of a list.
pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    source_id: Uuid,
    row: &SnapshotRow,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO snapshots (tenant_id, snapshot_id, source_id, as_of, sha256, status, report, recorded_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
         ON CONFLICT (tenant_id, snapshot_id) DO UPDATE SET sha256 = excluded.sha256, status = excluded.status,
             report = excluded.report, updated_at = excluded.updated_at",
        tenant_id,
        row.snapshot_id,
        source_id,
        row.as_of,
        row.sha256,
        row.status,
        row.report,
        row.updated_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn delete(conn: &mut PgConnection, tenant_id: Uuid, snapshot_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM snapshots WHERE tenant_id = $1 AND snapshot_id = $2", tenant_id, snapshot_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// From now on the source's money until `as_of` is in its list.
pub(crate) async fn applied(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    source_id: Uuid,
    as_of: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE sources SET snapshot_until = greatest(snapshot_until, $3) WHERE tenant_id = $1 AND source_id = $2",
        tenant_id,
        source_id,
        as_of
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next open invoices of the source by id, `limit` of them, that it told of at `until` or before. `until` as a
/// [`crate::domain::order::moment`].
pub(crate) async fn open_of_source(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    code: &str,
    until: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<OpenRow>, sqlx::Error> {
    sqlx::query_as!(
        OpenRow,
        r#"SELECT r.invoice_id, r.number, r.currency, r.open_amount, l.code AS legal_entity, p.code AS payer
           FROM receivables r
           JOIN legal_entities l ON l.tenant_id = r.tenant_id AND l.legal_entity_id = r.legal_entity_id
           JOIN customers p ON p.tenant_id = r.tenant_id AND p.customer_id = r.payer_id
           WHERE r.tenant_id = $1 AND r.open_amount > 0 AND r.source = $2
             AND split_part(r.source_order, ' ', 2) COLLATE "C" <= $3 AND r.invoice_id > $4
           ORDER BY r.invoice_id LIMIT $5"#,
        tenant_id,
        code,
        until,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}
