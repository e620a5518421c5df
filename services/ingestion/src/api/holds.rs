//! `GET /v1/holds`: what is paused, and the answers of debtors that nobody has looked at.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use runtime::{Caller, Door, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::accept::now;
use super::quarantine::{Page, page};
use crate::store;
use crate::store::holds::ListedRow;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Holds {
    holds: Vec<ListedRow>,
}

/// Shows what is paused, and the answers of debtors that nobody has looked at, the oldest first.
///
/// Scope `read`. Pauses that were lifted or are over are not shown, but a debtor's answer is while its pause is over and one of its
/// invoices is still open: `unanswered`. Days are those of the tenant.
#[utoipa::path(get, path = "/v1/holds", operation_id = "list_holds", tag = "ledger", params(Page),
    responses((status = 200, description = "Pauses and unanswered claims", body = Holds)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Holds>, Problem> {
    caller.require("read")?;
    let limit = page(query)?.limit()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let now = now(&door, &mut tx).await?;
    Ok(Json(Holds { holds: store::holds::listed(&mut tx, caller.tenant_id, now, limit).await? }))
}
