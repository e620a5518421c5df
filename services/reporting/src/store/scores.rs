//! What scoring says of each customer.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::newest::{newest, versioned};

#[derive(Debug, Clone)]
pub(crate) struct ScoreRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) version: i64,
    pub(crate) p_late: Decimal,
    pub(crate) mean_days_late: Option<Decimal>,
    pub(crate) observations: i64,
    pub(crate) scored_at: DateTime<Utc>,
}
versioned!(ScoreRow, customer_id);

#[derive(Debug, Clone)]
pub(crate) struct SegmentRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) version: i64,
    pub(crate) segment: String,
    pub(crate) reasons: Vec<String>,
    pub(crate) assigned_at: DateTime<Utc>,
}
versioned!(SegmentRow, customer_id);

pub(crate) async fn save_scores(conn: &mut PgConnection, rows: Vec<ScoreRow>) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = newest(rows);
    sqlx::query!(
        "INSERT INTO customer_scores AS t (tenant_id, customer_id, version, p_late, mean_days_late, observations, scored_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::numeric[], $5::numeric[], $6::bigint[],
             $7::timestamptz[])
         ON CONFLICT (tenant_id, customer_id) DO UPDATE SET version = excluded.version, p_late = excluded.p_late,
             mean_days_late = excluded.mean_days_late, observations = excluded.observations,
             scored_at = excluded.scored_at
         WHERE t.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.p_late).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.mean_days_late).collect::<Vec<_>>() as &[Option<Decimal>],
        &rows.iter().map(|row| row.observations).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.scored_at).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reasons travel joined by a line feed: arrays of arrays of different lengths cannot be unnested.
pub(crate) async fn save_segments(conn: &mut PgConnection, rows: Vec<SegmentRow>) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = newest(rows);
    sqlx::query!(
        "INSERT INTO customer_segments AS t (tenant_id, customer_id, version, segment, reasons, assigned_at)
         SELECT tenant_id, customer_id, version, segment, string_to_array(reasons, E'\\n'), assigned_at
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[])
             AS r (tenant_id, customer_id, version, segment, reasons, assigned_at)
         ON CONFLICT (tenant_id, customer_id) DO UPDATE SET version = excluded.version, segment = excluded.segment,
             reasons = excluded.reasons, assigned_at = excluded.assigned_at
         WHERE t.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.segment.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.reasons.join("\n")).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.assigned_at).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
