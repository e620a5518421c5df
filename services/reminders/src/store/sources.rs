//! Sources of facts and what they cover.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use faults::Bug;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::coverage;

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tenant_id: Uuid,
    pub(crate) source_id: Uuid,
    pub(crate) version: i64,
    pub(crate) code: String,
    pub(crate) covers: Vec<String>,
    pub(crate) covered_until: Option<DateTime<Utc>>,
}

/// Upserts if newer. One row per key.
#[allow(clippy::as_conversions, reason = "how the query macros are told of an array with gaps")]
pub(crate) async fn save(conn: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO sources AS s (tenant_id, source_id, version, code, covers, covered_until)
         SELECT tenant_id, source_id, version, code, string_to_array(covers, ','), covered_until
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[])
           AS n (tenant_id, source_id, version, code, covers, covered_until)
         ON CONFLICT (tenant_id, source_id) DO UPDATE SET version = excluded.version, code = excluded.code,
           covers = excluded.covers, covered_until = excluded.covered_until
         WHERE s.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.source_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.code.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.covers.join(",")).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.covered_until).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The tenants that have something due and whose payment sources cover yesterday (L4).
pub(crate) async fn covered_tenants(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<BTreeSet<Uuid>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT t.tenant_id, t.time_zone,
             array_agg(s.covered_until) FILTER (WHERE s.source_id IS NOT NULL)
               AS "covered_until: Vec<Option<DateTime<Utc>>>"
           FROM tenants t LEFT JOIN sources s ON s.tenant_id = t.tenant_id AND 'payments' = ANY (s.covers)
           WHERE t.tenant_id IN (SELECT c.tenant_id FROM customers c WHERE c.next_due_at <= $1)
           GROUP BY t.tenant_id"#,
        now,
    )
    .fetch_all(conn)
    .await?;
    let is_covered = |time_zone: &str, until: Option<&[Option<DateTime<Utc>>]>| {
        coverage::is_covered(now, time_zone.parse().unwrap_or(Tz::UTC), until.unwrap_or_default())
    };
    let by_tenant = rows.iter().filter(|row| is_covered(&row.time_zone, row.covered_until.as_deref()));
    let mut covered: BTreeSet<Uuid> = by_tenant.map(|row| row.tenant_id).collect();
    if faults::seeded(Bug::TenantMissingInKey) && !covered.is_empty() {
        covered.extend(rows.iter().map(|row| row.tenant_id));
    }
    Ok(covered)
}

/// Whether the payment sources of one tenant cover yesterday.
pub(crate) async fn is_covered(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT t.time_zone, s.covered_until AS "covered_until?"
           FROM tenants t JOIN sources s USING (tenant_id) WHERE t.tenant_id = $1 AND 'payments' = ANY (s.covers)"#,
        tenant_id,
    )
    .fetch_all(conn)
    .await?;
    let Some(zone) = rows.first().map(|row| row.time_zone.parse().unwrap_or(Tz::UTC)) else { return Ok(true) };
    Ok(coverage::is_covered(now, zone, &rows.iter().map(|row| row.covered_until).collect::<Vec<_>>()))
}
