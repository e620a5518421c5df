//! Databases: made, migrated and connected to.
//!
//! A service has a database of its own and three login roles: `<service>_owner` owns the tables and migrates them,
//! `<service>_worker` runs consumers and sweeps, `<service>_door` serves requests and sees one tenant at a time (D16).

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool};

/// Tables that every service has: messaging, access, the clock.
pub static FRAME_MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Lets a waiting request fail as 503 before its client gives up.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A name that may stand in SQL as it is.
fn identifier(name: &str) -> anyhow::Result<&str> {
    let fits = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    anyhow::ensure!(fits && !name.is_empty() && name.len() < 64, "{name:?} is not a plain lower-case identifier");
    Ok(name)
}

/// The URL of one of a service's roles in `database`, on the server of `admin_url`, without a password.
pub fn role_url(admin_url: &str, service: &str, kind: &str, database: &str) -> anyhow::Result<String> {
    let options = PgConnectOptions::from_str(admin_url).context("admin url")?;
    Ok(format!("postgres://{service}_{kind}@{}:{}/{database}", options.get_host(), options.get_port()))
}

/// Makes the service's roles and `database` where they do not exist. `password` is given to roles that are made anew.
pub async fn provision(
    admin_url: &str,
    service: &str,
    database: &str,
    password: Option<&SecretString>,
) -> anyhow::Result<()> {
    let (service, database) = (identifier(service)?, identifier(database)?);
    let mut admin = PgConnection::connect(admin_url).await.context("connect as administrator")?;
    // Roles belong to the whole server: two provisions at a time would race.
    sqlx::query("SELECT pg_advisory_lock(hashtext('puntual provision'))").execute(&mut admin).await?;
    for kind in ["owner", "worker", "door"] {
        let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
            .bind(format!("{service}_{kind}"))
            .fetch_one(&mut admin)
            .await?;
        if exists {
            continue;
        }
        let login = match password {
            Some(password) => format!("LOGIN PASSWORD '{}'", password.expose_secret().replace('\'', "''")),
            None => "LOGIN".to_owned(),
        };
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE ROLE {service}_{kind} {login}"))).execute(&mut admin).await?;
    }
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(database)
        .fetch_one(&mut admin)
        .await?;
    if !exists {
        let create = format!("CREATE DATABASE {database} OWNER {service}_owner");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut admin).await?;
    }
    let connect = format!(
        "REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC;
         GRANT CONNECT ON DATABASE {database} TO {service}_owner, {service}_worker, {service}_door"
    );
    sqlx::raw_sql(AssertSqlSafe(connect)).execute(&mut admin).await?;
    admin.close().await?;
    Ok(())
}

/// Removes a database with everything in it; for demos and tests.
pub async fn drop_database(admin_url: &str, database: &str) -> anyhow::Result<()> {
    let database = identifier(database)?;
    let mut admin = PgConnection::connect(admin_url).await.context("connect as administrator")?;
    let drop = format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut admin).await?;
    admin.close().await?;
    Ok(())
}

/// Brings a database up to date: the frame's tables, then the service's. The first migration marks it for ever as a
/// database of production or of virtual time.
pub async fn migrate(owner_url: &str, service: &Migrator, virtual_time: bool) -> anyhow::Result<()> {
    let mut conn = PgConnectOptions::from_str(owner_url)?.disable_statement_logging().connect().await?;
    let mut frame = Migrator { migrations: FRAME_MIGRATIONS.migrations.clone(), ..Migrator::DEFAULT };
    frame.dangerous_set_table_name("_frame_migrations");
    frame.run(&mut conn).await.context("migrations of the frame")?;
    let kind = if virtual_time { "virtual" } else { "production" };
    sqlx::query("INSERT INTO database_mark (kind) SELECT $1 WHERE NOT EXISTS (SELECT FROM database_mark)")
        .bind(kind)
        .execute(&mut conn)
        .await?;
    if virtual_time {
        // Before the first tick nothing is due.
        sqlx::query("INSERT INTO virtual_clock (instant) VALUES ('epoch') ON CONFLICT DO NOTHING")
            .execute(&mut conn)
            .await?;
    }
    let marked: String = sqlx::query_scalar("SELECT kind FROM database_mark").fetch_one(&mut conn).await?;
    anyhow::ensure!(marked == kind, "the database was made for {marked} time and cannot become one of {kind} time");
    service.run(&mut conn).await.context("migrations of the service")?;
    conn.close().await?;
    Ok(())
}

/// A pool for one of the roles of a service.
pub async fn connect(url: &SecretString, service: &str, max_connections: u32) -> anyhow::Result<PgPool> {
    let options = PgConnectOptions::from_str(url.expose_secret())
        .context("database url")?
        .application_name(&format!("puntual {service}"))
        // A transaction that hangs would hold back the relay's horizon for everyone on the server.
        .options([("idle_in_transaction_session_timeout", "15s")]);
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await
        .with_context(|| format!("connect to the database of {service}"))
}
