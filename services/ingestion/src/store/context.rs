//! What facts refer to and do not carry: the tenant, its legal entities, its sources.

use sqlx::PgConnection;
use uuid::Uuid;

pub(crate) struct TenantRow {
    pub(crate) slug: String,
    pub(crate) time_zone: String,
}

pub(crate) struct LegalEntityRow {
    pub(crate) legal_entity_id: Uuid,
    pub(crate) code: String,
    pub(crate) time_zone: String,
}

pub(crate) struct SourceRow {
    pub(crate) source_id: Uuid,
    pub(crate) code: String,
}

pub(crate) async fn tenant(conn: &mut PgConnection, tenant_id: Uuid) -> Result<TenantRow, sqlx::Error> {
    sqlx::query_as!(TenantRow, "SELECT slug, time_zone FROM tenants WHERE tenant_id = $1", tenant_id)
        .fetch_one(conn)
        .await
}

pub(crate) async fn exists(conn: &mut PgConnection, tenant_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM tenants WHERE tenant_id = $1) AS "exists!""#, tenant_id)
        .fetch_one(conn)
        .await
}

/// In the order of their codes: the first is the one that facts without a legal entity mean.
pub(crate) async fn legal_entities(
    conn: &mut PgConnection,
    tenant_id: Uuid,
) -> Result<Vec<LegalEntityRow>, sqlx::Error> {
    sqlx::query_as!(
        LegalEntityRow,
        r#"SELECT legal_entity_id, code, time_zone FROM legal_entities WHERE tenant_id = $1 ORDER BY code COLLATE "C""#,
        tenant_id
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn sources(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    codes: &[String],
) -> Result<Vec<SourceRow>, sqlx::Error> {
    sqlx::query_as!(
        SourceRow,
        "SELECT source_id, code FROM sources WHERE tenant_id = $1 AND code = ANY($2)",
        tenant_id,
        codes
    )
    .fetch_all(conn)
    .await
}
