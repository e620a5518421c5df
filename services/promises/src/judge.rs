//! Judging many promises at once, for handlers and sweeps alike: load the facts, decide each, save what changed, tell it.
//! Instalments of one plan are judged in their order, because one that is broken ends those after it; those after it that are
//! not here are looked at behind the next barrier.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use contracts::stream;
use messaging::Outbox;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::alert::{Alarm, AlertKind};
use crate::domain::judgement::{Moment, judge};
use crate::domain::policy::Policy;
use crate::domain::promise::{Promise, PromiseKey, State};
use crate::outgoing;
use crate::store::plans::Judged;
use crate::store::promises::Standing;
use crate::store::{self, StoreError};

/// Judges promises that are locked and sorted by key, each at its own moment, and appends what changed to the outbox. Returns
/// whether others have become due by it.
pub(crate) async fn judge_all(
    conn: &mut PgConnection,
    mut standing: Vec<Standing>,
    policy: &Policy,
    now: DateTime<Utc>,
    moment_of: impl Fn(&Standing) -> Moment + Send,
) -> Result<bool, StoreError> {
    let keys: Vec<PromiseKey> = standing.iter().map(|standing| standing.promise.key).collect();
    let mut facts = store::facts::of(conn, &keys).await?;
    let mut touched = Vec::new();
    let mut outbox = Outbox::new(stream::PROMISES, now);
    let (mut concluded, mut alarms) = (Vec::new(), Vec::new());
    let mut plans = Plans::default();
    standing.sort_by_key(|standing| standing.promise.instalment.as_ref().map(|instalment| instalment.number));
    for mut standing in standing {
        let key = standing.promise.key;
        let Some((invoice_ids, mut facts)) = facts.remove(&key) else { continue };
        facts.defaulted_on = plans.defaulted_on(&standing.promise).into_iter().chain(facts.defaulted_on).min();
        standing.promise.invoice_ids = invoice_ids;
        let before = standing.state;
        let moment = moment_of(&standing);
        let judgement = judge(&standing.promise, standing.terms, before, &facts, policy, now, moment)
            .map_err(|cause| StoreError::Amount { key, cause })?;
        let look_again = store::promises::judge_at(judgement.look_again);
        plans.note(&standing, before, judgement.state);
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
    touched.sort_by_key(|standing| standing.promise.key);
    concluded.sort_unstable();
    alarms.sort_by_key(|alarm: &Alarm| alarm.promise);
    store::promises::save(conn, &touched, now).await?;
    for alert in store::alerts::settle(conn, &concluded, &alarms, now).await? {
        outbox.push(&outgoing::alert_changed(&alert));
    }
    outbox.save(conn).await?;
    Ok(store::plans::wake_later(conn, &plans.turned).await? > 0)
}

/// What the instalments judged so far mean to those after them.
#[derive(Default)]
struct Plans {
    /// By tenant and plan, the last day of the first that was broken or kept in part.
    defaulted_on: BTreeMap<(Uuid, Uuid), NaiveDate>,
    /// Those that have become a default, or are none any more.
    turned: Vec<Judged>,
}

impl Plans {
    fn defaulted_on(&self, promise: &Promise) -> Option<NaiveDate> {
        let instalment = promise.instalment.as_ref()?;
        self.defaulted_on.get(&(promise.key.tenant_id, instalment.plan_id)).copied()
    }

    fn note(&mut self, standing: &Standing, before: State, after: State) {
        let Some(instalment) = &standing.promise.instalment else { return };
        let tenant_id = standing.promise.key.tenant_id;
        if after.status.is_default() {
            self.defaulted_on.entry((tenant_id, instalment.plan_id)).or_insert(standing.terms.last_day);
        }
        if before.status.is_default() != after.status.is_default() {
            self.turned.push(Judged { tenant_id, plan_id: instalment.plan_id, instalment: instalment.number });
        }
    }
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
