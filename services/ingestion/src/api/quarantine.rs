//! `GET /v1/quarantine`, `GET /v1/quarantine/{id}`, and `POST …/redrive`, `…/edit-redrive`, `…/discard` below it: what could not be
//! accepted, and what a person decides about it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use runtime::{Caller, Door, Named, Problem, SmallBody, json_object};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::accept::{Verdict, accept};
use super::openapi::requests::Discard as DescribedDiscard;
use super::reading::batch::Line;
use super::receipts::Receipt;
use super::{refusal, rules};
use crate::domain::text::{self, TEXT_CHARS};
use crate::store;
use crate::store::quarantine::{Decision, QuarantineRow};

const DEFAULT_LIMIT: u16 = 100;
const MAX_LIMIT: u16 = 1_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// 100 unless told.
    #[param(value_type = u16, required = false, minimum = 1, maximum = 1000, example = 10)]
    limit: Option<String>,
}

impl Page {
    /// At most 1,000; 100 unless told.
    pub(super) fn limit(&self) -> Result<i64, Problem> {
        let Some(text) = &self.limit else { return Ok(DEFAULT_LIMIT.into()) };
        let limit = text.parse::<u16>().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit
            .map(i64::from)
            .ok_or_else(|| Problem::parameter("limit", format!("a number from 1 to {MAX_LIMIT} is expected")))
    }
}

/// Query parameters, or a problem in our words.
pub(super) fn page(query: Result<Query<Page>, axum::extract::rejection::QueryRejection>) -> Result<Page, Problem> {
    query.map(|Query(page)| page).map_err(|rejection| Problem::parameter("query", rejection.body_text()))
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quarantine)]
pub(super) struct Listing {
    lines: Vec<QuarantineRow>,
}

/// Shows what waits for a person, the oldest first.
///
/// Scope `read`.
#[utoipa::path(get, path = "/v1/quarantine", operation_id = "list_quarantine", tag = "quarantine", params(Page),
    responses((status = 200, description = "Lines that wait", body = Listing)))]
pub(super) async fn list(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Page>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    caller.require("read")?;
    let limit = page(query)?.limit()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    Ok(Json(Listing { lines: store::quarantine::open(&mut tx, caller.tenant_id, limit).await? }))
}

/// A line with all that is known of it; bytes that are not UTF-8 are shown as U+FFFD.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuarantinedWhole)]
pub(super) struct Whole {
    #[serde(flatten)]
    row: QuarantineRow,
    /// As it came; null when it was erased.
    raw: Option<String>,
    decision: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    /// The fact that was tried in its stead.
    edited: Option<String>,
}

/// Shows one line with all that is known of it.
///
/// Scope `read`.
#[utoipa::path(get, path = "/v1/quarantine/{id}", operation_id = "get_quarantined", tag = "quarantine",
    params(("id" = Uuid, Path, description = "Its `quarantine_id`")),
    responses((status = 200, description = "The line", body = Whole)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    Named(id): Named<String>,
) -> Result<Json<Whole>, Problem> {
    caller.require("read")?;
    let quarantine_id = Uuid::try_parse(&id).map_err(|_| Problem::not_found())?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let found = store::quarantine::line(&mut tx, caller.tenant_id, quarantine_id).await?;
    let line = found.ok_or_else(Problem::not_found)?;
    let text = |bytes: Option<Vec<u8>>| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Json(Whole {
        row: line.row,
        raw: text(line.raw),
        decision: line.decision,
        decided_at: line.decided_at,
        edited: text(line.edited),
    }))
}

/// Tries the line again, as a single fact.
///
/// Scope `facts:write`. After a source was registered, say, or a mistake of ours mended.
#[utoipa::path(post, path = "/v1/quarantine/{id}/redrive", operation_id = "redrive_quarantined", tag = "quarantine",
    params(("id" = Uuid, Path, description = "Its `quarantine_id`")),
    responses((status = 200, description = "The fact is in for good", body = Receipt)))]
pub(super) async fn redrive(
    caller: Caller,
    State(door): State<Door>,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    caller.require("facts:write")?;
    let quarantine_id = Uuid::try_parse(&id).map_err(|_| Problem::not_found())?;
    let raw = waiting_line(&caller, &door, quarantine_id).await?;
    try_again(&caller, &door, quarantine_id, raw.into(), false).await
}

