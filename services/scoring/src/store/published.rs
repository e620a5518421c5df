//! What the rest of the house was told about customers.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

/// A customer's latest assessment beside what was published of it last.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub customer_id: Uuid,
    pub score_version: i64,
    pub segment_version: i64,
    pub latest: Said,
    pub published: Option<Said>,
}

/// Everything the two events of a customer say. `reasons` are those of the day that changed the segment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub assessed_on: NaiveDate,
    pub p_late: Decimal,
    pub mean_days_late: Option<Decimal>,
    pub observations: i32,
    pub model_version: String,
    pub segment: String,
    pub segment_since: NaiveDate,
    pub reasons: Vec<String>,
    pub rules_version: String,
}

/// At most `limit` customers about whom there may be something to say.
pub(crate) async fn pending(conn: &mut PgConnection, tenant_id: Uuid, limit: i64) -> Result<Vec<Pending>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT p.customer_id, p.score_version, p.segment_version,
             p.assessed_on, p.p_late, p.mean_days_late, p.observations, p.model_version, p.segment, p.segment_since,
             p.reasons, p.rules_version,
             a.day AS day, a.p_late AS now_p_late, a.mean_days_late AS now_mean_days_late,
             a.observations AS now_observations, a.model_version AS now_model_version, a.segment AS now_segment,
             a.segment_since AS now_since, s.reasons AS now_reasons, a.rules_version AS now_rules_version
           FROM (SELECT * FROM published_scores WHERE tenant_id = $1 AND pending ORDER BY customer_id LIMIT $2) p
           CROSS JOIN LATERAL (
             SELECT * FROM assessments a WHERE a.tenant_id = $1 AND a.customer_id = p.customer_id
             ORDER BY a.day DESC LIMIT 1) a
           JOIN assessments s ON s.tenant_id = $1 AND s.customer_id = p.customer_id AND s.day = a.segment_since
           ORDER BY p.customer_id"#,
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await?;
    let pending = rows.into_iter().map(|row| {
        let published = (|| {
            Some(Said {
                assessed_on: row.assessed_on?,
                p_late: row.p_late?,
                mean_days_late: row.mean_days_late,
                observations: row.observations?,
                model_version: row.model_version?,
                segment: row.segment?,
                segment_since: row.segment_since?,
                reasons: row.reasons?,
                rules_version: row.rules_version?,
            })
        })();
        Pending {
            customer_id: row.customer_id,
            score_version: row.score_version,
            segment_version: row.segment_version,
            latest: Said {
                assessed_on: row.day,
                p_late: row.now_p_late,
                mean_days_late: row.now_mean_days_late,
                observations: row.now_observations,
                model_version: row.now_model_version,
                segment: row.now_segment,
                segment_since: row.now_since,
                reasons: row.now_reasons,
                rules_version: row.now_rules_version,
            },
            published,
        }
    });
    Ok(pending.collect())
}

