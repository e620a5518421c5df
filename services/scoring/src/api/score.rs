//! `GET /v1/customers/{customer}/score`: the published score of a customer, by id or by the source's code, taken apart; and
//! `GET /v1/customers/{customer}/score/history`, how it came about.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use chrono::NaiveDate;
use runtime::{Caller, Door, Named, Problem};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::model::inputs::Family;
use crate::domain::reason::{Language, Reason};
use crate::domain::segment::Segment;
use crate::store::scores::{self, PublishedScore, Said};
use crate::store::{customers, learning, shifts};

/// A score in full. Absent members are not known yet.
#[derive(Debug, Serialize)]
pub(crate) struct Score {
    customer_id: Uuid,
    code: String,
    /// Group whose habits are presumed while the customer has few of its own: the country, empty while unknown.
    group: String,
    /// Probability that the next invoice is paid after its due date, if it is like those before; six digits.
    p_late: Option<Decimal>,
    explanation: Option<Explanation>,
    /// Days from due to cleared that it stays below with probability 50 and 80 %; two digits, negative when early.
    p50_delay: Option<Decimal>,
    p80_delay: Option<Decimal>,
    /// Days of that which are the payer's payment run and not its will.
    structural_days: Option<i32>,
    /// Mean days late of late invoices; two digits.
    mean_days_late: Option<Decimal>,
    segment: String,
    segment_since: Option<NaiveDate>,
    /// Codes with their figures on the day the segment was assigned, the deciding one first.
    segment_reasons: Vec<String>,
    /// The last change of habit that was found.
    shift: Option<Shift>,
    /// Settled labels the score rests on.
    observations: i32,
    /// Day at whose close the score was made.
    assessed_on: Option<NaiveDate>,
    /// Last day whose facts are in; the score would be the same if it were made again now.
    learned_through: Option<NaiveDate>,
    model_version: Option<String>,
    rules_version: Option<String>,
}

/// A probability taken apart.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    /// The sum of the contributions, exactly: ln(p / (1 − p)).
    log_odds: Decimal,
    contributions: Vec<Contribution>,
    /// The weightiest first.
    reasons: Vec<Worded>,
}

#[derive(Debug, Serialize)]
struct Contribution {
    family: &'static str,
    log_odds: Decimal,
}

/// A reason as a code with its figures, and in the language that was asked for.
#[derive(Debug, Serialize)]
pub(crate) struct Worded {
    reason: String,
    text: String,
}

/// A change of habit.
#[derive(Debug, Serialize)]
struct Shift {
    since: NaiveDate,
    found_on: NaiveDate,
    /// Mean days from due to cleared before and since.
    delay_before: Decimal,
    delay_after: Decimal,
    payments_before: i32,
    payments_after: i32,
}

pub(crate) async fn show(
    State(door): State<Door>,
    caller: Caller,
    Named(customer): Named<String>,
    headers: HeaderMap,
) -> Result<Json<Score>, Problem> {
    caller.require("read")?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let customer_id = find(&mut tx, caller.tenant_id, &customer).await?.ok_or_else(Problem::not_found)?;
    let score = scores::score(&mut tx, caller.tenant_id, customer_id).await?.ok_or_else(Problem::not_found)?;
    let shift = shifts::last(&mut tx, caller.tenant_id, customer_id).await?;
    let learned_through = learning::learned_through(&mut tx, caller.tenant_id).await?;
    Ok(Json(Score {
        shift: shift.map(|shift| Shift {
            since: shift.since,
            found_on: shift.found_on,
            delay_before: shift.delay_before,
            delay_after: shift.delay_after,
            payments_before: shift.payments_before,
            payments_after: shift.payments_after,
        }),
        learned_through,
        ..body(score, language(&headers))
    }))
}

/// A code may look like an id: the id goes first.
async fn find(conn: &mut PgConnection, tenant_id: Uuid, customer: &str) -> Result<Option<Uuid>, sqlx::Error> {
    if let Ok(customer_id) = customer.parse()
        && scores::score(conn, tenant_id, customer_id).await?.is_some()
    {
        return Ok(Some(customer_id));
    }
    customers::by_code(conn, tenant_id, customer).await
}

