//! Streams and durables: ensured by whom they belong to (D14), refused when they differ, never deleted to make them fit.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode, context::GetStreamErrorKind};
use contracts::Stream;

/// How long a stream keeps an event; the outbox keeps it longer.
const STREAM_MAX_AGE: Duration = Duration::from_hours(7 * 24);
/// A guard only: the expected last sequence is what prevents doubles.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);
/// Longer than the longest retry of a batch in memory (45 s).
const ACK_WAIT: Duration = Duration::from_mins(1);
/// Ten batches of 500: enough to keep every replica busy.
const MAX_ACK_PENDING: i64 = 5_000;

/// Why a stream or a durable is not as the contract says.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    #[error("stream {stream} has {what} {found}, the contract says {expected}; change it by hand")]
    Differs { stream: &'static str, what: &'static str, found: String, expected: String },
    #[error("stream {0} does not exist yet")]
    Missing(&'static str),
    #[error("jetstream: {0}")]
    JetStream(String),
}

fn jetstream_error(error: impl std::fmt::Display) -> TopologyError {
    TopologyError::JetStream(error.to_string())
}

/// Ensures the stream of the calling service. `replicas` is 3 in production, 1 on one machine.
pub async fn ensure_stream(jetstream: &Context, stream: Stream, replicas: usize) -> Result<(), TopologyError> {
    let wanted = Config {
        name: stream.name.to_owned(),
        subjects: vec![stream.subjects.to_owned()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        num_replicas: replicas,
        max_age: STREAM_MAX_AGE,
        duplicate_window: DUPLICATE_WINDOW,
        allow_atomic_publish: true,
        allow_direct: true,
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    };
    match jetstream.get_stream(stream.name).await {
        Ok(found) => check(stream, &found.cached_info().config, &wanted),
        Err(error) if matches!(error.kind(), GetStreamErrorKind::JetStream(ref cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND) =>
        {
            jetstream.create_stream(wanted).await.map_err(jetstream_error)?;
            tracing::info!(stream = stream.name, "stream created");
            Ok(())
        }
        Err(error) => Err(jetstream_error(error)),
    }
}

fn check(stream: Stream, found: &Config, wanted: &Config) -> Result<(), TopologyError> {
    let differs = |what, found: String, expected: String| {
        Err(TopologyError::Differs { stream: stream.name, what, found, expected })
    };
    if found.subjects != wanted.subjects {
        return differs("subjects", format!("{:?}", found.subjects), format!("{:?}", wanted.subjects));
    }
    if found.retention != wanted.retention {
        return differs("retention", format!("{:?}", found.retention), format!("{:?}", wanted.retention));
    }
    if !found.allow_atomic_publish {
        return differs("allow_atomic_publish", "false".into(), "true".into());
    }
    Ok(())
}

/// Ensures the durable `service` on a stream that another service owns.
pub async fn ensure_durable(
    jetstream: &Context,
    stream: Stream,
    service: &'static str,
) -> Result<PullConsumer, TopologyError> {
    let found = jetstream.get_stream(stream.name).await.map_err(|error| match error.kind() {
        GetStreamErrorKind::JetStream(cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND => {
            TopologyError::Missing(stream.name)
        }
        _ => jetstream_error(error),
    })?;
    found
        .get_or_create_consumer(
            service,
            pull::Config {
                durable_name: Some(service.to_owned()),
                deliver_policy: DeliverPolicy::All,
                ack_policy: AckPolicy::Explicit,
                ack_wait: ACK_WAIT,
                max_ack_pending: MAX_ACK_PENDING,
                max_deliver: -1,
                ..pull::Config::default()
            },
        )
        .await
        .map_err(jetstream_error)
}
