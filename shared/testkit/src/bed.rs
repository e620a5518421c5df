//! One role, its servers, and everybody around it.

use std::collections::HashMap;
use std::future::Future;
use std::str::FromStr;

use async_nats::HeaderMap;
use async_nats::jetstream;
use chrono::{DateTime, Utc};
use contracts::common::{TickDone, TickRequest};
use contracts::{Event, Stream, header, stream, subject, wire};
use messaging::batch_publish::{self, Outgoing};
use prost::Message;
use runtime::FrameConfig;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::broker::Broker;
use crate::database::TestDatabase;
use crate::tenant::TestTenant;

/// The servers of one test.
#[derive(Debug)]
pub struct Bed {
    stream: Stream,
    listen: String,
    client: async_nats::Client,
    jetstream: jetstream::Context,
    worker: PgPool,
    owner: PgPool,
    // Dropped last, in this order.
    database: TestDatabase,
    broker: Broker,
}

/// A running role; stopped when dropped, but rather with [`Role::stop`].
#[derive(Debug)]
pub struct Role {
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Role {
    /// Stops it as SIGTERM would, and fails the test when it had failed.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.task).await.unwrap().expect("the role stops without an error");
    }

    /// Ends it as `kill -9` would: nothing is drained.
    pub async fn kill(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
        self.shutdown.cancel();
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.task.abort();
    }
}

impl Bed {
    /// Servers for the role that owns `stream`; its clock is the database's.
    pub async fn start(stream: Stream, migrations: &'static Migrator) -> Self {
        Self::new(stream, migrations, false).await
    }

    /// The same with a virtual clock, which only [`Bed::tick`] and [`Bed::set_clock`] move.
    pub async fn start_virtual(stream: Stream, migrations: &'static Migrator) -> Self {
        Self::new(stream, migrations, true).await
    }

    async fn new(stream: Stream, migrations: &'static Migrator, virtual_time: bool) -> Self {
        let database = TestDatabase::create(stream.service, migrations, virtual_time).await;
        let broker = Broker::start().await;
        let client = broker.client().await;
        let worker = pool(&database.url("worker")).await;
        let owner = pool(&database.url("owner")).await;
        let listen = crate::free_address();
        let jetstream = jetstream::new(client.clone());
        Self { stream, listen, client, jetstream, worker, owner, database, broker }
    }

    pub fn frame_config(&self) -> FrameConfig {
        let (worker, door) = (self.database.url("worker"), self.database.url("door"));
        runtime::config::frame_config(&worker, &door, &self.broker.url(), &self.listen).unwrap()
    }

    /// Sees all tenants, like consumers and sweeps.
    pub fn worker(&self) -> PgPool {
        self.worker.clone()
    }

    /// Owns the tables.
    pub fn owner(&self) -> PgPool {
        self.owner.clone()
    }

    /// URL for "owner", "worker" or "door".
    pub fn database_url(&self, kind: &str) -> String {
        self.database.url(kind)
    }

    /// The broker, to be broken.
    pub fn broker(&mut self) -> &mut Broker {
        &mut self.broker
    }

    pub fn nats(&self) -> async_nats::Client {
        self.client.clone()
    }

