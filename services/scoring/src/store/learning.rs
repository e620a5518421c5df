//! How far each tenant has learned. The row is also the lock between handlers and the day close.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::calendar::Coverage;
use crate::domain::model::memory::MODEL_VERSION;

/// Locks the tenants, making their rows where there are none (D13), and says through which day each has learned.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    tenants: &BTreeSet<Uuid>,
) -> Result<BTreeMap<Uuid, Option<NaiveDate>>, sqlx::Error> {
    let tenants: Vec<Uuid> = tenants.iter().copied().collect();
    sqlx::query!("INSERT INTO learning (tenant_id) SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING", &tenants)
        .execute(&mut *conn)
        .await?;
    let rows = sqlx::query!(
        "SELECT tenant_id, learned_through FROM learning WHERE tenant_id = ANY($1) ORDER BY tenant_id FOR NO KEY UPDATE",
        &tenants
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.learned_through)).collect())
}

/// Holds a tenant's facts and what was learned of them still, beside others who only read. Waits for its turn among those
/// who change them.
pub(crate) async fn share(conn: &mut PgConnection, tenant_id: Uuid) -> Result<(), sqlx::Error> {
    let row = sqlx::query!(r#"SELECT 1 AS "held!" FROM learning WHERE tenant_id = $1 FOR SHARE"#, tenant_id);
    row.fetch_optional(conn).await?;
    Ok(())
}

/// Has the tenants learn again from these days on, where they have learned as far.
pub(crate) async fn mark_dirty(conn: &mut PgConnection, days: &BTreeMap<Uuid, NaiveDate>) -> Result<(), sqlx::Error> {
    let (tenants, days): (Vec<Uuid>, Vec<NaiveDate>) = days.iter().map(|(tenant, day)| (*tenant, *day)).unzip();
    sqlx::query!(
        "UPDATE learning l SET dirty_from = least(l.dirty_from, d.day)
         FROM unnest($1::uuid[], $2::date[]) AS d (tenant_id, day)
         WHERE l.tenant_id = d.tenant_id AND d.day <= l.learned_through",
        &tenants,
        &days
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What decides whether a tenant has anything to do.
#[derive(Debug)]
pub(crate) struct Progress {
    pub tenant_id: Uuid,
    pub time_zone: String,
    pub learned_through: Option<NaiveDate>,
    pub closed_through: Option<NaiveDate>,
    pub dirty_from: Option<NaiveDate>,
    /// The formulas that what is learned comes from.
    pub model_version: Option<String>,
    pub thinned_through: Option<NaiveDate>,
    /// Everybody after this customer is still to be assessed for the last learned day.
    pub assessing_after: Option<Uuid>,
    /// First issue date; read only while nothing is learned or something is to be forgotten.
    pub first_known_on: Option<NaiveDate>,
    pub coverage: Coverage,
    /// Some assessment may have to be published.
    pub pending: bool,
}

impl Progress {
    pub(crate) fn is_of_this_model(&self) -> bool {
        self.model_version.as_deref() == Some(MODEL_VERSION)
    }
}

/// The progress of `tenant`, or of all, in the order of their ids.
pub(crate) async fn progress(conn: &mut PgConnection, tenant: Option<Uuid>) -> Result<Vec<Progress>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.tenant_id, t.time_zone, l.learned_through, l.closed_through, l.dirty_from, l.model_version,
             l.thinned_through, l.assessing_after,
             CASE WHEN l.learned_through IS NULL OR l.dirty_from IS NOT NULL OR l.model_version <> $2
               THEN (SELECT min(i.issue_date) FROM invoice_facts i WHERE i.tenant_id = l.tenant_id) END AS first_known_on,
             s.sources AS "sources!", s.silent AS "silent!", s.covered_until,
             EXISTS (SELECT FROM published_scores p WHERE p.tenant_id = l.tenant_id AND p.pending) AS "pending!"
           FROM learning l
           JOIN tenants t ON t.tenant_id = l.tenant_id
           CROSS JOIN LATERAL (
             SELECT count(*) AS sources, count(*) FILTER (WHERE s.covered_until IS NULL) AS silent,
               min(s.covered_until) AS covered_until
             FROM sources s WHERE s.tenant_id = l.tenant_id AND 'payments' = ANY(s.covers)) s
           WHERE $1::uuid IS NULL OR l.tenant_id = $1
           ORDER BY l.tenant_id"#,
        tenant,
        MODEL_VERSION
    )
    .fetch_all(conn)
    .await?;
    let progress = rows.into_iter().map(|row| Progress {
        tenant_id: row.tenant_id,
        time_zone: row.time_zone,
        learned_through: row.learned_through,
        closed_through: row.closed_through,
        dirty_from: row.dirty_from,
        model_version: row.model_version,
        thinned_through: row.thinned_through,
        assessing_after: row.assessing_after,
        first_known_on: row.first_known_on,
        coverage: coverage(row.sources, row.silent, row.covered_until),
        pending: row.pending,
    });
    Ok(progress.collect())
}

fn coverage(sources: i64, silent: i64, covered_until: Option<DateTime<Utc>>) -> Coverage {
    match covered_until {
        _ if sources == 0 => Coverage::ByClock,
        Some(instant) if silent == 0 => Coverage::Until(instant),
        _ => Coverage::Unknown,
    }
}

/// Forgets everything learned from `dirty_from` on, or all of it; returns the day it is now learned through. That is none
/// when nothing is known of earlier days any more: learning then begins at the first known day, as if it had never begun
/// before.
pub(crate) async fn forget(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    dirty_from: Option<NaiveDate>,
) -> Result<Option<NaiveDate>, sqlx::Error> {
    let begun_before = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM invoice_facts WHERE tenant_id = $1 AND issue_date < $2) AS "begun!""#,
        tenant_id,
        dirty_from
    )
    .fetch_one(&mut *conn)
    .await?;
    let learned_through = dirty_from.filter(|_| begun_before).and_then(|day| day.pred_opt());
    sqlx::query!(
        "WITH states AS (DELETE FROM learned_states WHERE tenant_id = $1 AND day > coalesce($2, '-infinity'::date)),
              foretold AS (DELETE FROM foretold_invoices WHERE tenant_id = $1 AND day > coalesce($2, '-infinity'::date)),
              calibrated AS (DELETE FROM calibrations WHERE tenant_id = $1 AND day > coalesce($2, '-infinity'::date)),
              shifted AS (DELETE FROM pattern_shifts WHERE tenant_id = $1 AND found_on > coalesce($2, '-infinity'::date)
                RETURNING customer_id),
              assessed AS (DELETE FROM assessments WHERE tenant_id = $1 AND day > coalesce($2, '-infinity'::date)
                RETURNING customer_id)
         UPDATE published_scores p SET pending = true
         WHERE p.tenant_id = $1
           AND p.customer_id IN (SELECT customer_id FROM assessed UNION SELECT customer_id FROM shifted)",
        tenant_id,
        learned_through
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE learning SET learned_through = $2, dirty_from = NULL, assessing_after = NULL, model_version = $3,
           thinned_through = CASE WHEN $2::date IS NOT NULL THEN least(thinned_through, $2) END
         WHERE tenant_id = $1",
        tenant_id,
        learned_through,
        MODEL_VERSION
    )
    .execute(conn)
    .await?;
    Ok(learned_through)
}

