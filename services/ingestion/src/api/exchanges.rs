//! `GET /v1/exchanges`: what payments settled of invoices in another currency, with both amounts and what ties them.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use runtime::{Caller, Door, Problem};

use super::quarantine::{Page, page};
use crate::store;
use crate::store::exchanges::ExchangedRow;

/// Shows what was paid in another currency than it was owed in.
///
/// Scope `read`. Payments that wait for a rate are among the parked.
#[utoipa::path(get, path = "/v1/exchanges", operation_id = "list_exchanges", tag = "ledger", params(Page),
    responses((status = 200, description = "The last value date first", body = Vec<ExchangedRow>)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Vec<ExchangedRow>>, Problem> {
    caller.require("read")?;
    let limit = page(query)?.limit()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    Ok(Json(store::exchanges::exchanged(&mut tx, caller.tenant_id, limit).await?))
}
