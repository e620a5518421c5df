//! The services' databases and their broker, for operator commands that look at all of them. The services may be running.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use runtime::{Clock, FrameConfig};
use sqlx::PgPool;
use uuid::Uuid;

use crate::service::Service;

/// Connections of one command to one database.
const CONNECTIONS: u32 = 4;

/// Which installation.
#[derive(Debug, Clone, Args)]
pub(crate) struct House {
    /// Folder with <service>.toml files, as `puntual all` takes it; a service without one has its defaults
    #[arg(long, value_name = "DIR")]
    config_dir: Option<PathBuf>,
}

impl House {
    pub(crate) fn config(&self, service: Service) -> anyhow::Result<FrameConfig> {
        let file = self.config_dir.as_ref().map(|dir| dir.join(format!("{}.toml", service.name())));
        service.frame_config(file.filter(|path| path.exists()).as_deref())
    }

    /// The service's database, seen as its consumers and sweeps see it.
    pub(crate) async fn pool(&self, service: Service) -> anyhow::Result<PgPool> {
        let config = self.config(service)?;
        runtime::database::connect(&config.database.worker_url, service.name(), CONNECTIONS).await
    }

    pub(crate) async fn clock(pool: &PgPool) -> anyhow::Result<Clock> {
        Clock::of_database(&mut *pool.acquire().await?).await.context("is the database migrated?")
    }
}

/// The tenant of a slug, as this service knows it.
pub(crate) async fn tenant(pool: &PgPool, slug: Option<&str>) -> anyhow::Result<Option<Uuid>> {
    let Some(slug) = slug else { return Ok(None) };
    let found: Option<Uuid> =
        sqlx::query_scalar("SELECT tenant_id FROM tenants WHERE slug = $1").bind(slug).fetch_optional(pool).await?;
    found.map(Some).with_context(|| format!("there is no tenant {slug}"))
}
