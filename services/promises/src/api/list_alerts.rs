//! `GET /v1/alerts?status=raised`: what a person should look at, oldest first.

use axum::Json;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};
use runtime::{Caller, Door, Problem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{cut, id, limit};
use crate::domain::alert::{Alert, AlertStatus};
use crate::store;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    status: Option<String>,
    after: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Page {
    alerts: Vec<Item>,
    /// What to give as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

#[derive(Serialize)]
pub(super) struct Item {
    alert_id: Uuid,
    kind: String,
    status: &'static str,
    customer_id: Uuid,
    promise_id: Uuid,
    /// What is missing of the promised amount.
    amount: String,
    currency: String,
    raised_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cleared_at: Option<DateTime<Utc>>,
}

pub(super) async fn list(
    State(door): State<Door>,
    caller: Caller,
    filter: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page>, Problem> {
    caller.require("read")?;
    let Query(filter) = filter.map_err(|error| Problem::parameter("query", error.body_text()))?;
    let status = filter.status.as_deref().map(str::parse::<AlertStatus>).transpose();
    let status = status.map_err(|error| Problem::parameter("status", error.to_string()))?;
    let after = id("after", filter.after.as_deref())?;
    let limit = limit(filter.limit)?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let found = store::alerts::list(&mut tx, caller.tenant_id, status, after, limit + 1).await?;
    let mut alerts: Vec<_> = found.into_iter().map(Item::from).collect();
    let next = cut(&mut alerts, limit, |item| item.alert_id);
    Ok(Json(Page { alerts, next }))
}

impl From<Alert> for Item {
    fn from(alert: Alert) -> Self {
        Self {
            alert_id: alert.id,
            kind: alert.kind,
            status: alert.status.as_str(),
            customer_id: alert.customer_id,
            promise_id: alert.promise_id,
            amount: alert.missing.to_string(),
            currency: alert.missing.currency().to_string(),
            raised_at: alert.raised_at,
            cleared_at: alert.cleared_at,
        }
    }
}
