//! The doors that every role has, as an OpenAPI document.

use utoipa::openapi::OpenApi;

use crate::{dead_letters, health};

/// To be merged into the role's own.
pub fn document() -> OpenApi {
    dead_letters::doors().into_openapi().merge_from(health::doors().into_openapi())
}
