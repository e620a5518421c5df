//! `Idempotency-Key`: the name by which a sender sends a batch again.

use axum::http::header;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Days, Utc};
use runtime::Problem;
use sha2::{Digest, Sha256};

use super::reading::hex;

pub(super) const HEADER: &str = "idempotency-key";
const MAX_CHARS: usize = 255;
/// As long as the outbox keeps what came of it (D12): who asks later does not retry but resend, and every fact has its own id.
const KEPT_DAYS: u64 = 30;

/// A key as it came, and what else than the bytes decides what they mean.
#[derive(Debug)]
pub(super) struct Told {
    text: String,
    about: String,
}

/// The key of a batch, and the hash of everything that it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) sha256: [u8; 32],
}

/// None where the sender gave no key.
pub(super) fn told(parts: &Parts) -> Result<Option<Told>, Problem> {
    let Some(text) = text(&parts.headers)? else { return Ok(None) };
    let media = parts.headers.get(header::CONTENT_TYPE).map(|media| String::from_utf8_lossy(media.as_bytes()));
    let about = format!("{}\n{}\n", parts.uri.query().unwrap_or_default(), media.unwrap_or_default());
    Ok(Some(Told { text, about }))
}

fn text(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut keys = headers.get_all(HEADER).iter();
    let (Some(key), more) = (keys.next(), keys.next()) else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=MAX_CHARS).contains(&key.len()) && more.is_none());
    let key = key.filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()));
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "idempotency-key", "The key cannot be used");
        problem.detail(format!("Idempotency-Key is given once, with 1 to {MAX_CHARS} visible ASCII characters"))
    })
}

impl Told {
    pub(super) fn of(self, body: &[u8]) -> Key {
        let sha256 = Sha256::new().chain_update(&self.about).chain_update(body).finalize().into();
        Key { text: self.text, sha256 }
    }
}

impl Key {
    pub(crate) fn conflict(&self, kept: &[u8]) -> Problem {
        let detail = format!("sha256 {} is kept by this key, {} was sent", hex(kept), hex(&self.sha256));
        Problem::new(StatusCode::CONFLICT, "batch-key-conflict", "Another batch came by this key").detail(detail)
    }
}

/// The moment before which keys are forgotten.
pub(crate) fn forgotten_before(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_sub_days(Days::new(KEPT_DAYS)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_key_is_one_visible_word() {
        let read = |keys: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for key in keys {
                headers.append(HEADER, HeaderValue::from_bytes(key).unwrap());
            }
            text(&headers).map_err(|problem| problem.status())
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[b"8e03978e-40d5"]), Ok(Some("8e03978e-40d5".to_owned())));
        assert_eq!(read(&[&[b'k'; MAX_CHARS]]).map(|key| key.map(|key| key.len())), Ok(Some(MAX_CHARS)));
        let wrong: [&[&[u8]]; 6] = [&[b""], &[b"a b"], &[b"a\tb"], &["ñ".as_bytes()], &[&[b'k'; 256]], &[b"a", b"a"]];
        for keys in wrong {
            assert_eq!(read(keys), Err(StatusCode::BAD_REQUEST), "{keys:?}");
        }
    }

    #[test]
    fn the_same_bytes_told_otherwise_are_another_batch() {
        let key = |about: &str, body: &[u8]| Told { text: "k".to_owned(), about: about.to_owned() }.of(body).sha256;
        assert_eq!(key("source=erp\ntext/csv\n", b"a"), key("source=erp\ntext/csv\n", b"a"));
        assert_ne!(key("source=erp\ntext/csv\n", b"a"), key("source=bank\ntext/csv\n", b"a"));
        assert_ne!(key("source=erp\ntext/csv\n", b"a"), key("source=erp\ntext/csv\n", b"b"));
    }
}