/// Records that these were published, with the versions they carry.
pub(crate) async fn save(conn: &mut PgConnection, tenant_id: Uuid, rows: &[Pending]) -> Result<(), sqlx::Error> {
    let customers: Vec<Uuid> = rows.iter().map(|row| row.customer_id).collect();
    let score_versions: Vec<i64> = rows.iter().map(|row| row.score_version).collect();
    let segment_versions: Vec<i64> = rows.iter().map(|row| row.segment_version).collect();
    let days: Vec<NaiveDate> = rows.iter().map(|row| row.latest.assessed_on).collect();
    let since: Vec<NaiveDate> = rows.iter().map(|row| row.latest.segment_since).collect();
    // What was said is in the record already, under its day: nothing is sent over again.
    sqlx::query!(
        "UPDATE published_scores p SET pending = false, score_version = u.score_version, segment_version = u.segment_version,
           assessed_on = a.day, p_late = a.p_late, mean_days_late = a.mean_days_late, observations = a.observations,
           model_version = a.model_version, segment = a.segment, segment_since = a.segment_since, reasons = s.reasons,
           rules_version = a.rules_version
         FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::date[], $6::date[])
           AS u (customer_id, score_version, segment_version, day, since)
         JOIN assessments a ON a.tenant_id = $1 AND a.customer_id = u.customer_id AND a.day = u.day
         JOIN assessments s ON s.tenant_id = $1 AND s.customer_id = u.customer_id AND s.day = u.since
         WHERE p.tenant_id = $1 AND p.customer_id = u.customer_id",
        tenant_id,
        &customers,
        &score_versions,
        &segment_versions,
        &days,
        &since
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was published about a customer; `None` for a customer that does not exist.
pub(crate) async fn score(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customer_id: Uuid,
) -> Result<Option<PublishedScore>, sqlx::Error> {
    sqlx::query_as!(
        PublishedScore,
        r#"SELECT c.customer_id, c.code, c.country, p.assessed_on AS "assessed_on?", p.p_late AS "p_late?",
             p.mean_days_late AS "mean_days_late?", p.observations AS "observations?", p.segment AS "segment?",
             p.segment_since AS "segment_since?", p.reasons AS "reasons?", p.model_version AS "model_version?",
             p.rules_version AS "rules_version?"
           FROM customers c
           LEFT JOIN published_scores p ON p.tenant_id = c.tenant_id AND p.customer_id = c.customer_id
           WHERE c.tenant_id = $1 AND c.customer_id = $2"#,
        tenant_id,
        customer_id
    )
    .fetch_optional(conn)
    .await
}

/// A customer with what was published about it; everything is absent before the first score.
#[derive(Debug)]
pub(crate) struct PublishedScore {
    pub customer_id: Uuid,
    pub code: String,
    pub country: String,
    pub assessed_on: Option<NaiveDate>,
    pub p_late: Option<Decimal>,
    pub mean_days_late: Option<Decimal>,
    pub observations: Option<i32>,
    pub segment: Option<String>,
    pub segment_since: Option<NaiveDate>,
    pub reasons: Option<Vec<String>>,
    pub model_version: Option<String>,
    pub rules_version: Option<String>,
}

/// Customers by published segment; `None` for those without a score yet.
pub(crate) async fn count_by_segment(
    conn: &mut PgConnection,
    tenant_id: Uuid,
) -> Result<Vec<(Option<String>, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT p.segment AS "segment?", count(*) AS "customers!" FROM customers c
           LEFT JOIN published_scores p ON p.tenant_id = c.tenant_id AND p.customer_id = c.customer_id
           WHERE c.tenant_id = $1 GROUP BY p.segment ORDER BY p.segment"#,
        tenant_id
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.segment, row.customers)).collect())
}

/// What was published of a customer, under the version that its score or its segment has now.
#[derive(Debug)]
pub(crate) struct Raised {
    pub customer_id: Uuid,
    pub version: i64,
    pub said: Said,
}

/// Counts the versions of the scores, or of the segments, of these customers up, where there is one; sorted by customer.
pub(crate) async fn raise(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customers: &[Uuid],
    is_score: bool,
) -> Result<Vec<Raised>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"UPDATE published_scores
           SET score_version = score_version + CASE WHEN $3 THEN 1 ELSE 0 END,
               segment_version = segment_version + CASE WHEN $3 THEN 0 ELSE 1 END
           WHERE tenant_id = $1 AND customer_id = ANY($2) AND assessed_on IS NOT NULL AND p_late IS NOT NULL
             AND observations IS NOT NULL AND model_version IS NOT NULL AND segment IS NOT NULL
             AND segment_since IS NOT NULL AND reasons IS NOT NULL AND rules_version IS NOT NULL
           RETURNING customer_id, score_version, segment_version, assessed_on AS "assessed_on!", p_late AS "p_late!",
             mean_days_late, observations AS "observations!", model_version AS "model_version!", segment AS "segment!",
             segment_since AS "segment_since!", reasons AS "reasons!", rules_version AS "rules_version!""#,
        tenant_id,
        customers,
        is_score
    )
    .fetch_all(conn)
    .await?;
    let raised = rows.into_iter().map(|row| Raised {
        customer_id: row.customer_id,
        version: if is_score { row.score_version } else { row.segment_version },
        said: Said {
            assessed_on: row.assessed_on,
            p_late: row.p_late,
            mean_days_late: row.mean_days_late,
            observations: row.observations,
            model_version: row.model_version,
            segment: row.segment,
            segment_since: row.segment_since,
            reasons: row.reasons,
            rules_version: row.rules_version,
        },
    });
    let mut raised: Vec<Raised> = raised.collect();
    raised.sort_by_key(|row| row.customer_id);
    Ok(raised)
}
