//! Everything the demo needs before its first day: folders, databases, a tenant with its key and sources, and a
//! configuration file for each service.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use async_nats::jetstream;
use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use ingestion::operator::{self, NewLegalEntity, NewSource, NewTenant};
use runtime::Clock;
use sqlx::{Connection, PgConnection, PgPool};

use super::country::COUNTRIES;
use super::options::Demo;
use super::row::Feed;
use crate::provision;
use crate::service::Service;

const TENANT: &str = "andina";
const TENANT_NAME: &str = "Distribuidora Andina";
/// Local hour at which reminders are decided; the demo's tick comes after it in every country.
const SEND_HOUR: u8 = 9;

/// One service of the demo: its places.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) service: Service,
    pub(crate) config: PathBuf,
    pub(crate) log: PathBuf,
    /// `http://127.0.0.1:<port>`
    pub(crate) base_url: String,
    pub(crate) owner_url: String,
    pub(crate) worker_url: String,
}

pub(crate) struct Stage {
    pub(crate) places: Vec<Place>,
    /// API key with every scope.
    pub(crate) key: String,
}

impl Stage {
    /// Builds everything anew. `smtp` is where reminders leave.
    pub(crate) async fn build(options: &Demo, start: DateTime<Utc>, smtp_port: u16) -> anyhow::Result<Self> {
        refuse_used_streams(&options.nats_url).await?;
        let dir = fresh_dir(&options.dir)?;
        let ports = free_ports(Service::ALL.len())?;
        let places = Service::ALL
            .into_iter()
            .zip(ports)
            .map(|(service, port)| place(options, &dir, service, port, smtp_port))
            .collect::<anyhow::Result<Vec<Place>>>()?;
        try_join_all(places.iter().map(|place| database(&options.pg_admin_url, place, start))).await?;
        let stage = Self { key: tenant(&places).await?, places };
        Ok(stage)
    }

    pub(crate) fn base_url(&self, service: Service) -> &str {
        self.places.iter().find(|place| place.service == service).map_or("", |place| &place.base_url)
    }

    /// Events that a service could not apply, over all services; any is a defect.
    pub(crate) async fn dead_letters(&self) -> anyhow::Result<Vec<String>> {
        let mut found = Vec::new();
        for place in &self.places {
            let mut owner = PgConnection::connect(&place.owner_url).await?;
            let rows: Vec<(String, String)> =
                sqlx::query_as("SELECT subject, reason FROM dead_letter ORDER BY stream_seq LIMIT 5")
                    .fetch_all(&mut owner)
                    .await?;
            let service = place.service.name();
            found.extend(rows.into_iter().map(|(subject, reason)| format!("{service}: {subject}: {reason}")));
            owner.close().await?;
        }
        Ok(found)
    }
}

/// The demo's databases are made anew, so streams with a past would not fit them; and streams that are not the demo's
/// must not be touched.
async fn refuse_used_streams(url: &str) -> anyhow::Result<()> {
    let client = async_nats::connect(url).await.with_context(|| format!("connect to {url}"))?;
    let jetstream = jetstream::new(client);
    for stream in contracts::stream::ALL {
        if jetstream.get_stream(stream.name).await.is_ok() {
            bail!(
                "the nats-server at {url} already has the stream {}: give the demo a fresh one \
                 (make demo does; or deploy/local/run --fresh-nats -- puntual demo)",
                stream.name
            );
        }
    }
    Ok(())
}

/// Only what a demo wrote before is removed.
fn fresh_dir(dir: &Path) -> anyhow::Result<PathBuf> {
    let feeds = Feed::ALL.map(Feed::code);
    for name in feeds.into_iter().chain(["config", "logs"]) {
        let path = dir.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path).with_context(|| format!("cannot empty {}", path.display()))?;
        }
    }
    for name in feeds.into_iter().chain(["config", "logs"]) {
        std::fs::create_dir_all(dir.join(name)).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    dir.canonicalize().with_context(|| format!("cannot find {}", dir.display()))
}

