//! Tenants and API keys, as every door knows them: projected from ingestion, which owns them (D6).

use contracts::ingestion::{ApiKeyChanged, TenantChanged};
use contracts::{Event, wire};
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;
use uuid::Uuid;

/// What a role's consumer of ingestion must want for its door to open.
pub const SUBJECTS: [&str; 2] = [TenantChanged::SUBJECT, ApiKeyChanged::SUBJECT];

/// Applies the tenants and keys of a batch; ignores everything else in it.
pub async fn apply(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    // Rare events: a tenant or a key a day, so a statement for each is no round trip on the path of facts.
    for tenant in decode_all::<TenantChanged>(batch)? {
        save_tenant(conn, &tenant).await?;
    }
    for key in decode_all::<ApiKeyChanged>(batch)? {
        save_key(conn, &key).await?;
    }
    Ok(())
}

/// Writes a tenant with its legal entities unless a newer version is there.
pub async fn save_tenant(conn: &mut PgConnection, tenant: &TenantChanged) -> Result<(), HandlerError> {
    let tenant_id = wire::id("tenant_id", &tenant.tenant_id)?;
    let send_hour = i16::try_from(tenant.send_hour).map_err(|_| HandlerError::reject("send_hour is out of range"))?;
    let newer: Option<i64> = sqlx::query_scalar(
        "INSERT INTO tenants AS t (tenant_id, version, slug, name, time_zone, send_hour, language)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version, slug = excluded.slug, name = excluded.name,
           time_zone = excluded.time_zone, send_hour = excluded.send_hour, language = excluded.language
         WHERE t.version < excluded.version RETURNING version",
    )
    .bind(tenant_id)
    .bind(wire::version("version", tenant.version)?)
    .bind(&tenant.slug)
    .bind(&tenant.name)
    .bind(&tenant.time_zone)
    .bind(send_hour)
    .bind(&tenant.language)
    .fetch_optional(&mut *conn)
    .await?;
    if newer.is_none() {
        return Ok(());
    }
    let entities = &tenant.legal_entities;
    let ids = entities
        .iter()
        .map(|entity| wire::id("legal_entity_id", &entity.legal_entity_id))
        .collect::<Result<Vec<Uuid>, _>>()?;
    let texts =
        |of: fn(&contracts::ingestion::LegalEntity) -> &String| entities.iter().map(of).cloned().collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO legal_entities AS e (tenant_id, legal_entity_id, code, name, country, time_zone)
         SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
         ON CONFLICT (tenant_id, legal_entity_id) DO UPDATE SET code = excluded.code, name = excluded.name,
           country = excluded.country, time_zone = excluded.time_zone",
    )
    .bind(tenant_id)
    .bind(ids)
    .bind(texts(|entity| &entity.code))
    .bind(texts(|entity| &entity.name))
    .bind(texts(|entity| &entity.country))
    .bind(texts(|entity| &entity.time_zone))
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes a key unless a newer version is there.
pub async fn save_key(conn: &mut PgConnection, key: &ApiKeyChanged) -> Result<(), HandlerError> {
    sqlx::query(
        "INSERT INTO api_keys AS k (key_id, tenant_id, version, name, secret_sha256, scopes, revoked)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (key_id) DO UPDATE SET version = excluded.version, name = excluded.name,
           secret_sha256 = excluded.secret_sha256, scopes = excluded.scopes, revoked = excluded.revoked
         WHERE k.version < excluded.version",
    )
    .bind(wire::id("key_id", &key.key_id)?)
    .bind(wire::id("tenant_id", &key.tenant_id)?)
    .bind(wire::version("version", key.version)?)
    .bind(&key.name)
    .bind(&key.secret_sha256)
    .bind(&key.scopes)
    .bind(key.revoked)
    .execute(conn)
    .await?;
    Ok(())
}
