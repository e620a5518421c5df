//! What tenants have chosen: versions are added, never changed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::settings::Settings;

#[derive(Debug, Clone)]
pub(crate) struct SettingsRow {
    pub(crate) version: i64,
    pub(crate) settings: Json<Settings>,
    pub(crate) actor: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

/// The last version. `None`: nobody has chosen.
pub(crate) async fn find(conn: &mut PgConnection, tenant_id: Uuid) -> Result<Option<SettingsRow>, sqlx::Error> {
    sqlx::query_as!(
        SettingsRow,
        r#"SELECT version, settings AS "settings: Json<Settings>", actor, recorded_at FROM settings
           WHERE tenant_id = $1 ORDER BY version DESC LIMIT 1"#,
        tenant_id
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn in_force(conn: &mut PgConnection, tenant_id: Uuid) -> Result<Settings, sqlx::Error> {
    Ok(find(conn, tenant_id).await?.map(|row| row.settings.0).unwrap_or_default())
}

pub(crate) async fn add(conn: &mut PgConnection, tenant_id: Uuid, row: &SettingsRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO settings (tenant_id, version, settings, actor, recorded_at) VALUES ($1, $2, $3, $4, $5)",
        tenant_id,
        row.version,
        Json(row.settings.0) as Json<Settings>,
        row.actor,
        row.recorded_at
    )
    .execute(conn)
    .await?;
    Ok(())
}
