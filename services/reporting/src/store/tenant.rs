//! The tenant that asks: its name, its zone, its language.

use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TenantRow {
    pub(crate) name: String,
    pub(crate) time_zone: String,
    pub(crate) language: String,
}

pub(crate) async fn load(conn: &mut PgConnection, tenant_id: Uuid) -> Result<Option<TenantRow>, sqlx::Error> {
    sqlx::query_as!(TenantRow, "SELECT name, time_zone, language FROM tenants WHERE tenant_id = $1", tenant_id)
        .fetch_optional(conn)
        .await
}
