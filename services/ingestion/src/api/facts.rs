//! `POST /v1/facts`: one fact as JSON, or up to 5,000 as lines of NDJSON; as CloudEvents structured, binary or in batches.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Problem};
use serde::Serialize;
use uuid::Uuid;

use super::accept::resolve::quarantine_id;
use super::accept::{Verdict, accept};
use super::body::{self, Coding};
use super::reading::batch::{self, Line, MAX_LINES};
use super::reading::{cloud_event, hex, sha256};
use super::receipts::Receipt;
use super::refusal;

/// A report names this many problems; `GET /v1/quarantine` has them all.
const MAX_PROBLEMS: usize = 100;
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

pub(super) async fn post(caller: Caller, State(door): State<Door>, request: Request) -> Response {
    match answer(&caller, &door, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(caller: &Caller, door: &Door, request: Request) -> Result<Response, Problem> {
    caller.require("facts:write")?;
    let (parts, packed) = request.into_parts();
    let Some(coding) = Coding::of(&parts.headers) else { return Ok(body::unsupported()) };
    match media_type(parts.headers.get(header::CONTENT_TYPE)).as_deref() {
        Some("application/json") if cloud_event::is_binary(&parts.headers) => {
            match cloud_event::binary(&parts.headers, &body::read(coding, packed).await?) {
                Ok(event) => single(caller, door, event).await,
                Err(finding) => Err(refusal::problem(&[finding])),
            }
        }
        Some("application/json" | "application/cloudevents+json") => {
            single(caller, door, body::read(coding, packed).await?).await
        }
        Some("application/x-ndjson") => {
            let body = body::read(coding, packed).await?;
            let lines = batch::lines(&body).ok_or_else(too_many_lines)?;
            if lines.is_empty() {
                return Err(Problem::new(StatusCode::BAD_REQUEST, "empty-body", "There is nothing to read"));
            }
            batch(caller, door, &body, &lines).await
        }
        Some("application/cloudevents-batch+json") => {
            let body = body::read(coding, packed).await?;
            let lines = cloud_event::elements(&body).map_err(|finding| refusal::problem(&[finding]))?;
            batch(caller, door, &body, &lines.ok_or_else(too_many_lines)?).await
        }
        _ => Ok(refusal::unsupported_media_type("send application/json, application/x-ndjson or CloudEvents in JSON")),
    }
}

fn too_many_lines() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-lines", "The batch has too many lines")
        .detail(format!("at most {MAX_LINES} lines are allowed"))
}

async fn single(caller: &Caller, door: &Door, body: Bytes) -> Result<Response, Problem> {
    let verdicts = accept(door, caller, &[Line::only(body)], None).await?;
    Ok(match verdicts.into_iter().next() {
        Some(Verdict::Accepted(receipt)) => (StatusCode::CREATED, Json(Receipt::from(receipt))).into_response(),
        Some(Verdict::Replayed(receipt)) => {
            let mut response = (StatusCode::OK, Json(Receipt::from(receipt))).into_response();
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            response
        }
        Some(Verdict::Refused(findings)) => refusal::problem(&findings).into_response(),
        None => Problem::unavailable().into_response(),
    })
}

/// What became of a batch: `lines = applied + duplicate + quarantined` (I8).
#[derive(Debug, Serialize)]
struct Report {
    batch_id: Uuid,
    lines: usize,
    applied: usize,
    duplicate: usize,
    quarantined: usize,
    /// Of those applied: a newer change was known already.
    stale: usize,
    /// Of those applied: waits for something that has not come.
    parked: usize,
    problems: Vec<LineProblem>,
    truncated: bool,
}

#[derive(Debug, Serialize)]
struct LineProblem {
    line: usize,
    byte_offset: usize,
    code: &'static str,
    pointer: String,
    detail: String,
    quarantine_id: Uuid,
}

async fn batch(caller: &Caller, door: &Door, body: &Bytes, lines: &[Line]) -> Result<Response, Problem> {
    // The same bytes are the same batch.
    let batch_id = ids::derive(caller.tenant_id, Kind::Quarantine, &["batch", &hex(&sha256(body))]);
    let verdicts = accept(door, caller, lines, Some(batch_id)).await?;
    let mut report = Report {
        batch_id,
        lines: lines.len(),
        applied: 0,
        duplicate: 0,
        quarantined: 0,
        stale: 0,
        parked: 0,
        problems: Vec::new(),
        truncated: false,
    };
    for (line, verdict) in lines.iter().zip(verdicts) {
        report.count(caller.tenant_id, line, verdict);
    }
    metrics::counter!("puntual_ingestion_lines_total", "verdict" => "applied").increment(count(report.applied));
    metrics::counter!("puntual_ingestion_lines_total", "verdict" => "duplicate").increment(count(report.duplicate));
    metrics::counter!("puntual_ingestion_lines_total", "verdict" => "quarantined").increment(count(report.quarantined));
    Ok((StatusCode::ACCEPTED, Json(report)).into_response())
}

impl Report {
    fn count(&mut self, tenant_id: Uuid, line: &Line, verdict: Verdict) {
        match verdict {
            Verdict::Accepted(receipt) => {
                self.applied += 1;
                self.stale += usize::from(receipt.status == "stale");
                self.parked += usize::from(!receipt.parked.is_empty());
            }
            Verdict::Replayed(_) => self.duplicate += 1,
            Verdict::Refused(findings) => {
                self.quarantined += 1;
                self.truncated |= self.problems.len() >= MAX_PROBLEMS;
                if let Some(finding) = findings.into_iter().next().filter(|_| !self.truncated) {
                    self.problems.push(LineProblem {
                        line: line.number,
                        byte_offset: line.byte_offset,
                        code: finding.code,
                        pointer: finding.pointer,
                        detail: finding.detail.into_owned(),
                        quarantine_id: quarantine_id(tenant_id, &line.bytes),
                    });
                }
            }
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Without parameters, in small letters; none when it names letters that are not UTF-8.
fn media_type(header: Option<&HeaderValue>) -> Option<String> {
    let text = header?.to_str().ok()?.to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next()?.to_owned();
    let charset = parts.find_map(|part| part.strip_prefix("charset=")).map(|name| name.trim_matches('"'));
    charset.is_none_or(|name| matches!(name, "utf-8" | "us-ascii")).then_some(essence)
}
