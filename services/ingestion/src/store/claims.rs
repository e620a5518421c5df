//! What debtors answer.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::holds::array;

#[derive(Debug, Clone)]
pub(crate) struct ClaimRow {
    pub(crate) claim_id: Uuid,
    pub(crate) code: String,
    pub(crate) answer: &'static str,
    pub(crate) customer_id: Uuid,
    /// Empty: the whole customer.
    pub(crate) invoice_ids: Vec<Uuid>,
    pub(crate) amount: Option<Decimal>,
    pub(crate) currency: Option<String>,
    pub(crate) claimed_on: NaiveDate,
    pub(crate) paid_on: Option<NaiveDate>,
    pub(crate) scheduled_for: Option<NaiveDate>,
    pub(crate) document: Option<&'static str>,
    pub(crate) source_order: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

/// The orders of the answers that are in force.
pub(crate) async fn orders(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, String>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT claim_id, source_order FROM claims WHERE tenant_id = $1 AND claim_id = ANY($2)",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.claim_id, row.source_order)).collect())
}

pub(crate) async fn save(conn: &mut PgConnection, tenant_id: Uuid, rows: &[ClaimRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO claims (tenant_id, claim_id, code, answer, customer_id, invoice_ids, amount, currency, claimed_on,
             paid_on, scheduled_for, document, source_order, recorded_at)
         SELECT $1, n.claim_id, n.code, n.answer, n.customer_id, n.invoice_ids::uuid[], n.amount, n.currency, n.claimed_on,
                n.paid_on, n.scheduled_for, n.document, n.source_order, n.recorded_at
         FROM unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::numeric[], $8::text[], $9::date[],
                     $10::date[], $11::date[], $12::text[], $13::text[], $14::timestamptz[])
              AS n (claim_id, code, answer, customer_id, invoice_ids, amount, currency, claimed_on, paid_on, scheduled_for,
                    document, source_order, recorded_at)
         ON CONFLICT (tenant_id, claim_id) DO UPDATE SET answer = excluded.answer, customer_id = excluded.customer_id,
             invoice_ids = excluded.invoice_ids, amount = excluded.amount, currency = excluded.currency,
             claimed_on = excluded.claimed_on, paid_on = excluded.paid_on, scheduled_for = excluded.scheduled_for,
             document = excluded.document, source_order = excluded.source_order, recorded_at = excluded.recorded_at",
        tenant_id,
        &rows.iter().map(|row| row.claim_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.code.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.answer.to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| array(&row.invoice_ids)).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.amount).collect::<Vec<_>>() as &[Option<Decimal>],
        &rows.iter().map(|row| row.currency.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.claimed_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.paid_on).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &rows.iter().map(|row| row.scheduled_for).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &rows.iter().map(|row| row.document.map(str::to_owned)).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.source_order.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}
