//! Disputes: objections of debtors.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::newest::{newest, versioned};

#[derive(Debug, Clone)]
pub(crate) struct DisputeRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) dispute_id: Uuid,
    pub(crate) version: i64,
    pub(crate) invoice_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) reason: String,
    pub(crate) status: String,
    pub(crate) opened_on: NaiveDate,
    pub(crate) resolved_on: Option<NaiveDate>,
}
versioned!(DisputeRow, dispute_id);

pub(crate) async fn save(conn: &mut PgConnection, rows: Vec<DisputeRow>) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = newest(rows);
    sqlx::query!(
        "INSERT INTO disputes AS t (tenant_id, dispute_id, version, invoice_id, customer_id, reason, status, opened_on,
             resolved_on)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
             $8::date[], $9::date[])
         ON CONFLICT (tenant_id, dispute_id) DO UPDATE SET version = excluded.version, invoice_id = excluded.invoice_id,
             customer_id = excluded.customer_id, reason = excluded.reason, status = excluded.status,
             opened_on = excluded.opened_on, resolved_on = excluded.resolved_on
         WHERE t.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.dispute_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.invoice_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.reason.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.status.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.opened_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.resolved_on).collect::<Vec<_>>() as &[Option<NaiveDate>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many objections are open, and what they hold up in one currency.
pub(crate) async fn open(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    currency: &str,
) -> Result<(i64, rust_decimal::Decimal), sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM disputes d JOIN invoices i USING (tenant_id, invoice_id)
                   WHERE d.tenant_id = $1 AND d.status = 'open' AND i.currency = $2) AS "disputes!",
                  (SELECT coalesce(sum(disputed_amount), 0) FROM invoices
                   WHERE tenant_id = $1 AND currency = $2 AND closed_on IS NULL) AS "amount!""#,
        tenant_id,
        currency,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.disputes, row.amount))
}
