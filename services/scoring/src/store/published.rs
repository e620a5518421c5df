//! What the rest of the house was told about customers.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

/// Everything `customer.scored` says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Score {
    /// Day of the assessment.
    pub assessed_on: NaiveDate,
    pub p_late: Decimal,
    pub contributions: Vec<Decimal>,
    pub reasons: Vec<String>,
    pub p50_delay: Option<Decimal>,
    pub p80_delay: Option<Decimal>,
    pub structural_days: i32,
    pub mean_days_late: Option<Decimal>,
    pub observations: i32,
    pub model_version: String,
}

/// Everything `segment.assigned` says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segmented {
    pub segment: String,
    /// Those of the day that changed the segment, and the rules that decided it.
    pub reasons: Vec<String>,
    pub rules_version: String,
}

/// Everything `pattern.shifted` says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shifted {
    pub found_on: NaiveDate,
    pub since: NaiveDate,
    pub delay_before: Decimal,
    pub delay_after: Decimal,
    pub payments_before: i32,
    pub payments_after: i32,
}

/// A customer about whom there may be something to tell, with the versions of what was told last.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub customer_id: Uuid,
    pub score_version: i64,
    pub segment_version: i64,
    pub shift_version: i64,
    pub score: Score,
    pub segmented: Segmented,
    pub segment_since: NaiveDate,
    pub shifted: Option<Shifted>,
    pub told_score: Option<Score>,
    pub told_segment: Option<Segmented>,
    pub told_shift: Option<Shifted>,
}

/// At most `limit` customers about whom there may be something to say. What is to be said of the score is the assessment
/// that first said as much as the latest one.
#[allow(clippy::too_many_lines, reason = "one query, and every column by its name")]
pub(crate) async fn pending(conn: &mut PgConnection, tenant_id: Uuid, limit: i64) -> Result<Vec<Pending>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT p.customer_id, p.score_version, p.segment_version, p.shift_version,
             p.assessed_on, p.p_late, p.contributions AS "contributions: Vec<Decimal>", p.score_reasons, p.p50_delay, p.p80_delay, p.structural_days,
             p.mean_days_late, p.observations, p.model_version, p.segment, p.segment_reasons, p.rules_version,
             p.shift_found_on, p.shift_since, p.shift_delay_before, p.shift_delay_after, p.shift_payments_before,
             p.shift_payments_after,
             c.day AS score_day, c.p_late AS now_p_late, c.contributions AS "now_contributions: Vec<Decimal>",
             c.score_reasons AS now_score_reasons, c.p50_delay AS now_p50_delay, c.p80_delay AS now_p80_delay,
             c.structural_days AS now_structural_days, c.mean_days_late AS now_mean_days_late,
             c.observations AS now_observations, c.model_version AS now_model_version,
             s.day AS segment_day, s.segment AS now_segment, s.segment_reasons AS now_segment_reasons,
             s.rules_version AS now_rules_version,
             h.found_on AS "found_on?", h.since AS "since?", h.delay_before AS "delay_before?",
             h.delay_after AS "delay_after?", h.payments_before AS "payments_before?",
             h.payments_after AS "payments_after?"
           FROM (
             SELECT * FROM published_scores p
             WHERE tenant_id = $1 AND pending AND EXISTS (
               SELECT FROM assessments a WHERE a.tenant_id = $1 AND a.customer_id = p.customer_id)
             ORDER BY customer_id LIMIT $2) p
           CROSS JOIN LATERAL (
             SELECT segment_since, score_since FROM assessments a
             WHERE a.tenant_id = $1 AND a.customer_id = p.customer_id ORDER BY a.day DESC LIMIT 1) a
           JOIN assessments c ON c.tenant_id = $1 AND c.customer_id = p.customer_id AND c.day = a.score_since
           JOIN assessments s ON s.tenant_id = $1 AND s.customer_id = p.customer_id AND s.day = a.segment_since
           LEFT JOIN LATERAL (
             SELECT * FROM pattern_shifts h
             WHERE h.tenant_id = $1 AND h.customer_id = p.customer_id ORDER BY h.found_on DESC LIMIT 1) h ON true
           ORDER BY p.customer_id"#,
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await?;
    let pending = rows.into_iter().map(|row| {
        let told_score = (|| {
            Some(Score {
                assessed_on: row.assessed_on?,
                p_late: row.p_late?,
                contributions: row.contributions?,
                reasons: row.score_reasons?,
                p50_delay: row.p50_delay,
                p80_delay: row.p80_delay,
                structural_days: row.structural_days?,
                mean_days_late: row.mean_days_late,
                observations: row.observations?,
                model_version: row.model_version?,
            })
        })();
        let told_segment = (|| {
            Some(Segmented { segment: row.segment?, reasons: row.segment_reasons?, rules_version: row.rules_version? })
        })();
        let shifted = (|| {
            Some(Shifted {
                found_on: row.found_on?,
                since: row.since?,
                delay_before: row.delay_before?,
                delay_after: row.delay_after?,
                payments_before: row.payments_before?,
                payments_after: row.payments_after?,
            })
        })();
        let told_shift = (|| {
            Some(Shifted {
                found_on: row.shift_found_on?,
                since: row.shift_since?,
                delay_before: row.shift_delay_before?,
                delay_after: row.shift_delay_after?,
                payments_before: row.shift_payments_before?,
                payments_after: row.shift_payments_after?,
            })
        })();
        Pending {
            customer_id: row.customer_id,
            score_version: row.score_version,
            segment_version: row.segment_version,
            shift_version: row.shift_version,
            score: Score {
                assessed_on: row.score_day,
                p_late: row.now_p_late,
                contributions: row.now_contributions,
                reasons: row.now_score_reasons,
                p50_delay: row.now_p50_delay,
                p80_delay: row.now_p80_delay,
                structural_days: row.now_structural_days,
                mean_days_late: row.now_mean_days_late,
                observations: row.now_observations,
                model_version: row.now_model_version,
            },
            segmented: Segmented {
                segment: row.now_segment,
                reasons: row.now_segment_reasons,
                rules_version: row.now_rules_version,
            },
            segment_since: row.segment_day,
            shifted,
            told_score,
            told_segment,
            told_shift,
        }
    });
    Ok(pending.collect())
}

