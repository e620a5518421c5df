//! `GET /v1/promises?status=&customer=`: the caller's promises by promised day.

use axum::Json;
use axum::extract::{Query, State};
use chrono::{DateTime, NaiveDate, Utc};
use runtime::{Caller, Door, Problem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{cut, id, limit};
use crate::domain::promise::Status;
use crate::store;
use crate::store::promise_list::Listed;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    status: Option<String>,
    customer: Option<String>,
    after: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Page {
    promises: Vec<Item>,
    /// What to give as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// Amounts are decimals of `currency`; days are local to the promise, instants UTC.
#[derive(Serialize)]
pub(super) struct Item {
    promise_id: Uuid,
    code: String,
    customer_id: Uuid,
    legal_entity_id: Uuid,
    invoice_ids: Vec<Uuid>,
    amount: String,
    paid_amount: String,
    currency: String,
    made_on: NaiveDate,
    promised_date: NaiveDate,
    deadline_at: DateTime<Utc>,
    channel: String,
    status: String,
    late_information: bool,
    version: i64,
    changed_at: DateTime<Utc>,
}

pub(super) async fn list(
    State(door): State<Door>,
    caller: Caller,
    filter: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page>, Problem> {
    caller.require("read")?;
    let Query(filter) = filter.map_err(|error| Problem::parameter("query", error.body_text()))?;
    let status = filter.status.as_deref().map(str::parse::<Status>).transpose();
    let status = status.map_err(|error| Problem::parameter("status", error.to_string()))?;
    let customer = id("customer", filter.customer.as_deref())?;
    let after = id("after", filter.after.as_deref())?;
    let limit = limit(filter.limit)?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let found = store::promise_list::page(&mut tx, caller.tenant_id, status, customer, after, limit + 1).await?;
    let mut promises: Vec<_> = found.into_iter().map(Item::from).collect();
    let next = cut(&mut promises, limit, |item| item.promise_id);
    Ok(Json(Page { promises, next }))
}

impl From<Listed> for Item {
    fn from(listed: Listed) -> Self {
        let currency = primitives::Currency::parse(&listed.currency).ok();
        // At the currency's own scale, whatever numeric kept.
        let text = |amount| {
            let money = currency.and_then(|currency| primitives::Money::new(amount, currency).ok());
            money.map_or_else(|| amount.to_string(), |money| money.to_string())
        };
        Self {
            amount: text(listed.amount),
            paid_amount: text(listed.paid_amount),
            promise_id: listed.promise_id,
            code: listed.code,
            customer_id: listed.customer_id,
            legal_entity_id: listed.legal_entity_id,
            invoice_ids: listed.invoice_ids,
            currency: listed.currency,
            made_on: listed.made_on,
            promised_date: listed.promised_date,
            deadline_at: listed.deadline_at,
            channel: listed.channel,
            status: listed.status,
            late_information: listed.late_information,
            version: listed.version,
            changed_at: listed.changed_at,
        }
    }
}
