//! What was left half done. When a worker died: a claim is given back, a hand-off becomes uncertain and is never repeated
//! (R1). When a day ended without a hand-off, and its customer has nothing due any more: the message has failed (R3).

use chrono::{DateTime, Days, Utc};
use faults::Bug;
use messaging::{Outbox, Wake};
use runtime::{Clock, Sweep};
use sqlx::{PgConnection, PgPool};

use super::dispatch::DAY_OVER;
use super::events;
use crate::domain::message::Status;
use crate::store::messages::Row;
use crate::store::{Keys, claims, decisions, messages, plan};

/// A message is given up when its civil day is over in every zone there is.
const OVER_EVERYWHERE: Days = Days::new(1);

/// Ends leases that ran out in real time.
pub(crate) struct Leases {
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) wake: Wake,
}

impl Sweep for Leases {
    fn name(&self) -> &'static str {
        "reminder_leases"
    }

    async fn run(&self) -> anyhow::Result<bool> {
        let mut tx = self.pool.begin().await?;
        let now = self.clock.now(&mut tx).await?;
        claims::expire(&mut tx).await?;
        let under_way = if faults::seeded(Bug::ResendOnLeaseExpiry) { Status::Planned } else { Status::Uncertain };
        let gone = "the worker was gone before the relay's answer was recorded";
        let expired = messages::expire(&mut tx, under_way, gone, now).await?;
        if faults::seeded(Bug::ResendOnLeaseExpiry) {
            plan_again(&mut tx, &expired, now).await?;
        }
        let uncertain: Vec<&Row> = expired.iter().filter(|message| message.status == "uncertain").collect();
        if !uncertain.is_empty() {
            tracing::warn!(count = uncertain.len(), "hand-offs are uncertain");
        }
        let mut outbox = Outbox::new(contracts::stream::REMINDERS, now);
        let carried: Keys = uncertain.iter().map(|message| message.key()).collect();
        for decided in decisions::carried_by(&mut tx, &carried).await? {
            events::reminder_decided(&mut outbox, &decided);
        }
        let today = now.date_naive();
        let open = today.checked_sub_days(OVER_EVERYWHERE).unwrap_or(today);
        for message in &messages::give_up_before(&mut tx, open, DAY_OVER, now).await? {
            events::message_changed(&mut outbox, message);
        }
        for message in uncertain {
            events::message_changed(&mut outbox, message);
        }
        let published = !outbox.is_empty();
        outbox.save(&mut tx).await?;
        tx.commit().await?;
        if published {
            self.wake.notify();
        }
        Ok(false)
    }
}

/// The seeded bug: what may have reached the debtor is due again.
async fn plan_again(conn: &mut PgConnection, expired: &[Row], now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    decisions::withdraw(conn, &expired.iter().map(Row::key).collect()).await?;
    let again: Vec<_> = expired.iter().map(|message| (message.customer(), now)).collect();
    claims::leave_alone(conn, &again).await?;
    plan::renew(conn, &again.iter().map(|(customer, _)| *customer).collect()).await
}
