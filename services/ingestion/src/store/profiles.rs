//! A tenant's own profiles: versions are added, never changed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub(crate) struct ProfileRow {
    pub(crate) name: String,
    pub(crate) version: i64,
    /// `None`: this version removed it.
    pub(crate) yaml: Option<String>,
    pub(crate) actor: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

/// The version of a name, the last one where none is asked for.
pub(crate) async fn find(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    name: &str,
    version: Option<i64>,
) -> Result<Option<ProfileRow>, sqlx::Error> {
    sqlx::query_as!(
        ProfileRow,
        "SELECT name, version, yaml, actor, recorded_at FROM profiles
         WHERE tenant_id = $1 AND name = $2 AND ($3::bigint IS NULL OR version = $3)
         ORDER BY version DESC LIMIT 1",
        tenant_id,
        name,
        version
    )
    .fetch_optional(conn)
    .await
}

/// The last version of each name that was not removed, by name.
pub(crate) async fn all(conn: &mut PgConnection, tenant_id: Uuid) -> Result<Vec<ProfileRow>, sqlx::Error> {
    sqlx::query_as!(
        ProfileRow,
        r#"SELECT name, version, yaml, actor, recorded_at FROM (
               SELECT DISTINCT ON (name) name, version, yaml, actor, recorded_at FROM profiles
               WHERE tenant_id = $1 ORDER BY name, version DESC
           ) last WHERE yaml IS NOT NULL ORDER BY name COLLATE "C""#,
        tenant_id
    )
    .fetch_all(conn)
    .await
}

/// Names that are in use.
pub(crate) async fn count(conn: &mut PgConnection, tenant_id: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(DISTINCT name) AS "count!" FROM profiles WHERE tenant_id = $1"#, tenant_id)
        .fetch_one(conn)
        .await
}

pub(crate) async fn add(conn: &mut PgConnection, tenant_id: Uuid, row: &ProfileRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO profiles (tenant_id, name, version, yaml, actor, recorded_at) VALUES ($1, $2, $3, $4, $5, $6)",
        tenant_id,
        row.name,
        row.version,
        row.yaml,
        row.actor,
        row.recorded_at
    )
    .execute(conn)
    .await?;
    Ok(())
}
