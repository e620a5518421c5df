//! What tenants have chosen.

use sqlx::PgConnection;
use uuid::Uuid;

pub(crate) struct Row {
    pub(crate) tenant_id: Uuid,
    pub(crate) version: i64,
    pub(crate) late_delivery_days: Option<i32>,
}

/// Upserts if newer. One row for each tenant.
#[allow(clippy::as_conversions, reason = "how the query macros are told of an array with gaps")]
pub(crate) async fn save(conn: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO tenant_settings AS s (tenant_id, version, late_delivery_days)
         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::integer[])
         ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version, late_delivery_days = excluded.late_delivery_days
         WHERE s.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.late_delivery_days).collect::<Vec<_>>() as &[Option<i32>],
    )
    .execute(conn)
    .await?;
    Ok(())
}
