//! When invoices reached their debtors (R27).

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// An invoice that reached its debtor late and is still open.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = LateDelivery)]
pub(crate) struct LateRow {
    /// Codes.
    pub(crate) legal_entity: String,
    pub(crate) customer: String,
    pub(crate) invoice: String,
    pub(crate) currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) open_amount: Decimal,
    pub(crate) issue_date: NaiveDate,
    pub(crate) delivered_date: NaiveDate,
    /// From issue to delivery.
    pub(crate) delay_days: i32,
    pub(crate) due_date: NaiveDate,
    /// It came when it was due already.
    pub(crate) after_due: bool,
}

/// How long the invoices of one month took.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeliveryMonth)]
pub(crate) struct MonthRow {
    /// Its first day.
    pub(crate) issued_in: NaiveDate,
    pub(crate) invoices: i64,
    /// Of them: nobody has told when they were delivered.
    pub(crate) unknown: i64,
    pub(crate) late: i64,
    /// Days from issue to delivery, of those delivered: mean to one decimal, and the longest.
    #[serde(with = "rust_decimal::serde::str_option")]
    pub(crate) mean_delay_days: Option<Decimal>,
    pub(crate) longest_delay_days: Option<i32>,
}

/// What is open of invoices delivered more than `after_days` after their issue, or after they were due, the last delivered first.
pub(crate) async fn late(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    (after_days, limit): (i32, i64),
) -> Result<Vec<LateRow>, sqlx::Error> {
    sqlx::query_as!(
        LateRow,
        r#"SELECT l.code AS legal_entity, c.code AS customer, r.number AS invoice, r.currency, r.open_amount, r.issue_date,
                  r.delivered_date AS "delivered_date!", r.delivered_date - r.issue_date AS "delay_days!", r.due_date,
                  r.delivered_date > r.due_date AS "after_due!"
           FROM receivables r
           JOIN legal_entities l ON l.tenant_id = r.tenant_id AND l.legal_entity_id = r.legal_entity_id
           JOIN customers c ON c.tenant_id = r.tenant_id AND c.customer_id = r.customer_id
           WHERE r.tenant_id = $1 AND r.open_amount > 0 AND r.delivered_date > r.issue_date
             AND (r.delivered_date > r.issue_date + $3::integer OR r.delivered_date > r.due_date)
           ORDER BY r.delivered_date DESC, r.invoice_id LIMIT $2"#,
        tenant_id,
        limit,
        after_days
    )
    .fetch_all(conn)
    .await
}

/// The twelve months up to `now`, the last first; those in which nothing was invoiced are left out. All that the tenant has
/// invoiced in them is read.
pub(crate) async fn months(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    after_days: i32,
    now: DateTime<Utc>,
) -> Result<Vec<MonthRow>, sqlx::Error> {
    sqlx::query_as!(
        MonthRow,
        r#"SELECT date_trunc('month', issue_date)::date AS "issued_in!", count(*) AS "invoices!",
                  count(*) FILTER (WHERE delivered_date IS NULL) AS "unknown!",
                  count(*) FILTER (WHERE delivered_date > issue_date + $3::integer OR delivered_date > due_date) AS "late!",
                  round(avg(delivered_date - issue_date), 1) AS mean_delay_days,
                  max(delivered_date - issue_date) AS longest_delay_days
           FROM receivables
           WHERE tenant_id = $1 AND document = 'invoice' AND NOT standing ? 'voided' AND issue_date <= $2::date
             AND issue_date >= date_trunc('month', $2::date)::date - interval '11 months'
           GROUP BY 1 ORDER BY 1 DESC"#,
        tenant_id,
        now.date_naive(),
        after_days
    )
    .fetch_all(conn)
    .await
}
