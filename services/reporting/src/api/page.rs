//! What the pages share: how they are sent, and how words and numbers are written for people.

pub(super) mod numbers;
pub(super) mod words;

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use runtime::Problem;

/// Nothing from elsewhere, no inline script or style, no frame around the page, forms to ourselves only.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page, with the headers that keep it private.
pub(super) fn respond(status: StatusCode, page: &impl Template, https: bool) -> Response {
    let Ok(html) = page.render() else {
        tracing::error!("a page could not be rendered");
        return Problem::unavailable().into_response();
    };
    let mut response = (status, Html(html)).into_response();
    let mut set = |name: HeaderName, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::CACHE_CONTROL, "no-store");
    if https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}