pub(crate) fn language(headers: &HeaderMap) -> Language {
    Language::of(headers.get(ACCEPT_LANGUAGE).and_then(|accepted| accepted.to_str().ok()))
}

/// Codes that this version does not know any more are shown as they are.
pub(crate) fn worded(reasons: &[String], language: Language) -> Vec<Worded> {
    let text =
        |reason: &String| reason.parse::<Reason>().map_or_else(|_| reason.clone(), |reason| reason.text(language));
    reasons.iter().map(|reason| Worded { reason: reason.clone(), text: text(reason) }).collect()
}

pub(crate) fn explained(contributions: &[Decimal], reasons: &[String], language: Language) -> Option<Explanation> {
    let log_odds = contributions.iter().sum();
    let contributions = Family::ALL.iter().zip(contributions);
    (contributions.len() > 0).then(|| Explanation {
        log_odds,
        contributions: contributions
            .map(|(family, log_odds)| Contribution { family: family.as_str(), log_odds: *log_odds })
            .collect(),
        reasons: worded(reasons, language),
    })
}

fn body(score: PublishedScore, language: Language) -> Score {
    Score {
        customer_id: score.customer_id,
        code: score.code,
        group: score.country,
        p_late: score.p_late,
        explanation: score
            .contributions
            .and_then(|of| explained(&of, &score.score_reasons.unwrap_or_default(), language)),
        p50_delay: score.p50_delay,
        p80_delay: score.p80_delay,
        structural_days: score.structural_days,
        mean_days_late: score.mean_days_late,
        segment: score.segment.unwrap_or_else(|| Segment::New.as_str().to_owned()),
        segment_since: score.segment_since,
        segment_reasons: score.segment_reasons.unwrap_or_default(),
        shift: None,
        observations: score.observations.unwrap_or(0),
        assessed_on: score.assessed_on,
        learned_through: None,
        model_version: score.model_version,
        rules_version: score.rules_version,
    }
}

/// Which days of the past are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Past {
    /// Days before this one; the newest when absent.
    before: Option<NaiveDate>,
    /// 1 to 500; 100 when absent.
    limit: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct History {
    /// The newest first. Of days long past the last of each month, and those on which something changed.
    days: Vec<Day>,
}

#[derive(Debug, Serialize)]
#[allow(clippy::struct_field_names, reason = "members are named for whoever reads them")]
struct Day {
    day: NaiveDate,
    p_late: Decimal,
    reasons: Vec<Worded>,
    p50_delay: Option<Decimal>,
    mean_days_late: Option<Decimal>,
    observations: i32,
    segment: String,
    segment_reasons: Vec<String>,
    model_version: String,
    rules_version: String,
}

const MOST_DAYS: i64 = 500;
const USUAL_DAYS: i64 = 100;

pub(crate) async fn history(
    State(door): State<Door>,
    caller: Caller,
    Named(customer): Named<String>,
    past: Result<Query<Past>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<History>, Problem> {
    caller.require("read")?;
    let Query(past) = past.map_err(|rejection| Problem::parameter("before, limit", rejection.body_text()))?;
    let limit = past.limit.unwrap_or(USUAL_DAYS).clamp(1, MOST_DAYS);
    let mut tx = door.begin(caller.tenant_id).await?;
    let customer_id = find(&mut tx, caller.tenant_id, &customer).await?.ok_or_else(Problem::not_found)?;
    let days = scores::history(&mut tx, caller.tenant_id, customer_id, past.before, limit).await?;
    let language = language(&headers);
    let day = |said: Said| Day {
        day: said.day,
        p_late: said.p_late,
        reasons: worded(&said.score_reasons, language),
        p50_delay: said.p50_delay,
        mean_days_late: said.mean_days_late,
        observations: said.observations,
        segment: said.segment,
        segment_reasons: said.segment_reasons,
        model_version: said.model_version,
        rules_version: said.rules_version,
    };
    Ok(Json(History { days: days.into_iter().map(day).collect() }))
}
