//! `GET /v1/kpis?from=YYYY-MM-DD&to=YYYY-MM-DD`: the key figures of a window of days.
//!
//! Amounts, days and rates are decimal strings with a fixed number of digits, so that the same facts give the same bytes;
//! a rate without a denominator is null. `to` is today unless given, and a later one counts as today: what has not
//! happened has no figures. `from` is the first day eleven months before the month of `to` unless given.

mod answer;

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use chrono::NaiveDate;
use primitives::civil;
use runtime::{Caller, Door, Problem};

use self::answer::Kpis;
use super::desk::Desk;
use super::parameters::Parameters;
use crate::ReportingConfig;
use crate::domain::contacts::ContactTally;
use crate::domain::month::Month;
use crate::domain::promise::{PromiseTally, PromisedMoney};
use crate::domain::series;
use crate::store::alerts::AlertCount;
use crate::store::credits::Unapplied;
use crate::store::messages::Contacted;
use crate::store::recovery::{Lateness, Recovery};
use crate::store::{alerts, credits, decisions, ledger, messages, promises, recovery};

/// Months told when no start is asked for.
const DEFAULT_MONTHS: u32 = 12;

/// Everything that the answer is made of.
struct Figures {
    from: NaiveDate,
    to: NaiveDate,
    month_ends: Vec<series::MonthEnd>,
    promises: PromiseTally,
    promised: Vec<PromisedMoney>,
    contacts: ContactTally,
    contacted: Contacted,
    alerts: Vec<AlertCount>,
    unapplied: Vec<Unapplied>,
    lateness: Vec<Lateness>,
    recovery: Vec<Recovery>,
}

pub(super) async fn show(
    caller: Caller,
    State(door): State<Door>,
    Extension(settings): Extension<Arc<ReportingConfig>>,
    parameters: Parameters,
) -> Result<Json<Kpis>, Problem> {
    parameters.only(&["from", "to"])?;
    let (from, to) = (parameters.date("from")?, parameters.date("to")?);
    let mut desk = Desk::open(&door, &caller).await?;
    let to = to.map_or(desk.today, |to| to.min(desk.today));
    let from = from.unwrap_or_else(|| Month::of(to).back(DEFAULT_MONTHS - 1).first_day());
    if from > to {
        return Err(Problem::parameter("from", format!("is after {to}, the last day that is answered for")));
    }
    let figures = collect(&mut desk, from, to, settings.promise_window_days).await?;
    Ok(Json(answer::of(figures)))
}

async fn collect(desk: &mut Desk, from: NaiveDate, to: NaiveDate, window_days: u16) -> Result<Figures, sqlx::Error> {
    let (tenant_id, conn) = (desk.tenant_id, &mut *desk.conn);
    let ledger = ledger::movements(conn, tenant_id, to).await?;
    let groups = promises::groups(conn, tenant_id, from, to).await?;
    let decided = decisions::groups(conn, tenant_id, from, to).await?;
    let sent = messages::groups(conn, tenant_id, from, to).await?;
    let (start, end) = (civil::start_of_day(from, desk.zone), civil::end_of_day(to, desk.zone));
    Ok(Figures {
        from,
        to,
        month_ends: series::month_ends(&ledger, Month::of(from), to),
        promises: PromiseTally::of(&groups),
        promised: PromisedMoney::of(&groups),
        contacts: ContactTally::of(&decided, &sent),
        contacted: messages::contacted(conn, tenant_id, from, to, i32::from(window_days)).await?,
        alerts: alerts::counts(conn, tenant_id, start, end).await?,
        unapplied: credits::unapplied(conn, tenant_id, to).await?,
        lateness: recovery::lateness(conn, tenant_id, from, to).await?,
        recovery: recovery::recovery(conn, tenant_id, from, to).await?,
    })
}
