//! Signing in: a pasted API key becomes an `HttpOnly` cookie of this site. An address that ends in `#key=…` signs in by
//! itself; the fragment never reaches a server, the page's script posts it.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use runtime::{Caller, Door, Problem, SESSION_COOKIE};
use serde::Deserialize;

use super::assets;
use super::page::respond;
use super::page::words::{Language, Words};
use super::parameters::Parameters;
use crate::ReportingConfig;

/// A working week: who opens the page every morning signs in on Mondays. A revoked key ends it at once.
const SESSION_SECONDS: u32 = 7 * 24 * 3600;

#[derive(Template)]
#[template(path = "signin.html")]
struct Page {
    words: &'static Words,
    language: &'static str,
    style: &'static str,
    script: &'static str,
    refused: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    key: String,
    #[serde(default)]
    lang: String,
}

pub(super) async fn form(
    Extension(settings): Extension<Arc<ReportingConfig>>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Response {
    let language = parameters.text("lang").and_then(Language::parse).unwrap_or_else(|| preferred(&headers));
    page(StatusCode::OK, language, false, &settings)
}

pub(super) async fn sign_in(
    State(door): State<Door>,
    Extension(settings): Extension<Arc<ReportingConfig>>,
    headers: HeaderMap,
    Form(sign_in): Form<SignIn>,
) -> Result<Response, Problem> {
    refuse_other_sites(&headers)?;
    let key = sign_in.key.trim();
    let language = Language::parse(&sign_in.lang).unwrap_or_else(|| preferred(&headers));
    let checked = match Caller::of_key(&door, key).await {
        Ok(caller) => caller.require(super::desk::SCOPE),
        Err(problem) => Err(problem),
    };
    match checked {
        Ok(()) => Ok((cookie(key, SESSION_SECONDS, &settings)?, Redirect::to("/")).into_response()),
        Err(problem) if problem.status().is_client_error() => Ok(page(problem.status(), language, true, &settings)),
        Err(problem) => Err(problem),
    }
}

pub(super) async fn sign_out(
    Extension(settings): Extension<Arc<ReportingConfig>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    refuse_other_sites(&headers)?;
    Ok((cookie("", 0, &settings)?, Redirect::to("/signin")).into_response())
}

fn page(status: StatusCode, language: Language, refused: bool, settings: &ReportingConfig) -> Response {
    let page = Page {
        words: language.words(),
        language: language.code(),
        style: assets::STYLE,
        script: assets::SIGN_IN_SCRIPT,
        refused,
    };
    respond(status, &page, settings.https)
}

fn cookie(
    key: &str,
    seconds: u32,
    settings: &ReportingConfig,
) -> Result<[(header::HeaderName, HeaderValue); 1], Problem> {
    let secure = if settings.https { "; Secure" } else { "" };
    let text = format!("{SESSION_COOKIE}={key}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let value = HeaderValue::from_str(&text).map_err(|_| Problem::unauthorized())?;
    Ok([(header::SET_COOKIE, value)])
}

/// Another site must not sign anybody in or out: browsers say where a request comes from.
fn refuse_other_sites(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Problem::new(StatusCode::FORBIDDEN, "cross-site", "The request comes from another site")),
    }
}

/// The first of the browser's languages that the pages have.
fn preferred(headers: &HeaderMap) -> Language {
    headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .into_iter()
        .flat_map(|value| value.split(','))
        .find_map(|entry| Language::parse(entry.trim().get(..2)?))
        .unwrap_or(Language::Spanish)
}
