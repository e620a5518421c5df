//! Publishing with an expected last sequence: one message at a time, or up to 1,000 as one atomic batch.
//!
//! An atomic batch is JetStream's group commit: the server writes all its messages and syncs once. Its cost is fixed
//! (four syncs), so that a handful of messages is cheaper one by one.

use async_nats::jetstream::response::Response;
use async_nats::jetstream::{ErrorCode, publish::PublishAck};
use async_nats::{Client, HeaderMap};
use bytes::Bytes;
use uuid::Uuid;

const EXPECTED_LAST_SEQUENCE: &str = "Nats-Expected-Last-Sequence";
const BATCH_ID: &str = "Nats-Batch-Id";
const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
const BATCH_COMMIT: &str = "Nats-Batch-Commit";

/// Below this many rows single publishes are faster than the fixed cost of a batch.
const SMALLEST_BATCH: usize = 8;

/// One message to be published.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub subject: String,
    pub headers: HeaderMap,
    pub payload: Bytes,
}

/// Why a publish did not end in an acknowledgement.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The stream's last sequence is not the expected one; nothing was stored.
    #[error("expected last sequence {expected}, the stream is at {actual}")]
    WrongLastSequence { expected: u64, actual: u64 },
    #[error("refused by the server: {0}")]
    Refused(String),
    /// The outcome is unknown: the tail of the stream has to be read.
    #[error("no answer: {0}")]
    Unknown(String),
}

/// Messages on their way after sequence `expected`: of an atomic batch all but the last are with the server, which keeps
/// nothing of them unless the last one follows ([`commit`]).
#[derive(Debug)]
pub struct Staged {
    expected: u64,
    through: u64,
    rest: Vec<Outgoing>,
}

impl Staged {
    /// Where the stream ends once all of it is stored.
    pub fn through(&self) -> u64 {
        self.through
    }
}

/// Publishes `messages` in order after sequence `expected`; returns the sequence of the last one.
///
/// Without an answer ([`PublishError::Unknown`]) some or all of them may have been stored.
pub async fn publish(client: &Client, messages: Vec<Outgoing>, expected: u64) -> Result<u64, PublishError> {
    let staged = stage(client, messages, expected).await?;
    commit(client, staged).await
}

/// Sends what can be sent before `expected` is known to be the stream's end: the server compares it when the batch is
/// committed. A batch that is dropped here is forgotten there after some seconds.
pub async fn stage(client: &Client, mut messages: Vec<Outgoing>, expected: u64) -> Result<Staged, PublishError> {
    let count = messages.len();
    let through = expected + u64::try_from(count).unwrap_or(0);
    if count < SMALLEST_BATCH {
        return Ok(Staged { expected, through, rest: messages });
    }
    let batch_id = Uuid::now_v7().simple().to_string();
    for (message, number) in messages.iter_mut().zip(1_usize..) {
        message.headers.insert(BATCH_ID, batch_id.as_str());
        message.headers.insert(BATCH_SEQUENCE, number.to_string());
        if number == 1 {
            message.headers.insert(EXPECTED_LAST_SEQUENCE, expected.to_string());
        }
        if number == count {
            message.headers.insert(BATCH_COMMIT, "1");
        }
    }
    let rest = messages.split_off(count - 1);
    for message in messages {
        client
            .publish_with_headers(message.subject, message.headers, message.payload)
            .await
            .map_err(|error| PublishError::Unknown(error.to_string()))?;
    }
    Ok(Staged { expected, through, rest })
}

/// Sends the rest and waits until all is stored; returns the sequence of the last message.
pub async fn commit(client: &Client, staged: Staged) -> Result<u64, PublishError> {
    let Staged { expected: mut last, rest, .. } = staged;
    for mut message in rest {
        if message.headers.get(BATCH_COMMIT).is_none() {
            message.headers.insert(EXPECTED_LAST_SEQUENCE, last.to_string());
        }
        last = request(client, message, last).await?;
    }
    Ok(last)
}

async fn request(client: &Client, message: Outgoing, expected: u64) -> Result<u64, PublishError> {
    let reply = client
        .request_with_headers(message.subject, message.headers, message.payload)
        .await
        .map_err(|error| PublishError::Unknown(error.to_string()))?;
    let answer: Response<PublishAck> =
        serde_json::from_slice(&reply.payload).map_err(|error| PublishError::Unknown(error.to_string()))?;
    match answer {
        Response::Ok(ack) => Ok(ack.sequence),
        Response::Err { error } if error.error_code() == ErrorCode::STREAM_WRONG_LAST_SEQUENCE => {
            Err(PublishError::WrongLastSequence { expected, actual: last_number(&error.to_string()) })
        }
        Response::Err { error } => Err(PublishError::Refused(error.to_string())),
    }
}

/// The server tells its last sequence only in words: `wrong last sequence: 17 (code 400, …)`.
fn last_number(text: &str) -> u64 {
    text.split_once("sequence: ")
        .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect::<String>())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_actual_sequence_is_read_from_the_refusal() {
        assert_eq!(super::last_number("wrong last sequence: 17 (code 400, error code 10071)"), 17);
    }
}
