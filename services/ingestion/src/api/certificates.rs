//! `GET /v1/missing-certificates`: invoices of which nothing is left but tax that their payers keep back.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use runtime::{Caller, Door, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::quarantine::{Page, page};
use crate::store;
use crate::store::withholdings::MissingRow;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MissingCertificates {
    certificates: Vec<MissingRow>,
}

/// Shows which certificates of withheld tax have not come.
///
/// Scope `read`. The sums are not asked for as debts: what is missing is a document. `withholding.recorded` settles one.
#[utoipa::path(get, path = "/v1/missing-certificates", operation_id = "list_missing_certificates", tag = "ledger", params(Page),
    responses((status = 200, description = "Of the longest due invoices first", body = MissingCertificates)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Json<MissingCertificates>, Problem> {
    caller.require("read")?;
    let limit = page(query)?.limit()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    Ok(Json(MissingCertificates {
        certificates: store::withholdings::missing(&mut tx, caller.tenant_id, limit).await?,
    }))
}
