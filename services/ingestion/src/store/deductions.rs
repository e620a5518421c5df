//! What is not asked for of invoices although it is owed: instruments in hand, and credit notes on their way.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::fact::ExpectedCredit;

/// In one currency; an invoice has one, and what is told in another does not concern it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Deductions {
    pub(crate) instruments: Decimal,
    pub(crate) expected_credits: Decimal,
    /// The first day from which credit notes use the expectation up.
    pub(crate) expected_from: Option<NaiveDate>,
}

/// By invoice and currency.
pub(crate) async fn of_invoices(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<BTreeMap<(Uuid, String), Deductions>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"SELECT d.invoice_id AS "invoice_id!", d.currency AS "currency!", sum(d.instruments) AS "instruments!",
                  sum(d.expected) AS "expected!", min(d.expected_on) AS expected_from
           FROM unnest($2::uuid[]) AS k (invoice_id) CROSS JOIN LATERAL (
               SELECT p.invoice_id, i.currency, p.amount AS instruments, 0::numeric AS expected, NULL::date AS expected_on
               FROM instrument_parts p
               JOIN instruments i ON i.tenant_id = $1 AND i.credit_id = p.credit_id
               LEFT JOIN instrument_states s ON s.tenant_id = $1 AND s.credit_id = p.credit_id
               WHERE p.tenant_id = $1 AND p.invoice_id = k.invoice_id
                 AND coalesce(s.state, 'portfolio') IN ('portfolio', 'deposited', 'endorsed')
               UNION ALL
               SELECT e.invoice_id, e.currency, 0, e.amount, e.expected_on FROM expected_credits e
               WHERE e.tenant_id = $1 AND e.invoice_id = k.invoice_id AND e.amount > 0) d
           GROUP BY d.invoice_id, d.currency"#,
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    let deductions = rows.into_iter().map(|row| {
        let deductions = Deductions {
            instruments: row.instruments.normalize(),
            expected_credits: row.expected.normalize(),
            expected_from: row.expected_from,
        };
        ((row.invoice_id, row.currency), deductions)
    });
    Ok(deductions.collect())
}

/// Invoice and order of expectations.
pub(crate) async fn expected(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Uuid, String)>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        "SELECT expected_id, invoice_id, source_order FROM expected_credits WHERE tenant_id = $1 AND expected_id = ANY($2)",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.expected_id, row.invoice_id, row.source_order)).collect())
}

pub(crate) struct ExpectedRow<'a> {
    pub(crate) expected_id: Uuid,
    pub(crate) invoice_id: Uuid,
    pub(crate) told: &'a ExpectedCredit,
    pub(crate) order: &'a str,
}

pub(crate) async fn save_expected(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    rows: &[ExpectedRow<'_>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO expected_credits (tenant_id, recorded_at, expected_id, invoice_id, currency, amount, expected_on, reason,
             source_order, number, invoice_number)
         SELECT $1, $2, * FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::numeric[], $7::date[], $8::text[], $9::text[],
                                      $10::text[], $11::text[])
         ON CONFLICT (tenant_id, expected_id) DO UPDATE SET invoice_id = excluded.invoice_id, invoice_number = excluded.invoice_number,
             currency = excluded.currency,
             amount = excluded.amount, expected_on = excluded.expected_on, reason = excluded.reason,
             source_order = excluded.source_order, recorded_at = excluded.recorded_at",
        tenant_id,
        now,
        &rows.iter().map(|row| row.expected_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.invoice_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.told.amount.currency().code().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.told.amount.amount()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.told.expected_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.told.reason.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.order.to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.told.expected.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.told.invoice.clone()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}
