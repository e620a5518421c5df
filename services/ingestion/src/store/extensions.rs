//! Later due dates that were agreed.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub(crate) struct ExtensionRow {
    pub(crate) invoice_id: Uuid,
    pub(crate) effective_due_date: NaiveDate,
    pub(crate) reason: String,
    pub(crate) source_order: String,
}

pub(crate) async fn by_invoices(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, ExtensionRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query_as!(
        ExtensionRow,
        "SELECT e.invoice_id, e.effective_due_date, e.reason, e.source_order
         FROM unnest($2::uuid[]) AS k (invoice_id) CROSS JOIN LATERAL (
             SELECT * FROM due_date_extensions WHERE tenant_id = $1 AND invoice_id = k.invoice_id OFFSET 0) e",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.invoice_id, row)).collect())
}

pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    rows: &[ExtensionRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO due_date_extensions (tenant_id, recorded_at, invoice_id, effective_due_date, reason, source_order)
         SELECT $1, $2, * FROM unnest($3::uuid[], $4::date[], $5::text[], $6::text[])
         ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET effective_due_date = excluded.effective_due_date,
             reason = excluded.reason, source_order = excluded.source_order, recorded_at = excluded.recorded_at",
        tenant_id,
        now,
        &rows.iter().map(|row| row.invoice_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.effective_due_date).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.reason.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.source_order.clone()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}
