//! What moved the receivables, month by month.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::month::Month;
use crate::domain::series::{Ledger, Movements};

/// Everything that counts by the end of `as_of`, by currency and month of the day on which it counts.
pub(crate) async fn movements(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    as_of: NaiveDate,
) -> Result<Ledger, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT date_trunc('month', day::timestamp)::date AS "month!", currency AS "currency!", sum(sales) AS "sales!",
                  sum(settled) AS "settled!", sum(fell_overdue) AS "fell_overdue!",
                  sum(settled_overdue) AS "settled_overdue!"
           FROM (
               SELECT issue_date AS day, currency, amount AS sales, 0 AS settled, 0 AS fell_overdue, 0 AS settled_overdue
               FROM invoices WHERE tenant_id = $1 AND issue_date <= $2
               UNION ALL
               SELECT overdue_from, currency, 0, 0, amount, 0
               FROM invoices WHERE tenant_id = $1 AND overdue_from <= $2
               UNION ALL
               -- A void takes the sale back on its day and is no collection.
               SELECT counts_on, currency, CASE kind WHEN 'void' THEN -amount ELSE 0 END,
                      CASE kind WHEN 'void' THEN 0 ELSE amount END, 0, 0
               FROM invoice_settlements WHERE tenant_id = $1 AND counts_on <= $2
               UNION ALL
               SELECT counts_overdue_on, currency, 0, 0, 0, amount
               FROM invoice_settlements WHERE tenant_id = $1 AND counts_overdue_on <= $2
           ) AS moved
           GROUP BY 1, 2"#,
        tenant_id,
        as_of,
    )
    .fetch_all(conn)
    .await?;
    let mut ledger = Ledger::new();
    for row in rows {
        let moved = Movements {
            sales: row.sales,
            settled: row.settled,
            fell_overdue: row.fell_overdue,
            settled_overdue: row.settled_overdue,
        };
        ledger.entry(row.currency).or_default().insert(Month::of(row.month), moved);
    }
    Ok(ledger)
}
