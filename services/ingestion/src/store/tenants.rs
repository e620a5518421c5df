//! Tenants, as they are told to the other roles.

use contracts::SCHEMA_REV;
use contracts::ingestion::{LegalEntity, TenantChanged};
use sqlx::PgConnection;
use uuid::Uuid;

/// The tenant under its next version.
pub(crate) async fn next_version(conn: &mut PgConnection, tenant_id: Uuid) -> Result<TenantChanged, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE tenants SET version = version + 1 WHERE tenant_id = $1
         RETURNING version, slug, name, time_zone, send_hour, language",
        tenant_id
    )
    .fetch_one(&mut *conn)
    .await?;
    let entities = sqlx::query!(
        "SELECT legal_entity_id, code, name, country, time_zone FROM legal_entities WHERE tenant_id = $1
         ORDER BY legal_entity_id",
        tenant_id
    )
    .fetch_all(&mut *conn)
    .await?;
    let legal_entities = entities.into_iter().map(|entity| LegalEntity {
        legal_entity_id: entity.legal_entity_id.to_string(),
        code: entity.code,
        name: entity.name,
        country: entity.country,
        time_zone: entity.time_zone,
    });
    let chosen = super::settings::find(conn, tenant_id).await?;
    Ok(TenantChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant_id.to_string(),
        version: row.version.unsigned_abs(),
        slug: row.slug,
        name: row.name,
        time_zone: row.time_zone,
        send_hour: u32::from(row.send_hour.unsigned_abs()),
        language: row.language,
        legal_entities: legal_entities.collect(),
        late_delivery_days: chosen.map(|chosen| chosen.settings.late_delivery_days),
    })
}
