//! Alerts: what a person should look at.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::newest::{newest, versioned};

#[derive(Debug, Clone)]
pub(crate) struct AlertRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) alert_id: Uuid,
    pub(crate) version: i64,
    pub(crate) kind: String,
    pub(crate) customer_id: Uuid,
    pub(crate) subject_id: Uuid,
    pub(crate) status: String,
    pub(crate) currency: Option<String>,
    pub(crate) amount: Option<Decimal>,
    pub(crate) raised_at: DateTime<Utc>,
    pub(crate) cleared_at: Option<DateTime<Utc>>,
}
versioned!(AlertRow, alert_id);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AlertCount {
    pub(crate) kind: String,
    pub(crate) raised: i64,
    /// Of those, not cleared.
    pub(crate) open: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenAlert {
    pub(crate) kind: String,
    pub(crate) customer_code: Option<String>,
    pub(crate) customer_name: Option<String>,
    pub(crate) currency: Option<String>,
    pub(crate) amount: Option<Decimal>,
    pub(crate) raised_at: DateTime<Utc>,
}

pub(crate) async fn save(conn: &mut PgConnection, rows: Vec<AlertRow>) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = newest(rows);
    sqlx::query!(
        "INSERT INTO alerts AS t (tenant_id, alert_id, version, kind, customer_id, subject_id, status, currency, amount,
             raised_at, cleared_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::uuid[], $6::uuid[], $7::text[],
             $8::text[], $9::numeric[], $10::timestamptz[], $11::timestamptz[])
         ON CONFLICT (tenant_id, alert_id) DO UPDATE SET version = excluded.version, kind = excluded.kind,
             customer_id = excluded.customer_id, subject_id = excluded.subject_id, status = excluded.status,
             currency = excluded.currency, amount = excluded.amount, raised_at = excluded.raised_at,
             cleared_at = excluded.cleared_at
         WHERE t.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.alert_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.kind.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.subject_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.status.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.currency.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.amount).collect::<Vec<_>>() as &[Option<Decimal>],
        &rows.iter().map(|row| row.raised_at).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.cleared_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Alerts raised from `from` until before `until`, by kind.
pub(crate) async fn counts(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<AlertCount>, sqlx::Error> {
    sqlx::query_as!(
        AlertCount,
        r#"SELECT kind, count(*) AS "raised!", count(*) FILTER (WHERE status = 'raised') AS "open!"
           FROM alerts WHERE tenant_id = $1 AND raised_at >= $2 AND raised_at < $3 GROUP BY kind ORDER BY kind"#,
        tenant_id,
        from,
        until,
    )
    .fetch_all(conn)
    .await
}

/// Alerts that nobody cleared, the latest first.
pub(crate) async fn open(conn: &mut PgConnection, tenant_id: Uuid, limit: i64) -> Result<Vec<OpenAlert>, sqlx::Error> {
    sqlx::query_as!(
        OpenAlert,
        r#"SELECT a.kind, c.code AS "customer_code?", c.name AS "customer_name?", a.currency, a.amount, a.raised_at
           FROM alerts a LEFT JOIN customers c USING (tenant_id, customer_id)
           WHERE a.tenant_id = $1 AND a.status = 'raised' ORDER BY a.raised_at DESC, a.alert_id LIMIT $2"#,
        tenant_id,
        limit,
    )
    .fetch_all(conn)
    .await
}
