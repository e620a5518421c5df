//! `GET /v1/customers/{customer}/score`: the published score of a customer, by id or by the source's code.

use axum::Json;
use axum::extract::{Path, State};
use chrono::NaiveDate;
use runtime::{Caller, Door, Problem};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::segment::Segment;
use crate::store::published::{self, PublishedScore};
use crate::store::{customers, learning};

/// A score in full. Absent members are not known yet.
#[derive(Debug, Serialize)]
pub(crate) struct Score {
    customer_id: Uuid,
    code: String,
    /// Group whose habits are presumed while the customer has few of its own: the country, empty while unknown.
    group: String,
    /// Probability that the next invoice is paid after its due date; six digits.
    p_late: Option<Decimal>,
    /// Mean days late of late invoices; two digits.
    mean_days_late: Option<Decimal>,
    segment: String,
    segment_since: Option<NaiveDate>,
    /// Codes with their figures on the day the segment was assigned, the deciding one first.
    reasons: Vec<String>,
    /// Settled labels the score rests on.
    observations: i32,
    /// Day at whose close the score was made.
    assessed_on: Option<NaiveDate>,
    /// Last day whose facts are in; the score would be the same if it were made again now.
    learned_through: Option<NaiveDate>,
    model_version: Option<String>,
    rules_version: Option<String>,
}

pub(crate) async fn show(
    State(door): State<Door>,
    caller: Caller,
    Path(customer): Path<String>,
) -> Result<Json<Score>, Problem> {
    caller.require("read")?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let score = find(&mut tx, caller.tenant_id, &customer).await?.ok_or_else(Problem::not_found)?;
    let learned_through = learning::learned_through(&mut tx, caller.tenant_id).await?;
    Ok(Json(body(score, learned_through)))
}

/// A code may look like an id: the id goes first.
async fn find(conn: &mut PgConnection, tenant_id: Uuid, customer: &str) -> Result<Option<PublishedScore>, sqlx::Error> {
    if let Ok(customer_id) = customer.parse()
        && let Some(score) = published::score(conn, tenant_id, customer_id).await?
    {
        return Ok(Some(score));
    }
    match customers::by_code(conn, tenant_id, customer).await? {
        Some(customer_id) => published::score(conn, tenant_id, customer_id).await,
        None => Ok(None),
    }
}

fn body(score: PublishedScore, learned_through: Option<NaiveDate>) -> Score {
    Score {
        customer_id: score.customer_id,
        code: score.code,
        group: score.country,
        p_late: score.p_late,
        mean_days_late: score.mean_days_late,
        segment: score.segment.unwrap_or_else(|| Segment::New.as_str().to_owned()),
        segment_since: score.segment_since,
        reasons: score.reasons.unwrap_or_default(),
        observations: score.observations.unwrap_or(0),
        assessed_on: score.assessed_on,
        learned_through,
        model_version: score.model_version,
        rules_version: score.rules_version,
    }
}
