//! What the operator does from the command line: tenants, keys, sources. Each is one transaction with its event.

pub mod proof;
mod reemit;

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use contracts::ingestion::{ApiKeyChanged, LegalEntity, TenantChanged};
use contracts::{Event, SCHEMA_REV, stream};
use messaging::Outbox;
use primitives::ids::{self, Kind};
use runtime::{Clock, access, key};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::api::accept::publish;
use crate::api::reading::hex;
use crate::domain::text;
use crate::store::sources::{self, SourceRow};

pub use reemit::{KINDS, reemit};

/// What keys may be for.
pub const SCOPES: [&str; 2] = ["facts:write", "read"];

#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Small letters, digits and hyphens; names the tenant for ever.
    pub slug: String,
    pub name: String,
    /// IANA zone of the head office.
    pub time_zone: String,
    /// Local hour, 0 to 23, at which due steps are decided.
    pub send_hour: u8,
    /// `es` or `en`.
    pub language: String,
    /// At least one.
    pub legal_entities: Vec<NewLegalEntity>,
}

#[derive(Debug, Clone)]
pub struct NewLegalEntity {
    /// Company code, as facts name it.
    pub code: String,
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    pub time_zone: String,
}

#[derive(Debug, Clone)]
pub struct NewSource {
    pub code: String,
    /// `puntual` or `erp`: who applies cash (L3).
    pub application_authority: String,
    /// `events`.
    pub mode: String,
    /// Families of facts whose absence its coverage proves: `payments`, `invoices`, `disputes`, `promises`.
    pub covers: Vec<String>,
}

/// Makes a tenant with its legal entities; returns its id.
pub async fn create_tenant(pool: &PgPool, clock: Clock, new: NewTenant) -> anyhow::Result<Uuid> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(
        (2..=40).contains(&new.slug.len()) && new.slug.chars().all(is_plain),
        "a slug has 2 to 40 small letters, digits and hyphens: {}",
        new.slug
    );
    text::text(&new.name, text::TEXT_CHARS).context("name of the tenant")?;
    zone(&new.time_zone)?;
    ensure!(new.send_hour < 24, "send hour {} is not an hour of the day", new.send_hour);
    ensure!(matches!(&*new.language, "es" | "en"), "language {} is not es or en", new.language);
    ensure!(!new.legal_entities.is_empty(), "tenant {} needs a legal entity", new.slug);
    let tenant_id = ids::tenant(&new.slug);
    let mut legal_entities = Vec::with_capacity(new.legal_entities.len());
    for entity in new.legal_entities {
        text::natural_key(&entity.code).with_context(|| format!("code of legal entity {}", entity.code))?;
        zone(&entity.time_zone)?;
        legal_entities.push(LegalEntity {
            legal_entity_id: ids::derive(tenant_id, Kind::LegalEntity, &[&entity.code]).to_string(),
            code: entity.code,
            name: entity.name,
            country: entity.country,
            time_zone: entity.time_zone,
        });
    }
    let event = TenantChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant_id.to_string(),
        version: 1,
        slug: new.slug,
        name: new.name,
        time_zone: new.time_zone,
        send_hour: new.send_hour.into(),
        language: new.language,
        legal_entities,
        late_delivery_days: None,
    };
    let mut tx = pool.begin().await?;
    ensure!(!exists(&mut tx, tenant_id).await?, "tenant {} exists", event.slug);
    access::save_tenant(&mut tx, &event).await?;
    publish(&mut tx, clock, &event).await?;
    tx.commit().await?;
    Ok(tenant_id)
}

/// Makes a key and returns its text, which cannot be had again: only a hash of the secret is kept.
pub async fn create_key(
    pool: &PgPool,
    clock: Clock,
    tenant: &str,
    name: &str,
    scopes: &[String],
) -> anyhow::Result<String> {
    text::natural_key(name).context("name of the key")?;
    if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        bail!("scope {unknown} is not one of {}", SCOPES.join(", "));
    }
    ensure!(!scopes.is_empty(), "a key needs a scope: {}", SCOPES.join(", "));
    let tenant_id = ids::tenant(tenant);
    let secret = hex(&rand::random::<[u8; 32]>());
    let key_id = Uuid::now_v7();
    let event = ApiKeyChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant_id.to_string(),
        key_id: key_id.to_string(),
        version: 1,
        secret_sha256: key::hash(&secret).to_vec(),
        scopes: scopes.to_vec(),
        revoked: false,
        name: name.to_owned(),
    };
    let mut tx = pool.begin().await?;
    ensure!(exists(&mut tx, tenant_id).await?, "there is no tenant {tenant}");
    access::save_key(&mut tx, &event).await?;
    publish(&mut tx, clock, &event).await?;
    tx.commit().await?;
    Ok(key::format(key_id, &secret))
}

