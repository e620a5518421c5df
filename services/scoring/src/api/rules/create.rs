//! `POST /v1/segmentation-rules`: checks rules and keeps them as a draft. The newest version again is that version.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use runtime::{Caller, Door, Problem, SmallBody, json_object};

use super::{LISTED, Version, actor, refused};
use crate::domain::rules::Document;
use crate::store::{learning, rules};

pub(super) async fn create(
    State(door): State<Door>,
    caller: Caller,
    SmallBody(body): SmallBody,
) -> Result<(StatusCode, Json<Version>), Problem> {
    caller.require("facts:write")?;
    let document: Document = json_object(&body).map_err(|detail| {
        Problem::new(StatusCode::BAD_REQUEST, "body-invalid", "The body is not what is expected").detail(detail)
    })?;
    let compiled = document.compile("draft").map_err(refused)?;
    let tenant_id = caller.tenant_id;
    let mut tx = door.begin(tenant_id).await?;
    learning::lock(&mut tx, &[tenant_id].into()).await?;
    let activations = rules::activations(&mut tx, tenant_id, LISTED).await?;
    if let Some(newest) = rules::list(&mut tx, tenant_id, 1).await?.pop().filter(|it| it.document.0 == document) {
        return Ok((StatusCode::OK, Json(Version::of(newest, &activations))));
    }
    let now = door.clock.now(&mut tx).await?;
    let row = rules::add(&mut tx, tenant_id, &document, &compiled, actor(&caller, now)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Version::of(row, &activations))))
}
