//! The bytes of a request: inflated where the sender deflated them, never more than the limit in memory.

use std::io::Read;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::read::MultiGzDecoder;
use runtime::Problem;

/// Of a body of facts, as sent and as inflated.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Facts shrink to a tenth or a thirtieth; what grows more than this when inflated was made to.
const MAX_RATIO: usize = 100;
/// Where small bodies are concerned the ratio says nothing.
const RATIO_COUNTS_FROM: usize = 1024 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// How the body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// From `Content-Encoding`; none when it is not accepted.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
        let (first, more) = (codings.next(), codings.next());
        let coding = match first.map(HeaderValue::as_bytes).map(<[u8]>::to_ascii_lowercase).as_deref() {
            None | Some(b"identity") => Some(Self::Identity),
            Some(b"gzip" | b"x-gzip") => Some(Self::Gzip),
            Some(_) => None,
        };
        coding.filter(|_| more.is_none())
    }
}

/// Everything, or the reason why not.
pub(super) async fn read(coding: Coding, body: Body) -> Result<Bytes, Problem> {
    read_up_to(MAX_BODY_BYTES, coding, body).await
}

/// The same with another limit, of the body as sent and as inflated.
pub(super) async fn read_up_to(limit: usize, coding: Coding, body: Body) -> Result<Bytes, Problem> {
    let sent = axum::body::to_bytes(body, limit).await.map_err(|error| {
        let too_large =
            std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("length limit"));
        if too_large {
            return self::too_large(format!("at most {limit} bytes are allowed"));
        }
        Problem::new(StatusCode::BAD_REQUEST, "body-incomplete", "The body did not arrive whole")
    })?;
    match coding {
        Coding::Identity => Ok(sent),
        // Some ten milliseconds for a large body.
        Coding::Gzip => match tokio::task::spawn_blocking(move || inflate(&sent, limit)).await {
            Ok(inflated) => inflated,
            Err(_) => Err(Problem::unavailable()),
        },
    }
}

/// Stops as soon as a limit is passed: nothing is inflated in vain.
fn inflate(sent: &[u8], limit: usize) -> Result<Bytes, Problem> {
    let mut decoder = MultiGzDecoder::new(sent);
    let mut inflated = Vec::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = match decoder.read(&mut chunk) {
            Ok(0) => return Ok(inflated.into()),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let problem = Problem::new(StatusCode::BAD_REQUEST, "encoding", "The body is not gzip");
                return Err(problem.detail(error.to_string()));
            }
        };
        inflated.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if inflated.len() > limit {
            return Err(too_large(format!("at most {limit} bytes are allowed, inflated")));
        }
        if inflated.len() > RATIO_COUNTS_FROM && inflated.len() / sent.len().max(1) > MAX_RATIO {
            return Err(too_large(format!("it grows more than {MAX_RATIO} times when inflated")));
        }
    }
}

fn too_large(detail: String) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large").detail(detail)
}

/// Says what is accepted.
pub(super) fn unsupported() -> Response {
    let problem =
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-encoding", "The body cannot be unpacked");
    let mut response = problem.detail("send it as it is, or with gzip, once").into_response();
    response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, identity"));
    response
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn inflated(sent: &[u8]) -> Result<Bytes, Problem> {
        inflate(sent, MAX_BODY_BYTES)
    }

    #[test]
    fn what_was_packed_comes_out_in_one_piece_or_several() {
        let packed = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(inflated(&packed).unwrap(), "one two");
        assert_eq!(inflated(&gzip(b"")).unwrap(), "");
    }

    #[test]
    fn what_grows_without_measure_is_stopped() {
        let bomb = gzip(&vec![b' '; 256 * 1024 * 1024]);
        assert!(bomb.len() < 512 * 1024);
        assert!(inflated(&bomb).is_err());
        assert!(inflated(&gzip(&vec![b' '; RATIO_COUNTS_FROM])).is_ok(), "small bodies may be as even as they like");
    }

    #[test]
    fn what_is_no_gzip_is_not_guessed_at() {
        assert!(inflated(b"{}").is_err());
        let whole = gzip(b"a fact or two");
        assert!(inflated(whole.get(..whole.len() - 3).unwrap()).is_err(), "cut off");
        assert!(inflated(&[&whole[..], b"more"].concat()).is_err(), "something follows");
    }
}
