//! `GET /v1/ledger/conservation`: that no money appeared or vanished (M1, M2).

use axum::Json;
use axum::extract::State;
use runtime::{Caller, Door, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store;
use crate::store::proofs::ConservationRow;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Conservation {
    conserved: bool,
    rows: Vec<ConservationRow>,
}

/// Has money appeared or vanished?
///
/// Scope `read`. It is added up now, from all that was accepted.
#[utoipa::path(get, path = "/v1/ledger/conservation", operation_id = "get_conservation", tag = "ledger",
    responses((status = 200, description = "What was found", body = Conservation)))]
pub(super) async fn get(caller: Caller, State(door): State<Door>) -> Result<Json<Conservation>, Problem> {
    caller.require("read")?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let rows = store::proofs::conservation(&mut tx, caller.tenant_id).await?;
    let conserved = rows.iter().all(|row| row.broken == 0 && row.total == row.settled + row.remaining);
    Ok(Json(Conservation { conserved, rows }))
}
