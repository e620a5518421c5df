//! `POST /v1/snapshots`: a list of all that is open at one moment, as CSV or NDJSON; `GET` shows what became of the last ones.
//!
//! A list becomes facts ([`compare`]) that go the way of all facts, so that replays, receipts and the journal know no
//! lists. It is read twice: first as a whole, for what must hold before anything of it counts, then in pieces that are
//! applied one by one. A list that was cut off or belongs to something else closes nothing:
//!
//! | guard | answer |
//! | --- | --- |
//! | the header, the encoding or a quote makes the file unreadable | 400 or 422, nothing applied |
//! | `count` or `sums` were told and are others | 422 `control-total`, nothing applied |
//! | it shows a moment before the last list | 409 `snapshot-older` |
//! | more than `max_drop` per cent of what is open would be closed | 409 `snapshot-drop`, until sent with `accept_drop` |
//! | a line cannot be read and does not say which invoice it is about | nothing is closed, the rest is applied |

pub(super) mod apply;
mod compare;
pub(super) mod control;
mod lines;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Named, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::body::{self, Coding};
use super::openapi::lists::ListReport;
use super::openapi::values::{Key, Moment, Text};
use super::profiles;
use super::reading::sha256;
use super::{refusal, rules};
use crate::domain::text;
use crate::store;
use crate::store::snapshots::{ListingSource, SnapshotRow};
use apply::Application;
use control::Control;
use lines::Form;

/// Of a list, as sent and as inflated: some four hundred thousand items.
const MAX_LIST_BYTES: usize = 64 * 1024 * 1024;
/// A list that showed no sign of life for so long was left by its process.
const ABANDONED_AFTER_MINUTES: i64 = 5;
/// A list of the future would switch the freshness gate off.
const MAX_AHEAD_MINUTES: i64 = 60;
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What is said of a list besides its lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Said {
    /// Code of a source whose mode is `snapshot`.
    #[param(value_type = Key, required = true, example = "list")]
    source: Option<String>,
    /// The moment that the list shows, RFC 3339.
    #[param(value_type = Moment, required = true, example = "2026-03-02T06:00:00Z")]
    as_of: Option<String>,
    /// Name of a profile that reads the list, whatever its type: one of Puntual's or the tenant's own.
    #[param(value_type = String, required = false)]
    profile: Option<String>,
    /// Control total: lines.
    #[param(value_type = u64, required = false)]
    count: Option<String>,
    /// Control total: what is open by currency (`COP:1250000.00,USD:310.50`).
    #[param(value_type = String, required = false,
        pattern = r"^([A-Z]{3}:-?[0-9]+(\.[0-9]+)?(,[A-Z]{3}:-?[0-9]+(\.[0-9]+)?)*)?$")]
    sums: Option<String>,
    /// Per cent of what is open that may vanish at once; 30 unless told.
    #[param(value_type = u8, required = false, minimum = 0, maximum = 100)]
    max_drop: Option<String>,
    /// Who has seen that more vanishes, and agrees.
    #[param(value_type = Text, required = false)]
    accept_drop: Option<String>,
}

/// Sends a list of all that is open at one moment.
///
/// Scope `facts:write`. What the list does not show any more is settled; what it shows again is open again. A list that
/// was cut off or belongs to something else closes nothing. The same list again gets the same report; one source's lists
/// go forward in time.
#[utoipa::path(post, path = "/v1/snapshots", operation_id = "send_list", tag = "lists", params(Said),
    responses((status = 200, description = "What became of it", body = ListReport,
        headers(("Idempotent-Replayed" = String, description = "`true` when the same list was applied before")))))]
