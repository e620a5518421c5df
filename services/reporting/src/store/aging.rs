//! What is open, and who owes the most of it.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::aging::{AgingClock, OpenAtDays};

/// A customer with something overdue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OverdueCustomer {
    pub(crate) code: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) overdue: Decimal,
    pub(crate) open: Decimal,
    pub(crate) items: i64,
    /// Of its oldest item.
    pub(crate) days_past_due: i32,
    pub(crate) segment: Option<String>,
    pub(crate) p_late: Option<Decimal>,
}

/// What was open at the end of `as_of`, by currency and days past due on that day.
pub(crate) async fn open_by_days(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    as_of: NaiveDate,
    clock: AgingClock,
) -> Result<Vec<OpenAtDays>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT currency AS "currency!", $2::date - CASE WHEN $3 THEN effective_due_date ELSE due_date END AS "days!",
                  sum(open) AS "amount!", count(*) AS "items!"
           FROM open_items($1, $2) GROUP BY 1, 2 ORDER BY 1, 2"#,
        tenant_id,
        as_of,
        clock == AgingClock::Effective,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OpenAtDays {
            currency: row.currency,
            days_past_due: i64::from(row.days),
            amount: row.amount,
            items: row.items,
        })
        .collect())
}

/// Who owed the most overdue in one currency at the end of `as_of`.
pub(crate) async fn top_overdue(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    as_of: NaiveDate,
    currency: &str,
    limit: i64,
) -> Result<Vec<OverdueCustomer>, sqlx::Error> {
    sqlx::query_as!(
        OverdueCustomer,
        r#"SELECT c.code AS "code?", c.name AS "name?", c.country AS "country?", o.overdue AS "overdue!", o.open AS "open!",
                  o.items AS "items!", o.days AS "days_past_due!", s.segment AS "segment?", p.p_late AS "p_late?"
           FROM (
               SELECT customer_id, sum(open) AS open, sum(open) FILTER (WHERE due_date < $2) AS overdue,
                      count(*) FILTER (WHERE due_date < $2) AS items, max($2::date - due_date) AS days
               FROM open_items($1, $2) WHERE currency = $3 GROUP BY customer_id HAVING bool_or(due_date < $2)
           ) AS o
           LEFT JOIN customers c ON c.tenant_id = $1 AND c.customer_id = o.customer_id
           LEFT JOIN customer_segments s ON s.tenant_id = $1 AND s.customer_id = o.customer_id
           LEFT JOIN customer_scores p ON p.tenant_id = $1 AND p.customer_id = o.customer_id
           ORDER BY o.overdue DESC, o.customer_id LIMIT $4"#,
        tenant_id,
        as_of,
        currency,
        limit,
    )
    .fetch_all(conn)
    .await
}
