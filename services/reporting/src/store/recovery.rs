//! What became of debts within a window: how late money came, and how much of what was overdue came back.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

/// Cash, and cheques that were cleared, that settled invoices in a window, by currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lateness {
    pub(crate) currency: String,
    pub(crate) amount: Decimal,
    /// Σ amount × days after the due date; early money counts as on time.
    pub(crate) amount_days: Decimal,
}

/// The cohort that was overdue when a window began, by currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recovery {
    pub(crate) currency: String,
    pub(crate) accounts: i64,
    /// Of those, with nothing overdue when the window ended.
    pub(crate) recovered_accounts: i64,
    pub(crate) amount: Decimal,
    /// Cash and cleared cheques applied to the cohort's items within the window; credit notes and write-offs are no recovery.
    pub(crate) recovered: Decimal,
}

pub(crate) async fn lateness(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Lateness>, sqlx::Error> {
    sqlx::query_as!(
        Lateness,
        r#"SELECT currency, sum(amount) AS "amount!", sum(amount * greatest(days_late, 0)) AS "amount_days!"
           FROM invoice_settlements WHERE tenant_id = $1 AND kind IN ('cash', 'instrument') AND counts_on BETWEEN $2 AND $3
           GROUP BY currency ORDER BY currency"#,
        tenant_id,
        from,
        to,
    )
    .fetch_all(conn)
    .await
}

/// The cohort is what was overdue at the end of the day before `from`, without what was voided since: that never could be
/// recovered.
pub(crate) async fn recovery(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Recovery>, sqlx::Error> {
    sqlx::query_as!(
        Recovery,
        r#"WITH cohort AS MATERIALIZED (
               SELECT invoice_id, customer_id, currency, open FROM open_items($1, $2::date - 1) o
               WHERE due_date < $2::date - 1 AND NOT EXISTS (
                   SELECT FROM invoice_settlements v WHERE v.tenant_id = $1 AND v.invoice_id = o.invoice_id
                     AND v.kind = 'void' AND v.counts_on <= $3)
           ), still AS MATERIALIZED (
               SELECT DISTINCT customer_id, currency FROM open_items($1, $3) WHERE due_date < $3
           ), accounts AS (
               SELECT c.currency, c.customer_id, sum(c.open) AS open, bool_or(s.customer_id IS NOT NULL) AS still
               FROM cohort c LEFT JOIN still s USING (customer_id, currency) GROUP BY 1, 2
           ), cash AS (
               SELECT c.currency, sum(t.amount) AS amount FROM cohort c
               JOIN invoice_settlements t ON t.tenant_id = $1 AND t.invoice_id = c.invoice_id
               WHERE t.kind IN ('cash', 'instrument') AND t.counts_on BETWEEN $2 AND $3 GROUP BY 1
           )
           SELECT a.currency AS "currency!", count(*) AS "accounts!",
                  count(*) FILTER (WHERE NOT a.still) AS "recovered_accounts!", sum(a.open) AS "amount!",
                  coalesce(max(k.amount), 0) AS "recovered!"
           FROM accounts a LEFT JOIN cash k USING (currency) GROUP BY a.currency ORDER BY a.currency"#,
        tenant_id,
        from,
        to,
    )
    .fetch_all(conn)
    .await
}
