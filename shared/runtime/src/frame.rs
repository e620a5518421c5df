//! The order in which a role starts, works and stops.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_nats::jetstream;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use contracts::Stream;
use messaging::topology::{self, TopologyError};
use messaging::{Barrier, Consumer, Handler, Position, Relay, Wake};
use secrecy::ExposeSecret;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::commands::Commands;
use crate::config::FrameConfig;
use crate::door::Door;
use crate::problem::Problem;
use crate::sweep::{AnySweep, Sweep};
use crate::{database, dead_letters, health, server};

/// How often due work is looked for in real time.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How often partitions are made ahead and old rows dropped.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_mins(1);
/// A stream that is lost is published again from here.
const OUTBOX_RETENTION: &str = "30 days";
/// What can still be published again must be recognised: longer than any outbox keeps an event and its stream after that.
const INBOX_RETENTION: &str = "40 days";
/// After that, whatever still runs is abandoned to the inbox and the leases.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// What was written to a broker that died is never answered. Whoever waits for it finds out after this, and asks again.
const BROKER_TIMEOUT: Duration = Duration::from_secs(2);
/// How soon a connection that only seems to be there is noticed.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Between attempts to reach the broker again: this much longer after each one.
const RECONNECT_STEP: Duration = Duration::from_millis(50);
const LONGEST_RECONNECT: Duration = Duration::from_millis(500);

/// A future behind a pointer. An `async fn` is compiled where it is polled: without this, every executable and every role
/// would compile the whole frame, and the executable all roles, over again.
pub type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A role at work.
pub type Running = Boxed<anyhow::Result<()>>;

/// A role's process while it is being wired.
pub struct Frame {
    pub worker: PgPool,
    pub door: PgPool,
    pub nats: async_nats::Client,
    pub jetstream: jetstream::Context,
    pub clock: Clock,
    pub stream: Stream,
    pub shutdown: CancellationToken,
    config: FrameConfig,
    wake: Wake,
    tasks: TaskTracker,
    positions: Vec<Position>,
    sweeps: Vec<Box<dyn AnySweep>>,
}

impl Frame {
    /// Connects, ensures the role's own stream and starts its relay.
    pub fn start(stream: Stream, config: FrameConfig, shutdown: CancellationToken) -> Boxed<anyhow::Result<Self>> {
        Box::pin(Self::connect(stream, config, shutdown))
    }

    async fn connect(stream: Stream, config: FrameConfig, shutdown: CancellationToken) -> anyhow::Result<Self> {
        health::install_metrics();
        tracing::info!(service = stream.service, ?config, "starting");
        let pool = |url| database::connect(url, stream.service, config.database.max_connections);
        let worker = pool(&config.database.worker_url).await?;
        let door = pool(&config.database.door_url).await?;
        let clock = Clock::of_database(&mut *worker.acquire().await?).await?;
        let nats = connect_nats(stream.service, &config).await?;
        let jetstream = jetstream::context::ContextBuilder::new().timeout(BROKER_TIMEOUT).build(nats.clone());
        // The relay makes it when it is not there, and waits for the broker when that is not there.
        if let Err(error @ TopologyError::Differs { .. }) = topology::find_stream(&jetstream, stream).await {
            return Err(error.into());
        }
        let wake = Wake::default();
        let tasks = TaskTracker::new();
        let relay = Relay {
            stream,
            database_url: config.database.worker_url.expose_secret().to_owned(),
            client: nats.clone(),
            jetstream: jetstream.clone(),
            replicas: config.nats.stream_replicas,
            wake: wake.clone(),
        };
        // What is written while everything stops leaves at the next start: the outbox keeps it.
        tasks.spawn(relay.run(shutdown.clone()));
        tasks.spawn(housekeeping(worker.clone(), shutdown.clone()));
        Ok(Self {
            worker,
            door,
            nats,
            jetstream,
            clock,
            stream,
            shutdown,
            config,
            wake,
            tasks,
            positions: Vec::new(),
            sweeps: Vec::new(),
        })
    }

    /// Applies the events of a stream upstream from now on.
    pub fn consume<H: Handler>(&mut self, stream: Stream, handler: H) {
        debug_assert!(self.stream.upstream().contains(&stream), "{} is not upstream", stream.name);
        let (consumer, position) = Consumer::new(
            stream,
            self.stream.service,
            self.worker.clone(),
            self.jetstream.clone(),
            self.wake.clone(),
            handler,
        );
        self.positions.push(position);
        self.tasks.spawn(consumer.run(self.shutdown.clone()));
    }

    /// Looks for due work of this kind, after those registered before: every second, or inside ticks of a virtual clock.
    pub fn sweep<S: Sweep>(&mut self, sweep: S) {
        self.sweeps.push(Box::new(sweep));
    }

    /// Runs a task of the role; it ends with [`Frame::shutdown`].
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Copies that each stream is kept in.
    pub fn stream_replicas(&self) -> usize {
        self.config.nats.stream_replicas
    }

    /// Barriers on the streams consumed so far.
    pub fn barrier(&self) -> Barrier {
        Barrier::new(self.nats.clone(), self.positions.clone())
    }

