//! `GET /v1/receipts/{source}/{id}`: whether a fact was accepted, for callers who did not hear the answer (I6).

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Named, Problem};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::openapi::values::Key;
use super::reading::hex;
use crate::store;
use crate::store::facts::ReceiptRow;

/// The same whenever it is asked for.
#[derive(Debug, Serialize, ToSchema)]
#[allow(clippy::struct_field_names, reason = "the names are the contract")]
pub(super) struct Receipt {
    receipt_id: Uuid,
    source: String,
    /// The source's own id of the fact.
    fact_id: String,
    #[serde(rename = "type")]
    fact_type: String,
    /// `applied`, or `stale` where a newer change was known already.
    status: String,
    /// What it waited for when it was accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    parked: Vec<String>,
    /// Of the canonical form of all that the fact says.
    sha256: String,
    recorded_at: DateTime<Utc>,
}

impl From<ReceiptRow> for Receipt {
    fn from(row: ReceiptRow) -> Self {
        Self {
            receipt_id: row.fact_id,
            source: row.source,
            fact_id: row.external_id,
            fact_type: row.fact_type,
            status: row.status,
            parked: row.parked,
            sha256: hex(&row.sha256),
            recorded_at: row.recorded_at,
        }
    }
}

/// Was a fact accepted?
///
/// Scope `read` or `facts:write`. For those who did not hear the answer.
#[utoipa::path(get, path = "/v1/receipts/{source}/{id}", operation_id = "get_receipt", tag = "facts",
    params(("source" = Key, Path, description = "Code of the source"), ("id" = Key, Path, description = "Its id of the fact")),
    responses((status = 200, description = "It was", body = Receipt)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    Named((source, id)): Named<(String, String)>,
) -> Result<Json<Receipt>, Problem> {
    super::may_ask(&caller)?;
    let fact_id = ids::derive(caller.tenant_id, Kind::Fact, &[&source, &id]);
    let mut tx = door.begin(caller.tenant_id).await?;
    let receipt = store::facts::receipts(&mut tx, caller.tenant_id, &[fact_id]).await?.into_iter().next();
    receipt.map(|row| Json(Receipt::from(row))).ok_or_else(Problem::not_found)
}
