//! `GET /v1/ledger/digest`: one hash for the state of the ledger. The same facts give the same digest, in whatever order,
//! batches and repetition they came (I7, D8).

use axum::Json;
use axum::extract::State;
use runtime::{Caller, Door, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::reading::{hex, sha256};
use crate::store;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Digest {
    digest: String,
    parts: Vec<HashedPart>,
}

#[derive(Debug, Serialize, ToSchema)]
struct HashedPart {
    part: String,
    lines: i64,
    sha256: String,
}

/// One hash of the state of the ledger.
///
/// Scope `read`. The same facts give the same one, in whatever order, batches and repetition they came.
#[utoipa::path(get, path = "/v1/ledger/digest", operation_id = "get_digest", tag = "ledger",
    responses((status = 200, description = "The hash, and those of its parts", body = Digest)))]
pub(super) async fn get(caller: Caller, State(door): State<Door>) -> Result<Json<Digest>, Problem> {
    caller.require("read")?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let parts: Vec<HashedPart> = store::proofs::digests(&mut tx, caller.tenant_id)
        .await?
        .into_iter()
        .map(|part| HashedPart { part: part.part, lines: part.lines, sha256: hex(&part.sha256) })
        .collect();
    let lines: Vec<String> = parts.iter().map(|part| format!("{} {}", part.part, part.sha256)).collect();
    Ok(Json(Digest { digest: hex(&sha256(lines.join("\n").as_bytes())), parts }))
}
