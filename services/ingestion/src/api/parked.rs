//! `GET /v1/parked`: what was accepted and waits, and for what.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use runtime::{Caller, Door, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::quarantine::{Page, page};
use crate::store;
use crate::store::proofs::ParkedRow;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Parked {
    parked: Vec<ParkedRow>,
}

/// What was accepted and waits, and for what.
///
/// Scope `read`.
#[utoipa::path(get, path = "/v1/parked", operation_id = "get_parked", tag = "ledger", params(Page),
    responses((status = 200, description = "Facts that wait for others", body = Parked)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Parked>, Problem> {
    caller.require("read")?;
    let limit = page(query)?.limit()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    Ok(Json(Parked { parked: store::proofs::parked(&mut tx, caller.tenant_id, limit).await? }))
}
