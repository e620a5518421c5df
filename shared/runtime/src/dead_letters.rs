//! Dead letters at every role's door: what of the caller's events could not be applied here, and asking for another try.
//!
//! | endpoint | scope |
//! |---|---|
//! | `GET /v1/dead-letters` | read |
//! | `GET /v1/dead-letters/log` | read |
//! | `POST /v1/dead-letters/{event_id}/redrive` | facts:write |
//! | `POST /v1/dead-letters/redrive` | facts:write |

use std::fmt::Write;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use messaging::dead_letter::{self, Filter, Letter, LogEntry};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::Caller;
use crate::door::Door;
use crate::problem::Problem;

const PAGE: i64 = 100;
const LARGEST_PAGE: i64 = 500;

pub(crate) fn router() -> Router<Door> {
    Router::new()
        .route("/v1/dead-letters", get(list))
        .route("/v1/dead-letters/log", get(log))
        .route("/v1/dead-letters/redrive", post(redrive_many))
        .route("/v1/dead-letters/{event_id}/redrive", post(redrive_one))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    subject: Option<String>,
    /// Id of the last letter of the page before.
    after: Option<String>,
    limit: Option<i64>,
    /// Whether the events themselves are wanted, as hexadecimal digits.
    payload: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Page {
    dead_letters: Vec<Item>,
    /// What to give as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

#[derive(Debug, Serialize)]
struct Item {
    event_id: Uuid,
    subject: String,
    stream: String,
    stream_seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<Uuid>,
    reason: String,
    attempts: i32,
    at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redrive_requested_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redrive_requested_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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

async fn list(
    State(door): State<Door>,
    caller: Caller,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    caller.require("read")?;
    let Query(asked) = asked.map_err(|error| Problem::parameter("query", error.body_text()))?;
    let limit = limit(asked.limit)?;
    let after = asked.after.map(|text| text.parse().map_err(|_| Problem::parameter("after", "not a uuid")));
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedLog {
    limit: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Log {
    /// The newest first.
    attempts: Vec<Attempt>,
}

#[derive(Debug, Serialize)]
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
#[derive(Debug, Serialize)]
struct Requested {
    requested: u64,
}

async fn redrive_one(
    State(door): State<Door>,
    caller: Caller,
    Path(event_id): Path<String>,
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
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    subject: Option<String>,
    /// A part of the reason.
    reason: Option<String>,
}

async fn redrive_many(
    State(door): State<Door>,
    caller: Caller,
    body: Bytes,
) -> Result<(StatusCode, Json<Requested>), Problem> {
    caller.require("facts:write")?;
    let chosen: Chosen = if body.is_empty() {
        Chosen::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-choice", "The choice of letters cannot be read")
                .detail(error.to_string())
        })?
    };
    let filter = Filter { subject: chosen.subject, reason: chosen.reason, ..Filter::default() };
    let requested = request(&door, &caller, filter).await?;
    Ok((StatusCode::ACCEPTED, Json(Requested { requested })))
}

async fn request(door: &Door, caller: &Caller, filter: Filter) -> Result<u64, Problem> {
    let filter = Filter { tenant_id: Some(caller.tenant_id), ..filter };
    let mut tx = door.begin(caller.tenant_id).await?;
    let requested = dead_letter::request_redrive(&mut tx, &filter, &caller.name).await?;
    tx.commit().await?;
    Ok(requested)
}
