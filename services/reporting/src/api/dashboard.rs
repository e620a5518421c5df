//! `GET /`: the page that a credit manager opens each morning.

mod board;
mod chart;
mod view;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use runtime::{Caller, Door, Problem};

use super::desk::Desk;
use super::page::respond;
use super::page::words::Language;
use super::parameters::Parameters;
use crate::ReportingConfig;

pub(super) async fn show(
    caller: Result<Caller, Problem>,
    State(door): State<Door>,
    Extension(settings): Extension<Arc<ReportingConfig>>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let caller = match caller {
        Ok(caller) => caller,
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            return Ok(Redirect::to("/signin").into_response());
        }
        Err(problem) => return Err(problem),
    };
    let mut desk = Desk::open(&door, &caller).await?;
    let language = parameters.text("lang").or(Some(&desk.language)).and_then(Language::parse);
    let board = board::collect(&mut desk, parameters.text("currency")).await?;
    let page = view::page(&desk, &board, language.unwrap_or(Language::English));
    Ok(respond(StatusCode::OK, &page, settings.https))
}
