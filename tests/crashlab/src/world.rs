//! One installation: five databases, a broker, a mail server, the roles.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::NaiveDate;
use mailcatcher::{CaughtMail, MailCatcher};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::Broker;
use crate::client::{Client, History};
use crate::cluster::Cluster;
use crate::counters::Tally;
use crate::fault::ROLES;
use crate::told::TENANTS;
use crate::troupe::Troupe;

/// What worlds are copied from.
pub struct Mould {
    cluster: Arc<Cluster>,
    puntual: PathBuf,
    keys: Vec<String>,
}

const MOULD: &str = "mould_";

impl Mould {
    /// Makes the databases once: tenants, sources and keys are there before the first fact.
    pub async fn make(puntual: PathBuf) -> anyhow::Result<Self> {
        let cluster = Arc::new(Cluster::start().await?);
        let admin_url = cluster.admin_url();
        let mut migrate = Command::new(&puntual);
        run(migrate.args(["migrate", "--virtual", "--prefix", MOULD, "--admin-url", &admin_url])).await?;
        let operate = async |words: &[&str]| {
            let mut command = Command::new(&puntual);
            for kind in ["worker", "door"] {
                let url = runtime::database::role_url(&admin_url, "ingestion", kind, &format!("{MOULD}ingestion"))?;
                command.env(format!("PUNTUAL_INGESTION__FRAME__DATABASE__{}_URL", kind.to_uppercase()), url);
            }
            run(command.args(words)).await
        };
        let mut keys = Vec::new();
        for slug in TENANTS {
            let entity = "main:CO:America/Bogota:Main";
            operate(&["tenant", "create", slug, "--name", slug, "--legal-entity", entity]).await?;
            for (code, covers) in [("erp", "invoices"), ("bank", "payments")] {
                operate(&["source", "create", slug, code, "--covers", covers]).await?;
            }
            let printed = operate(&["key", "create", slug, "--name", "crashlab"]).await?;
            let key = printed.split_whitespace().find(|word| word.starts_with("puntual_")).context("no key printed")?;
            keys.push(key.to_owned());
        }
        Ok(Self { cluster, puntual, keys })
    }

    /// Stops the cluster, which takes its files along.
    pub async fn end(self) {
        if let Some(cluster) = Arc::into_inner(self.cluster) {
            cluster.stop().await;
        }
    }
}

async fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().await?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    Ok(printed)
}

pub(crate) struct World {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) prefix: String,
    pub(crate) broker: Broker,
    pub(crate) nats: async_nats::Client,
    pub(crate) mails: MailCatcher,
    mail_log: Arc<Mutex<Vec<(Instant, CaughtMail)>>>,
    pub(crate) troupe: Arc<Troupe>,
    pub(crate) client: Client,
    pub(crate) http: reqwest::Client,
    pub(crate) tally: Tally,
    /// When reminders was first asked to do a day.
    began: Mutex<BTreeMap<NaiveDate, Instant>>,
    notes: Mutex<Vec<String>>,
    background: CancellationToken,
    tasks: TaskTracker,
    asking: tokio::sync::Mutex<BTreeMap<String, sqlx::PgConnection>>,
    /// Faults that touch the same server follow each other.
    pub(crate) one_at_a_time: tokio::sync::Mutex<()>,
}

/// Un-acknowledged events come again after this instead of 15 s, so that a schedule can be short.
const ACK_WAIT: Duration = Duration::from_millis(1_500);

