//! What was owed as of a past moment: invoices and the journal on their two axes of time (D5).

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// Which past is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// As it was known then.
    pub(crate) as_of: DateTime<Utc>,
    /// Of what counts until the end of this day.
    pub(crate) on: NaiveDate,
    pub(crate) customer_id: Option<Uuid>,
    pub(crate) payer_id: Option<Uuid>,
    pub(crate) currency: Option<String>,
}

/// What was open to one legal entity in one currency.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BalanceTotal)]
pub(crate) struct TotalRow {
    /// Code.
    pub(crate) legal_entity: String,
    pub(crate) currency: String,
    /// Invoices and debit notes that were open.
    pub(crate) open_items: i64,
    /// Of all that were issued, open or not.
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) invoiced: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) settled: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) open: Decimal,
}

/// An invoice or debit note that was open.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenItemThen)]
pub(crate) struct ItemRow {
    /// Code.
    pub(crate) legal_entity: String,
    pub(crate) invoice: String,
    /// Codes.
    pub(crate) customer: String,
    pub(crate) payer: String,
    pub(crate) currency: String,
    pub(crate) issue_date: NaiveDate,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) amount: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) open: Decimal,
}

/// By legal entity and currency.
pub(crate) async fn totals(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    asked: &Asked,
) -> Result<Vec<TotalRow>, sqlx::Error> {
    sqlx::query_as!(
        TotalRow,
        r#"WITH known AS (
               SELECT invoice_id, currency, amount FROM receivables
               WHERE tenant_id = $1 AND known_from <= $2 AND issue_date <= $3 AND ($4::uuid IS NULL OR customer_id = $4)
                 AND ($5::uuid IS NULL OR payer_id = $5) AND ($6::text IS NULL OR currency = $6::bpchar)
               UNION ALL
               SELECT invoice_id, currency, amount FROM receivable_history
               WHERE tenant_id = $1 AND known_from <= $2 AND known_until > $2 AND issue_date <= $3
                 AND ($4::uuid IS NULL OR customer_id = $4) AND ($5::uuid IS NULL OR payer_id = $5)
                 AND ($6::text IS NULL OR currency = $6::bpchar)
           ), journal AS (
               SELECT invoice_id, sum(CASE entry WHEN 'apply' THEN amount ELSE -amount END) AS settled
               FROM settlement_entries WHERE tenant_id = $1 AND recorded_at <= $2 AND value_date <= $3 GROUP BY invoice_id
           )
           SELECT l.code AS "legal_entity!", k.currency AS "currency!",
                  count(*) FILTER (WHERE k.amount <> coalesce(j.settled, 0)) AS "open_items!", sum(k.amount) AS "invoiced!",
                  sum(coalesce(j.settled, 0)) AS "settled!", sum(k.amount - coalesce(j.settled, 0)) AS "open!"
           FROM known k JOIN receivables r ON r.tenant_id = $1 AND r.invoice_id = k.invoice_id
           JOIN legal_entities l ON l.tenant_id = $1 AND l.legal_entity_id = r.legal_entity_id
           LEFT JOIN journal j ON j.invoice_id = k.invoice_id
           GROUP BY l.code, k.currency ORDER BY l.code COLLATE "C", k.currency"#,
        tenant_id,
        asked.as_of,
        asked.on,
        asked.customer_id,
        asked.payer_id,
        asked.currency
    )
    .fetch_all(conn)
    .await
}

/// What was open, the oldest first; `from` so many of them are left out.
pub(crate) async fn items(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    asked: &Asked,
    (from, limit): (i64, i64),
) -> Result<Vec<ItemRow>, sqlx::Error> {
    sqlx::query_as!(
        ItemRow,
        r#"WITH known AS (
               SELECT invoice_id, customer_id, payer_id, currency, amount, issue_date FROM receivables
               WHERE tenant_id = $1 AND known_from <= $2 AND issue_date <= $3 AND ($4::uuid IS NULL OR customer_id = $4)
                 AND ($5::uuid IS NULL OR payer_id = $5) AND ($6::text IS NULL OR currency = $6::bpchar)
               UNION ALL
               SELECT invoice_id, customer_id, payer_id, currency, amount, issue_date FROM receivable_history
               WHERE tenant_id = $1 AND known_from <= $2 AND known_until > $2 AND issue_date <= $3
                 AND ($4::uuid IS NULL OR customer_id = $4) AND ($5::uuid IS NULL OR payer_id = $5)
                 AND ($6::text IS NULL OR currency = $6::bpchar)
           )
           SELECT l.code AS "legal_entity!", r.number AS "invoice!", c.code AS "customer!", p.code AS "payer!",
                  k.currency AS "currency!", k.issue_date AS "issue_date!", k.amount AS "amount!",
                  k.amount - j.settled AS "open!"
           FROM known k JOIN receivables r ON r.tenant_id = $1 AND r.invoice_id = k.invoice_id
           JOIN legal_entities l ON l.tenant_id = $1 AND l.legal_entity_id = r.legal_entity_id
           JOIN customers c ON c.tenant_id = $1 AND c.customer_id = k.customer_id
           JOIN customers p ON p.tenant_id = $1 AND p.customer_id = k.payer_id
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(CASE entry WHEN 'apply' THEN amount ELSE -amount END), 0) AS settled
               FROM settlement_entries
               WHERE tenant_id = $1 AND invoice_id = k.invoice_id AND recorded_at <= $2 AND value_date <= $3) j
           WHERE k.amount <> j.settled
           ORDER BY k.issue_date, r.number COLLATE "C", k.invoice_id OFFSET $7 LIMIT $8"#,
        tenant_id,
        asked.as_of,
        asked.on,
        asked.customer_id,
        asked.payer_id,
        asked.currency,
        from,
        limit
    )
    .fetch_all(conn)
    .await
}