/// Ports that nobody listens on now, all different.
fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    let listeners = (0..count)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)))
        .collect::<Result<Vec<_>, _>>()
        .context("no free port")?;
    let ports = listeners.iter().map(|listener| listener.local_addr().map(|address| address.port()));
    Ok(ports.collect::<Result<Vec<_>, _>>()?)
}

fn place(options: &Demo, dir: &Path, service: Service, port: u16, smtp_port: u16) -> anyhow::Result<Place> {
    let name = service.name();
    let database = format!("puntual_demo_{name}");
    let url = |kind| runtime::database::role_url(&options.pg_admin_url, name, kind, &database);
    let (worker, door, nats) = (url("worker")?, url("door")?, &options.nats_url);
    let own = match service {
        Service::Reminders => reminders_settings(smtp_port),
        _ => String::new(),
    };
    let config = format!(
        "# Written by puntual demo.\n[frame.database]\nworker_url = {worker:?}\ndoor_url = {door:?}\nmax_connections = 4\n\
         [frame.nats]\nurl = {nats:?}\n[frame.http]\nlisten = \"127.0.0.1:{port}\"\n\
         [frame.log]\nformat = \"pretty\"\nfilter = \"info,async_nats=warn,sqlx=warn\"\n{own}"
    );
    let path = dir.join("config").join(format!("{name}.toml"));
    std::fs::write(&path, config).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Place {
        service,
        config: path,
        log: dir.join("logs").join(format!("{name}.log")),
        base_url: format!("http://127.0.0.1:{port}"),
        owner_url: url("owner")?,
        worker_url: worker,
    })
}

fn reminders_settings(smtp_port: u16) -> String {
    format!("[reminders.smtp]\nhost = \"127.0.0.1\"\nport = {smtp_port}\n")
}

async fn database(admin_url: &str, place: &Place, start: DateTime<Utc>) -> anyhow::Result<()> {
    let database = format!("puntual_demo_{}", place.service.name());
    runtime::database::drop_database(admin_url, &database).await?;
    provision::make(admin_url, place.service, &database, None, true).await?;
    let mut owner = PgConnection::connect(&place.owner_url).await?;
    // A virtual clock stands still until it is set; roles may ask for the time before the first tick.
    sqlx::query("INSERT INTO virtual_clock (instant) VALUES ($1) ON CONFLICT (singleton) DO UPDATE SET instant = $1")
        .bind(start)
        .execute(&mut owner)
        .await?;
    owner.close().await?;
    Ok(())
}

/// The distributor with a legal entity in every country, its three systems, and a key for all doors.
async fn tenant(places: &[Place]) -> anyhow::Result<String> {
    let place = places.iter().find(|place| place.service == Service::Ingestion).context("ingestion has a place")?;
    let pool = PgPool::connect(&place.worker_url).await?;
    let clock = Clock::of_database(&mut *pool.acquire().await?).await?;
    let legal_entities = COUNTRIES
        .iter()
        .map(|country| NewLegalEntity {
            code: country.code.to_owned(),
            name: country.legal_entity.to_owned(),
            country: country.code.to_owned(),
            time_zone: country.zone.name().to_owned(),
        })
        .collect();
    let new = NewTenant {
        slug: TENANT.to_owned(),
        name: TENANT_NAME.to_owned(),
        time_zone: "America/Bogota".to_owned(),
        send_hour: SEND_HOUR,
        language: "es".to_owned(),
        legal_entities,
    };
    operator::create_tenant(&pool, clock, new).await?;
    for feed in Feed::ALL {
        let new = NewSource {
            code: feed.code().to_owned(),
            application_authority: "puntual".to_owned(),
            mode: "events".to_owned(),
            covers: feed.covers().iter().map(|family| (*family).to_owned()).collect(),
        };
        operator::create_source(&pool, clock, TENANT, new).await?;
    }
    let scopes = operator::SCOPES.map(str::to_owned);
    let key = operator::create_key(&pool, clock, TENANT, "demo", &scopes).await?;
    pool.close().await;
    Ok(key)
}
