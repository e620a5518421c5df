//! The role's door: reading only, everything else enters as a fact through ingestion.

use axum::Router;
use axum::routing::get;
use runtime::{Door, Problem};
use uuid::Uuid;

use crate::store::StoreError;

mod list_alerts;
mod list_plans;
mod list_promises;

const PAGE: i64 = 100;
const LARGEST_PAGE: i64 = 500;

pub(crate) fn router() -> Router<Door> {
    Router::new()
        .route("/v1/promises", get(list_promises::list))
        .route("/v1/plans", get(list_plans::list))
        .route("/v1/alerts", get(list_alerts::list))
}

/// Cuts what was found, one item more than asked for, down to a page; returns the id to ask for the next one after.
fn cut<T>(items: &mut Vec<T>, limit: i64, id: fn(&T) -> Uuid) -> Option<Uuid> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = items.len() > limit;
    items.truncate(limit);
    items.last().filter(|_| more).map(id)
}

fn limit(asked: Option<i64>) -> Result<i64, Problem> {
    match asked.unwrap_or(PAGE) {
        limit @ 1..=LARGEST_PAGE => Ok(limit),
        _ => Err(Problem::parameter("limit", format!("limit is between 1 and {LARGEST_PAGE}"))),
    }
}

fn id(name: &str, text: Option<&str>) -> Result<Option<Uuid>, Problem> {
    text.map(|text| text.parse().map_err(|_| Problem::parameter(name, "not a uuid"))).transpose()
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sql(error) => error.into(),
            malformed => {
                tracing::error!(error = %malformed, "a stored row cannot be read");
                Self::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something is wrong on our side")
            }
        }
    }
}
