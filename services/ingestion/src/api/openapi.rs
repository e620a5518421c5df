//! `GET /openapi.json`: what the doors of this role accept and answer, and `GET /docs`: the same for people.
//!
//! Doors and answers are described where they are, by attributes; what a fact may say, which examples work and how a door
//! refuses is described below here.

mod bodies;
mod catalogue;
mod conduct;
mod credits;
mod customers;
mod facts;
mod invoices;
mod links;
pub(super) mod lists;
mod page;
mod problems;
mod reach;
pub(super) mod requests;
pub(super) mod rules;
pub(super) mod values;

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{Html, IntoResponse};
use runtime::{FieldError, Problem};
use utoipa::openapi::path::{Operation, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};

/// What is not at a door.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Puntual: ingestion", description = include_str!("openapi/about.md"), license(name = "Apache-2.0", identifier = "Apache-2.0")),
    components(schemas(Problem, FieldError, requests::OpenItem, values::KeyOfBatch)),
    tags(
        (name = "facts", description = "What has happened outside."),
        (name = "lists", description = "All that is open at one moment, for sources that cannot tell events."),
        (name = "profiles", description = "How a tenant's own files are read."),
        (name = "quarantine", description = "Lines that could not be accepted wait here for a person."),
        (name = "ledger", description = "What became of the money."),
        (name = "dead letters", description = "Events of other roles that could not be applied here."),
        (name = "platform", description = "What platforms and this document ask. No key is needed."),
    )
)]
struct Described;

static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(|| {
    let mut document = <Described as utoipa::OpenApi>::openapi();
    document.merge(super::doors().into_openapi());
    document.merge(runtime::document());
    let components = document.components.get_or_insert_default();
    facts::describe(components);
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("puntual_<id>_<secret>");
    let key = key.description(Some("An API key, as `puntual key create` prints it."));
    components.security_schemes.insert("key".to_owned(), SecurityScheme::Http(key.build()).into());
    document.security = Some(vec![SecurityRequirement::new("key", [""; 0])]);
    bodies::describe(&mut document.paths);
    problems::describe(&mut document.paths);
    links::describe(&mut document.paths);
    document
});

static TEXT: LazyLock<String> = LazyLock::new(|| DOCUMENT.to_json().unwrap_or_default());
static PAGE: LazyLock<String> = LazyLock::new(|| page::render(&serde_json::to_value(&*DOCUMENT).unwrap_or_default()));

/// This document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "platform", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value, content_type = "application/json")))]
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}

/// This document, for people.
#[utoipa::path(get, path = "/docs", operation_id = "docs", tag = "platform", security(()),
    responses((status = 200, description = "A page", body = String, content_type = "text/html")))]
pub(super) async fn page() -> impl IntoResponse {
    Html(PAGE.as_str())
}

fn operations(paths: &mut Paths) -> impl Iterator<Item = &mut Operation> {
    paths.paths.values_mut().flat_map(|item| [&mut item.get, &mut item.post, &mut item.put, &mut item.delete]).flatten()
}
