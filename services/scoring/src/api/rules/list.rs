//! `GET /v1/segmentation-rules`: which rules decide, every version, who activated what, and the features there are.

use axum::Json;
use axum::extract::State;
use runtime::{Caller, Door, Problem};
use serde::Serialize;

use super::{Activation, LISTED, Version};
use crate::domain::features::Feature;
use crate::store::rules;

#[derive(Debug, Serialize)]
pub(in super::super) struct Listed {
    active: String,
    /// The newest first, at the end the house's own.
    versions: Vec<Version>,
    /// The newest first.
    activations: Vec<Activation>,
    /// What an expression may read.
    features: Vec<Described>,
}

#[derive(Debug, Serialize)]
struct Described {
    name: &'static str,
    /// In the language of expressions; an amount is a decimal, asked for in a currency.
    #[serde(rename = "type")]
    kind: &'static str,
    family: &'static str,
    meaning: &'static str,
}

pub(super) async fn list(State(door): State<Door>, caller: Caller) -> Result<Json<Listed>, Problem> {
    caller.require("read")?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let activations = rules::activations(&mut tx, caller.tenant_id, LISTED).await?;
    let own = rules::list(&mut tx, caller.tenant_id, LISTED).await?;
    let own = own.into_iter().map(|row| Version::of(row, &activations));
    let features = Feature::ALL.iter().map(|feature| Described {
        name: feature.name(),
        kind: feature.kind().as_str(),
        family: feature.family().as_str(),
        meaning: feature.meaning(),
    });
    Ok(Json(Listed {
        active: rules::name(activations.first().and_then(|activation| activation.version)),
        versions: own.chain([Version::standard(&activations)]).collect(),
        features: features.collect(),
        activations: activations.into_iter().map(Activation::from).collect(),
    }))
}
