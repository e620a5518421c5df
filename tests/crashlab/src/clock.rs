//! The virtual clock: every replica that should be there has done its day, or the tick is repeated.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, Utc};
use contracts::common::{TickDone, TickRequest};
use contracts::{stream, subject, wire};
use futures::StreamExt;
use prost::Message;

use crate::world::World;

/// Ticks are repeated for so long before the product counts as stuck.
const GIVE_UP: Duration = Duration::from_secs(90);
/// For one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// 16:00 UTC: past nine in the morning in Bogota.
pub(crate) fn noon(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(16, 0, 0).unwrap_or_default().and_utc()
}

impl World {
    /// Sets the clock of a role, so that what is told next is recorded on that day.
    pub(crate) async fn dawn(&self, role: &str, day: NaiveDate) -> anyhow::Result<()> {
        self.until_done(role, subject::clock_set(role), day, &HashMap::new()).await.map(drop)
    }

    /// Lets a role do its day; repeated until all its replicas have.
    pub(crate) async fn tick(
        &self,
        role: &str,
        day: NaiveDate,
        applied_through: &HashMap<String, u64>,
    ) -> anyhow::Result<u64> {
        self.until_done(role, subject::clock_tick(role), day, applied_through).await
    }

    async fn until_done(
        &self,
        role: &str,
        subject: String,
        day: NaiveDate,
        applied_through: &HashMap<String, u64>,
    ) -> anyhow::Result<u64> {
        let until = Instant::now() + GIVE_UP;
        loop {
            let answered = if self.troupe.ready(role, Duration::from_secs(10)).await {
                self.ask_all(role, &subject, day, applied_through).await
            } else {
                Err(anyhow::anyhow!("not ready"))
            };
            match answered {
                Ok(sequence) => return Ok(sequence),
                Err(error) if Instant::now() < until => {
                    self.note(format_args!("{role}: tick repeated: {error:#}"));
                    self.tally.add("tick_repeated", 1);
                    if format!("{error:#}").contains("barrier") {
                        self.tally.add("barrier_failed_closed", 1);
                    }
                    tokio::time::sleep(Duration::from_millis(60)).await;
                }
                Err(error) => bail!("{role} does not get through {day}: {error:#}"),
            }
        }
    }

    /// One request to every replica; all must have done it.
    pub(crate) async fn ask_all(
        &self,
        role: &str,
        subject: &str,
        day: NaiveDate,
        applied_through: &HashMap<String, u64>,
    ) -> anyhow::Result<u64> {
        let present = self.troupe.present(role).await;
        let request = TickRequest { now: Some(wire::timestamp(noon(day))), applied_through: applied_through.clone() };
        let inbox = self.nats.new_inbox();
        let mut replies = self.nats.subscribe(inbox.clone()).await?;
        let headers = async_nats::HeaderMap::new();
        self.nats
            .publish_with_reply_and_headers(subject.to_owned(), inbox, headers, request.encode_to_vec().into())
            .await?;
        let until = Instant::now() + ANSWER;
        let (mut heard, mut sequence) = (0, 0);
        while heard < present.len() {
            match tokio::time::timeout(Duration::from_millis(100), replies.next()).await {
                Ok(Some(reply)) if reply.status == Some(async_nats::StatusCode::NO_RESPONDERS) => {
                    bail!("nobody listens");
                }
                Ok(Some(reply)) => {
                    let done = TickDone::decode(reply.payload).context("answer")?;
                    anyhow::ensure!(done.error.is_empty(), "{}", done.error);
                    sequence = sequence.max(done.stream_seq);
                    heard += 1;
                }
                Ok(None) => bail!("the connection is gone"),
                Err(_) => {
                    // An answer may have been lost with its process, or with the broker.
                    anyhow::ensure!(self.troupe.present(role).await == present, "a replica came or went");
                    anyhow::ensure!(Instant::now() < until, "no answer");
                    anyhow::ensure!(
                        self.nats.connection_state() == async_nats::connection::State::Connected,
                        "no connection to the broker"
                    );
                }
            }
        }
        Ok(sequence)
    }

    /// Without promises there is no barrier: reminders may say that there was nothing to do, or fail closed. It does the
    /// day's steps when promises is back.
    async fn without_promises(&self, day: NaiveDate, applied_through: &HashMap<String, u64>) {
        self.troupe.ready("reminders", Duration::from_secs(10)).await;
        if let Err(error) = self.ask_all("reminders", &subject::clock_tick("reminders"), day, applied_through).await {
            self.note(format_args!("reminders without promises: {error:#}"));
            self.tally.add("barrier_failed_closed", 1);
        }
    }

    /// All roles that are not down do their day, in order.
    pub(crate) async fn live(&self, day: NaiveDate) -> anyhow::Result<()> {
        let mut applied_through = HashMap::new();
        for role in crate::fault::ROLES {
            if !self.troupe.wanted(role).await {
                continue;
            }
            if role == "reminders" {
                self.reminders_began(day);
                if !self.troupe.wanted("promises").await {
                    self.without_promises(day, &applied_through).await;
                    continue;
                }
            }
            let sequence = self.tick(role, day, &applied_through).await?;
            if let Some(stream) = stream::ALL.iter().find(|stream| stream.service == role) {
                applied_through.insert(stream.name.to_owned(), sequence);
            }
        }
        Ok(())
    }
}
