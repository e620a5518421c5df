//! `POST /v1/segmentation-rules/{version}/activate`: has a version decide. Everybody is assessed by it at the close of the
//! last closed day, which is learned again. The version that decides already stays as it is.

use axum::Json;
use axum::extract::State;
use runtime::{Caller, Door, Named, Problem};

use super::{Activation, actor, begin, find};
use crate::store::{learning, rules};

pub(super) async fn activate(
    State(door): State<Door>,
    caller: Caller,
    Named(name): Named<String>,
) -> Result<Json<Activation>, Problem> {
    caller.require("facts:write")?;
    let tenant_id = caller.tenant_id;
    let mut tx = door.begin(tenant_id).await?;
    learning::lock(&mut tx, &[tenant_id].into()).await?;
    let version = find(&mut tx, tenant_id, &name).await?.map(|row| row.version);
    if let Some(last) = rules::activations(&mut tx, tenant_id, 1).await?.pop().filter(|last| last.version == version) {
        return Ok(Json(last.into()));
    }
    let now = door.clock.now(&mut tx).await?;
    let activation = begin(&mut tx, tenant_id, version, "activated", actor(&caller, now)).await?;
    tx.commit().await?;
    Ok(Json(activation))
}
