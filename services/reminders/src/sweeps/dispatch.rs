//! The way of a reminder out of the house. No transaction is held across the network, and the last check is behind the
//! barrier:
//!
//! | phase | transaction | if the worker dies after it |
//! |---|---|---|
//! | claim: due customers of covered tenants, their messages `claimed` | 1 | the lease gives them back |
//! | barrier: everything accepted until now is applied here (D11) | none | the same |
//! | decide: snapshots → decisions; messages `sending` or `suppressed` | 2 | `sending` becomes `uncertain` |
//! | hand off: SMTP, one connection, each call with a deadline | none | the same |
//! | record: `sent`, `failed`, `uncertain`, or back to `planned` with its steps due again | 3 | it is done |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use contracts::stream::{INGESTION, PROMISES, REMINDERS};
use faults::Bug;
use messaging::{Barrier, Outbox, Wake};
use runtime::{Clock, Sweep};
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use super::decide::{Occasion, Verdict, Written, message_id, verdict};
use super::events;
use crate::domain::message::{HandOff, Settled, Status, settle};
use crate::mail::letter::Sender;
use crate::mail::{Relay, Renderer, SmtpSettings};
use crate::store::claims::{self, Claimed};
use crate::store::decisions::{self, Positions};
use crate::store::keys::Key;
use crate::store::messages::{self, OfDay};
use crate::store::{Keys, customers, plan, snapshots, sources};

/// How long a barrier is good for (D11).
const BARRIER_VALID: Duration = Duration::from_secs(2);
/// How often a check may come too late for its barrier before its customers are given back.
const CHECK_ATTEMPTS: u32 = 3;
/// A hand-off begins at most this long after its last check; later ones are checked again (R2).
const START_WITHIN: Duration = Duration::from_secs(2);
/// An answer of the relay that cannot be recorded makes the message uncertain: worth a few tries.
const RECORD_ATTEMPTS: u32 = 3;
const RECORD_PAUSE: Duration = Duration::from_millis(200);
/// Why a message of an earlier day is over.
pub(super) const DAY_OVER: &str = "its day ended before a hand-off; its steps went into a later message";

/// Decides due steps and hands the letters over.
pub(crate) struct Dispatch {
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) barrier: Barrier,
    pub(crate) wake: Wake,
    pub(crate) renderer: Renderer,
    pub(crate) sender: Sender,
    pub(crate) smtp: SmtpSettings,
    pub(crate) lease_seconds: f64,
    pub(crate) max_attempts: i32,
    pub(crate) batch_customers: i64,
    /// What a batch may hold at the relay's present pace: letters that do not get their turn are checked again in vain.
    pub(crate) pace: AtomicI64,
}

/// Customers claimed together, with their messages of the day.
struct Batch {
    claim_id: Uuid,
    customers: BTreeMap<Key, (Claimed, OfDay)>,
    /// Refusals for now so far, by message.
    attempts: BTreeMap<Key, i32>,
}

impl Batch {
    fn keys(&self) -> Keys {
        self.customers.keys().copied().collect()
    }

    fn messages(&self, customers: impl IntoIterator<Item = Key>) -> Keys {
        let of = |key| self.customers.get(&key).map(|(_, message)| (message.tenant_id, message.message_id));
        customers.into_iter().filter_map(of).collect()
    }
}

impl Sweep for Dispatch {
    fn name(&self) -> &'static str {
        "reminder_dispatch"
    }

    async fn run(&self) -> anyhow::Result<bool> {
        let Some(batch) = self.claim().await? else { return Ok(false) };
        faults::point("dispatch.after_claim");
        let letters = match self.decide(&batch).await {
            Ok(letters) => letters,
            Err(error) => {
                self.release(&batch).await?;
                return Err(error);
            }
        };
        faults::point("dispatch.after_check");
        let outcomes = self.hand_off(&letters).await;
        let unreachable = outcomes.iter().any(|(_, outcome)| matches!(outcome, HandOff::Unreachable(_)));
        self.record(&batch, outcomes).await?;
        faults::point("dispatch.after_record");
        Ok(!unreachable)
    }
}