/// Records that these were told, under the versions they carry.
pub(crate) async fn save(conn: &mut PgConnection, tenant_id: Uuid, rows: &[Pending]) -> Result<(), sqlx::Error> {
    let customers: Vec<Uuid> = rows.iter().map(|row| row.customer_id).collect();
    let versions = |of: fn(&Pending) -> i64| rows.iter().map(of).collect::<Vec<i64>>();
    let assessed: Vec<NaiveDate> = rows.iter().map(|row| row.score.assessed_on).collect();
    let since: Vec<NaiveDate> = rows.iter().map(|row| row.segment_since).collect();
    let found: Vec<Option<NaiveDate>> =
        rows.iter().map(|row| row.shifted.as_ref().map(|shifted| shifted.found_on)).collect();
    // What was said is in the record already, under its day: nothing is sent over again.
    sqlx::query!(
        "UPDATE published_scores p SET pending = false, score_version = u.score_version, segment_version = u.segment_version,
           shift_version = u.shift_version, shift_found_on = h.found_on, shift_since = h.since,
           shift_delay_before = h.delay_before, shift_delay_after = h.delay_after,
           shift_payments_before = h.payments_before, shift_payments_after = h.payments_after, assessed_on = c.day, p_late = c.p_late,
           contributions = c.contributions, score_reasons = c.score_reasons, p50_delay = c.p50_delay,
           p80_delay = c.p80_delay, structural_days = c.structural_days, mean_days_late = c.mean_days_late,
           observations = c.observations, model_version = c.model_version, segment = s.segment, segment_since = s.day,
           segment_reasons = s.segment_reasons, rules_version = s.rules_version
         FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::date[], $7::date[], $8::date[])
           AS u (customer_id, score_version, segment_version, shift_version, assessed_on, since, found_on)
         JOIN assessments c ON c.tenant_id = $1 AND c.customer_id = u.customer_id AND c.day = u.assessed_on
         JOIN assessments s ON s.tenant_id = $1 AND s.customer_id = u.customer_id AND s.day = u.since
         LEFT JOIN pattern_shifts h ON h.tenant_id = $1 AND h.customer_id = u.customer_id AND h.found_on = u.found_on
         WHERE p.tenant_id = $1 AND p.customer_id = u.customer_id",
        tenant_id,
        &customers,
        &versions(|row| row.score_version),
        &versions(|row| row.segment_version),
        &versions(|row| row.shift_version),
        &assessed,
        &since,
        &found as &[Option<NaiveDate>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What of a customer is told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Score,
    Segment,
    Shift,
}

/// What was told of a customer, under the version that it has now.
#[derive(Debug)]
pub(crate) struct Raised {
    pub customer_id: Uuid,
    pub version: i64,
    pub score: Score,
    pub segmented: Segmented,
    pub shifted: Option<Shifted>,
}

/// Counts the versions of what was told of these customers up, where anything was; sorted by customer.
pub(crate) async fn raise(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customers: &[Uuid],
    told: Told,
) -> Result<Vec<Raised>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH raised AS (
             UPDATE published_scores p
             SET score_version = score_version + CASE WHEN $3 THEN 1 ELSE 0 END,
                 segment_version = segment_version + CASE WHEN $4 THEN 1 ELSE 0 END,
                 shift_version = shift_version + CASE WHEN $5 THEN 1 ELSE 0 END
             WHERE tenant_id = $1 AND customer_id = ANY($2) AND assessed_on IS NOT NULL AND segment IS NOT NULL
               AND (NOT $5 OR shift_version > 0)
             RETURNING p.*)
           SELECT r.customer_id AS "customer_id!", r.score_version AS "score_version!",
             r.segment_version AS "segment_version!", r.shift_version AS "shift_version!",
             r.assessed_on AS "assessed_on!", r.p_late AS "p_late!", r.contributions AS "contributions!: Vec<Decimal>",
             r.score_reasons AS "score_reasons!", r.p50_delay, r.p80_delay, r.structural_days AS "structural_days!",
             r.mean_days_late, r.observations AS "observations!", r.model_version AS "model_version!",
             r.segment AS "segment!", r.segment_reasons AS "segment_reasons!", r.rules_version AS "rules_version!",
             r.shift_found_on, r.shift_since, r.shift_delay_before, r.shift_delay_after, r.shift_payments_before,
             r.shift_payments_after
           FROM raised r
           ORDER BY r.customer_id"#,
        tenant_id,
        customers,
        told == Told::Score,
        told == Told::Segment,
        told == Told::Shift
    )
    .fetch_all(conn)
    .await?;
    let raised = rows.into_iter().map(|row| Raised {
        customer_id: row.customer_id,
        version: match told {
            Told::Score => row.score_version,
            Told::Segment => row.segment_version,
            Told::Shift => row.shift_version,
        },
        score: Score {
            assessed_on: row.assessed_on,
            p_late: row.p_late,
            contributions: row.contributions,
            reasons: row.score_reasons,
            p50_delay: row.p50_delay,
            p80_delay: row.p80_delay,
            structural_days: row.structural_days,
            mean_days_late: row.mean_days_late,
            observations: row.observations,
            model_version: row.model_version,
        },
        segmented: Segmented { segment: row.segment, reasons: row.segment_reasons, rules_version: row.rules_version },
        shifted: (|| {
            Some(Shifted {
                found_on: row.shift_found_on?,
                since: row.shift_since?,
                delay_before: row.shift_delay_before?,
                delay_after: row.shift_delay_after?,
                payments_before: row.shift_payments_before?,
                payments_after: row.shift_payments_after?,
            })
        })(),
    });
    Ok(raised.collect())
}
