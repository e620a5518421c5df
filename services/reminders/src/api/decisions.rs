//! `GET /v1/decisions?customer=…&day=…`: everything that was decided about a customer on a civil day, sent or not, what
//! waits, and what comes next.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, NaiveDate, Utc};
use runtime::{Caller, Door, Problem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Words, day, hex, unreadable};
use crate::domain::decide::{Outcome, Reason};
use crate::domain::words::{self, Waiting};
use crate::store::{sources, why};

/// Steps ahead that are shown.
const UPCOMING: i64 = 50;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Id or code.
    customer: String,
    /// Civil day of the debtor; today when absent.
    day: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    customer: Who,
    day: NaiveDate,
    decisions: Vec<Explained>,
    waiting: Vec<Waits>,
    next: Vec<Next>,
}

#[derive(Debug, Serialize)]
struct Who {
    customer_id: Uuid,
    code: String,
    segment: String,
    time_zone: String,
}

#[derive(Debug, Serialize)]
struct Explained {
    decision_id: Uuid,
    invoice_id: Uuid,
    number: String,
    outcome: &'static str,
    reason: &'static str,
    words: Words,
    step: i32,
    offset_days: i32,
    strategy: Version,
    template: Version,
    segment: Version,
    message: Option<Carrier>,
    decided_at: DateTime<Utc>,
    inputs: Inputs,
}

#[derive(Debug, Serialize)]
struct Version {
    name: String,
    version: i64,
}

#[derive(Debug, Serialize)]
struct Carrier {
    message_id: Uuid,
    status: String,
    reason: String,
}

/// What it takes to decide it again.
#[derive(Debug, Serialize)]
struct Inputs {
    ingestion_seq: i64,
    promises_seq: i64,
    snapshot: serde_json::Value,
    snapshot_sha256: String,
}

#[derive(Debug, Serialize)]
struct Waits {
    invoice_id: Uuid,
    number: String,
    due_at: DateTime<Utc>,
    reason: &'static str,
    words: Words,
}

#[derive(Debug, Serialize)]
struct Next {
    invoice_id: Uuid,
    number: String,
    at: DateTime<Utc>,
    words: Words,
}

pub(super) async fn list(
    State(door): State<Door>,
    caller: Caller,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    caller.require("read")?;
    let Query(params) = params.map_err(|rejection| unreadable(&rejection))?;
    let asked = params.day.as_deref().map(day).transpose()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let now = door.clock.now(&mut tx).await?;
    let Some(customer) = why::customer(&mut tx, caller.tenant_id, &params.customer).await? else {
        return Err(Problem::not_found());
    };
    let day = asked.unwrap_or_else(|| customer.window.day(now));
    let decisions = why::decisions(&mut tx, caller.tenant_id, customer.customer_id, day).await?;
    let upcoming = why::upcoming(&mut tx, caller.tenant_id, customer.customer_id, UPCOMING).await?;
    let covered = sources::is_covered(&mut tx, caller.tenant_id, now).await?;
    tx.commit().await?;

    let waiting_for = if !covered {
        Waiting::Coverage
    } else if customer.not_before.is_some_and(|until| until > now) {
        Waiting::Customer
    } else {
        Waiting::Sweep
    };
    let (due, ahead): (Vec<_>, Vec<_>) = upcoming.into_iter().partition(|step| step.next_step_at <= now);
    Ok(Json(Answer {
        day,
        decisions: decisions.into_iter().filter_map(decision).collect(),
        waiting: due
            .into_iter()
            .map(|step| Waits {
                invoice_id: step.invoice_id,
                due_at: step.next_step_at,
                reason: waiting_for.as_str(),
                words: Words::of(|language| words::waiting(&step.number, waiting_for, language)),
                number: step.number,
            })
            .collect(),
        next: ahead
            .into_iter()
            .map(|step| Next {
                invoice_id: step.invoice_id,
                at: step.next_step_at,
                words: Words::of(|language| {
                    words::planned(&step.number, customer.window.day(step.next_step_at), language)
                }),
                number: step.number,
            })
            .collect(),
        customer: Who {
            customer_id: customer.customer_id,
            code: customer.code,
            segment: customer.segment,
            time_zone: customer.window.zone.name().to_owned(),
        },
    }))
}

fn decision(row: why::Explained) -> Option<Explained> {
    let outcome = row.outcome?;
    let carried = outcome == Outcome::Send;
    let message = carried.then(|| Carrier {
        message_id: row.message_id,
        status: row.message_status.clone(),
        reason: row.message_reason,
    });
    let status = carried.then_some(row.message_status.as_str());
    // The first of several holds is named; the snapshot has them all.
    let on_hold = outcome == Outcome::Suppressed(Reason::OnHold);
    let kind = row.snapshot.pointer("/holds/0/kind").and_then(serde_json::Value::as_str).filter(|_| on_hold);
    Some(Explained {
        words: Words::of(|language| words::decision(&row.number, row.offset_days, outcome, status, kind, language)),
        decision_id: row.decision_id,
        invoice_id: row.invoice_id,
        number: row.number,
        outcome: outcome.as_str(),
        reason: outcome.reason(),
        step: row.step,
        offset_days: row.offset_days,
        strategy: Version { name: row.strategy, version: row.strategy_version.into() },
        template: Version { name: row.template, version: row.template_version.into() },
        segment: Version { name: row.segment, version: row.segment_version },
        message,
        decided_at: row.decided_at,
        inputs: Inputs {
            ingestion_seq: row.ingestion_seq,
            promises_seq: row.promises_seq,
            snapshot: row.snapshot,
            snapshot_sha256: hex(&row.snapshot_sha256),
        },
    })
}
