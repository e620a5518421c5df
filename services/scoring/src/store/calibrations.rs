//! The structural delay of a tenant, by the month ends at which it was measured.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::segment::StructuralDelay;

/// The calibration in force after the close of `day`.
pub(crate) async fn in_force(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    day: NaiveDate,
) -> Result<StructuralDelay, sqlx::Error> {
    let days = sqlx::query_scalar!(
        "SELECT structural_days FROM calibrations WHERE tenant_id = $1 AND day <= $2 ORDER BY day DESC LIMIT 1",
        tenant_id,
        day
    )
    .fetch_optional(conn)
    .await?;
    Ok(days.and_then(|days| u32::try_from(days).ok()).map_or(StructuralDelay::NONE, StructuralDelay::of_days))
}

pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    day: NaiveDate,
    structural: StructuralDelay,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO calibrations (tenant_id, day, structural_days) VALUES ($1, $2, $3)",
        tenant_id,
        day,
        i32::try_from(structural.days()).unwrap_or(0)
    )
    .execute(conn)
    .await?;
    Ok(())
}
