//! Findings as problem documents.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use runtime::{FieldError, Problem};

use super::reading::Finding;

/// The answer to a fact that is refused.
pub(super) fn problem(findings: &[Finding]) -> Problem {
    let Some(first) = findings.first() else {
        return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "The fact is refused");
    };
    let problem = Problem::new(status(first.code), first.code, title(first.code)).detail(first.detail.clone());
    findings.iter().fold(problem, |problem, finding| {
        problem.error(FieldError {
            pointer: Some(finding.pointer.clone()),
            code: finding.code.to_owned(),
            detail: finding.detail.clone().into_owned(),
            ..FieldError::default()
        })
    })
}

fn status(code: &str) -> StatusCode {
    match code {
        "empty-body" | "malformed-json" | "encoding" | "too-deep" => StatusCode::BAD_REQUEST,
        "tenant-mismatch" => StatusCode::FORBIDDEN,
        "idempotency-conflict" | "promise-conflict" => StatusCode::CONFLICT,
        "line-too-long" => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn title(code: &str) -> &'static str {
    match code {
        "empty-body" => "There is nothing to read",
        "malformed-json" => "The body is not JSON",
        "encoding" => "The body is not UTF-8",
        "too-deep" => "The body is nested too deep",
        "line-too-long" => "The fact is too large",
        "tenant-mismatch" => "The fact is another tenant's",
        "idempotency-conflict" => "The source has told another fact by this id",
        "promise-conflict" => "The promise is known with other terms",
        "currency-mismatch" => "The invoice is in another currency",
        "unknown-source" => "The source is not registered",
        "unknown-type" => "The type of fact is not known",
        "duplicate-member" => "A member is there twice",
        "unknown-field" => "A member is not known",
        "missing-member" => "A member is missing",
        _ => "A member cannot be accepted",
    }
}

pub(super) async fn method_not_allowed() -> Response {
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This cannot be done here");
    problem.into_response()
}

/// What a body must be.
pub(super) fn unsupported_media_type(detail: &str) -> Response {
    let problem =
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body cannot be read as this");
    let mut response = problem.detail(detail).into_response();
    response.headers_mut().insert(
        header::HeaderName::from_static("accept-post"),
        HeaderValue::from_static(
            "application/json, application/x-ndjson, application/cloudevents+json, application/cloudevents-batch+json, \
             text/csv, application/xml, application/x-mt940",
        ),
    );
    response
}
