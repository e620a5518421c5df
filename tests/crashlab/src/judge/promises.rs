//! P1 to P5: a promise ends once, never early, as its payments say.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use contracts::promises::PromiseChanged;
use contracts::{Event, wire};
use prost::Message;
use sqlx::Row;

use super::{Case, Findings, rows, tenant_of, text};
use crate::fault::Fault;
use crate::oracle::Key;
use crate::told::{TENANTS, Told};
use crate::workload::shift;

/// One published state.
pub(super) struct Said {
    pub(super) version: u64,
    pub(super) status: String,
    pub(super) late: bool,
    pub(super) at: DateTime<Utc>,
}

pub(super) fn is_end(status: &str) -> bool {
    !matches!(status, "open" | "due_unconfirmed")
}

/// What promises has published, by promise and in order of version.
pub(super) async fn said(case: &Case<'_>) -> anyhow::Result<BTreeMap<Key, Vec<Said>>> {
    let codes = rows(case.world, "promises", "SELECT tenant_id, promise_id, code FROM promises").await?;
    let codes: BTreeMap<&str, Key> =
        codes.iter().map(|row| (text(row, "promise_id"), (tenant_of(row), text(row, "code").to_owned()))).collect();
    let mut conn = case.world.database("promises").await?;
    let events = sqlx::query("SELECT payload FROM outbox WHERE subject = $1 ORDER BY id")
        .bind(PromiseChanged::SUBJECT)
        .fetch_all(&mut conn)
        .await?;
    let mut said: BTreeMap<Key, Vec<Said>> = BTreeMap::new();
    for event in events {
        let event = PromiseChanged::decode(event.get::<Vec<u8>, _>(0).as_slice())?;
        let at = wire::instant("changed_at", event.changed_at.as_ref())?;
        let Some(key) = codes.get(event.promise_id.as_str()) else { continue };
        let one = Said { version: event.version, status: event.status, late: event.late_information, at };
        said.entry(key.clone()).or_default().push(one);
    }
    for said in said.values_mut() {
        said.sort_by_key(|said| said.version);
    }
    Ok(said)
}

pub(super) async fn judge(case: &Case<'_>, findings: &mut Findings) -> anyhow::Result<()> {
    let today = case.schedule.days[case.schedule.days.len() - 1];
    let found = rows(
        case.world,
        "promises",
        "SELECT tenant_id, code, status, trim_scale(paid_amount)::text AS paid FROM promises WHERE version > 0",
    )
    .await?;
    findings.unless(found.len() == case.truth.promises.len(), "P1", || {
        format!("{} promises were judged, {} were made", found.len(), case.truth.promises.len())
    });
    for row in &found {
        let key = (tenant_of(row), text(row, "code").to_owned());
        let Some(promise) = case.truth.promises.get(&key) else {
            findings.add("P1", format!("promise {key:?} was never made"));
            continue;
        };
        let (status, paid) = (promise.status(today), promise.paid.normalize().to_string());
        findings.unless(text(row, "status") == status && text(row, "paid") == paid, "P1", || {
            format!("promise {key:?} is {row}, should be {status} with {paid} paid")
        });
    }
    for tenant in 0..TENANTS.len() {
        let shown = case.world.get(tenant, "promises", "/v1/promises?limit=200").await?;
        let listed = shown["promises"].as_array().map_or(0, Vec::len);
        let made = case.truth.promises.keys().filter(|(of, _)| *of == tenant).count();
        findings.unless(listed == made, "P1", || format!("the door lists {listed} promises of {made}"));
    }
    let said = said(case).await?;
    for (key, said) in &said {
        if let Some(promise) = case.truth.promises.get(key) {
            story(case, key, promise.until, said, findings);
        }
    }
    Ok(())
}

/// The states of one promise, in the order in which they were published.
fn story(case: &Case<'_>, key: &Key, until: NaiveDate, said: &[Said], findings: &mut Findings) {
    // Bogota is five hours behind, all year.
    let deadline = shift(until, 1).and_hms_opt(5, 0, 0).unwrap_or_default().and_utc();
    let mut ended: Option<&Said> = None;
    for state in said {
        if matches!(state.status.as_str(), "broken" | "partially_kept" | "due_unconfirmed") {
            findings.unless(state.at >= deadline, "P2", || {
                format!("promise {key:?} is {} at {}, before {deadline}", state.status, state.at)
            });
        }
        if matches!(state.status.as_str(), "broken" | "partially_kept") {
            let covered = covered_on(case, key.0, state.at.date_naive());
            let cap = crate::oracle::bank_days_after(until, 3);
            findings.unless(covered.is_some_and(|day| day > until) || state.at.date_naive() > cap, "P1", || {
                format!("promise {key:?} is {} at {}, the bank has told {covered:?}", state.status, state.at)
            });
            let missed = downtimes(case).any(|day| {
                day > until
                    && state.at.date_naive() > day
                    && covered_on(case, key.0, day).is_some_and(|told| told > until)
            });
            if missed && ended.is_none() {
                case.world.tally.add("promise_late_after_downtime", 1);
            }
        }
        if is_end(&state.status) {
            if let Some(before) = ended
                && before.status != state.status
            {
                let conclusion = |status: &str| matches!(status, "broken" | "partially_kept");
                // What the clock concluded changes by late information only; what a deed concluded, by a correction.
                findings.unless(state.late || !conclusion(&before.status), "P4", || {
                    format!(
                        "promise {key:?} was {} and became {} without late information",
                        before.status, state.status
                    )
                });
            }
            ended = Some(state);
        }
    }
    match said.last() {
        Some(last) if last.status == "kept" && last.late => case.world.tally.add("race_payment_after_deadline", 1),
        Some(last) if last.status == "kept" => case.world.tally.add("race_payment_before_deadline", 1),
        _ => {}
    }
}

/// The days that promises did not live.
fn downtimes(case: &Case<'_>) -> impl Iterator<Item = NaiveDate> {
    case.schedule.faults.iter().filter_map(|planned| match &planned.fault {
        Fault::RoleDownForADay { role } if role == "promises" => Some(case.schedule.days[planned.day]),
        _ => None,
    })
}

/// What the bank of a tenant had been told to have covered, at the latest by a day.
pub(super) fn covered_on(case: &Case<'_>, tenant: usize, today: NaiveDate) -> Option<NaiveDate> {
    case.schedule
        .facts
        .iter()
        .filter(|fact| fact.tenant == tenant && case.schedule.days[fact.day] <= today)
        .filter_map(|fact| match &fact.told {
            Told::Covered { source, day } if source == "bank" => Some(*day),
            _ => None,
        })
        .max()
}
