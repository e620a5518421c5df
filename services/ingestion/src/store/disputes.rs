//! Disputes and their resolutions, which may come first.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DisputeRow {
    pub(crate) dispute_id: Uuid,
    /// 0 until it was published.
    pub(crate) version: i64,
    pub(crate) code: String,
    pub(crate) invoice_id: Uuid,
    pub(crate) invoice_number: String,
    pub(crate) reason: String,
    pub(crate) amount: Option<Decimal>,
    pub(crate) opened_on: NaiveDate,
    pub(crate) resolved_on: Option<NaiveDate>,
    pub(crate) outcome: Option<String>,
    pub(crate) customer_id: Option<Uuid>,
    pub(crate) source_order: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResolutionRow {
    pub(crate) dispute_id: Uuid,
    pub(crate) code: String,
    pub(crate) resolved_on: NaiveDate,
    pub(crate) outcome: Option<String>,
    pub(crate) source_order: String,
}

/// Disputes by their own ids or by those of their invoices.
pub(crate) async fn load(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    disputes: &[Uuid],
    invoices: &[Uuid],
) -> Result<Vec<DisputeRow>, sqlx::Error> {
    if disputes.is_empty() && invoices.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        DisputeRow,
        "SELECT d.dispute_id, d.version, d.code, d.invoice_id, d.invoice_number, d.reason, d.amount, d.opened_on,
                d.resolved_on, d.outcome, d.customer_id, d.source_order, d.recorded_at
         FROM (SELECT k.dispute_id FROM unnest($2::uuid[]) AS k (dispute_id)
               UNION SELECT i.dispute_id FROM unnest($3::uuid[]) AS k (invoice_id) CROSS JOIN LATERAL (
                   SELECT dispute_id FROM disputes WHERE tenant_id = $1 AND invoice_id = k.invoice_id OFFSET 0) i
              ) AS wanted CROSS JOIN LATERAL (
             SELECT * FROM disputes WHERE tenant_id = $1 AND dispute_id = wanted.dispute_id OFFSET 0) d
         ORDER BY d.dispute_id",
        tenant_id,
        disputes,
        invoices
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn resolutions(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<ResolutionRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        ResolutionRow,
        "SELECT dispute_id, code, resolved_on, outcome, source_order FROM dispute_resolutions
         WHERE tenant_id = $1 AND dispute_id = ANY($2)",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn save(conn: &mut PgConnection, tenant_id: Uuid, rows: &[DisputeRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&DisputeRow) -> &String| rows.iter().map(of).cloned().collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO disputes (tenant_id, dispute_id, version, code, invoice_id, invoice_number, reason, amount, opened_on,
             resolved_on, outcome, customer_id, source_order, recorded_at)
         SELECT $1, * FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::numeric[],
             $9::date[], $10::date[], $11::text[], $12::uuid[], $13::text[], $14::timestamptz[])
         ON CONFLICT (tenant_id, dispute_id) DO UPDATE SET version = excluded.version, invoice_id = excluded.invoice_id,
             invoice_number = excluded.invoice_number, reason = excluded.reason, amount = excluded.amount,
             opened_on = excluded.opened_on, resolved_on = excluded.resolved_on, outcome = excluded.outcome,
             customer_id = excluded.customer_id, source_order = excluded.source_order, recorded_at = excluded.recorded_at",
        tenant_id,
        &rows.iter().map(|row| row.dispute_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &text(|row| &row.code),
        &rows.iter().map(|row| row.invoice_id).collect::<Vec<_>>(),
        &text(|row| &row.invoice_number),
        &text(|row| &row.reason),
        &rows.iter().map(|row| row.amount).collect::<Vec<_>>() as &[Option<Decimal>],
        &rows.iter().map(|row| row.opened_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.resolved_on).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &rows.iter().map(|row| row.outcome.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &text(|row| &row.source_order),
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn save_resolutions(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[ResolutionRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO dispute_resolutions (tenant_id, dispute_id, code, resolved_on, outcome, source_order)
         SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::date[], $5::text[], $6::text[])
         ON CONFLICT (tenant_id, dispute_id) DO UPDATE SET resolved_on = excluded.resolved_on, outcome = excluded.outcome,
             source_order = excluded.source_order",
        tenant_id,
        &rows.iter().map(|row| row.dispute_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.code.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.resolved_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.outcome.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.source_order.clone()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}