pub(super) async fn post(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Said>, QueryRejection>,
    request: Request,
) -> Response {
    match answer(&caller, &door, query, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(
    caller: &Caller,
    door: &Door,
    query: Result<Query<Said>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    caller.require("facts:write")?;
    let Query(said) = query.map_err(|rejection| Problem::parameter("query", rejection.body_text()))?;
    let now = super::accept::now(door, &mut *door.pool.acquire().await?).await?;
    let (source, as_of) = of(&said, now)?;
    let control = Control::of(&said)?;
    let (parts, packed) = request.into_parts();
    let Some(coding) = Coding::of(&parts.headers) else { return Ok(body::unsupported()) };
    let form = match &said.profile {
        Some(name) => Some(Form::profiled(profiles::of_name(door, caller, name).await?, &source)?),
        None => Form::of(parts.headers.get(header::CONTENT_TYPE)),
    };
    let Some(form) = form else {
        return Ok(refusal::unsupported_media_type("send text/csv or application/x-ndjson, one open item a line"));
    };
    let list = body::read_up_to(MAX_LIST_BYTES, coding, packed).await?;
    let snapshot_id = ids::derive(caller.tenant_id, Kind::Snapshot, &[&source, &as_of.to_rfc3339()]);
    let mut row = SnapshotRow {
        snapshot_id,
        as_of,
        sha256: sha256(&list).to_vec(),
        status: "applying".to_owned(),
        report: Value::Null,
        updated_at: now,
    };
    let listing = match begin(caller, door, &source, &row, now).await? {
        Begun::New(listing) => listing,
        Begun::Known(report) => {
            let mut response = Json(report).into_response();
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            return Ok(response);
        }
    };
    let applied = run(caller, door, &source, &listing, &mut row, &control, (&form, &list)).await;
    if applied.is_err() && row.status == "applying" {
        forget(caller, door, &row).await?;
    }
    applied
}

/// Source and moment of a list.
fn of(said: &Said, now: DateTime<Utc>) -> Result<(String, DateTime<Utc>), Problem> {
    let source = said.source.as_deref().unwrap_or_default();
    let source = text::natural_key(source).map_err(|error| Problem::parameter("source", error.to_string()))?;
    let as_of = text::instant(said.as_of.as_deref().unwrap_or_default(), now.date_naive())
        .map_err(|error| Problem::parameter("as_of", error.to_string()))?;
    if as_of > now + chrono::Duration::minutes(MAX_AHEAD_MINUTES) {
        return Err(Problem::parameter("as_of", "a list cannot show the future"));
    }
    Ok((source.to_owned(), as_of))
}

enum Begun {
    New(ListingSource),
    /// The same list has been applied.
    Known(Value),
}

/// Claims the source for this list: one at a time.
async fn begin(
    caller: &Caller,
    door: &Door,
    source: &str,
    row: &SnapshotRow,
    now: DateTime<Utc>,
) -> Result<Begun, Problem> {
    let mut tx = door.begin(caller.tenant_id).await?;
    let listing = store::snapshots::lock_source(&mut tx, caller.tenant_id, source).await?;
    let listing = listing.ok_or_else(|| Problem::parameter("source", "no such source is registered"))?;
    let known = store::snapshots::by_id(&mut tx, caller.tenant_id, row.snapshot_id).await?;
    if let Some(known) = known.as_ref().filter(|known| known.status == "applied" && known.sha256 == row.sha256) {
        return Ok(Begun::Known(known.report.clone()));
    }
    if listing.mode != "snapshot" {
        return Err(conflict("source-mode", "The source tells events, not lists").detail("see `puntual source mode`"));
    }
    if let Some(until) = listing.snapshot_until.filter(|until| *until >= row.as_of) {
        let problem = conflict("snapshot-older", "A list of a later moment was applied, or another of this moment");
        return Err(problem.detail(format!("the last one shows {until}")));
    }
    let alive = now - chrono::Duration::minutes(ABANDONED_AFTER_MINUTES);
    let running = store::snapshots::running(&mut tx, caller.tenant_id, listing.source_id).await?;
    if let Some(running) = running.filter(|running| running.updated_at > alive) {
        let problem = conflict("snapshot-running", "A list of the source is being applied").retry_after(30);
        return Err(problem.detail(format!("the one of {}", running.as_of)));
    }
    store::snapshots::save(&mut tx, caller.tenant_id, listing.source_id, row).await?;
    tx.commit().await?;
    Ok(Begun::New(listing))
}

async fn run(
    caller: &Caller,
    door: &Door,
    source: &str,
    listing: &ListingSource,
    row: &mut SnapshotRow,
    control: &Control,
    (form, list): (&Form, &Bytes),
) -> Result<Response, Problem> {
    let mut application = Application::new(door, caller, source, row.as_of).await?;
    application.read(form, list, control).await?;
    let drop = application.what_would_close().await?;
    if let Some(detail) = control.forbids(&drop, application.items()) {
        "held".clone_into(&mut row.status);
        row.report = application.report(row.snapshot_id, "held");
        finish(caller, door, listing, row).await?;
        metrics::counter!("puntual_ingestion_snapshots_total", "status" => "held").increment(1);
        tracing::warn!(source, as_of = %row.as_of, detail, "list of open items held");
        return Err(conflict("snapshot-drop", "The list would close too much at once").detail(detail));
    }
    application.apply_items(form, list).await?;
    application.close_absent().await?;
    application.cover(&listing.covers).await?;
    "applied".clone_into(&mut row.status);
    row.report = application.report(row.snapshot_id, "applied");
    finish(caller, door, listing, row).await?;
    rules::apply(door, caller).await;
    metrics::counter!("puntual_ingestion_snapshots_total", "status" => "applied").increment(1);
    Ok(Json(&row.report).into_response())
}

async fn finish(caller: &Caller, door: &Door, listing: &ListingSource, row: &mut SnapshotRow) -> Result<(), Problem> {
    let mut tx = door.begin(caller.tenant_id).await?;
    row.updated_at = super::accept::now(door, &mut tx).await?;
    if row.status == "applied" {
        store::snapshots::applied(&mut tx, caller.tenant_id, listing.source_id, row.as_of).await?;
    }
    store::snapshots::save(&mut tx, caller.tenant_id, listing.source_id, row).await?;
    Ok(tx.commit().await?)
}

/// A list that was refused as a whole leaves nothing behind: it may be sent again, mended, for the same moment.
async fn forget(caller: &Caller, door: &Door, row: &SnapshotRow) -> Result<(), Problem> {
    let mut tx = door.begin(caller.tenant_id).await?;
    store::snapshots::delete(&mut tx, caller.tenant_id, row.snapshot_id).await?;
    Ok(tx.commit().await?)
}

fn conflict(slug: &str, title: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, slug, title)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Code.
    #[param(value_type = Key, required = true, example = "list")]
    source: Option<String>,
}

/// A list as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = List)]
pub(super) struct Shown {
    snapshot_id: Uuid,
    as_of: DateTime<Utc>,
    /// `applying`, `applied` or `held`.
    status: String,
    updated_at: DateTime<Utc>,
    /// Null while it is being applied.
    #[schema(value_type = Option<ListReport>)]
    report: Value,
}

impl From<SnapshotRow> for Shown {
    fn from(row: SnapshotRow) -> Self {
        let SnapshotRow { snapshot_id, as_of, status, report, updated_at, .. } = row;
        Self { snapshot_id, as_of, status, updated_at, report }
    }
}

const SHOWN_LISTS: i64 = 100;

/// Shows the last lists of a source, the newest first.
///
/// Scope `read` or `facts:write`.
#[utoipa::path(get, path = "/v1/snapshots", operation_id = "list_lists", tag = "lists", params(Which),
    responses((status = 200, description = "At most a hundred lists", body = Vec<Shown>)))]
pub(super) async fn list(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<Shown>>, Problem> {
    super::may_ask(&caller)?;
    let Query(which) = query.map_err(|rejection| Problem::parameter("query", rejection.body_text()))?;
    let source = which.source.unwrap_or_default();
    let source = text::natural_key(&source).map_err(|error| Problem::parameter("source", error.to_string()))?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let rows = store::snapshots::of_source(&mut tx, caller.tenant_id, source, SHOWN_LISTS).await?;
    Ok(Json(rows.into_iter().map(Shown::from).collect()))
}

/// Shows one list.
///
/// Scope `read` or `facts:write`.
#[utoipa::path(get, path = "/v1/snapshots/{id}", operation_id = "get_list", tag = "lists",
    params(("id" = Uuid, Path, description = "`snapshot_id` of its report")),
    responses((status = 200, description = "The list as it stands", body = Shown)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    Named(id): Named<String>,
) -> Result<Json<Shown>, Problem> {
    super::may_ask(&caller)?;
    let id: Uuid = id.parse().map_err(|_| Problem::not_found())?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let row = store::snapshots::by_id(&mut tx, caller.tenant_id, id).await?;
    row.map(|row| Json(Shown::from(row))).ok_or_else(Problem::not_found)
}
