//! `GET /v1/unapplied`: what belongs to payers and settles nothing, by payer and currency.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use runtime::{Caller, Door, Problem};
use serde::Serialize;

use super::quarantine::{Page, page};
use crate::store;
use crate::store::proofs::UnappliedRow;

#[derive(Debug, Serialize)]
pub(super) struct Unapplied {
    rows: Vec<UnappliedRow>,
}

pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Unapplied>, Problem> {
    caller.require("read")?;
    let limit = page(query)?.limit()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    Ok(Json(Unapplied { rows: store::proofs::unapplied(&mut tx, caller.tenant_id, limit).await? }))
}
