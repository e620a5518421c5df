//! Judging many promises at once, for handlers and sweeps alike: load the facts, decide each, save what changed, tell it.

use chrono::{DateTime, Utc};
use contracts::stream;
use messaging::Outbox;
use sqlx::PgConnection;

use crate::domain::alert::{Alarm, AlertKind};
use crate::domain::judgement::{Moment, judge};
use crate::domain::policy::Policy;
use crate::domain::promise::{PromiseKey, State};
use crate::outgoing;
use crate::store::promises::Standing;
use crate::store::{self, StoreError};

/// Judges promises that are locked and sorted by key, each at its own moment, and appends what changed to the outbox.
pub(crate) async fn judge_all(
    conn: &mut PgConnection,
    standing: Vec<Standing>,
    policy: &Policy,
    now: DateTime<Utc>,
    moment_of: impl Fn(&Standing) -> Moment + Send,
) -> Result<(), StoreError> {
    let keys: Vec<PromiseKey> = standing.iter().map(|standing| standing.promise.key).collect();
    let mut facts = store::facts::of(conn, &keys).await?;
    let mut touched = Vec::new();
    let mut outbox = Outbox::new(stream::PROMISES, now);
    let (mut concluded, mut alarms) = (Vec::new(), Vec::new());
    for mut standing in standing {
        let key = standing.promise.key;
        let Some((invoice_ids, facts)) = facts.remove(&key) else { continue };
        standing.promise.invoice_ids = invoice_ids;
        let before = standing.state;
        let moment = moment_of(&standing);
        let judgement = judge(&standing.promise, standing.terms, before, &facts, policy, now, moment)
            .map_err(|cause| StoreError::Amount { key, cause })?;
        let look_again = store::promises::judge_at(judgement.look_again);
        let is_news = !judgement.state.looks_like(&before) || standing.version == 0;
        if !is_news && judgement.state == before && look_again == standing.judge_at {
            continue;
        }
        standing.state = judgement.state;
        standing.judge_at = look_again;
        if is_news {
            standing.version += 1;
            outbox.push(&outgoing::promise_changed(&standing, now));
            concluded.push(key);
            alarms.extend(alarm(&standing));
        }
        observe(&standing, before, now);
        touched.push(standing);
    }
    store::promises::save(conn, &touched, now).await?;
    for alert in store::alerts::settle(conn, &concluded, &alarms, now).await? {
        outbox.push(&outgoing::alert_changed(&alert));
    }
    Ok(outbox.save(conn).await?)
}

fn alarm(standing: &Standing) -> Option<Alarm> {
    let promise = &standing.promise;
    let kind = AlertKind::deserved_by(standing.state.status)?;
    let missing = promise.amount.minus(standing.state.paid).ok()?;
    Some(Alarm { promise: promise.key, customer_id: promise.customer_id, kind, missing })
}

fn observe(standing: &Standing, before: State, now: DateTime<Utc>) {
    let status = standing.state.status;
    if status != before.status {
        metrics::counter!("puntual_promises_judged_total", "status" => status.as_str()).increment(1);
    }
    if before.confirmed_at.is_none() && standing.state.confirmed_at.is_some() {
        let late = (now - standing.terms.deadline(standing.promise.zone)).to_std().unwrap_or_default();
        metrics::histogram!("puntual_promise_deadline_lag_seconds").record(late);
    }
}
