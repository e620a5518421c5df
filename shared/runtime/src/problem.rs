//! Errors as RFC 9457 problem documents.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sqlx::error::DatabaseError;
use utoipa::ToSchema;

/// At most this many errors are listed; `truncated` says that there were more.
const MAX_ERRORS: usize = 100;

/// What is wrong with one place of the input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer as a fragment: `#/data/amount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pointer: Option<String>,
    /// Line of a batch, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub line: Option<u64>,
    /// Name of a query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parameter: Option<String>,
    /// Stable, for programs: `amount-scale`.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// An answer that says what went wrong, in words and for programs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// `https://puntual.dev/problems/` and a code that is stable, for programs.
    #[serde(rename = "type")]
    #[schema(format = "uri")]
    kind: String,
    /// The same for the same type.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong this time.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    detail: String,
    /// Each place that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// True when more is wrong than `errors` lists.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    truncated: bool,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

impl Problem {
    /// `slug` names the problem for programs; the same slug always has the same title.
    pub fn new(status: StatusCode, slug: &str, title: &str) -> Self {
        Self {
            kind: format!("https://puntual.dev/problems/{slug}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: String::new(),
            errors: Vec::new(),
            truncated: false,
            retry_after_seconds: None,
        }
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    #[must_use]
    pub fn error(mut self, error: FieldError) -> Self {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        } else {
            self.truncated = true;
        }
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// What happened, in one line.
    pub fn text(&self) -> String {
        if self.detail.is_empty() { self.title.clone() } else { format!("{}: {}", self.title, self.detail) }
    }

    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "No valid API key")
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing here")
    }

    /// A query parameter that cannot be used.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "query-parameter", "A query parameter cannot be used").error(FieldError {
            parameter: Some(name.to_owned()),
            code: "query-parameter".into(),
            detail: detail.into(),
            ..FieldError::default()
        })
    }

    pub fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The service cannot answer now").retry_after(2)
    }
}

impl From<sqlx::Error> for Problem {
    /// What the database says stays in the log: its messages quote values of other rows.
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) if !is_transient(cause.as_ref()) => {
                tracing::error!(%error, "request failed in the database");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something is wrong on our side")
            }
            sqlx::Error::RowNotFound => Self::not_found(),
            _ => {
                tracing::warn!(%error, "database unavailable");
                Self::unavailable()
            }
        }
    }
}

/// Serialisation failures, deadlocks, connection and shutdown errors, a partition that is not there yet: the same request
/// may succeed later.
fn is_transient(cause: &dyn DatabaseError) -> bool {
    let code = cause.code().unwrap_or_default();
    let no_partition = code == "23514" && cause.constraint().is_none();
    no_partition || ["40", "08", "53", "57"].iter().any(|class| code.starts_with(class))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let retry_after = self.retry_after_seconds;
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
