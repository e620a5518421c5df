//! What was said about customers, day by day.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Unreadable, joined};
use crate::domain::assessment::{Assessment, Gist};
use crate::domain::close::{Assessed, Previous};
use crate::domain::model::memory::MODEL_VERSION;
use crate::domain::segment::{Rules, Segment};

/// What was said last of each of the customers with any history.
pub(crate) async fn previous(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customers: &[Uuid],
) -> Result<BTreeMap<Uuid, Previous>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT k.customer_id AS "customer_id!", a.segment, a.rules_version, a.segment_since, a.p_late, a.mean_days_late,
             a.observations, a.score_since
           FROM unnest($2::uuid[]) AS k (customer_id)
           CROSS JOIN LATERAL (
             SELECT * FROM assessments a
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
            let observations = u32::try_from(row.observations).unwrap_or(0);
            let previous = Previous {
                segment,
                rules_version: row.rules_version,
                segment_since: row.segment_since,
                gist: Gist::of(row.p_late, row.mean_days_late, observations),
                score_since: row.score_since,
            };
            Ok((row.customer_id, previous))
        })
        .collect()
}

/// Adds assessments, and has them published and what their customers owe foretold again.
pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[Assessed],
    rules: &Rules,
) -> Result<(), sqlx::Error> {
    let said = |of: fn(&Assessment) -> Option<Decimal>| -> Vec<Option<Decimal>> {
        rows.iter().map(|row| of(&row.assessment)).collect()
    };
    let days = |of: fn(&Assessed) -> NaiveDate| rows.iter().map(of).collect::<Vec<NaiveDate>>();
    let counts = |of: fn(&Assessment) -> u32| -> Vec<i32> {
        rows.iter().map(|row| i32::try_from(of(&row.assessment)).unwrap_or(i32::MAX)).collect()
    };
    let customers: Vec<Uuid> = rows.iter().map(|row| row.customer_id).collect();
    let segments: Vec<String> = rows.iter().map(|row| row.assessment.segment.as_str().to_owned()).collect();
    // Codes and figures have no spaces, so lists of different length travel joined.
    let segment_reasons: Vec<String> = rows.iter().map(|row| row.assessment.segment_reasons.join(" ")).collect();
    let score_reasons: Vec<String> = rows.iter().map(|row| joined(&row.assessment.explanation.reasons)).collect();
    let contributions: Vec<String> = rows.iter().map(|row| joined(&row.assessment.explanation.contributions)).collect();
    sqlx::query!(
        "INSERT INTO assessments (tenant_id, customer_id, day, p_late, contributions, score_reasons, p50_delay, p80_delay,
           structural_days, mean_days_late, observations, score_since, segment, segment_since, segment_reasons,
           model_version, rules_version)
         SELECT $1, u.customer_id, u.day, u.p_late, string_to_array(u.contributions, ' ')::numeric[],
           string_to_array(u.score_reasons, ' '), u.p50_delay, u.p80_delay, u.structural_days, u.mean_days_late,
           u.observations, u.score_since, u.segment, u.segment_since, string_to_array(u.segment_reasons, ' '), $2, $3
         FROM unnest($4::uuid[], $5::date[], $6::numeric[], $7::text[], $8::text[], $9::numeric[], $10::numeric[],
             $11::integer[], $12::numeric[], $13::integer[], $14::date[], $15::text[], $16::date[], $17::text[])
           AS u (customer_id, day, p_late, contributions, score_reasons, p50_delay, p80_delay, structural_days,
             mean_days_late, observations, score_since, segment, segment_since, segment_reasons)",
        tenant_id,
        MODEL_VERSION,
        &rules.version,
        &customers,
        &days(|row| row.day),
        &said(|assessment| Some(assessment.p_late)) as &[Option<Decimal>],
        &contributions,
        &score_reasons,
        &said(|assessment| assessment.p50_delay) as &[Option<Decimal>],
        &said(|assessment| assessment.p80_delay) as &[Option<Decimal>],
        &counts(|assessment| assessment.structural_days),
        &said(|assessment| assessment.mean_days_late) as &[Option<Decimal>],
        &counts(|assessment| assessment.observations),
        &days(|row| row.score_since),
        &segments,
        &days(|row| row.segment_since),
        &segment_reasons
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "WITH stale AS (INSERT INTO stale_outlooks (tenant_id, customer_id)
           SELECT DISTINCT $1::uuid, customer_id FROM unnest($2::uuid[]) AS u (customer_id) ORDER BY customer_id
           ON CONFLICT DO NOTHING)
         INSERT INTO published_scores AS p (tenant_id, customer_id, pending)
         SELECT DISTINCT $1::uuid, customer_id, true FROM unnest($2::uuid[]) AS u (customer_id) ORDER BY customer_id
         ON CONFLICT (tenant_id, customer_id) DO UPDATE SET pending = true WHERE NOT p.pending",
        tenant_id,
        &customers
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those of the first `limit` customers that wait for a score which have never been assessed.
pub(crate) async fn missing(conn: &mut PgConnection, tenant_id: Uuid, limit: i64) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT p.customer_id
         FROM (SELECT customer_id FROM published_scores WHERE tenant_id = $1 AND pending ORDER BY customer_id LIMIT $2) p
         WHERE NOT EXISTS (SELECT FROM assessments a WHERE a.tenant_id = $1 AND a.customer_id = p.customer_id)
         ORDER BY p.customer_id",
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
