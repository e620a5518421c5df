//! Tax that payers are known to keep back, and certificates that have not come.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub(crate) struct ExpectedRow {
    pub(crate) invoice_id: Uuid,
    pub(crate) amount: Decimal,
    pub(crate) regime: Option<String>,
    pub(crate) source_order: String,
}

pub(crate) async fn by_invoices(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, ExpectedRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query_as!(
        ExpectedRow,
        "SELECT e.invoice_id, e.amount, e.regime, e.source_order
         FROM unnest($2::uuid[]) AS k (invoice_id) CROSS JOIN LATERAL (
             SELECT * FROM expected_withholdings WHERE tenant_id = $1 AND invoice_id = k.invoice_id OFFSET 0) e",
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
    rows: &[ExpectedRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO expected_withholdings (tenant_id, recorded_at, invoice_id, amount, regime, source_order)
         SELECT $1, $2, * FROM unnest($3::uuid[], $4::numeric[], $5::text[], $6::text[])
         ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET amount = excluded.amount, regime = excluded.regime,
             source_order = excluded.source_order, recorded_at = excluded.recorded_at",
        tenant_id,
        now,
        &rows.iter().map(|row| row.invoice_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.amount).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.regime.as_deref()).collect::<Vec<_>>() as &[Option<&str>],
        &rows.iter().map(|row| row.source_order.as_str()).collect::<Vec<_>>() as &[&str]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nothing is left of an invoice but tax that its payer keeps back, and no certificate says so.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MissingCertificate)]
pub(crate) struct MissingRow {
    /// Codes.
    pub(crate) legal_entity: String,
    pub(crate) customer: String,
    pub(crate) payer: String,
    pub(crate) invoice: String,
    pub(crate) currency: String,
    /// Tax that a certificate has to prove.
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) amount: Decimal,
    pub(crate) due_date: NaiveDate,
    /// Which taxes, where somebody or a rule has said so; absent where the invoice has announced the sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) regime: Option<String>,
}

/// Certificates that have not come, of the longest due invoices first.
pub(crate) async fn missing(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    limit: i64,
) -> Result<Vec<MissingRow>, sqlx::Error> {
    sqlx::query_as!(
        MissingRow,
        r#"SELECT l.code AS legal_entity, c.code AS customer, p.code AS payer, r.number AS invoice, r.currency,
                  r.open_amount AS amount, r.due_date, e.regime AS "regime?"
           FROM receivables r
           JOIN legal_entities l ON l.tenant_id = r.tenant_id AND l.legal_entity_id = r.legal_entity_id
           JOIN customers c ON c.tenant_id = r.tenant_id AND c.customer_id = r.customer_id
           JOIN customers p ON p.tenant_id = r.tenant_id AND p.customer_id = r.payer_id
           LEFT JOIN expected_withholdings e ON e.tenant_id = r.tenant_id AND e.invoice_id = r.invoice_id
           WHERE r.tenant_id = $1 AND r.open_amount > 0 AND r.open_amount <= r.expected_withholding - r.withheld_amount
           ORDER BY r.due_date, r.invoice_id LIMIT $2"#,
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await
}
