//! Operator commands that write to ingestion: tenants, keys, sources. They work on its database, whether it runs or not;
//! the other services hear of it by event.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use ingestion::operator::{self, NewLegalEntity, NewSource, NewTenant};
use runtime::Clock;
use sqlx::PgPool;
use uuid::Uuid;

use crate::service::Service;
use crate::terminal;

/// Which ingestion.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// Configuration file of ingestion, as `puntual ingestion --config` takes it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Create a tenant with its legal entities
    Create(TenantCreate),
}

#[derive(Debug, Args)]
pub(crate) struct TenantCreate {
    /// Short name for ever: small letters, digits and hyphens
    slug: String,
    /// Name as debtors read it
    #[arg(long)]
    name: String,
    /// IANA zone of the head office
    #[arg(long, value_name = "ZONE", default_value = "America/Bogota")]
    time_zone: String,
    /// Language of messages where the customer's is not known
    #[arg(long, default_value = "es", value_parser = ["es", "en"])]
    language: String,
    /// Local hour (0 to 23) at which due reminders are decided
    #[arg(long, value_name = "HOUR", default_value_t = 9)]
    send_hour: u8,
    /// A company of yours, CODE:COUNTRY:ZONE:NAME (CO:CO:America/Bogota:Andina S.A.S.); may be given many times
    #[arg(long = "legal-entity", value_name = "CODE:COUNTRY:ZONE:NAME", required = true, value_parser = legal_entity)]
    legal_entities: Vec<LegalEntity>,
    #[command(flatten)]
    target: Target,
}

/// A legal entity as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LegalEntity {
    code: String,
    country: String,
    time_zone: String,
    name: String,
}

fn legal_entity(text: &str) -> Result<LegalEntity, String> {
    let parts: Vec<&str> = text.splitn(4, ':').collect();
    match parts.as_slice() {
        [code, country, time_zone, name] if parts.iter().all(|part| !part.is_empty()) => Ok(LegalEntity {
            code: (*code).to_owned(),
            country: (*country).to_owned(),
            time_zone: (*time_zone).to_owned(),
            name: (*name).to_owned(),
        }),
        _ => Err("not of the form CODE:COUNTRY:ZONE:NAME".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create an API key; it is shown once
    Create(KeyCreate),
    /// End a key for ever
    Revoke(KeyRevoke),
}

#[derive(Debug, Args)]
pub(crate) struct KeyCreate {
    /// Slug of the tenant
    tenant: String,
    /// Who or what will use it: it is the actor of whatever is done with it
    #[arg(long)]
    name: String,
    /// What it may do; may be given many times
    #[arg(long = "scope", value_name = "SCOPE", value_parser = operator::SCOPES, default_values = operator::SCOPES)]
    scopes: Vec<String>,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
pub(crate) struct KeyRevoke {
    /// Id of the key: the part between the two underscores
    key_id: Uuid,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    /// Register a system that tells facts: an ERP, a bank, a CRM
    Create(SourceCreate),
    /// Switch a source between lists of open items and events
    Mode(SourceMode),
}

#[derive(Debug, Args)]
pub(crate) struct SourceMode {
    /// Slug of the tenant
    tenant: String,
    /// Code of the source
    code: String,
    #[arg(value_parser = ["events", "snapshot"])]
    mode: String,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
pub(crate) struct SourceCreate {
    /// Slug of the tenant
    tenant: String,
    /// Code of the source, as `puntual feed --source` names it
    code: String,
    /// Who applies cash to invoices: puntual, or the ERP that this source is
    #[arg(long, default_value = "puntual", value_parser = ["puntual", "erp"])]
    authority: String,
    /// How it tells: events as they happen, or a snapshot of all open items from time to time
    #[arg(long, default_value = "events", value_parser = ["events", "snapshot"])]
    mode: String,
    /// What its word is complete on once it declares coverage: payments, invoices, disputes, promises; may be given many times
    #[arg(long = "covers", value_name = "FAMILY", value_parser = ["payments", "invoices", "disputes", "promises"])]
    covers: Vec<String>,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn tenant(command: TenantCommand) -> anyhow::Result<()> {
    let TenantCommand::Create(options) = command;
    let (pool, clock) = connect(&options.target).await?;
    let legal_entities = options
        .legal_entities
        .into_iter()
        .map(|entity| NewLegalEntity {
            code: entity.code,
            name: entity.name,
            country: entity.country,
            time_zone: entity.time_zone,
        })
        .collect();
    let new = NewTenant {
        slug: options.slug.clone(),
        name: options.name,
        time_zone: options.time_zone,
        send_hour: options.send_hour,
        language: options.language,
        legal_entities,
    };
    let tenant_id = operator::create_tenant(&pool, clock, new).await?;
    terminal::say(format_args!("tenant {} is {tenant_id}", options.slug));
    pool.close().await;
    Ok(())
}

pub(crate) async fn key(command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create(options) => {
            let (pool, clock) = connect(&options.target).await?;
            let key = operator::create_key(&pool, clock, &options.tenant, &options.name, &options.scopes).await?;
            terminal::complain("the key is shown this once; keep it where secrets are kept");
            terminal::say(key);
            pool.close().await;
        }
        KeyCommand::Revoke(options) => {
            let (pool, clock) = connect(&options.target).await?;
            operator::revoke_key(&pool, clock, options.key_id).await?;
            terminal::say(format_args!("key {} is revoked", options.key_id));
            pool.close().await;
        }
    }
    Ok(())
}

pub(crate) async fn source(command: SourceCommand) -> anyhow::Result<()> {
    match command {
        SourceCommand::Create(options) => {
            let (pool, clock) = connect(&options.target).await?;
            let new = NewSource {
                code: options.code.clone(),
                application_authority: options.authority,
                mode: options.mode,
                covers: options.covers,
            };
            let source_id = operator::create_source(&pool, clock, &options.tenant, new).await?;
            terminal::say(format_args!("source {} is {source_id}", options.code));
            pool.close().await;
        }
        SourceCommand::Mode(options) => {
            let (pool, clock) = connect(&options.target).await?;
            operator::set_mode(&pool, clock, &options.tenant, &options.code, &options.mode).await?;
            terminal::say(format_args!("source {} tells by {} from now on", options.code, options.mode));
            pool.close().await;
        }
    }
    Ok(())
}

/// Ingestion's database, as its own configuration names it.
async fn connect(target: &Target) -> anyhow::Result<(PgPool, Clock)> {
    let service = Service::Ingestion;
    let config: ingestion::Config =
        runtime::load_config(service.name(), &service.defaults(), target.config.as_deref())?;
    let pool = runtime::database::connect(&config.frame.database.worker_url, service.name(), 1).await?;
    let clock = Clock::of_database(&mut *pool.acquire().await?).await.context("is the database migrated?")?;
    Ok((pool, clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legal_entity_is_read_with_colons_in_its_name() {
        let entity = legal_entity("CO:CO:America/Bogota:Andina: Distribuidora S.A.S.").unwrap();
        assert_eq!(entity.name, "Andina: Distribuidora S.A.S.");
        assert!(legal_entity("CO:CO:Andina").is_err());
        assert!(legal_entity("CO::America/Bogota:Andina").is_err());
    }
}