/// Records that the tenant has learned through `day`; `everyone` when all its customers are still to be assessed.
pub(crate) async fn advance(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    day: NaiveDate,
    everyone: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE learning SET learned_through = $2, closed_through = greatest(closed_through, $2), model_version = $3,
           assessing_after = CASE WHEN $4 THEN '00000000-0000-0000-0000-000000000000'::uuid END
         WHERE tenant_id = $1",
        tenant_id,
        day,
        MODEL_VERSION,
        everyone
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records that everybody up to `customer` is assessed for the last learned day; everybody, when there is none.
pub(crate) async fn assessed(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customer: Option<Uuid>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE learning SET assessing_after = $2 WHERE tenant_id = $1", tenant_id, customer)
        .execute(conn)
        .await?;
    Ok(())
}

/// Records that up to `day` only the last state of each month is kept.
pub(crate) async fn thinned(conn: &mut PgConnection, tenant_id: Uuid, day: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE learning SET thinned_through = $2 WHERE tenant_id = $1", tenant_id, day).execute(conn).await?;
    Ok(())
}

/// The last day the tenant has learned.
pub(crate) async fn learned_through(
    conn: &mut PgConnection,
    tenant_id: Uuid,
) -> Result<Option<NaiveDate>, sqlx::Error> {
    let row = sqlx::query_scalar!("SELECT learned_through FROM learning WHERE tenant_id = $1", tenant_id);
    Ok(row.fetch_optional(conn).await?.flatten())
}

/// The tenant's IANA zone; empty while the tenant is unknown.
pub(crate) async fn time_zone(conn: &mut PgConnection, tenant_id: Uuid) -> Result<String, sqlx::Error> {
    let zone = sqlx::query_scalar!("SELECT time_zone FROM tenants WHERE tenant_id = $1", tenant_id);
    Ok(zone.fetch_optional(conn).await?.unwrap_or_default())
}
