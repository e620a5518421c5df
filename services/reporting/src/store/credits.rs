//! Credits: payments, credit notes, withholdings, and how much of them settles nothing yet.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::newest::{newest, versioned};

#[derive(Debug, Clone)]
pub(crate) struct CreditRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) credit_id: Uuid,
    pub(crate) version: i64,
    pub(crate) legal_entity_id: Uuid,
    pub(crate) payer_id: Uuid,
    pub(crate) kind: String,
    pub(crate) currency: String,
    pub(crate) amount: Decimal,
    pub(crate) applied: Decimal,
    pub(crate) on_account: Decimal,
    pub(crate) waiting: Decimal,
    pub(crate) held: Decimal,
    pub(crate) value_date: NaiveDate,
    pub(crate) recorded_at: DateTime<Utc>,
}
versioned!(CreditRow, credit_id);

/// What settles nothing yet, of one currency and kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unapplied {
    pub(crate) currency: String,
    pub(crate) kind: String,
    pub(crate) amount: Decimal,
    /// Suspected duplicates, not in `amount`.
    pub(crate) held: Decimal,
}

pub(crate) async fn save(conn: &mut PgConnection, rows: Vec<CreditRow>) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = newest(rows);
    sqlx::query!(
        "INSERT INTO credits AS t (tenant_id, credit_id, version, legal_entity_id, payer_id, kind, currency, amount, applied,
             on_account, waiting, held, value_date, recorded_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
             $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::date[], $14::timestamptz[])
         ON CONFLICT (tenant_id, credit_id) DO UPDATE SET version = excluded.version,
             legal_entity_id = excluded.legal_entity_id, payer_id = excluded.payer_id, kind = excluded.kind,
             currency = excluded.currency, amount = excluded.amount, applied = excluded.applied,
             on_account = excluded.on_account, waiting = excluded.waiting, held = excluded.held,
             value_date = excluded.value_date, recorded_at = excluded.recorded_at
         WHERE t.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.credit_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.legal_entity_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.payer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.kind.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.currency.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.amount).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.applied).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.on_account).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.waiting).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.held).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.value_date).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// At the end of `as_of`, by value date: what had come in less what it had settled by then. For today that is on account
/// plus waiting; for a past day it is what was so then. By currency and kind, zeroes left out.
pub(crate) async fn unapplied(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    as_of: NaiveDate,
) -> Result<Vec<Unapplied>, sqlx::Error> {
    sqlx::query_as!(
        Unapplied,
        r#"SELECT currency, kind, sum(amount - held - coalesce(settled, 0)) AS "amount!", sum(held) AS "held!"
           FROM credits c
           LEFT JOIN (
               SELECT credit_id, sum(amount) AS settled FROM invoice_settlements
               WHERE tenant_id = $1 AND counts_on <= $2 GROUP BY credit_id
           ) AS s USING (credit_id)
           WHERE c.tenant_id = $1 AND c.value_date <= $2
           GROUP BY currency, kind HAVING sum(amount - held - coalesce(settled, 0)) <> 0 OR sum(held) <> 0
           ORDER BY currency, kind"#,
        tenant_id,
        as_of,
    )
    .fetch_all(conn)
    .await
}
