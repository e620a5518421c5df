//! Invoices as ingestion describes them.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::keys::{Key, Keys};
use super::plan::NextStep;

/// The status of an invoice of which nothing is open.
pub(crate) const SETTLED: &str = "settled";

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tenant_id: Uuid,
    pub(crate) invoice_id: Uuid,
    pub(crate) version: i64,
    pub(crate) legal_entity_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) number: String,
    pub(crate) currency: String,
    pub(crate) amount: Decimal,
    pub(crate) open_amount: Decimal,
    pub(crate) expected_net: Decimal,
    pub(crate) disputed_amount: Decimal,
    pub(crate) issue_date: NaiveDate,
    pub(crate) due_date: NaiveDate,
    pub(crate) effective_due_date: NaiveDate,
    pub(crate) last_dunned_on: Option<NaiveDate>,
    pub(crate) delivered_date: Option<NaiveDate>,
    pub(crate) voided: bool,
    /// `submitted`, `accepted`, `rejected`; empty: nothing was told.
    pub(crate) acceptance: String,
    pub(crate) assigned: bool,
    pub(crate) covered_amount: Decimal,
    pub(crate) status: String,
}

/// Upserts if newer, each with its next step. One row per key.
#[allow(clippy::as_conversions, reason = "how the query macros are told of an array with gaps")]
pub(crate) async fn save(conn: &mut PgConnection, rows: &[Row], steps: &[NextStep]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids = |of: fn(&Row) -> Uuid| rows.iter().map(of).collect::<Vec<Uuid>>();
    let texts = |of: fn(&Row) -> &str| rows.iter().map(of).collect::<Vec<&str>>();
    let amounts = |of: fn(&Row) -> Decimal| rows.iter().map(of).collect::<Vec<Decimal>>();
    let dates = |of: fn(&Row) -> NaiveDate| rows.iter().map(of).collect::<Vec<NaiveDate>>();
    sqlx::query!(
        "INSERT INTO invoices AS i (tenant_id, invoice_id, version, legal_entity_id, customer_id, number, currency,
           amount, open_amount, expected_net, disputed_amount, issue_date, due_date, effective_due_date, last_dunned_on,
           status, next_step_at, live, delivered_date, voided, acceptance, assigned,
           covered_amount)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
           $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::date[], $13::date[], $14::date[],
           $15::date[], $16::text[], $17::timestamptz[], $18::boolean[], $19::date[], $20::boolean[], $21::text[],
           $22::boolean[], $23::numeric[])
         ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET version = excluded.version,
           legal_entity_id = excluded.legal_entity_id, customer_id = excluded.customer_id, number = excluded.number,
           currency = excluded.currency, amount = excluded.amount, open_amount = excluded.open_amount,
           expected_net = excluded.expected_net, disputed_amount = excluded.disputed_amount,
           issue_date = excluded.issue_date, due_date = excluded.due_date,
           effective_due_date = excluded.effective_due_date, last_dunned_on = excluded.last_dunned_on,
           status = excluded.status, delivered_date = excluded.delivered_date, voided = excluded.voided,
           acceptance = excluded.acceptance, assigned = excluded.assigned,
           covered_amount = excluded.covered_amount,
           next_step_at = excluded.next_step_at, live = excluded.live
         WHERE i.version < excluded.version",
        &ids(|row| row.tenant_id),
        &ids(|row| row.invoice_id),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &ids(|row| row.legal_entity_id),
        &ids(|row| row.customer_id),
        &texts(|row| &row.number) as &[&str],
        &texts(|row| &row.currency) as &[&str],
        &amounts(|row| row.amount),
        &amounts(|row| row.open_amount),
        &amounts(|row| row.expected_net),
        &amounts(|row| row.disputed_amount),
        &dates(|row| row.issue_date),
        &dates(|row| row.due_date),
        &dates(|row| row.effective_due_date),
        &rows.iter().map(|row| row.last_dunned_on).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &texts(|row| &row.status) as &[&str],
        &steps.iter().map(|step| step.at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &steps.iter().map(|step| step.live).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.delivered_date).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &rows.iter().map(|row| row.voided).collect::<Vec<_>>(),
        &texts(|row| &row.acceptance) as &[&str],
        &rows.iter().map(|row| row.assigned).collect::<Vec<_>>(),
        &amounts(|row| row.covered_amount),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The customers to whom these invoices belong now: one that moves leaves a plan behind.
pub(crate) async fn customers_of(conn: &mut PgConnection, invoices: &Keys) -> Result<Vec<Key>, sqlx::Error> {
    if invoices.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        "SELECT DISTINCT i.tenant_id, i.customer_id
         FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, invoice_id) CROSS JOIN LATERAL (
           SELECT tenant_id, customer_id FROM invoices
           WHERE tenant_id = k.tenant_id AND invoice_id = k.invoice_id OFFSET 0) i",
        &invoices.tenants,
        &invoices.ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.customer_id)).collect())
}
