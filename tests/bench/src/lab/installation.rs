//! Puntual as installed for a measurement: five databases, a broker, a mail sink, and the roles that were started.

use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use mailcatcher::MailCatcher;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use super::broker::{Broker, free_address};
use super::role::Role;
use super::{Lab, until};

/// The roles in the order in which facts flow through them.
pub(crate) const ROLES: [&str; 5] = ["ingestion", "scoring", "promises", "reminders", "reporting"];

/// Of every tenant.
pub(crate) const LEGAL_ENTITY: &str = "main";

pub(crate) struct Installation<'a> {
    lab: &'a Lab,
    prefix: String,
    pub(crate) broker: Broker,
    mails: MailCatcher,
}

/// A company that collects: what it needs to tell facts.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) slug: String,
    pub(crate) key: String,
}

impl<'a> Installation<'a> {
    pub(crate) async fn make(lab: &'a Lab, name: &str) -> anyhow::Result<Self> {
        let prefix = format!("bench_{name}_");
        for role in ROLES {
            runtime::database::drop_database(&lab.admin_url, &format!("{prefix}{role}")).await?;
        }
        let installation = Self {
            lab,
            prefix,
            broker: Broker::start(&lab.nats_server).await?,
            mails: MailCatcher::start("127.0.0.1:0").await?,
        };
        installation.migrate(&[]).await?;
        Ok(installation)
    }

    /// Leaves nothing behind that autovacuum would go through while the next part is measured.
    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        let mut names: Vec<String> = ROLES.iter().map(|role| self.database(role)).collect();
        names.extend(ROLES.iter().map(|role| format!("{}{role}", self.twin_prefix())));
        for name in names {
            runtime::database::drop_database(&self.lab.admin_url, &name).await?;
        }
        Ok(())
    }

    async fn migrate(&self, more: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(&self.lab.puntual);
        command.args(["migrate", "--prefix", &self.prefix, "--admin-url", &self.lab.admin_url]).args(more);
        output(command).await.map(drop)
    }

    /// Makes the database of a role anew.
    pub(crate) async fn empty(&self, role: &str) -> anyhow::Result<()> {
        runtime::database::drop_database(&self.lab.admin_url, &self.database(role)).await?;
        self.migrate(&["--service", role]).await
    }

    pub(crate) fn database(&self, role: &str) -> String {
        format!("{}{role}", self.prefix)
    }

    pub(crate) fn url(&self, role: &str, kind: &str) -> anyhow::Result<String> {
        runtime::database::role_url(&self.lab.admin_url, role, kind, &self.database(role))
    }

    /// As the worker of a role: sees all tenants.
    pub(crate) async fn worker(&self, role: &str) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(&self.url(role, "worker")?).await?)
    }

    pub(crate) async fn pool(&self, role: &str) -> anyhow::Result<PgPool> {
        Ok(PgPoolOptions::new().max_connections(4).connect(&self.url(role, "worker")?).await?)
    }

    fn twin_prefix(&self) -> String {
        format!("{}twin_", self.prefix)
    }

    /// A free name for a database like that of `role`, with all its tables and nothing in them.
    pub(crate) async fn twin(&self, role: &str) -> anyhow::Result<String> {
        let prefix = self.twin_prefix();
        let twin = format!("{prefix}{role}");
        runtime::database::drop_database(&self.lab.admin_url, &twin).await?;
        let mut command = Command::new(&self.lab.puntual);
        command.args(["migrate", "--prefix", &prefix, "--admin-url", &self.lab.admin_url, "--service", role]);
        output(command).await?;
        Ok(twin)
    }

    /// The environment of `puntual …` here; `listen` is where a role answers.
    fn command(&self, role: &str, listen: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.lab.puntual);
        let mut set = |name: &str, value: &str| {
            command.env(format!("PUNTUAL_{}__{name}", role.to_uppercase()), value);
        };
        set("FRAME__DATABASE__WORKER_URL", &self.url(role, "worker")?);
        set("FRAME__DATABASE__DOOR_URL", &self.url(role, "door")?);
        set("FRAME__NATS__URL", &self.broker.url);
        set("FRAME__HTTP__LISTEN", listen);
        set("FRAME__LOG__FORMAT", "pretty");
        set("FRAME__LOG__FILTER", "error");
        if role == "reminders" {
            let mail = self.mails.address();
            set("REMINDERS__SMTP__HOST", &mail.ip().to_string());
            set("REMINDERS__SMTP__PORT", &mail.port().to_string());
        }
        Ok(command)
    }

    pub(crate) async fn start(&self, role: &'static str) -> anyhow::Result<Role> {
        let listen = free_address()?;
        Role::start(role, self.command(role, &listen)?, &listen).await
    }

    /// Companies with a key, an ERP that covers invoices and a bank that covers payments.
    pub(crate) async fn tenants(&self, count: usize) -> anyhow::Result<Vec<Tenant>> {
        let mut tenants = Vec::new();
        for number in 0..count {
            let slug = format!("company-{number}");
            let operate = async |arguments: &[&str]| {
                let mut command = self.command("ingestion", "127.0.0.1:0")?;
                command.args(arguments);
                output(command).await
            };
            let entity = format!("{LEGAL_ENTITY}:CO:America/Bogota:Main");
            operate(&["tenant", "create", &slug, "--name", &slug, "--legal-entity", &entity]).await?;
            for (code, covers) in [("erp", "invoices"), ("bank", "payments")] {
                operate(&["source", "create", &slug, code, "--covers", covers]).await?;
            }
            let printed = operate(&["key", "create", &slug, "--name", "bench"]).await?;
            let key = printed.split_whitespace().find(|word| word.starts_with("puntual_")).context("no key printed")?;
            tenants.push(Tenant { slug, key: key.to_owned() });
        }
        Ok(tenants)
    }

    /// Leads the relay of ingestion in its stead, so that events stay in the outbox until this connection is closed.
    pub(crate) async fn hold_relay(&self) -> anyhow::Result<PgConnection> {
        let mut conn = self.worker("ingestion").await?;
        sqlx::query("SELECT pg_advisory_lock(hashtext('relay'), hashtext($1))")
            .bind(contracts::stream::INGESTION.name)
            .execute(&mut conn)
            .await?;
        Ok(conn)
    }

    /// Number of rows, or another bigint.
    pub(crate) async fn number(&self, role: &str, sql: &str) -> anyhow::Result<i64> {
        let mut conn = self.worker(role).await?;
        Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut conn).await?)
    }

    /// Waits until a stream holds as many events as its owner's outbox has rows.
    pub(crate) async fn relayed(&self, limit: Duration) -> anyhow::Result<u64> {
        let rows = u64::try_from(self.number("ingestion", "SELECT count(*) FROM outbox").await?)?;
        let stream = contracts::stream::INGESTION.name;
        until("the outbox is published", limit, || async { self.broker.last_sequence(stream).await >= rows }).await?;
        Ok(rows)
    }
}

async fn output(mut command: Command) -> anyhow::Result<String> {
    let done = tokio::task::spawn_blocking(move || {
        command.output().with_context(|| format!("run {:?}", command.get_args().collect::<Vec<_>>()))
    })
    .await??;
    anyhow::ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