/// Tries the fact in the body instead of the line.
///
/// Scope `facts:write`. Both are kept.
#[utoipa::path(post, path = "/v1/quarantine/{id}/edit-redrive", operation_id = "mend_quarantined", tag = "quarantine",
    params(("id" = Uuid, Path, description = "Its `quarantine_id`")),
    responses((status = 200, description = "The fact is in for good", body = Receipt)))]
pub(super) async fn edit_redrive(
    caller: Caller,
    State(door): State<Door>,
    Named(id): Named<String>,
    SmallBody(body): SmallBody,
) -> Result<Response, Problem> {
    caller.require("facts:write")?;
    let quarantine_id = Uuid::try_parse(&id).map_err(|_| Problem::not_found())?;
    waiting_line(&caller, &door, quarantine_id).await?;
    try_again(&caller, &door, quarantine_id, body, true).await
}

async fn try_again(
    caller: &Caller,
    door: &Door,
    quarantine_id: Uuid,
    fact: Bytes,
    edited: bool,
) -> Result<Response, Problem> {
    let verdicts = accept(door, caller, &[Line::only(fact.clone())], None).await?;
    rules::apply(door, caller).await;
    match verdicts.into_iter().next() {
        Some(Verdict::Accepted(receipt) | Verdict::Replayed(receipt)) => {
            let reason = format!("{} by {}", if edited { "edited and redriven" } else { "redriven" }, caller.name);
            let decision = Decision { status: "redriven", reason: &reason, edited: edited.then_some(fact.as_ref()) };
            decide(caller, door, quarantine_id, &decision).await?;
            Ok(Json(Receipt::from(receipt)).into_response())
        }
        Some(Verdict::Refused(findings)) => Ok(refusal::problem(&findings).into_response()),
        None => Err(Problem::unavailable()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Discard {
    reason: String,
}

/// Gives a line up.
///
/// Scope `facts:write`. Line and reason are kept.
#[utoipa::path(post, path = "/v1/quarantine/{id}/discard", operation_id = "discard_quarantined", tag = "quarantine",
    params(("id" = Uuid, Path, description = "Its `quarantine_id`")),
    request_body(content = DescribedDiscard, description = "Why", example = json!({"reason": "sent twice by mistake"})),
    responses((status = 204, description = "It does not wait any more")))]
pub(super) async fn discard(
    caller: Caller,
    State(door): State<Door>,
    Named(id): Named<String>,
    SmallBody(body): SmallBody,
) -> Result<StatusCode, Problem> {
    caller.require("facts:write")?;
    let quarantine_id = Uuid::try_parse(&id).map_err(|_| Problem::not_found())?;
    let unreadable =
        |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "reason", "A reason is needed").detail(detail);
    let discard: Discard = json_object(&body).map_err(unreadable)?;
    let reason = text::text(&discard.reason, TEXT_CHARS).map_err(|error| unreadable(error.to_string()))?;
    waiting_line(&caller, &door, quarantine_id).await?;
    let reason = format!("{reason} ({})", caller.name);
    decide(&caller, &door, quarantine_id, &Decision { status: "discarded", reason: &reason, edited: None }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn waiting_line(caller: &Caller, door: &Door, quarantine_id: Uuid) -> Result<Vec<u8>, Problem> {
    let mut tx = door.begin(caller.tenant_id).await?;
    let line = store::quarantine::line(&mut tx, caller.tenant_id, quarantine_id).await?;
    let line = line.ok_or_else(Problem::not_found)?;
    line.raw.filter(|_| line.row.status == "open").ok_or_else(decided)
}

async fn decide(caller: &Caller, door: &Door, quarantine_id: Uuid, decision: &Decision<'_>) -> Result<(), Problem> {
    let mut tx = door.begin(caller.tenant_id).await?;
    let now = door.clock.now(&mut tx).await?;
    let was_open = store::quarantine::decide(&mut tx, caller.tenant_id, quarantine_id, decision, now).await?;
    tx.commit().await?;
    // Decided by somebody else meanwhile: for a line that was accepted that changes nothing.
    if was_open || decision.status == "redriven" { Ok(()) } else { Err(decided()) }
}

fn decided() -> Problem {
    Problem::new(StatusCode::CONFLICT, "already-decided", "The line does not wait any more")
}
