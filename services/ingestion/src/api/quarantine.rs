//! `GET /v1/quarantine`, `POST /v1/quarantine/{id}/redrive`, `POST /v1/quarantine/{id}/discard`: what could not be accepted, and
//! what a person decides about it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use runtime::{Caller, Door, Problem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::accept::{Verdict, accept};
use super::reading::batch::Line;
use super::receipts::Receipt;
use super::refusal;
use crate::domain::text::{self, TEXT_CHARS};
use crate::store;
use crate::store::quarantine::QuarantineRow;

const DEFAULT_LIMIT: u16 = 100;
const MAX_LIMIT: u16 = 1_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
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

#[derive(Debug, Serialize)]
pub(super) struct Listing {
    lines: Vec<QuarantineRow>,
}

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

/// Tries the line again, as a single fact: after a source was registered, or a mistake of ours mended.
pub(super) async fn redrive(
    caller: Caller,
    State(door): State<Door>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require("facts:write")?;
    let quarantine_id = Uuid::try_parse(&id).map_err(|_| Problem::not_found())?;
    let raw = waiting_line(&caller, &door, quarantine_id).await?;
    let verdicts = accept(&door, &caller, &[Line::only(Bytes::from(raw))], None).await?;
    match verdicts.into_iter().next() {
        Some(Verdict::Accepted(receipt) | Verdict::Replayed(receipt)) => {
            let how = format!("redriven by {}", caller.name);
            decide(&caller, &door, quarantine_id, "redriven", &how).await?;
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

pub(super) async fn discard(
    caller: Caller,
    State(door): State<Door>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    caller.require("facts:write")?;
    let quarantine_id = Uuid::try_parse(&id).map_err(|_| Problem::not_found())?;
    let unreadable =
        |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "reason", "A reason is needed").detail(detail);
    let discard: Discard = serde_json::from_slice(&body).map_err(|error| unreadable(error.to_string()))?;
    let reason = text::text(&discard.reason, TEXT_CHARS).map_err(|error| unreadable(error.to_string()))?;
    waiting_line(&caller, &door, quarantine_id).await?;
    decide(&caller, &door, quarantine_id, "discarded", &format!("{reason} ({})", caller.name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn waiting_line(caller: &Caller, door: &Door, quarantine_id: Uuid) -> Result<Vec<u8>, Problem> {
    let mut tx = door.begin(caller.tenant_id).await?;
    let line = store::quarantine::line(&mut tx, caller.tenant_id, quarantine_id).await?;
    match line {
        None => Err(Problem::not_found()),
        Some((status, Some(raw))) if status == "open" => Ok(raw),
        Some(_) => Err(decided()),
    }
}

async fn decide(caller: &Caller, door: &Door, quarantine_id: Uuid, status: &str, how: &str) -> Result<(), Problem> {
    let mut tx = door.begin(caller.tenant_id).await?;
    let now = door.clock.now(&mut tx).await?;
    let was_open = store::quarantine::decide(&mut tx, caller.tenant_id, quarantine_id, status, how, now).await?;
    tx.commit().await?;
    // Decided by somebody else meanwhile: for a line that was accepted that changes nothing.
    if was_open || status == "redriven" { Ok(()) } else { Err(decided()) }
}

fn decided() -> Problem {
    Problem::new(StatusCode::CONFLICT, "already-decided", "The line does not wait any more")
}
