//! What the door shows of customers.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

/// A customer with what was told about it; everything is absent before the first score.
#[derive(Debug)]
pub(crate) struct PublishedScore {
    pub customer_id: Uuid,
    pub code: String,
    pub country: String,
    pub assessed_on: Option<NaiveDate>,
    pub p_late: Option<Decimal>,
    pub contributions: Option<Vec<Decimal>>,
    pub score_reasons: Option<Vec<String>>,
    pub p50_delay: Option<Decimal>,
    pub p80_delay: Option<Decimal>,
    pub structural_days: Option<i32>,
    pub mean_days_late: Option<Decimal>,
    pub observations: Option<i32>,
    pub segment: Option<String>,
    pub segment_since: Option<NaiveDate>,
    pub segment_reasons: Option<Vec<String>>,
    pub model_version: Option<String>,
    pub rules_version: Option<String>,
}

/// What was told about a customer; `None` for a customer that does not exist.
pub(crate) async fn score(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customer_id: Uuid,
) -> Result<Option<PublishedScore>, sqlx::Error> {
    sqlx::query_as!(
        PublishedScore,
        r#"SELECT c.customer_id, c.code, c.country, p.assessed_on AS "assessed_on?", p.p_late AS "p_late?",
             p.contributions AS "contributions?: Vec<Decimal>", p.score_reasons AS "score_reasons?", p.p50_delay AS "p50_delay?",
             p.p80_delay AS "p80_delay?", p.structural_days AS "structural_days?", p.mean_days_late AS "mean_days_late?",
             p.observations AS "observations?", p.segment AS "segment?", p.segment_since AS "segment_since?",
             p.segment_reasons AS "segment_reasons?", p.model_version AS "model_version?",
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

/// What was said of a customer at the close of a day.
#[derive(Debug)]
pub(crate) struct Said {
    pub day: NaiveDate,
    pub p_late: Decimal,
    pub score_reasons: Vec<String>,
    pub p50_delay: Option<Decimal>,
    pub mean_days_late: Option<Decimal>,
    pub observations: i32,
    pub segment: String,
    pub segment_reasons: Vec<String>,
    pub model_version: String,
    pub rules_version: String,
}

/// The last `limit` days on which something was said of a customer before `before`, the newest first.
pub(crate) async fn history(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customer_id: Uuid,
    before: Option<NaiveDate>,
    limit: i64,
) -> Result<Vec<Said>, sqlx::Error> {
    sqlx::query_as!(
        Said,
        "SELECT day, p_late, score_reasons, p50_delay, mean_days_late, observations, segment, segment_reasons,
           model_version, rules_version
         FROM assessments
         WHERE tenant_id = $1 AND customer_id = $2 AND day < coalesce($3, 'infinity'::date)
         ORDER BY day DESC LIMIT $4",
        tenant_id,
        customer_id,
        before,
        limit
    )
    .fetch_all(conn)
    .await
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
