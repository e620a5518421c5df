//! Dead letters at every role's door: what of the caller's events could not be applied here, and asking for another try.
//!
//! | endpoint | scope |
//! |---|---|
//! | `GET /v1/dead-letters` | read |
//! | `GET /v1/dead-letters/log` | read |
//! | `POST /v1/dead-letters/{event_id}/redrive` | facts:write |
//! | `POST /v1/dead-letters/redrive` | facts:write |

use std::fmt::Write;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use messaging::dead_letter::{self, Filter, Letter, LogEntry};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::caller::Caller;
use crate::door::Door;
use crate::extract::{Named, SmallBody, json_object};
use crate::problem::Problem;

const PAGE: i64 = 100;
const LARGEST_PAGE: i64 = 500;

pub(crate) fn router() -> Router<Door> {
    doors().split_for_parts().0
}

pub(crate) fn doors() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(log))
        .routes(routes!(redrive_many))
        .routes(routes!(redrive_one))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Subject of the events.
    #[param(nullable = false)]
    subject: Option<String>,
    /// Id of the last letter of the page before.
    #[param(value_type = Uuid, required = false)]
    after: Option<String>,
    /// 100 unless told.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    limit: Option<i64>,
    /// Whether the events themselves are wanted, as hexadecimal digits.
    #[param(nullable = false)]
    payload: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetters)]
struct Page {
    dead_letters: Vec<Item>,
    /// What to give as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
struct Item {
    event_id: Uuid,
    subject: String,
    stream: String,
    stream_seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    customer_id: Option<Uuid>,
    reason: String,
    attempts: i32,
    at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    redrive_requested_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    redrive_requested_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    payload: Option<String>,
}

impl From<Letter> for Item {
    fn from(letter: Letter) -> Self {
        Self {
            event_id: letter.event_id,
            subject: letter.subject,
            stream: letter.stream,
            stream_seq: letter.stream_seq,
            customer_id: letter.customer_id,
            reason: letter.reason,
            attempts: letter.attempts,
            at: letter.at,
            redrive_requested_at: letter.redrive_requested_at,
            redrive_requested_by: letter.redrive_requested_by,
            payload: letter.payload.as_deref().map(hex),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn limit(asked: Option<i64>) -> Result<i64, Problem> {
    match asked.unwrap_or(PAGE) {
        limit @ 1..=LARGEST_PAGE => Ok(limit),
        _ => Err(Problem::parameter("limit", format!("limit is between 1 and {LARGEST_PAGE}"))),
    }
}

/// What could not be applied here.
///
/// Scope `read`.
#[utoipa::path(get, path = "/v1/dead-letters", operation_id = "list_dead_letters", tag = "dead letters", params(Asked),
    responses((status = 200, description = "A page of dead letters", body = Page)))]
async fn list(
    State(door): State<Door>,
    caller: Caller,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    caller.require("read")?;
    let Query(asked) = asked.map_err(|error| Problem::parameter("query", error.body_text()))?;
    let limit = limit(asked.limit)?;
    let after = asked.after.map(|text| text.parse().map_err(|_| Problem::parameter("after", "not a uuid")));
    if asked.subject.as_deref().is_some_and(has_control) {
        return Err(Problem::parameter("subject", "holds a control character"));
    }
    let filter = Filter { tenant_id: Some(caller.tenant_id), subject: asked.subject, ..Filter::default() };
    let mut tx = door.begin(caller.tenant_id).await?;
    let found = dead_letter::list(&mut tx, &filter, after.transpose()?, limit + 1, asked.payload.unwrap_or(false));
    let mut dead_letters: Vec<Item> = found.await?.into_iter().map(Item::from).collect();
    let size = usize::try_from(limit).unwrap_or(0);
    let more = dead_letters.len() > size;
    dead_letters.truncate(size);
    let next = dead_letters.last().filter(|_| more).map(|item| item.event_id);
    Ok(Json(Page { dead_letters, next }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AskedLog {
    /// 100 unless told.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetterLog)]
struct Log {
    /// The newest first.
    attempts: Vec<Attempt>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetterAttempt)]
struct Attempt {
    event_id: Uuid,
    subject: String,
    /// Why it was set aside before.
    reason: String,
    outcome: String,
    requested_by: String,
    requested_at: DateTime<Utc>,
    at: DateTime<Utc>,
}

impl From<LogEntry> for Attempt {
    fn from(entry: LogEntry) -> Self {
        Self {
            event_id: entry.event_id,
            subject: entry.subject,
            reason: entry.reason,
            outcome: entry.outcome,
            requested_by: entry.requested_by,
            requested_at: entry.requested_at,
            at: entry.at,
        }
    }
}

/// What became of those that were tried again, the newest first.
///
/// Scope `read`.
#[utoipa::path(get, path = "/v1/dead-letters/log", operation_id = "list_dead_letter_attempts", tag = "dead letters",
    params(AskedLog), responses((status = 200, description = "The last attempts", body = Log)))]
async fn log(
    State(door): State<Door>,
    caller: Caller,
    asked: Result<Query<AskedLog>, QueryRejection>,
) -> Result<Json<Log>, Problem> {
    caller.require("read")?;
    let Query(asked) = asked.map_err(|error| Problem::parameter("query", error.body_text()))?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let entries = dead_letter::log(&mut tx, Some(caller.tenant_id), limit(asked.limit)?).await?;
    Ok(Json(Log { attempts: entries.into_iter().map(Attempt::from).collect() }))
}

/// How many letters will be tried again, within seconds.
#[derive(Debug, Serialize, ToSchema)]
struct Requested {
    requested: u64,
}

/// Asks for another try of one.
///
/// Scope `facts:write`.
#[utoipa::path(post, path = "/v1/dead-letters/{event_id}/redrive", operation_id = "redrive_dead_letter",
    tag = "dead letters", params(("event_id" = Uuid, Path, description = "Id of the event")),
    responses((status = 202, description = "It will be tried again within seconds", body = Requested)))]
async fn redrive_one(
    State(door): State<Door>,
    caller: Caller,
    Named(event_id): Named<String>,
) -> Result<(StatusCode, Json<Requested>), Problem> {
    caller.require("facts:write")?;
    let event_id = event_id.parse().map_err(|_| Problem::not_found())?;
    let filter = Filter { event_id: Some(event_id), ..Filter::default() };
    match request(&door, &caller, filter).await? {
        0 => Err(Problem::not_found()),
        requested => Ok((StatusCode::ACCEPTED, Json(Requested { requested }))),
    }
}

/// Which letters; all of the tenant's without a member.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChosenDeadLetters)]
struct Chosen {
    subject: Option<String>,
    /// A part of the reason.
    reason: Option<String>,
}

/// Asks for another try of many.
///
/// Scope `facts:write`. Without a body all of the tenant's.
#[utoipa::path(post, path = "/v1/dead-letters/redrive", operation_id = "redrive_dead_letters", tag = "dead letters",
    request_body = Option<Chosen>,
    responses((status = 202, description = "They will be tried again within seconds", body = Requested)))]
