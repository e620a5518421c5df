//! `GET /v1/parked`: what was accepted and waits, and for what.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use runtime::{Caller, Door, Problem};
use serde::Serialize;

use super::quarantine::{Page, page};
use crate::store;
use crate::store::proofs::ParkedRow;

#[derive(Debug, Serialize)]
pub(super) struct Parked {
    parked: Vec<ParkedRow>,
}

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
