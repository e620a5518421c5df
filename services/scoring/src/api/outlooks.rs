//! `GET /v1/invoices/{invoice}/prediction`, when an open invoice will be paid and why; `GET /v1/risks`, those not yet due
//! that will likely be late.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use chrono::NaiveDate;
use runtime::{Caller, Door, Named, Problem};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::score::{Explanation, Worded, explained, language, worded};
use crate::store::outlooks::{self, OutlookRow, RiskRow};

/// What was told last of an invoice.
#[derive(Debug, Serialize)]
pub(crate) struct Prediction {
    invoice_id: Uuid,
    customer_id: Uuid,
    /// `open`; `closed`: it is settled, and this is what was foretold last.
    status: &'static str,
    /// Six digits; 1 once the due date has passed.
    p_late: Decimal,
    /// Absent once the due date has passed.
    explanation: Option<Explanation>,
    reasons: Vec<Worded>,
    /// Days from due to cleared that it stays below with probability 50, 80 and 90 %; two digits, negative when early.
    /// Absent when it waits longer than delays are told apart.
    p50_delay: Option<Decimal>,
    p80_delay: Option<Decimal>,
    p90_delay: Option<Decimal>,
    structural_days: i32,
    at_risk: bool,
    version: i64,
    invoice_version: i64,
    learned_through: Option<NaiveDate>,
    as_of: NaiveDate,
    model_version: String,
}

pub(crate) async fn show(
    State(door): State<Door>,
    caller: Caller,
    Named(invoice_id): Named<Uuid>,
    headers: HeaderMap,
) -> Result<Json<Prediction>, Problem> {
    caller.require("read")?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let row = outlooks::of(&mut tx, caller.tenant_id, invoice_id).await?.ok_or_else(Problem::not_found)?;
    let language = language(&headers);
    let OutlookRow { contributions, reasons, .. } = &row;
    Ok(Json(Prediction {
        explanation: explained(contributions, reasons, language),
        reasons: worded(reasons, language),
        invoice_id: row.invoice_id,
        customer_id: row.customer_id,
        status: if row.closed { "closed" } else { "open" },
        p_late: row.p_late,
        p50_delay: row.p50_delay,
        p80_delay: row.p80_delay,
        p90_delay: row.p90_delay,
        structural_days: row.structural_days,
        at_risk: row.at_risk,
        version: row.version,
        invoice_version: row.invoice_version,
        learned_through: row.learned_through,
        as_of: row.as_of,
        model_version: row.model_version,
    }))
}

/// Which risks are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// Where the page before ended: `next` of it.
    after: Option<String>,
    /// 1 to 500; 100 when absent.
    limit: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Risks {
    /// The likeliest first.
    risks: Vec<Risk>,
    /// Where the next page begins; absent when there is none.
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct Risk {
    invoice_id: Uuid,
    customer_id: Uuid,
    /// The source's own number of the customer.
    customer: String,
    due_date: NaiveDate,
    open_amount: Decimal,
    currency: String,
    p_late: Decimal,
    p50_delay: Option<Decimal>,
    reasons: Vec<Worded>,
}

const MOST: i64 = 500;
const USUAL: i64 = 100;

pub(crate) async fn risks(
    State(door): State<Door>,
    caller: Caller,
    page: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Risks>, Problem> {
    caller.require("read")?;
    let Query(page) = page.map_err(|rejection| Problem::parameter("after, limit", rejection.body_text()))?;
    let limit = page.limit.unwrap_or(USUAL).clamp(1, MOST);
    let after = page.after.as_deref().map(|after| position(after).ok_or_else(unknown_page)).transpose()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let rows = outlooks::at_risk(&mut tx, caller.tenant_id, after, limit).await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count >= limit);
    let next = rows.last().filter(|_| is_full).map(|row| format!("{}~{}", row.p_late, row.invoice_id));
    let language = language(&headers);
    let risk = |row: RiskRow| Risk {
        invoice_id: row.invoice_id,
        customer_id: row.customer_id,
        customer: row.code,
        due_date: row.due_date,
        open_amount: row.open_amount,
        currency: row.currency.trim_end().to_owned(),
        p_late: row.p_late,
        p50_delay: row.p50_delay,
        reasons: worded(&row.reasons, language),
    };
    Ok(Json(Risks { risks: rows.into_iter().map(risk).collect(), next }))
}

fn position(after: &str) -> Option<(Decimal, Uuid)> {
    let (p_late, invoice_id) = after.split_once('~')?;
    Some((p_late.parse().ok()?, invoice_id.parse().ok()?))
}

fn unknown_page() -> Problem {
    Problem::parameter("after", "expected `next` of an earlier page")
}