impl Dispatch {
    async fn claim(&self) -> anyhow::Result<Option<Batch>> {
        let claim_id = Uuid::now_v7();
        let limit = self.pace.load(Ordering::Relaxed).clamp(1, self.batch_customers);
        let mut tx = self.pool.begin().await?;
        let now = self.clock.now(&mut tx).await?;
        let covered: Vec<Uuid> = sources::covered_tenants(&mut tx, now).await?.into_iter().collect();
        if covered.is_empty() {
            return Ok(None);
        }
        let claimed = claims::take(&mut tx, &covered, now, claim_id, self.lease_seconds, limit).await?;
        if claimed.is_empty() {
            return Ok(None);
        }
        let customers: BTreeMap<Key, (Claimed, OfDay)> = claimed
            .into_iter()
            .map(|claimed| {
                let day = claimed.window.day(now);
                let Claimed { tenant_id, customer_id, .. } = claimed;
                let message_id = message_id(tenant_id, customer_id, day);
                (claimed.key(), (claimed, OfDay { tenant_id, message_id, customer_id, day }))
            })
            .collect();
        let today: Vec<OfDay> = customers.values().map(|(_, message)| *message).collect();
        let mut outbox = Outbox::new(REMINDERS, now);
        for message in messages::give_up_earlier(&mut tx, &today, DAY_OVER, now).await? {
            events::message_changed(&mut outbox, &message);
        }
        let attempts: BTreeMap<Key, i32> =
            messages::claim(&mut tx, &today, claim_id, self.lease_seconds, now).await?.into_iter().collect();
        // One message a day: who had theirs, before a zone moved the day's end, waits for the next.
        let (customers, had_theirs): (BTreeMap<_, _>, BTreeMap<_, _>) = customers
            .into_iter()
            .partition(|(_, (_, message))| attempts.contains_key(&(message.tenant_id, message.message_id)));
        if !had_theirs.is_empty() {
            let until: Vec<_> = had_theirs
                .iter()
                .map(|(key, (claimed, message))| (*key, claimed.window.next_day(message.day)))
                .collect();
            claims::leave_alone(&mut tx, &until).await?;
            claims::release(&mut tx, claim_id, &had_theirs.into_keys().collect()).await?;
        }
        outbox.save(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(Batch { claim_id, customers, attempts }))
    }

    /// Gives back what was claimed: nothing was decided.
    async fn release(&self, batch: &Batch) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        claims::release(&mut tx, batch.claim_id, &batch.keys()).await?;
        messages::unclaim(&mut tx, batch.claim_id, &batch.messages(batch.keys().iter())).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The last check. It fails closed: without a barrier nothing is decided.
    async fn decide(&self, batch: &Batch) -> anyhow::Result<Letters> {
        for _ in 0..CHECK_ATTEMPTS {
            let (ingestion, promises) = if faults::seeded(Bug::SendBeforeBarrier) {
                (0, 0)
            } else {
                tokio::try_join!(self.barrier.pass(INGESTION), self.barrier.pass(PROMISES))?
            };
            let passed = Instant::now();
            let positions =
                Positions { ingestion_seq: i64::try_from(ingestion)?, promises_seq: i64::try_from(promises)? };
            let mut tx = self.pool.begin().await?;
            let now = self.clock.now(&mut tx).await?;
            let keys = batch.keys();
            customers::lock_tenants(&mut tx, &keys).await?;
            let held = claims::still_held(&mut tx, batch.claim_id, &keys).await?;
            if passed.elapsed() > BARRIER_VALID {
                continue; // waiting for a connection or for the locks has made it too old
            }
            let covered = sources::covered_tenants(&mut tx, now).await?;
            let (due, uncovered): (Vec<Key>, Vec<Key>) = held.iter().partition(|(tenant, _)| covered.contains(tenant));
            messages::unclaim(&mut tx, batch.claim_id, &batch.messages(uncovered)).await?;

            let due: Keys = due.into_iter().collect();
            let mut verdicts = Vec::new();
            for case in snapshots::load(&mut tx, &due, now).await? {
                let Some((_, message)) = batch.customers.get(&case.key()) else { continue };
                let on = Occasion { message_id: message.message_id, day: message.day, now };
                verdicts.push(verdict(case, on, &self.renderer, &self.sender)?);
            }
            let letters = self.save(&mut tx, batch, verdicts, positions, now).await?;

            let until: Vec<_> = due
                .iter()
                .filter_map(|key| batch.customers.get(&key).map(|found| (key, found)))
                .map(|(key, (claimed, message))| (key, claimed.window.next_day(message.day)))
                .collect();
            claims::leave_alone(&mut tx, &until).await?;
            claims::release(&mut tx, batch.claim_id, &held).await?;
            plan::renew(&mut tx, &due).await?;
            letters.outbox.save(&mut tx).await?;
            tx.commit().await?;
            self.wake.notify();
            return Ok(Letters { checked: Instant::now(), written: letters.written });
        }
        anyhow::bail!("no check came in time for its barrier")
    }

