//! `GET /v1/segments`: how many customers are in each segment.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use runtime::{Caller, Door, Problem};
use serde::Serialize;

use crate::domain::segment::Segment;
use crate::store::{learning, rules, scores};

#[derive(Debug, Serialize)]
pub(crate) struct Portfolio {
    /// The rules that decide now; those of a customer's own assessment may be older until the day is learned again.
    rules_version: String,
    learned_through: Option<NaiveDate>,
    /// Every segment, also those without customers.
    segments: Vec<Count>,
}

#[derive(Debug, Serialize)]
struct Count {
    segment: &'static str,
    customers: i64,
}

pub(crate) async fn count(State(door): State<Door>, caller: Caller) -> Result<Json<Portfolio>, Problem> {
    caller.require("read")?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let mut counts: BTreeMap<&'static str, i64> = BTreeMap::new();
    for (segment, customers) in scores::count_by_segment(&mut tx, caller.tenant_id).await? {
        // Who has no score yet is new.
        let segment = segment.as_deref().and_then(Segment::parse).unwrap_or(Segment::New);
        let count = counts.entry(segment.as_str()).or_default();
        *count = count.saturating_add(customers);
    }
    let segments = Segment::ALL.map(|segment| Count {
        segment: segment.as_str(),
        customers: counts.get(segment.as_str()).copied().unwrap_or(0),
    });
    Ok(Json(Portfolio {
        rules_version: rules::name(rules::current(&mut tx, caller.tenant_id).await?),
        learned_through: learning::learned_through(&mut tx, caller.tenant_id).await?,
        segments: segments.into(),
    }))
}