async fn redrive_many(
    State(door): State<Door>,
    caller: Caller,
    SmallBody(body): SmallBody,
) -> Result<(StatusCode, Json<Requested>), Problem> {
    caller.require("facts:write")?;
    let chosen: Chosen = if body.is_empty() { Chosen::default() } else { json_object(&body).map_err(unreadable)? };
    if [&chosen.subject, &chosen.reason].into_iter().flatten().any(|text| has_control(text)) {
        return Err(unreadable("holds a control character".to_owned()));
    }
    let filter = Filter { subject: chosen.subject, reason: chosen.reason, ..Filter::default() };
    let requested = request(&door, &caller, filter).await?;
    Ok((StatusCode::ACCEPTED, Json(Requested { requested })))
}

fn unreadable(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-choice", "The choice of letters cannot be read")
        .detail(detail)
}

/// PostgreSQL keeps no text with U+0000.
fn has_control(text: &str) -> bool {
    text.contains(char::is_control)
}

async fn request(door: &Door, caller: &Caller, filter: Filter) -> Result<u64, Problem> {
    let filter = Filter { tenant_id: Some(caller.tenant_id), ..filter };
    let mut tx = door.begin(caller.tenant_id).await?;
    let requested = dead_letter::request_redrive(&mut tx, &filter, &caller.name).await?;
    tx.commit().await?;
    Ok(requested)
}
