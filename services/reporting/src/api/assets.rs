//! The pages' own style and script, from the binary. Nothing is loaded from elsewhere.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use runtime::Problem;

/// Paths on the pages. A new build may change them under the same name, so browsers ask again after an hour.
pub(super) const STYLE: &str = "/assets/puntual.css";
pub(super) const SIGN_IN_SCRIPT: &str = "/assets/signin.js";
const CACHE: &str = "public, max-age=3600";

pub(super) async fn serve(Path(name): Path<String>) -> Result<Response, Problem> {
    let (kind, body) = match name.as_str() {
        "puntual.css" => ("text/css; charset=utf-8", include_str!("../../assets/puntual.css")),
        "signin.js" => ("text/javascript; charset=utf-8", include_str!("../../assets/signin.js")),
        _ => return Err(Problem::not_found()),
    };
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, CACHE), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, body).into_response())
}
