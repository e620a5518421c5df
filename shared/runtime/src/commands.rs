//! Commands that every role answers over NATS: barriers (D11), and in virtual time the clock (D17).

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_nats::{Client, Subscriber};
use chrono::{DateTime, Utc};
use contracts::common::{BarrierReply, TickDone, TickRequest};
use contracts::{Stream, subject, wire};
use futures::StreamExt;
use messaging::barrier::{self, Raised};
use messaging::{Position, Wake};
use prost::Message;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::sweep::{AnySweep, until_quiet};

/// Fails a tick that cannot end instead of hanging whoever drives the clock.
const TICK_TIMEOUT: Duration = Duration::from_mins(1);

const RELAY_BEHIND: &str = "the relay has not published everything in time";

/// Everything a command needs.
pub(crate) struct Commands {
    pub(crate) client: Client,
    pub(crate) stream: Stream,
    pub(crate) worker: PgPool,
    pub(crate) wake: Wake,
    pub(crate) clock: Clock,
    pub(crate) positions: Vec<Position>,
    pub(crate) sweeps: Arc<Vec<Box<dyn AnySweep>>>,
}

impl Commands {
    /// What barriers are asked on. Replicas share the requests.
    pub(crate) async fn barrier_requests(&self) -> anyhow::Result<Subscriber> {
        let subject = subject::barrier_raise(self.stream.service);
        Ok(self.client.queue_subscribe(subject, self.stream.service.to_owned()).await?)
    }

    /// What a virtual clock is moved on: set only, and whole ticks.
    pub(crate) async fn tick_requests(&self) -> anyhow::Result<(Subscriber, Subscriber)> {
        let sets = self.client.subscribe(subject::clock_set(self.stream.service)).await?;
        let ticks = self.client.subscribe(subject::clock_tick(self.stream.service)).await?;
        Ok((sets, ticks))
    }

    /// Answers barriers until `shutdown`.
    pub(crate) async fn serve_barriers(self: Arc<Self>, mut requests: Subscriber, shutdown: CancellationToken) {
        loop {
            let request = tokio::select! { () = shutdown.cancelled() => return, request = requests.next() => request };
            let Some(request) = request else { return };
            let Some(reply_to) = request.reply else { continue };
            let commands = Arc::clone(&self);
            tokio::spawn(async move {
                let reply = match barrier::raise(&commands.worker, commands.stream, &commands.wake).await {
                    Ok(Some(Raised { stream_seq, epoch })) => BarrierReply { stream_seq, epoch, error: String::new() },
                    Ok(None) => BarrierReply { error: RELAY_BEHIND.to_owned(), ..BarrierReply::default() },
                    Err(error) => BarrierReply { error: error.to_string(), ..BarrierReply::default() },
                };
                commands.answer(reply_to, reply.encode_to_vec()).await;
            });
        }
    }

    /// Answers ticks until `shutdown`; one at a time.
    pub(crate) async fn serve_ticks(
        self: Arc<Self>,
        (mut sets, mut ticks): (Subscriber, Subscriber),
        shutdown: CancellationToken,
    ) {
        loop {
            let (request, whole) = tokio::select! {
                () = shutdown.cancelled() => return,
                request = sets.next() => (request, false),
                request = ticks.next() => (request, true),
            };
            let Some(request) = request else { return };
            let Some(reply_to) = request.reply else { continue };
            let done = tokio::time::timeout(TICK_TIMEOUT, self.tick(&request.payload, whole)).await;
            let reply = match done {
                Ok(Ok(stream_seq)) => TickDone { stream_seq, error: String::new() },
                Ok(Err(error)) => TickDone { stream_seq: 0, error: format!("{error:#}") },
                Err(_) => TickDone { stream_seq: 0, error: format!("not done within {}s", TICK_TIMEOUT.as_secs()) },
            };
            self.answer(reply_to, reply.encode_to_vec()).await;
        }
    }

    async fn tick(&self, payload: &[u8], whole: bool) -> anyhow::Result<u64> {
        let request = TickRequest::decode(payload).context("tick request")?;
        let now: DateTime<Utc> = wire::instant("now", request.now.as_ref())?;
        let mut conn = self.worker.acquire().await?;
        self.clock.set(&mut conn, now).await?;
        drop(conn);
        if !whole {
            return Ok(0);
        }
        for position in &self.positions {
            if let Some(sequence) = request.applied_through.get(position.stream().name) {
                position.reached(*sequence, None).await;
            }
        }
        until_quiet(&self.sweeps).await?;
        let raised = barrier::raise(&self.worker, self.stream, &self.wake).await?.context(RELAY_BEHIND)?;
        Ok(raised.stream_seq)
    }

    async fn answer(&self, reply_to: async_nats::Subject, payload: Vec<u8>) {
        let sent = self.client.publish_with_headers(reply_to, async_nats::HeaderMap::new(), payload.into()).await;
        if let Err(error) = sent {
            tracing::warn!(%error, "a command's answer was lost");
        }
    }
}
