//! `GET /v1/late-deliveries`: invoices that reached their debtors late, and how long deliveries take.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use runtime::{Caller, Door, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::accept::now;
use super::quarantine::{Page, page};
use crate::store;
use crate::store::deliveries::{LateRow, MonthRow};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LateDeliveries {
    invoices: Vec<LateRow>,
    months: Vec<MonthRow>,
}

/// Shows open invoices that reached their debtors late, and how long deliveries took month by month.
///
/// Scope `read`. Late is more days after the issue than the settings say, or after the due date: reminders count from the delivery then. The months
/// are the last twelve, by day of issue; how an invoice is delivered is told by `invoice.delivered` or with it.
#[utoipa::path(get, path = "/v1/late-deliveries", operation_id = "list_late_deliveries", tag = "ledger", params(Page),
    responses((status = 200, description = "The last delivered first", body = LateDeliveries)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Json<LateDeliveries>, Problem> {
    caller.require("read")?;
    let limit = page(query)?.limit()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let now = now(&door, &mut tx).await?;
    let settings = store::settings::in_force(&mut tx, caller.tenant_id).await?;
    let after_days = i32::try_from(settings.late_delivery_days).unwrap_or(i32::MAX);
    Ok(Json(LateDeliveries {
        invoices: store::deliveries::late(&mut tx, caller.tenant_id, (after_days, limit)).await?,
        months: store::deliveries::months(&mut tx, caller.tenant_id, after_days, now).await?,
    }))
}
