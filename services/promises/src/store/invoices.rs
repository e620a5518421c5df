//! The projection of invoices.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::facts::Invoice;

/// (tenant, invoice). The order is the order in which rows are locked.
pub(crate) type InvoiceKey = (Uuid, Uuid);

/// An invoice as ingestion told it, with its version.
#[derive(Debug, Clone)]
pub(crate) struct VersionedInvoice {
    pub version: i64,
    pub invoice: Invoice,
}

/// Saves what is newer, makes a row for each invoice that is only named, and locks all of them until the transaction ends:
/// a promise and a payment that meet for the first time in two transactions see each other (D13). One statement, because
/// the rows that have come and those that are named must be locked in one order.
///
/// Returns the invoices that are newer than before.
pub(crate) async fn save_and_lock(
    conn: &mut PgConnection,
    changed: &BTreeMap<InvoiceKey, VersionedInvoice>,
    named: &BTreeSet<InvoiceKey>,
) -> Result<Vec<InvoiceKey>, sqlx::Error> {
    let keys: BTreeSet<InvoiceKey> = changed.keys().chain(named).copied().collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<_> = keys.iter().map(|key| changed.get(key)).collect();
    let (tenant_ids, invoice_ids): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
    let versions: Vec<_> = rows.iter().map(|row| row.map_or(0, |row| row.version)).collect();
    let currencies: Vec<_> = rows.iter().map(|row| row.map(|row| row.invoice.currency.code().to_owned())).collect();
    let amounts: Vec<_> = rows.iter().map(|row| row.map(|row| row.invoice.amount)).collect();
    let voided: Vec<_> = rows.iter().map(|row| row.and_then(|row| row.invoice.voided_on)).collect();
    let settled: Vec<_> =
        rows.iter().map(|row| Json(row.map(|row| row.invoice.settled.as_slice()).unwrap_or_default())).collect();
    let newer = sqlx::query!(
        r#"INSERT INTO invoices (tenant_id, invoice_id, version, currency, amount, settled, voided_on)
           SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::numeric[], $6::jsonb[], $7::date[])
           ON CONFLICT (tenant_id, invoice_id) DO UPDATE
           SET version = excluded.version, currency = excluded.currency, amount = excluded.amount,
               settled = excluded.settled, voided_on = excluded.voided_on
           WHERE invoices.version < excluded.version -- a row is locked even where this is false
           RETURNING tenant_id, invoice_id, version"#,
        &tenant_ids,
        &invoice_ids,
        &versions,
        &currencies as &[Option<String>],
        &amounts as &[Option<rust_decimal::Decimal>],
        settled as Vec<Json<&[crate::domain::facts::DaySettled]>>,
        &voided as &[Option<chrono::NaiveDate>],
    )
    .fetch_all(conn)
    .await?;
    Ok(newer.into_iter().filter(|row| row.version > 0).map(|row| (row.tenant_id, row.invoice_id)).collect())
}
