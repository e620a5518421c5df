//! What was said about customers, day by day.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Unreadable;
use crate::domain::close::Assessed;
use crate::domain::segment::{MODEL_VERSION, Rules, Segment};

/// The segment that each of the customers with any history was put into last, and since when.
pub(crate) async fn segments(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customers: &[Uuid],
) -> Result<BTreeMap<Uuid, (Segment, NaiveDate)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT k.customer_id AS "customer_id!", a.segment, a.segment_since
           FROM unnest($2::uuid[]) AS k (customer_id)
           CROSS JOIN LATERAL (
             SELECT segment, segment_since, observations FROM assessments a
             WHERE a.tenant_id = $1 AND a.customer_id = k.customer_id ORDER BY a.day DESC LIMIT 1) a
           WHERE a.observations > 0"#,
        tenant_id,
        customers
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let segment = Segment::parse(&row.segment).ok_or_else(|| Unreadable(format!("segment {}", row.segment)))?;
            Ok((row.customer_id, (segment, row.segment_since)))
        })
        .collect()
}

/// Adds assessments and has them published.
pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[Assessed],
    rules: &Rules,
) -> Result<(), sqlx::Error> {
    let customers: Vec<Uuid> = rows.iter().map(|row| row.customer_id).collect();
    let days: Vec<NaiveDate> = rows.iter().map(|row| row.day).collect();
    let p_late: Vec<Decimal> = rows.iter().map(|row| row.assessment.p_late).collect();
    let mean_days_late: Vec<Option<Decimal>> = rows.iter().map(|row| row.assessment.mean_days_late).collect();
    let observations: Vec<i32> =
        rows.iter().map(|row| i32::try_from(row.assessment.observations).unwrap_or(i32::MAX)).collect();
    let segments: Vec<String> = rows.iter().map(|row| row.assessment.segment.as_str().to_owned()).collect();
    let since: Vec<NaiveDate> = rows.iter().map(|row| row.segment_since).collect();
    // Reasons are codes and figures without spaces, so lists of different length travel joined.
    let reasons: Vec<String> = rows.iter().map(|row| row.assessment.reasons.join(" ")).collect();
    sqlx::query!(
        "INSERT INTO assessments (tenant_id, customer_id, day, p_late, mean_days_late, observations, segment, segment_since,
           reasons, model_version, rules_version)
         SELECT $1, u.customer_id, u.day, u.p_late, u.mean_days_late, u.observations, u.segment, u.segment_since,
           string_to_array(u.reasons, ' '), $10, $11
         FROM unnest($2::uuid[], $3::date[], $4::numeric[], $5::numeric[], $6::integer[], $7::text[], $8::date[], $9::text[])
           AS u (customer_id, day, p_late, mean_days_late, observations, segment, segment_since, reasons)",
        tenant_id,
        &customers,
        &days,
        &p_late,
        &mean_days_late as &[Option<Decimal>],
        &observations,
        &segments,
        &since,
        &reasons,
        MODEL_VERSION,
        &rules.version
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO published_scores AS p (tenant_id, customer_id, pending)
         SELECT DISTINCT $1::uuid, customer_id, true FROM unnest($2::uuid[]) AS u (customer_id) ORDER BY customer_id
         ON CONFLICT (tenant_id, customer_id) DO UPDATE SET pending = true WHERE NOT p.pending",
        tenant_id,
        &customers
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Customers that wait for a score and have never been assessed, at most `limit`.
pub(crate) async fn missing(conn: &mut PgConnection, tenant_id: Uuid, limit: i64) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT p.customer_id FROM published_scores p
         WHERE p.tenant_id = $1 AND p.pending
           AND NOT EXISTS (SELECT FROM assessments a WHERE a.tenant_id = p.tenant_id AND a.customer_id = p.customer_id)
         ORDER BY p.customer_id LIMIT $2",
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Forgets the assessments of those of the customers of whom nothing has been learned, and has them made again.
pub(crate) async fn forget_presumed(conn: &mut PgConnection, keys: &[(Uuid, Uuid)]) -> Result<(), sqlx::Error> {
    let (tenants, customers): (Vec<Uuid>, Vec<Uuid>) = keys.iter().copied().unzip();
    sqlx::query!(
        "WITH forgotten AS (
           DELETE FROM assessments a USING unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id)
           WHERE a.tenant_id = k.tenant_id AND a.customer_id = k.customer_id
             AND NOT EXISTS (
               SELECT FROM learned_states s
               WHERE s.tenant_id = k.tenant_id AND s.scope = 'customer' AND s.owner = k.customer_id::text)
           RETURNING a.tenant_id, a.customer_id)
         UPDATE published_scores p SET pending = true
         FROM (SELECT DISTINCT tenant_id, customer_id FROM forgotten) f
         WHERE p.tenant_id = f.tenant_id AND p.customer_id = f.customer_id",
        &tenants,
        &customers
    )
    .execute(conn)
    .await?;
    Ok(())
}
