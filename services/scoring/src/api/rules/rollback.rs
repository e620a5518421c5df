//! `POST /v1/segmentation-rules/rollback`: has the version decide that decided before this one. It is an activation like
//! any other: what was decided in between stays in the record.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use runtime::{Caller, Door, Problem};

use super::{Activation, LISTED, actor, begin};
use crate::store::{learning, rules};

pub(super) async fn rollback(State(door): State<Door>, caller: Caller) -> Result<Json<Activation>, Problem> {
    caller.require("facts:write")?;
    let tenant_id = caller.tenant_id;
    let mut tx = door.begin(tenant_id).await?;
    learning::lock(&mut tx, &[tenant_id].into()).await?;
    let activations = rules::activations(&mut tx, tenant_id, LISTED).await?;
    let Some(current) = activations.first().map(|activation| activation.version) else {
        return Err(Problem::new(StatusCode::CONFLICT, "nothing-to-roll-back", "No rules were ever activated"));
    };
    // Before the first activation the house's own decided.
    let before = activations.iter().map(|activation| activation.version).find(|version| *version != current);
    let now = door.clock.now(&mut tx).await?;
    let activation = begin(&mut tx, tenant_id, before.flatten(), "rolled_back", actor(&caller, now)).await?;
    tx.commit().await?;
    Ok(Json(activation))
}