/// Ends a key for ever.
pub async fn revoke_key(pool: &PgPool, clock: Clock, key_id: Uuid) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    let row = sqlx::query!(
        "UPDATE api_keys SET revoked = true, version = version + 1 WHERE key_id = $1 AND NOT revoked
         RETURNING tenant_id, version, name, secret_sha256, scopes",
        key_id
    )
    .fetch_optional(&mut *tx)
    .await?;
    let row = row.with_context(|| format!("there is no valid key {key_id}"))?;
    let event = ApiKeyChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: row.tenant_id.to_string(),
        key_id: key_id.to_string(),
        version: row.version.unsigned_abs(),
        secret_sha256: row.secret_sha256,
        scopes: row.scopes,
        revoked: true,
        name: row.name,
    };
    publish(&mut tx, clock, &event).await?;
    tx.commit().await?;
    Ok(())
}

/// Registers a source of facts; returns its id.
pub async fn create_source(pool: &PgPool, clock: Clock, tenant: &str, new: NewSource) -> anyhow::Result<Uuid> {
    text::natural_key(&new.code).context("code of the source")?;
    let is_known = |value: &str, known: &[&str]| known.contains(&value);
    ensure!(
        is_known(&new.application_authority, &["puntual", "erp"]),
        "authority {} is not puntual or erp",
        new.application_authority
    );
    ensure!(is_known(&new.mode, &["events", "snapshot"]), "mode {} is not events or snapshot", new.mode);
    let families = ["payments", "invoices", "disputes", "promises"];
    if let Some(unknown) = new.covers.iter().find(|family| !is_known(family, &families)) {
        bail!("a source cannot cover {unknown}: one of {} is meant", families.join(", "));
    }
    let tenant_id = ids::tenant(tenant);
    let row = SourceRow {
        source_id: ids::derive(tenant_id, Kind::Source, &[&new.code]),
        version: 1,
        code: new.code,
        application_authority: new.application_authority,
        mode: new.mode,
        covers: new.covers,
        covered_until: None,
    };
    let mut tx = pool.begin().await?;
    ensure!(exists(&mut tx, tenant_id).await?, "there is no tenant {tenant}");
    ensure!(sources::insert(&mut tx, tenant_id, &row).await?, "tenant {tenant} has a source {}", row.code);
    publish(&mut tx, clock, &publish::source(tenant_id, &row)).await?;
    tx.commit().await?;
    Ok(row.source_id)
}

/// Changes how a source tells: from lists of open items to events, or back. What a list has shown stays; from its moment on
/// events add to it, and money they tell of before it is in it already.
pub async fn set_mode(pool: &PgPool, clock: Clock, tenant: &str, code: &str, mode: &str) -> anyhow::Result<()> {
    ensure!(matches!(mode, "events" | "snapshot"), "mode {mode} is not events or snapshot");
    let tenant_id = ids::tenant(tenant);
    let source_id = ids::derive(tenant_id, Kind::Source, &[code]);
    let mut tx = pool.begin().await?;
    let row = sources::lock(&mut tx, tenant_id, &[source_id]).await?.into_iter().next();
    let mut row = row.with_context(|| format!("tenant {tenant} has no source {code}"))?;
    mode.clone_into(&mut row.mode);
    row.version += 1;
    sources::save_mode(&mut tx, tenant_id, &row).await?;
    publish(&mut tx, clock, &publish::source(tenant_id, &row)).await?;
    tx.commit().await?;
    Ok(())
}

async fn publish<E: Event>(conn: &mut PgConnection, clock: Clock, event: &E) -> anyhow::Result<()> {
    let mut outbox = Outbox::new(stream::INGESTION, now(conn, clock).await?);
    outbox.push(event);
    outbox.save(conn).await?;
    Ok(())
}

/// A virtual clock shows nothing until it is set for the first time, which is after the tenant was made.
async fn now(conn: &mut PgConnection, clock: Clock) -> Result<DateTime<Utc>, sqlx::Error> {
    match clock.now(conn).await {
        Err(sqlx::Error::RowNotFound) => Clock::Database.now(conn).await,
        read => read,
    }
}

async fn exists(conn: &mut PgConnection, tenant_id: Uuid) -> Result<bool, sqlx::Error> {
    let found =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM tenants WHERE tenant_id = $1) AS "exists!""#, tenant_id);
    found.fetch_one(conn).await
}

fn zone(name: &str) -> anyhow::Result<Tz> {
    name.parse().map_err(|_| anyhow::anyhow!("{name} is not an IANA time zone"))
}