    pub fn wake(&self) -> Wake {
        self.wake.clone()
    }

    /// State for the role's HTTP handlers.
    pub fn door_state(&self) -> Door {
        Door { pool: self.door.clone(), clock: self.clock, wake: self.wake.clone() }
    }

    /// Works until the role is told to stop, then lets what is under way end.
    pub fn run(self, api: Router<Door>) -> Running {
        Box::pin(self.work(api))
    }

    async fn work(self, api: Router<Door>) -> anyhow::Result<()> {
        let commands = Arc::new(Commands {
            client: self.nats.clone(),
            stream: self.stream,
            worker: self.worker.clone(),
            wake: self.wake.clone(),
            clock: self.clock,
            positions: self.positions.clone(),
            sweeps: Arc::new(self.sweeps),
        });
        let stop = &self.shutdown;
        // Subscribed before the door opens: who sees it open may ask at once.
        let barriers = commands.barrier_requests().await?;
        self.tasks.spawn(Arc::clone(&commands).serve_barriers(barriers, stop.clone()));
        if self.clock.is_virtual() {
            let ticks = commands.tick_requests().await?;
            self.tasks.spawn(Arc::clone(&commands).serve_ticks(ticks, stop.clone()));
        } else {
            self.tasks.spawn(sweep_in_real_time(Arc::clone(&commands.sweeps), stop.clone()));
        }

        self.nats.flush().await?;

        let door = Door { pool: self.door.clone(), clock: self.clock, wake: self.wake.clone() };
        let probed = health::Probed { worker: self.worker.clone(), nats: self.nats.clone() };
        let timeout = Duration::from_secs(self.config.http.timeout_seconds);
        let app = api
            .merge(dead_letters::router())
            .with_state(door)
            .fallback(|| async { Problem::not_found() })
            .layer(axum::middleware::from_fn(move |request, next| within(timeout, request, next)))
            .merge(health::router(probed));
        let listener = tokio::net::TcpListener::bind(&self.config.http.listen)
            .await
            .with_context(|| format!("listen on {}", self.config.http.listen))?;
        tracing::info!(service = self.stream.service, address = %listener.local_addr()?, "ready");
        server::serve(listener, app, timeout, stop).await;

        stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(DRAIN_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!(service = self.stream.service, "stopped before everything had ended");
        }
        self.worker.close().await;
        self.door.close().await;
        tracing::info!(service = self.stream.service, "stopped");
        Ok(())
    }
}

async fn connect_nats(service: &str, config: &FrameConfig) -> anyhow::Result<async_nats::Client> {
    let mut options = async_nats::ConnectOptions::new()
        .name(format!("puntual {service}"))
        .client_capacity(4_096)
        .subscription_capacity(8_192)
        .ping_interval(PING_INTERVAL)
        .request_timeout(Some(BROKER_TIMEOUT))
        .reconnect_delay_callback(|attempts| {
            RECONNECT_STEP.saturating_mul(u32::try_from(attempts).unwrap_or(u32::MAX)).min(LONGEST_RECONNECT)
        })
        .retry_on_initial_connect();
    if !config.nats.credentials_file.is_empty() {
        options = options.credentials_file(&config.nats.credentials_file).await.context("nats credentials")?;
    }
    options.connect(&config.nats.url).await.context("connect to nats")
}

async fn within(timeout: Duration, request: Request, next: Next) -> Response {
    tokio::time::timeout(timeout, next.run(request)).await.unwrap_or_else(|_| {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The request took too long").into_response()
    })
}

async fn sweep_in_real_time(sweeps: Arc<Vec<Box<dyn AnySweep>>>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        for sweep in sweeps.iter() {
            loop {
                match sweep.run().await {
                    Ok(true) if !shutdown.is_cancelled() => {}
                    Ok(_) => break,
                    Err(error) => {
                        metrics::counter!("puntual_sweep_failures_total", "sweep" => sweep.name()).increment(1);
                        tracing::warn!(sweep = sweep.name(), error = format!("{error:#}"), "sweep failed");
                        break;
                    }
                }
            }
        }
        tokio::select! { () = shutdown.cancelled() => {}, () = tokio::time::sleep(SWEEP_INTERVAL) => {} }
    }
}

async fn housekeeping(worker: PgPool, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let done = async {
            sqlx::query("SELECT maintain_outbox($1::text::interval)").bind(OUTBOX_RETENTION).execute(&worker).await?;
            // The first 48 bits of a UUIDv7 are the milliseconds of its time.
            sqlx::query(
                "DELETE FROM inbox WHERE event_id < rpad(
                   lpad(to_hex((extract(epoch FROM now() - $1::text::interval) * 1000)::bigint), 12, '0'), 32, '0')::uuid",
            )
            .bind(INBOX_RETENTION)
            .execute(&worker)
            .await
        };
        if let Err(error) = done.await {
            tracing::warn!(%error, "housekeeping failed");
        }
        tokio::select! { () = shutdown.cancelled() => {}, () = tokio::time::sleep(HOUSEKEEPING_INTERVAL) => {} }
    }
}
