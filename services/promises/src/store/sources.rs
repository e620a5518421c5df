//! The sources of each tenant, as far as they could know of payments.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use faults::Bug;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::coverage::Coverage;
use crate::store::promises::AT_ONCE;

#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub version: i64,
    pub covers_payments: bool,
    pub covered_until: Option<DateTime<Utc>>,
}

/// Saves what is newer; keyed by (tenant, source).
pub(crate) async fn save(conn: &mut PgConnection, sources: &BTreeMap<(Uuid, Uuid), Source>) -> Result<(), sqlx::Error> {
    if sources.is_empty() {
        return Ok(());
    }
    let (tenant_ids, source_ids): (Vec<_>, Vec<_>) = sources.keys().copied().unzip();
    let versions: Vec<_> = sources.values().map(|source| source.version).collect();
    let covers: Vec<_> = sources.values().map(|source| source.covers_payments).collect();
    let until: Vec<_> = sources.values().map(|source| source.covered_until).collect();
    sqlx::query!(
        "INSERT INTO sources (tenant_id, source_id, version, covers_payments, covered_until)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::boolean[], $5::timestamptz[])
         ON CONFLICT (tenant_id, source_id) DO UPDATE
         SET version = excluded.version, covers_payments = excluded.covers_payments,
             covered_until = excluded.covered_until
         WHERE sources.version < excluded.version",
        &tenant_ids,
        &source_ids,
        &versions,
        &covers,
        &until as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Asks for a look at the promises whose deadline is covered by now. One that is still open is asked for too: a sweep may
/// be about to call it unconfirmed on the coverage of a moment ago, and its row lock makes this statement wait for that.
pub(crate) async fn wake_covered(
    conn: &mut PgConnection,
    told: &BTreeMap<(Uuid, Uuid), Source>,
) -> Result<(), sqlx::Error> {
    if told.is_empty() {
        return Ok(());
    }
    let tenant_ids: Vec<Uuid> = told.keys().map(|(tenant_id, _)| *tenant_id).collect();
    sqlx::query!(
        "UPDATE promises p SET judge_at = $2
         FROM (SELECT tenant_id, CASE WHEN bool_or(covered_until IS NULL) FILTER (WHERE covers_payments) THEN '-infinity'
                                 ELSE coalesce(min(covered_until) FILTER (WHERE covers_payments), 'infinity') END AS through
               FROM sources WHERE tenant_id = ANY ($1) GROUP BY tenant_id) covered
         WHERE p.tenant_id = covered.tenant_id AND p.confirmed_at IS NULL
           AND p.deadline_at <= covered.through AND p.judge_at > $2",
        &tenant_ids,
        AT_ONCE,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The coverage of each of these tenants, or of all; one that is absent has declared none.
pub(crate) async fn coverage(
    conn: &mut PgConnection,
    tenant_ids: Option<&[Uuid]>,
) -> Result<BTreeMap<Uuid, Coverage>, sqlx::Error> {
    let tenant_ids = tenant_ids.filter(|_| !faults::seeded(Bug::TenantMissingInKey));
    let rows = sqlx::query!(
        r#"SELECT tenant_id, bool_or(covered_until IS NULL) AS "undeclared!", min(covered_until) AS through
           FROM sources WHERE ($1::uuid[] IS NULL OR tenant_id = ANY ($1)) AND covers_payments GROUP BY tenant_id"#,
        tenant_ids,
    )
    .fetch_all(conn)
    .await?;
    let coverage = |undeclared, through| Coverage::Through(if undeclared { None } else { through });
    if faults::seeded(Bug::TenantMissingInKey) {
        let furthest = rows.iter().filter_map(|row| row.through).max();
        return Ok(rows.iter().map(|row| (row.tenant_id, Coverage::Through(furthest))).collect());
    }
    Ok(rows.into_iter().map(|row| (row.tenant_id, coverage(row.undeclared, row.through))).collect())
}