    async fn save(
        &self,
        conn: &mut sqlx::PgConnection,
        batch: &Batch,
        verdicts: Vec<Verdict>,
        positions: Positions,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Saved> {
        let mut outbox = Outbox::new(REMINDERS, now);
        let (mut decided, mut rows, mut written) = (Vec::new(), Vec::new(), Vec::new());
        for verdict in verdicts {
            rows.push(verdict.message);
            decided.extend(verdict.decisions);
            written.extend(verdict.letter);
        }
        decisions::insert(conn, &decided, positions).await?;
        for (decided, _) in &decided {
            // A step to be sent is told of when its message has settled.
            if decided.outcome != crate::domain::decide::Outcome::Send {
                events::reminder_decided(&mut outbox, decided);
            }
        }
        let rendered: Vec<_> = written.iter().map(|written| written.rendered.clone()).collect();
        messages::save_rendered(conn, &rendered).await?;
        let changed = messages::decide(conn, &rows, batch.claim_id, self.lease_seconds, now).await?;
        anyhow::ensure!(changed.len() == rows.len(), "{} of {} messages were claimed", changed.len(), rows.len());
        for message in &changed {
            events::message_changed(&mut outbox, message);
        }
        Ok(Saved { outbox, written })
    }

    /// Every letter is tried, or not, within the time its last check is fresh.
    async fn hand_off(&self, letters: &Letters) -> Vec<(Key, HandOff)> {
        let mut relay = Relay::new(&self.smtp);
        let call_timeout = Duration::from_secs(self.smtp.call_timeout_seconds);
        let deadline = letters.checked + call_timeout;
        let start_within = START_WITHIN.min(call_timeout / 2);
        let mut outcomes = Vec::with_capacity(letters.written.len());
        let mut failures = 0;
        let mut cause = String::new();
        for written in &letters.written {
            let outcome = if failures > 1 {
                HandOff::Unreachable(cause.clone()) // two in a row: it is not the letter
            } else if letters.checked.elapsed() > start_within {
                HandOff::NotTried
            } else {
                faults::point("dispatch.before_hand_off");
                let outcome = relay.hand_off(&written.letter, deadline).await;
                faults::point("dispatch.after_hand_off");
                outcome
            };
            match &outcome {
                HandOff::Unreachable(why) => {
                    failures += 1;
                    cause.clone_from(why);
                }
                _ => failures = 0,
            }
            metrics::counter!("puntual_reminder_hand_offs_total", "outcome" => outcome.as_str()).increment(1);
            metrics::histogram!("puntual_reminder_in_flight_seconds").record(letters.checked.elapsed());
            outcomes.push((written.rendered.0, outcome));
        }
        relay.close().await;
        if !cause.is_empty() {
            tracing::warn!(cause, "the mail relay could not be reached");
        }
        self.keep_pace(&outcomes);
        outcomes
    }

    fn keep_pace(&self, outcomes: &[(Key, HandOff)]) {
        let tried = outcomes.iter().filter(|(_, outcome)| *outcome != HandOff::NotTried).count();
        let pace = if tried < outcomes.len() {
            i64::try_from(tried).unwrap_or(1).max(1)
        } else {
            self.pace.load(Ordering::Relaxed).saturating_mul(2).min(self.batch_customers)
        };
        self.pace.store(pace, Ordering::Relaxed);
    }

    async fn record(&self, batch: &Batch, outcomes: Vec<(Key, HandOff)>) -> anyhow::Result<()> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let settled: Vec<(Key, Settled)> = outcomes
            .into_iter()
            .map(|(key, outcome)| {
                let attempts = batch.attempts.get(&key).copied().unwrap_or(0);
                (key, settle(&outcome, attempts, self.max_attempts))
            })
            .collect();
        for attempt in 1.. {
            match self.try_record(batch, &settled).await {
                Err(error) if attempt < RECORD_ATTEMPTS => {
                    tracing::warn!(%error, "hand-offs could not be recorded, trying again");
                    tokio::time::sleep(RECORD_PAUSE).await;
                }
                result => return result,
            }
        }
        Ok(())
    }

    async fn try_record(&self, batch: &Batch, settled: &[(Key, Settled)]) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        let now = self.clock.now(&mut tx).await?;
        let waits: BTreeMap<Key, i64> = settled.iter().map(|(key, settled)| (*key, settled.wait_seconds)).collect();
        let owners: Keys = batch
            .customers
            .values()
            .filter(|(_, message)| waits.contains_key(&(message.tenant_id, message.message_id)))
            .map(|(claimed, _)| claimed.key())
            .collect();
        customers::lock(&mut tx, &owners).await?;
        let changed = messages::settle(&mut tx, settled, batch.claim_id, now).await?;
        let planned: BTreeSet<Key> = changed
            .iter()
            .filter(|message| message.status == Status::Planned.as_str())
            .map(messages::Row::key)
            .collect();
        let ended: Keys = changed.iter().map(messages::Row::key).filter(|key| !planned.contains(key)).collect();

        let mut outbox = Outbox::new(REMINDERS, now);
        for decided in decisions::carried_by(&mut tx, &ended).await? {
            events::reminder_decided(&mut outbox, &decided);
        }
        if !planned.is_empty() {
            decisions::withdraw(&mut tx, &planned.iter().copied().collect()).await?;
            let again: Vec<(Key, DateTime<Utc>)> = changed
                .iter()
                .filter(|message| planned.contains(&message.key()))
                .map(|message| {
                    let wait = waits.get(&message.key()).copied().unwrap_or(0);
                    (message.customer(), now + chrono::Duration::seconds(wait))
                })
                .collect();
            claims::leave_alone(&mut tx, &again).await?;
            plan::renew(&mut tx, &again.iter().map(|(customer, _)| *customer).collect()).await?;
        }
        for message in &changed {
            events::message_changed(&mut outbox, message);
        }
        outbox.save(&mut tx).await?;
        tx.commit().await?;
        self.wake.notify();
        Ok(())
    }
}

/// Letters of messages that are `sending`.
struct Letters {
    /// When the check that they rest on was committed.
    checked: Instant,
    written: Vec<Written>,
}

struct Saved {
    outbox: Outbox,
    written: Vec<Written>,
}
