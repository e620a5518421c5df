//! Parts of a request, refused in our words.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Reads a JSON object. To serde an array would do as well, member by member: `[null, null]` must not mean "all of them".
pub fn json_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err("an object is expected".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// What a path names; what is not UTF-8 names nothing.
#[derive(Debug)]
pub struct Named<T>(pub T);

impl<S, T> FromRequestParts<S> for Named<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = Path::from_request_parts(parts, state).await;
        named.map(|Path(named)| Self(named)).map_err(|_| Problem::not_found())
    }
}

/// A body of at most two megabytes, axum's limit unless told otherwise.
#[derive(Debug)]
pub struct SmallBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for SmallBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large")
            }
            _ => Problem::new(StatusCode::BAD_REQUEST, "body-incomplete", "The body did not arrive whole"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Two {
        _one: Option<String>,
        _two: Option<String>,
    }

    #[test]
    fn an_array_is_no_object() {
        assert!(json_object::<Two>(b" {}").is_ok());
        for wrong in ["[null, null]", "[]", "null", "", "{"] {
            assert!(json_object::<Two>(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
