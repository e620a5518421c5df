//! Invoices and the settlements that belong to them.

use chrono::{DateTime, NaiveDate, Utc};
use faults::Bug;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::HashSet;
use uuid::Uuid;

use super::newest::{newest, versioned};

#[derive(Debug, Clone)]
pub(crate) struct InvoiceRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) invoice_id: Uuid,
    pub(crate) version: i64,
    pub(crate) legal_entity_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) payer_id: Uuid,
    pub(crate) number: String,
    pub(crate) currency: String,
    pub(crate) amount: Decimal,
    pub(crate) disputed_amount: Decimal,
    pub(crate) issue_date: NaiveDate,
    pub(crate) due_date: NaiveDate,
    pub(crate) effective_due_date: NaiveDate,
    pub(crate) overdue_from: NaiveDate,
    pub(crate) closed_on: Option<NaiveDate>,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) settlements: Vec<SettlementRow>,
}
versioned!(InvoiceRow, invoice_id);

#[derive(Debug, Clone)]
pub(crate) struct SettlementRow {
    pub(crate) settlement_id: Uuid,
    pub(crate) credit_id: Uuid,
    pub(crate) kind: String,
    pub(crate) amount: Decimal,
    pub(crate) value_date: NaiveDate,
    pub(crate) counts_on: NaiveDate,
    pub(crate) counts_overdue_on: NaiveDate,
    pub(crate) days_late: i32,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) inferred: bool,
}

/// Keeps what is newer than what is kept; the settlements of an invoice are replaced with it.
pub(crate) async fn save(conn: &mut PgConnection, rows: Vec<InvoiceRow>) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = newest(rows);
    if faults::seeded(Bug::OlderOverwritesNewer) {
        forget(&mut *conn, &rows).await?;
    }
    let changed: HashSet<(Uuid, Uuid)> = upsert(&mut *conn, &rows).await?.into_iter().collect();
    let replaced: Vec<&InvoiceRow> =
        rows.iter().filter(|row| changed.contains(&(row.tenant_id, row.invoice_id))).collect();
    if replaced.is_empty() {
        return Ok(());
    }
    // The first version of an invoice finds nothing to replace.
    let known: Vec<&InvoiceRow> = replaced.iter().filter(|row| row.version > 1).copied().collect();
    delete_settlements(&mut *conn, &known).await?;
    insert_settlements(conn, &replaced).await
}

/// The seeded bug: what was known before, newer or not, gives way. Not a checked query: no product has it.
async fn forget(conn: &mut PgConnection, rows: &[InvoiceRow]) -> Result<(), sqlx::Error> {
    let keys = "unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, invoice_id)
                WHERE i.tenant_id = k.tenant_id AND i.invoice_id = k.invoice_id";
    for table in ["invoice_settlements", "invoices"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table} i USING {keys}")))
            .bind(rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.invoice_id).collect::<Vec<_>>())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

async fn upsert(conn: &mut PgConnection, rows: &[InvoiceRow]) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
    let changed = sqlx::query!(
        "INSERT INTO invoices AS t (tenant_id, invoice_id, version, legal_entity_id, customer_id, payer_id, number, currency,
             amount, disputed_amount, issue_date, due_date, effective_due_date, overdue_from, closed_on, recorded_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[],
             $8::text[], $9::numeric[], $10::numeric[], $11::date[], $12::date[], $13::date[], $14::date[], $15::date[],
             $16::timestamptz[])
         ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET version = excluded.version,
             legal_entity_id = excluded.legal_entity_id, customer_id = excluded.customer_id, payer_id = excluded.payer_id,
             number = excluded.number, currency = excluded.currency, amount = excluded.amount,
             disputed_amount = excluded.disputed_amount, issue_date = excluded.issue_date, due_date = excluded.due_date,
             effective_due_date = excluded.effective_due_date, overdue_from = excluded.overdue_from,
             closed_on = excluded.closed_on, recorded_at = excluded.recorded_at
         WHERE t.version < excluded.version
         RETURNING t.tenant_id, t.invoice_id",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.invoice_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.legal_entity_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.payer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.number.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.currency.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.amount).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.disputed_amount).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.issue_date).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.due_date).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.effective_due_date).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.overdue_from).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.closed_on).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(changed.into_iter().map(|row| (row.tenant_id, row.invoice_id)).collect())
}

async fn delete_settlements(conn: &mut PgConnection, invoices: &[&InvoiceRow]) -> Result<(), sqlx::Error> {
    if invoices.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "DELETE FROM invoice_settlements s USING unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, invoice_id)
         WHERE s.tenant_id = k.tenant_id AND s.invoice_id = k.invoice_id",
        &invoices.iter().map(|invoice| invoice.tenant_id).collect::<Vec<_>>(),
        &invoices.iter().map(|invoice| invoice.invoice_id).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn insert_settlements(conn: &mut PgConnection, invoices: &[&InvoiceRow]) -> Result<(), sqlx::Error> {
    let rows: Vec<(&InvoiceRow, &SettlementRow)> =
        invoices.iter().flat_map(|invoice| invoice.settlements.iter().map(|part| (*invoice, part))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO invoice_settlements (tenant_id, invoice_id, settlement_id, credit_id, kind, currency, amount, value_date,
             counts_on, counts_overdue_on, days_late, recorded_at, inferred)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::numeric[],
             $8::date[], $9::date[], $10::date[], $11::integer[], $12::timestamptz[], $13::boolean[])",
        &rows.iter().map(|(invoice, _)| invoice.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|(invoice, _)| invoice.invoice_id).collect::<Vec<_>>(),
        &rows.iter().map(|(_, part)| part.settlement_id).collect::<Vec<_>>(),
        &rows.iter().map(|(_, part)| part.credit_id).collect::<Vec<_>>(),
        &rows.iter().map(|(_, part)| part.kind.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|(invoice, _)| invoice.currency.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|(_, part)| part.amount).collect::<Vec<_>>(),
        &rows.iter().map(|(_, part)| part.value_date).collect::<Vec<_>>(),
        &rows.iter().map(|(_, part)| part.counts_on).collect::<Vec<_>>(),
        &rows.iter().map(|(_, part)| part.counts_overdue_on).collect::<Vec<_>>(),
        &rows.iter().map(|(_, part)| part.days_late).collect::<Vec<_>>(),
        &rows.iter().map(|(_, part)| part.recorded_at).collect::<Vec<_>>(),
        &rows.iter().map(|(_, part)| part.inferred).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
