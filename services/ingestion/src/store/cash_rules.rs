//! How a tenant's money is applied: versions are added, never changed. And what the rules have yet to explain.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub(crate) struct CashRulesRow {
    pub(crate) version: i64,
    pub(crate) rules: Value,
    pub(crate) explains: bool,
    pub(crate) actor: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

/// A version, the last one where none is asked for. `None`: Puntual's own rules are in force.
pub(crate) async fn find(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    version: Option<i64>,
) -> Result<Option<CashRulesRow>, sqlx::Error> {
    sqlx::query_as!(
        CashRulesRow,
        "SELECT version, rules, explains, actor, recorded_at FROM cash_rules
         WHERE tenant_id = $1 AND ($2::bigint IS NULL OR version = $2) ORDER BY version DESC LIMIT 1",
        tenant_id,
        version
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn add(conn: &mut PgConnection, tenant_id: Uuid, row: &CashRulesRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO cash_rules (tenant_id, version, rules, explains, actor, recorded_at) VALUES ($1, $2, $3, $4, $5, $6)",
        tenant_id,
        row.version,
        row.rules,
        row.explains,
        row.actor,
        row.recorded_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes invoices of which payments that name them left something open, where the tenant's rules explain such things.
pub(crate) async fn note_differences(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    invoices: &[Uuid],
) -> Result<(), sqlx::Error> {
    if invoices.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO payment_differences (tenant_id, recorded_at, invoice_id)
         SELECT $1, $2, n.invoice_id FROM unnest($3::uuid[]) AS n (invoice_id)
         WHERE (SELECT explains FROM cash_rules WHERE tenant_id = $1 ORDER BY version DESC LIMIT 1)
         ORDER BY n.invoice_id
         ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET recorded_at = excluded.recorded_at",
        tenant_id,
        now,
        invoices
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the rules have yet to look at, the oldest first: invoice, and when it was noted.
pub(crate) async fn differences(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, DateTime<Utc>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT invoice_id, recorded_at FROM payment_differences WHERE tenant_id = $1
         ORDER BY recorded_at, invoice_id LIMIT $2",
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.invoice_id, row.recorded_at)).collect())
}

/// Forgets what was looked at, unless it was noted anew meanwhile.
pub(crate) async fn looked_at(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    noted: &[(Uuid, DateTime<Utc>)],
) -> Result<(), sqlx::Error> {
    let (ids, times): (Vec<Uuid>, Vec<DateTime<Utc>>) = noted.iter().copied().unzip();
    sqlx::query!(
        "DELETE FROM payment_differences d USING unnest($2::uuid[], $3::timestamptz[]) AS n (invoice_id, recorded_at)
         WHERE d.tenant_id = $1 AND d.invoice_id = n.invoice_id AND d.recorded_at = n.recorded_at",
        tenant_id,
        &ids,
        &times
    )
    .execute(conn)
    .await?;
    Ok(())
}
