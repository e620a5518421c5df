//! The virtual clock that the demo drives (D17): set everywhere first, then one tick along the graph of the services.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use async_nats::RequestErrorKind;
use async_nats::client::Request;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use contracts::common::{TickDone, TickRequest};
use contracts::{Stream, stream, subject, wire};
use futures::future::try_join_all;
use prost::Message;

use crate::terminal;

/// A tick may work for a minute before it fails by itself.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);
/// A service that is ready may still be about to listen for ticks.
const LISTENING_WITHIN: Duration = Duration::from_secs(10);

const ATTEMPTS: u32 = 4;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(500);

/// When the one tick of a day happens: nine o'clock has then passed in every country of the portfolio (Mexico City is
/// the last, at 15:00 UTC).
const TICK_AT: NaiveTime = match NaiveTime::from_hms_opt(16, 0, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

pub(crate) fn tick_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(TICK_AT).and_utc()
}

pub(crate) struct VirtualClock {
    client: async_nats::Client,
}

/// Up to where a stream must have been applied.
type Applied = HashMap<String, u64>;

impl VirtualClock {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        let client = async_nats::connect(url).await.with_context(|| format!("connect to {url}"))?;
        Ok(Self { client })
    }

    /// Sets the clock of every service, and nothing else happens.
    pub(crate) async fn set(&self, now: DateTime<Utc>) -> anyhow::Result<()> {
        let requests =
            stream::ALL.iter().map(|stream| self.ask(subject::clock_set(stream.service), now, Applied::new()));
        try_join_all(requests).await?;
        Ok(())
    }

    /// Everyone applies what the services before it have published, does what is due, and publishes in turn.
    pub(crate) async fn tick(&self, now: DateTime<Utc>) -> anyhow::Result<()> {
        let ingestion = self.tick_one(stream::INGESTION, now, &Applied::new()).await?;
        let mut applied = Applied::from([ingestion]);
        let promises = self.tick_one(stream::PROMISES, now, &applied).await?;
        applied.extend([promises]);
        let scoring = self.tick_one(stream::SCORING, now, &applied).await?;
        applied.extend([scoring]);
        let reminders = self.tick_one(stream::REMINDERS, now, &applied).await?;
        applied.extend([reminders]);
        self.tick_one(stream::REPORTING, now, &applied).await?;
        Ok(())
    }

    /// A tick may be repeated: it goes on where it stopped. Barriers fail closed on a machine that is busy with
    /// something else for seconds, and the next one passes.
    async fn tick_one(&self, stream: Stream, now: DateTime<Utc>, applied: &Applied) -> anyhow::Result<(String, u64)> {
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            match self.ask(subject::clock_tick(stream.service), now, applied.clone()).await {
                Ok(sequence) => return Ok((stream.name.to_owned(), sequence)),
                Err(error) if left > 0 => {
                    terminal::complain(format_args!("a tick is repeated: {error:#}"));
                    tokio::time::sleep(BETWEEN_ATTEMPTS).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn ask(&self, subject: String, now: DateTime<Utc>, applied_through: Applied) -> anyhow::Result<u64> {
        let payload = TickRequest { now: Some(wire::timestamp(now)), applied_through }.encode_to_vec();
        let started = Instant::now();
        let message = loop {
            let request = Request::new().payload(payload.clone().into()).timeout(Some(ANSWER_WITHIN));
            match self.client.send_request(subject.clone(), request).await {
                Ok(message) => break message,
                Err(error)
                    if error.kind() == RequestErrorKind::NoResponders && started.elapsed() < LISTENING_WITHIN =>
                {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error).with_context(|| format!("nobody answers {subject}")),
            }
        };
        let done = TickDone::decode(message.payload).with_context(|| format!("answer to {subject}"))?;
        if !done.error.is_empty() {
            bail!("{subject} at {now}: {}", done.error);
        }
        Ok(done.stream_seq)
    }
}
