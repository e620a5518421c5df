//! `GET /v1/receipts/{source}/{id}`: whether a fact was accepted, for callers who did not hear the answer (I6).

use axum::Json;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Problem};
use serde::Serialize;
use uuid::Uuid;

use super::reading::hex;
use crate::store;
use crate::store::facts::ReceiptRow;

/// The same whenever it is asked for.
#[derive(Debug, Serialize)]
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
    parked: Vec<String>,
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

pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    Path((source, id)): Path<(String, String)>,
) -> Result<Json<Receipt>, Problem> {
    super::may_ask(&caller)?;
    let fact_id = ids::derive(caller.tenant_id, Kind::Fact, &[&source, &id]);
    let mut tx = door.begin(caller.tenant_id).await?;
    let receipt = store::facts::receipts(&mut tx, caller.tenant_id, &[fact_id]).await?.into_iter().next();
    receipt.map(|row| Json(Receipt::from(row))).ok_or_else(Problem::not_found)
}
