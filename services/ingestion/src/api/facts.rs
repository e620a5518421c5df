//! `POST /v1/facts`: one fact as JSON, or up to 5,000 as lines of NDJSON.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Problem};
use serde::Serialize;
use uuid::Uuid;

use super::accept::resolve::quarantine_id;
use super::accept::{Verdict, accept};
use super::reading::batch::{self, Line, MAX_LINES};
use super::reading::{hex, sha256};
use super::receipts::Receipt;
use super::refusal;

const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
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
    let (parts, body) = request.into_parts();
    let media_type = media_type(parts.headers.get(header::CONTENT_TYPE));
    let encoding = parts.headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Ok(refusal::unsupported_media_type("compressed bodies are not accepted"));
    }
    match media_type.as_deref() {
        Some("application/json" | "application/cloudevents+json") => single(caller, door, read(body).await?).await,
        Some("application/x-ndjson") => batch(caller, door, read(body).await?).await,
        _ => Ok(refusal::unsupported_media_type("send application/json or application/x-ndjson")),
    }
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

async fn batch(caller: &Caller, door: &Door, body: Bytes) -> Result<Response, Problem> {
    let Some(lines) = batch::lines(&body) else {
        let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-lines", "The batch has too many lines");
        return Err(problem.detail(format!("at most {MAX_LINES} lines are allowed")));
    };
    if lines.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "empty-body", "There is nothing to read"));
    }
    // The same bytes are the same batch.
    let batch_id = ids::derive(caller.tenant_id, Kind::Quarantine, &["batch", &hex(&sha256(&body))]);
    let verdicts = accept(door, caller, &lines, Some(batch_id)).await?;
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

async fn read(body: Body) -> Result<Bytes, Problem> {
    axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|error| {
        let too_large =
            std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("length limit"));
        if too_large {
            let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large");
            return problem.detail(format!("at most {MAX_BODY_BYTES} bytes are allowed"));
        }
        Problem::new(StatusCode::BAD_REQUEST, "body-incomplete", "The body did not arrive whole")
    })
}

/// Without parameters, in small letters.
fn media_type(header: Option<&HeaderValue>) -> Option<String> {
    let text = header?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}
