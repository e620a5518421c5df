//! `puntual migrate`: databases, their roles and their tables.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use crate::service::Service;
use crate::terminal;

const ADMIN_URL_HELP: &str =
    "PostgreSQL as a role that may create roles and databases: postgres://postgres@127.0.0.1:5432/postgres";

/// Where and what to provision.
#[derive(Debug, clap::Args)]
pub(crate) struct Migrate {
    /// Only this service
    #[arg(long, value_enum)]
    service: Option<Service>,
    #[arg(long, value_name = "URL", env = "PUNTUAL_PG_ADMIN_URL", hide_env_values = true, help = ADMIN_URL_HELP)]
    admin_url: String,
    /// Databases are named <PREFIX><service>
    #[arg(long, default_value = "puntual_")]
    prefix: String,
    /// Password of the database roles; without one the server must trust them
    #[arg(long, value_name = "PASSWORD", env = "PUNTUAL_PG_ROLE_PASSWORD", hide_env_values = true)]
    role_password: Option<String>,
    /// Mark new databases as made for a virtual clock: for demos and tests, never for real receivables
    #[arg(long = "virtual")]
    virtual_time: bool,
}

pub(crate) async fn migrate(options: Migrate) -> anyhow::Result<()> {
    let services = options.service.map_or(Service::ALL.to_vec(), |service| vec![service]);
    let password = options.role_password.map(SecretString::from);
    for service in services {
        let name = service.name();
        let database = format!("{}{name}", options.prefix);
        make(&options.admin_url, service, &database, password.as_ref(), options.virtual_time).await?;
        terminal::say(format_args!("{name}: database {database} is up to date"));
        for kind in ["worker", "door"] {
            let url = runtime::database::role_url(&options.admin_url, name, kind, &database)?;
            terminal::say(format_args!("  frame.database.{kind}_url = {url:?}"));
        }
    }
    Ok(())
}

fn with_password(url: &str, password: &SecretString) -> anyhow::Result<String> {
    let mut url = Url::parse(url)?;
    let taken = url.set_password(Some(password.expose_secret()));
    anyhow::ensure!(taken.is_ok(), "the url of the owner role takes no password");
    Ok(url.into())
}

/// Makes one service's database where it is missing, and brings its tables up to date.
pub(crate) async fn make(
    admin_url: &str,
    service: Service,
    database: &str,
    password: Option<&SecretString>,
    virtual_time: bool,
) -> anyhow::Result<()> {
    runtime::database::provision(admin_url, service.name(), database, password).await?;
    let mut owner = runtime::database::role_url(admin_url, service.name(), "owner", database)?;
    if let Some(password) = password {
        owner = with_password(&owner, password)?;
    }
    runtime::database::migrate(&owner, service.migrations(), virtual_time).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_hold_anything() {
        let url = with_password("postgres://ingestion_owner@db:5432/puntual_ingestion", &"p@ss:/w".into()).unwrap();
        assert_eq!(url, "postgres://ingestion_owner:p%40ss%3A%2Fw@db:5432/puntual_ingestion");
    }
}
