//! Who is asking: an API key in `Authorization: Bearer`, or in the session cookie of a browser.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use uuid::Uuid;

use crate::door::Door;
use crate::key;
use crate::problem::Problem;

/// Cookie that holds the key of a signed-in browser: `HttpOnly`, `SameSite=Strict`.
pub const SESSION_COOKIE: &str = "puntual_session";

/// The owner of a valid key.
#[derive(Debug, Clone)]
pub struct Caller {
    pub tenant_id: Uuid,
    pub key_id: Uuid,
    /// Name of the key, the actor of whatever it does.
    pub name: String,
    pub scopes: Vec<String>,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    tenant_id: Uuid,
    name: String,
    secret_sha256: Vec<u8>,
    scopes: Vec<String>,
}

impl Caller {
    /// Refuses with 403 when the key lacks `scope`.
    pub fn require(&self, scope: &str) -> Result<(), Problem> {
        if self.scopes.iter().any(|own| own == scope) {
            return Ok(());
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "insufficient-scope", "The key does not allow this")
            .detail(format!("scope {scope} is needed")))
    }

    /// The owner of `text`, if it is a valid key.
    pub async fn of_key(door: &Door, text: &str) -> Result<Self, Problem> {
        let presented = key::parse(text).ok_or_else(Problem::unauthorized)?;
        let row: Option<KeyRow> = sqlx::query_as(
            "SELECT tenant_id, name, secret_sha256, scopes FROM api_keys WHERE key_id = $1 AND NOT revoked",
        )
        .bind(presented.key_id)
        .fetch_optional(&door.pool)
        .await?;
        let row = row.ok_or_else(Problem::unauthorized)?;
        if !same(&row.secret_sha256, &presented.secret_sha256) {
            return Err(Problem::unauthorized());
        }
        Ok(Self { tenant_id: row.tenant_id, key_id: presented.key_id, name: row.name, scopes: row.scopes })
    }
}

/// Compares hashes without stopping at the first difference.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Door: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let door = Door::from_ref(state);
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text(axum::http::header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let cookie = || {
            text(axum::http::header::COOKIE)?
                .split("; ")
                .find_map(|pair| pair.strip_prefix(SESSION_COOKIE)?.strip_prefix('='))
        };
        let presented = bearer.or_else(cookie).ok_or_else(Problem::unauthorized)?;
        Self::of_key(&door, presented).await
    }
}
