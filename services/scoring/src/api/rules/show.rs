//! `GET /v1/segmentation-rules/{version}`: one version.

use axum::Json;
use axum::extract::State;
use runtime::{Caller, Door, Named, Problem};

use super::{LISTED, Version, find};
use crate::store::rules;

pub(super) async fn show(
    State(door): State<Door>,
    caller: Caller,
    Named(name): Named<String>,
) -> Result<Json<Version>, Problem> {
    caller.require("read")?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let row = find(&mut tx, caller.tenant_id, &name).await?;
    let activations = rules::activations(&mut tx, caller.tenant_id, LISTED).await?;
    Ok(Json(match row {
        Some(row) => Version::of(row, &activations),
        None => Version::standard(&activations),
    }))
}