impl World {
    /// `folder` is for logs and the broker's store.
    pub(crate) async fn start(
        mould: &Mould,
        name: &str,
        folder: &Path,
        bug: Option<&str>,
    ) -> anyhow::Result<Arc<Self>> {
        let cluster = Arc::clone(&mould.cluster);
        cluster.ensure_up().await?;
        let prefix = format!("{name}_");
        for role in ROLES {
            cluster.copy(&format!("{MOULD}{role}"), &format!("{prefix}{role}"), &format!("{role}_owner")).await?;
        }
        let broker = Broker::start(folder).await?;
        let nats = async_nats::ConnectOptions::new()
            .reconnect_delay_callback(|_| Duration::from_millis(30))
            .connect(broker.url())
            .await?;
        let mails = MailCatcher::start("127.0.0.1:0").await?;
        let tally = Tally::default();
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build()?;
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs)?;
        let template = template(mould, &prefix, &broker.url(), &mails, bug)?;
        let troupe = Troupe::new(template, logs, tally.clone(), http.clone());
        let client = Client {
            http: http.clone(),
            troupe: Arc::clone(&troupe),
            history: History::new(),
            tally: tally.clone(),
            keys: mould.keys.clone(),
        };
        let world = Arc::new(Self {
            cluster,
            prefix,
            broker,
            nats,
            mails,
            mail_log: Arc::default(),
            troupe,
            client,
            http,
            tally,
            began: Mutex::default(),
            notes: Mutex::default(),
            background: CancellationToken::new(),
            tasks: TaskTracker::new(),
            asking: tokio::sync::Mutex::default(),
            one_at_a_time: tokio::sync::Mutex::default(),
        });
        world.work_in_background();
        for role in ROLES {
            world.troupe.add((role, 0)).await?;
        }
        for role in ROLES {
            ensure!(world.troupe.ready(role, Duration::from_secs(30)).await, "{role} does not start");
        }
        Ok(world)
    }

    fn work_in_background(self: &Arc<Self>) {
        let stop = self.background.clone();
        let (troupe, log) = (Arc::clone(&self.troupe), Arc::clone(&self.mail_log));
        self.tasks.spawn(stop.clone().run_until_cancelled_owned(async move {
            loop {
                if let Err(error) = troupe.supervise().await {
                    eprintln!("supervisor: {error:#}");
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        }));
        let troupe = Arc::clone(&self.troupe);
        self.tasks.spawn(stop.clone().run_until_cancelled_owned(async move {
            loop {
                troupe.scrape().await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }));
        let mut caught = self.mails.subscribe();
        self.tasks.spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Some(mail) = caught.recv().await {
                log.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), mail));
            }
        }));
        let nats = self.nats.clone();
        self.tasks.spawn(stop.run_until_cancelled_owned(async move {
            loop {
                shorten_ack_waits(&nats).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }));
    }

    /// A line of what happened, for the evidence.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        let at = self.client.history.millis(Instant::now());
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{at:>6} ms  {text}"));
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn mail_log(&self) -> Vec<(Instant, CaughtMail)> {
        self.mail_log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Only the first counts: whatever was accepted before it must be respected on that day.
    pub(crate) fn reminders_began(&self, day: NaiveDate) {
        self.began.lock().unwrap_or_else(PoisonError::into_inner).entry(day).or_insert_with(Instant::now);
    }

    pub(crate) fn began(&self) -> BTreeMap<NaiveDate, Instant> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A question to one of the databases, on a connection that is kept; rows as one JSON array.
    pub(crate) async fn ask(&self, role: &str, sql: String) -> anyhow::Result<String> {
        let mut asking = self.asking.lock().await;
        let mut conn = match asking.remove(role) {
            Some(conn) => conn,
            None => self.database(role).await?,
        };
        let answer = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut conn).await?;
        asking.insert(role.to_owned(), conn);
        Ok(answer)
    }

    /// The database of a role, as a superuser.
    pub(crate) async fn database(&self, role: &str) -> anyhow::Result<sqlx::PgConnection> {
        self.cluster.connect(&format!("{}{role}", self.prefix)).await
    }

    /// What a door answers to one of the tenants.
    pub(crate) async fn get(&self, tenant: usize, role: &'static str, path: &str) -> anyhow::Result<serde_json::Value> {
        let url = format!("http://{}{path}", self.troupe.address(role).await);
        let answer = self.http.get(&url).bearer_auth(&self.client.keys[tenant]).timeout(Duration::from_secs(10)).send();
        let answer = answer.await.with_context(|| format!("{role} {path}"))?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{role} {path}: {status} {text}");
        serde_json::from_str(&text).with_context(|| format!("{role} {path}: {text}"))
    }

    /// The databases go with their cluster: dropping each would wait for a checkpoint.
    pub(crate) async fn end(&self) {
        self.background.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.troupe.end().await;
        self.broker.stop().await;
        self.asking.lock().await.clear();
    }
}

fn template(
    mould: &Mould,
    prefix: &str,
    nats_url: &str,
    mails: &MailCatcher,
    bug: Option<&str>,
) -> anyhow::Result<crate::troupe::Template> {
    let mut variables: Vec<(String, String)> = Vec::new();
    for role in ROLES {
        let mut set =
            |name: &str, value: String| variables.push((format!("PUNTUAL_{}__{name}", role.to_uppercase()), value));
        for kind in ["worker", "door"] {
            let url = runtime::database::role_url(&mould.cluster.admin_url(), role, kind, &format!("{prefix}{role}"))?;
            set(&format!("FRAME__DATABASE__{}_URL", kind.to_uppercase()), url);
        }
        set("FRAME__NATS__URL", nats_url.to_owned());
        set("FRAME__LOG__FORMAT", "pretty".to_owned());
        set("FRAME__LOG__FILTER", "info,async_nats=warn,sqlx=warn".to_owned());
        if role == "reminders" {
            let address = mails.address();
            set("REMINDERS__SMTP__HOST", address.ip().to_string());
            set("REMINDERS__SMTP__PORT", address.port().to_string());
            set("REMINDERS__SMTP__CALL_TIMEOUT_SECONDS", "1".to_owned());
            set("REMINDERS__LEASE_SECONDS", "3".to_owned());
            set("REMINDERS__MAX_ATTEMPTS", "3".to_owned());
        }
    }
    if let Some(bug) = bug {
        variables.push(("PUNTUAL_SEEDED_BUG".to_owned(), bug.to_owned()));
    }
    let puntual = mould.puntual.clone();
    Ok(Box::new(move |_| {
        let mut command = Command::new(&puntual);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command
    }))
}

/// What waits for an acknowledgement that died with its process comes again soon.
async fn shorten_ack_waits(nats: &async_nats::Client) {
    if nats.connection_state() != async_nats::connection::State::Connected {
        return;
    }
    let mut jetstream = async_nats::jetstream::new(nats.clone());
    jetstream.set_timeout(Duration::from_millis(500));
    for owner in contracts::stream::ALL {
        for stream in owner.upstream() {
            let Ok(found) = jetstream.get_stream_no_info(stream.name).await else { continue };
            let Ok(mut consumer) =
                found.get_consumer::<async_nats::jetstream::consumer::pull::Config>(owner.service).await
            else {
                continue;
            };
            let Ok(info) = consumer.info().await else { continue };
            if info.config.ack_wait > ACK_WAIT {
                let mut config = info.config.clone();
                config.ack_wait = ACK_WAIT;
                let wanted: async_nats::jetstream::consumer::pull::Config = match consumer_config(config) {
                    Some(wanted) => wanted,
                    None => continue,
                };
                let _ = found.update_consumer(wanted).await;
            }
        }
    }
}

fn consumer_config(
    config: async_nats::jetstream::consumer::Config,
) -> Option<async_nats::jetstream::consumer::pull::Config> {
    use async_nats::jetstream::consumer::FromConsumer;
    async_nats::jetstream::consumer::pull::Config::try_from_consumer_config(config).ok()
}
