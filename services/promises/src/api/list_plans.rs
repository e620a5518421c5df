//! `GET /v1/plans?customer=`: the caller's payment plans with their instalments, and what each plan comes to.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use chrono::NaiveDate;
use primitives::{Currency, Money};
use runtime::{Caller, Door, Problem};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{cut, id, limit};
use crate::domain::plan::PlanStatus;
use crate::domain::promise::Status;
use crate::store;
use crate::store::plans::Listed;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    customer: Option<String>,
    after: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Page {
    plans: Vec<Item>,
    /// What to give as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// Amounts are decimals of `currency`; days are local to the plan.
#[derive(Serialize)]
pub(super) struct Item {
    plan_id: Uuid,
    code: String,
    customer_id: Uuid,
    legal_entity_id: Uuid,
    invoice_ids: Vec<Uuid>,
    amount: String,
    paid_amount: String,
    currency: String,
    agreed_on: NaiveDate,
    /// `active`, `completed`, `broken`, `withdrawn` or `replaced`.
    status: String,
    instalments: Vec<Part>,
}

#[derive(Serialize)]
pub(super) struct Part {
    promise_id: Uuid,
    instalment: i32,
    promised_date: NaiveDate,
    amount: String,
    paid_amount: String,
    /// As that of a promise.
    status: String,
}

pub(super) async fn list(
    State(door): State<Door>,
    caller: Caller,
    filter: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page>, Problem> {
    caller.require("read")?;
    let Query(filter) = filter.map_err(|error| Problem::parameter("query", error.body_text()))?;
    let customer = id("customer", filter.customer.as_deref())?;
    let after = id("after", filter.after.as_deref())?;
    let limit = limit(filter.limit)?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let found = store::plans::page(&mut tx, caller.tenant_id, customer, after, limit + 1).await?;
    let mut by_plan: BTreeMap<Uuid, Vec<Listed>> = BTreeMap::new();
    for listed in found {
        by_plan.entry(listed.plan_id).or_default().push(listed);
    }
    let mut plans: Vec<Item> = by_plan.values().filter_map(|listed| plan(listed)).collect();
    let next = cut(&mut plans, limit, |plan| plan.plan_id);
    Ok(Json(Page { plans, next }))
}

/// The instalments of one plan; none of no instalment.
fn plan(listed: &[Listed]) -> Option<Item> {
    let statuses: Vec<Status> = listed.iter().filter_map(|listed| listed.status.parse().ok()).collect();
    let first = listed.first()?;
    let currency = Currency::parse(&first.currency).ok();
    // At the currency's own scale, whatever numeric kept.
    let text = |amount: Decimal| {
        let money = currency.and_then(|currency| Money::new(amount, currency).ok());
        money.map_or_else(|| amount.to_string(), |money| money.to_string())
    };
    let expected = usize::try_from(first.instalments).unwrap_or(usize::MAX);
    Some(Item {
        plan_id: first.plan_id,
        code: first.plan_code.clone(),
        customer_id: first.customer_id,
        legal_entity_id: first.legal_entity_id,
        invoice_ids: first.invoice_ids.clone(),
        amount: text(listed.iter().map(|listed| listed.amount).sum()),
        paid_amount: text(listed.iter().map(|listed| listed.paid_amount).sum()),
        currency: first.currency.clone(),
        agreed_on: first.made_on,
        status: PlanStatus::of(&statuses, expected).to_string(),
        instalments: listed
            .iter()
            .map(|listed| Part {
                promise_id: listed.promise_id,
                instalment: listed.instalment,
                promised_date: listed.promised_date,
                amount: text(listed.amount),
                paid_amount: text(listed.paid_amount),
                status: listed.status.clone(),
            })
            .collect(),
    })
}
