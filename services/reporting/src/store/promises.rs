//! Promises and how they turned out.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::newest::{newest, versioned};
use crate::domain::promise::PromiseGroup;

#[derive(Debug, Clone)]
pub(crate) struct PromiseRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) promise_id: Uuid,
    pub(crate) version: i64,
    pub(crate) customer_id: Uuid,
    pub(crate) currency: String,
    pub(crate) amount: Decimal,
    pub(crate) paid_amount: Decimal,
    pub(crate) made_on: NaiveDate,
    pub(crate) promised_date: NaiveDate,
    pub(crate) status: String,
    pub(crate) changed_at: DateTime<Utc>,
}
versioned!(PromiseRow, promise_id);

/// A promise that somebody should look at today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PromiseToWatch {
    pub(crate) customer_code: Option<String>,
    pub(crate) customer_name: Option<String>,
    pub(crate) currency: String,
    pub(crate) amount: Decimal,
    pub(crate) paid_amount: Decimal,
    pub(crate) promised_date: NaiveDate,
    pub(crate) status: String,
}

pub(crate) async fn save(conn: &mut PgConnection, rows: Vec<PromiseRow>) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = newest(rows);
    sqlx::query!(
        "INSERT INTO promises AS t (tenant_id, promise_id, version, customer_id, currency, amount, paid_amount, made_on,
             promised_date, status, changed_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::numeric[], $7::numeric[],
             $8::date[], $9::date[], $10::text[], $11::timestamptz[])
         ON CONFLICT (tenant_id, promise_id) DO UPDATE SET version = excluded.version, customer_id = excluded.customer_id,
             currency = excluded.currency, amount = excluded.amount, paid_amount = excluded.paid_amount,
             made_on = excluded.made_on, promised_date = excluded.promised_date, status = excluded.status,
             changed_at = excluded.changed_at
         WHERE t.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.promise_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.currency.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.amount).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.paid_amount).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.made_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.promised_date).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.status.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.changed_at).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Promises for the civil days `from` to `to`, by currency and state.
pub(crate) async fn groups(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<PromiseGroup>, sqlx::Error> {
    sqlx::query_as!(
        PromiseGroup,
        r#"SELECT currency, status, count(*) AS "promises!", sum(amount) AS "promised!", sum(paid_amount) AS "paid!"
           FROM promises WHERE tenant_id = $1 AND promised_date BETWEEN $2 AND $3
           GROUP BY currency, status ORDER BY currency, status"#,
        tenant_id,
        from,
        to,
    )
    .fetch_all(conn)
    .await
}

/// Open promises that end today or ended without anybody having confirmed it yet, the largest first.
pub(crate) async fn due(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    today: NaiveDate,
    limit: i64,
) -> Result<Vec<PromiseToWatch>, sqlx::Error> {
    sqlx::query_as!(
        PromiseToWatch,
        r#"SELECT c.code AS "customer_code?", c.name AS "customer_name?", p.currency, p.amount, p.paid_amount,
                  p.promised_date, p.status
           FROM promises p LEFT JOIN customers c USING (tenant_id, customer_id)
           WHERE p.tenant_id = $1 AND p.promised_date <= $2 AND p.status IN ('open', 'due_unconfirmed')
           ORDER BY p.promised_date, p.amount DESC, p.promise_id LIMIT $3"#,
        tenant_id,
        today,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Promises that were broken or kept only in part since `since`, the latest first.
pub(crate) async fn failed_since(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<PromiseToWatch>, sqlx::Error> {
    sqlx::query_as!(
        PromiseToWatch,
        r#"SELECT c.code AS "customer_code?", c.name AS "customer_name?", p.currency, p.amount, p.paid_amount,
                  p.promised_date, p.status
           FROM promises p LEFT JOIN customers c USING (tenant_id, customer_id)
           WHERE p.tenant_id = $1 AND p.changed_at >= $2 AND p.status IN ('broken', 'partially_kept')
           ORDER BY p.promised_date DESC, p.amount DESC, p.promise_id LIMIT $3"#,
        tenant_id,
        since,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Open promises and what they sum to in one currency.
pub(crate) async fn open_in(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    currency: &str,
) -> Result<(i64, Decimal), sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "promises!", coalesce(sum(amount - least(paid_amount, amount)), 0) AS "left!"
           FROM promises WHERE tenant_id = $1 AND currency = $2 AND status IN ('open', 'due_unconfirmed')"#,
        tenant_id,
        currency,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.promises, row.left))
}