    /// HTTP address of the role.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Runs a role until [`Role::stop`]; returns when its door is open.
    pub async fn run<F, Fut>(&self, role: F) -> Role
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let shutdown = CancellationToken::new();
        let mut role = Role { task: tokio::spawn(role(shutdown.clone())), shutdown };
        let open = crate::eventually("the role listens", || async {
            tokio::net::TcpStream::connect(&self.listen).await.is_ok()
        });
        let failed = tokio::select! { () = open => None, ended = &mut role.task => Some(ended) };
        if let Some(ended) = failed {
            panic!("the role ended at start: {ended:?}");
        }
        role
    }

    /// A tenant that the role's door knows: published as ingestion would; for ingestion itself written into its tables.
    pub async fn tenant(&self, slug: &str) -> TestTenant {
        let tenant = TestTenant::new(slug);
        if self.stream == stream::INGESTION {
            let mut conn = self.worker.acquire().await.unwrap();
            runtime::access::save_tenant(&mut conn, &tenant.changed).await.unwrap();
            runtime::access::save_key(&mut conn, &tenant.key_changed).await.unwrap();
        } else {
            self.publish(&tenant.changed).await;
            self.publish(&tenant.key_changed).await;
        }
        tenant
    }

    /// Publishes an event as its owner's relay would.
    pub async fn publish<E: Event>(&self, event: &E) {
        self.publish_as(Uuid::now_v7(), event).await;
    }

    /// Publishes an event under a given id; the same id twice is the same event delivered twice.
    pub async fn publish_as<E: Event>(&self, event_id: Uuid, event: &E) {
        self.publish_on(E::SUBJECT, event_id, event).await;
    }

    /// Publishes an event that its owner told at an instant.
    pub async fn publish_told<E: Event>(&self, told_at: DateTime<Utc>, event: &E) {
        let mut headers = HeaderMap::new();
        headers.insert(header::TIME, told_at.to_rfc3339());
        self.publish_with(headers, E::SUBJECT, Uuid::now_v7(), event).await;
    }

    /// Publishes an event on another subject of its stream, as a later release may.
    pub async fn publish_on<E: Event>(&self, subject: &str, event_id: Uuid, event: &E) {
        self.publish_with(HeaderMap::new(), subject, event_id, event).await;
    }

    async fn publish_with<E: Event>(&self, mut headers: HeaderMap, subject: &str, event_id: Uuid, event: &E) {
        headers.insert(header::ID, event_id.to_string());
        headers.insert(header::TYPE, subject);
        headers.insert(header::TENANT, event.tenant());
        if !event.customer().is_empty() {
            headers.insert(header::CUSTOMER, event.customer());
        }
        let stream = stream_of(subject);
        let last = self.last_sequence(stream).await;
        let message = Outgoing { subject: subject.into(), headers, payload: event.encode_to_vec().into() };
        batch_publish::publish(&self.client, vec![message], last).await.unwrap();
    }

    /// Returns when the role has applied everything that was published on the streams it consumes.
    pub async fn applied(&self) {
        for stream in self.stream.upstream() {
            let last = self.last_sequence(*stream).await;
            if last == 0 {
                // A role of a test may consume less than the real one.
                continue;
            }
            crate::eventually(&format!("{} applied", stream.name), || async {
                let durable: Result<jetstream::consumer::PullConsumer, _> =
                    self.jetstream.get_consumer_from_stream(self.stream.service, stream.name).await;
                durable.is_ok_and(|durable| {
                    let info = durable.cached_info();
                    info.ack_floor.stream_sequence >= last || info.num_pending == 0 && info.num_ack_pending == 0
                })
            })
            .await;
        }
    }

    /// Every event of one type in the role's own stream, oldest first, once the relay has caught up.
    pub async fn published<E: Event>(&self) -> Vec<E> {
        crate::eventually("the relay has caught up", || async {
            let behind: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT FROM outbox o LEFT JOIN relay_state s ON true
                 WHERE s.stream IS NULL OR o.xid >= s.hi OR (o.xid >= s.lo AND o.id > s.last_id))",
            )
            .fetch_one(&self.worker)
            .await
            .unwrap();
            !behind
        })
        .await;
        let stream = self.jetstream.get_stream(self.stream.name).await.unwrap();
        let mut found = Vec::new();
        for sequence in 1..=self.last_sequence(self.stream).await {
            let message = stream.get_raw_message(sequence).await.unwrap();
            if message.subject.as_str() == E::SUBJECT {
                found.push(E::decode(message.payload).unwrap());
            }
        }
        found
    }

    /// One tick of the virtual clock: sets it, lets the role apply everything published, do what is due and publish.
    pub async fn tick(&self, now: DateTime<Utc>) {
        let mut applied_through = HashMap::new();
        for stream in self.stream.upstream() {
            applied_through.insert(stream.name.to_owned(), self.last_sequence(*stream).await);
        }
        self.command(subject::clock_tick(self.stream.service), now, applied_through).await;
    }

    /// Moves the virtual clock and nothing else.
    pub async fn set_clock(&self, now: DateTime<Utc>) {
        self.command(subject::clock_set(self.stream.service), now, HashMap::new()).await;
    }

    async fn command(&self, subject: String, now: DateTime<Utc>, applied_through: HashMap<String, u64>) {
        let request = TickRequest { now: Some(wire::timestamp(now)), applied_through };
        let request = async_nats::Request::new().payload(request.encode_to_vec().into()).timeout(Some(crate::DEADLINE));
        let reply = self.client.send_request(subject, request).await.expect("the role answers");
        let done = TickDone::decode(reply.payload).unwrap();
        assert!(done.error.is_empty(), "tick failed: {}", done.error);
    }

    async fn last_sequence(&self, stream: Stream) -> u64 {
        self.jetstream.get_stream(stream.name).await.unwrap().cached_info().state.last_sequence
    }
}

fn stream_of(subject: &str) -> Stream {
    let service = subject.split('.').nth(1).unwrap();
    stream::ALL.into_iter().find(|stream| stream.service == service).unwrap()
}

async fn pool(url: &str) -> PgPool {
    PgPoolOptions::new().max_connections(3).connect_with(PgConnectOptions::from_str(url).unwrap()).await.unwrap()
}
