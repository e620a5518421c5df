//! Streams and durables: ensured by whom they belong to (D14), refused when they differ, never deleted to make them fit.
//!
//! A stream is transport that may be lost. Whoever makes it anew, or rewinds into it, raises its *epoch*: a number in the
//! metadata of the stream, kept by the relay in its database. A durable carries the epoch it was made for. One of another
//! epoch, or one whose ack floor is ahead of the stream, would skip events in silence: its owner makes it anew, and the
//! inbox swallows what was applied already.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{Config, ConsumerErrorKind, DiscardPolicy, Info, RetentionPolicy, StorageType};
use async_nats::jetstream::{self, Context, ErrorCode, context::GetStreamErrorKind};
use chrono::{DateTime, Utc};
use contracts::Stream;
use faults::Bug;

/// How long a stream keeps an event; the outbox keeps it longer.
const STREAM_MAX_AGE: Duration = Duration::from_hours(7 * 24);
/// A guard only: the expected last sequence is what prevents doubles.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);
/// What a worker had taken when it died comes again after this. Longer than a batch is retried in memory.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(15);
/// Ten batches of 500: enough to keep every replica busy.
const MAX_ACK_PENDING: i64 = 5_000;
/// Where a stream and its durables carry their epoch.
const EPOCH: &str = "puntual-epoch";

/// Why a stream or a durable is not as the contract says.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    #[error("stream {stream} has {what} {found}, the contract says {expected}; change it by hand")]
    Differs { stream: &'static str, what: &'static str, found: String, expected: String },
    #[error("durable {service} of {stream} has {what} {found}, the contract says {expected}; change it by hand")]
    DurableDiffers { stream: &'static str, service: &'static str, what: &'static str, found: String, expected: String },
    #[error("stream {0} does not exist yet")]
    Missing(&'static str),
    #[error("jetstream: {0}")]
    JetStream(String),
}

fn jetstream_error(error: impl std::fmt::Display) -> TopologyError {
    TopologyError::JetStream(error.to_string())
}

/// What a stream is like now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub created: DateTime<Utc>,
    /// 0 when nobody has said.
    pub epoch: u32,
    pub first_seq: u64,
    pub last_seq: u64,
    /// Sequences between the first and the last that hold no message: nobody may delete one, so they were lost.
    pub missing: u64,
}

impl Found {
    fn of(info: &Info) -> Self {
        let state = &info.state;
        Self {
            // As exact as PostgreSQL can remember it.
            created: i64::try_from(info.created.unix_timestamp_nanos() / 1_000)
                .ok()
                .and_then(DateTime::from_timestamp_micros)
                .unwrap_or_default(),
            epoch: epoch_of(&info.config.metadata),
            first_seq: state.first_sequence,
            last_seq: state.last_sequence,
            missing: state.deleted_count.unwrap_or(0),
        }
    }
}

fn epoch_of(metadata: &HashMap<String, String>) -> u32 {
    metadata.get(EPOCH).and_then(|epoch| epoch.parse().ok()).unwrap_or(0)
}

fn contract(stream: Stream, replicas: usize, epoch: u32) -> Config {
    Config {
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
        metadata: HashMap::from([(EPOCH.to_owned(), epoch.to_string())]),
        ..Config::default()
    }
}

async fn get(jetstream: &Context, stream: Stream) -> Result<Option<jetstream::stream::Stream>, TopologyError> {
    match jetstream.get_stream(stream.name).await {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            _ => Err(jetstream_error(error)),
        },
    }
}

/// The stream as it is, `None` when there is none; an error when it is not as the contract says.
pub async fn find_stream(jetstream: &Context, stream: Stream) -> Result<Option<Found>, TopologyError> {
    let Some(found) = get(jetstream, stream).await? else { return Ok(None) };
    let info = found.cached_info();
    check(stream, &info.config, &contract(stream, 1, 0))?;
    Ok(Some(Found::of(info)))
}

/// Makes the stream of the calling service; its first message gets the sequence after `last_seq`. `replicas` is 3 in
/// production, 1 on one machine.
pub async fn create_stream(
    jetstream: &Context,
    stream: Stream,
    replicas: usize,
    epoch: u32,
    last_seq: u64,
) -> Result<Found, TopologyError> {
    let first_sequence = (last_seq > 0).then_some(last_seq + 1);
    let wanted = Config { first_sequence, ..contract(stream, replicas, epoch) };
    let made = jetstream.create_stream(wanted).await.map_err(jetstream_error)?;
    tracing::info!(stream = stream.name, epoch, last_seq, "stream created");
    Ok(Found::of(made.cached_info()))
}

/// Tells every consumer that what it knows of the stream is out of date.
pub async fn mark_epoch(jetstream: &Context, stream: Stream, epoch: u32) -> Result<(), TopologyError> {
    let found = get(jetstream, stream).await?.ok_or(TopologyError::Missing(stream.name))?;
    let mut config = found.cached_info().config.clone();
    config.metadata.insert(EPOCH.to_owned(), epoch.to_string());
    jetstream.update_stream(config).await.map(drop).map_err(jetstream_error)
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

/// Why a durable was made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stale {
    Gone,
    OtherEpoch,
    AheadOfStream,
}

impl Stale {
    fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::OtherEpoch => "other_epoch",
            Self::AheadOfStream => "ahead_of_stream",
        }
    }
}

/// The durable `service` of a stream that another service owns: made when there is none, made anew when it is stale.
/// `had_one` tells that it was there before, so that its absence is a loss. Of the stream it gets what matches one of the
/// `filters`; without any, everything.
pub async fn attach(
    jetstream: &Context,
    stream: Stream,
    service: &'static str,
    had_one: bool,
    filters: &BTreeSet<String>,
) -> Result<PullConsumer, TopologyError> {
    let owner = get(jetstream, stream).await?.ok_or(TopologyError::Missing(stream.name))?;
    let epoch = epoch_of(&owner.cached_info().config.metadata);
    let cause = match inspect(jetstream, stream, service).await? {
        Ok(_) => None,
        Err(Stale::Gone) if !had_one => None,
        Err(stale) => Some(stale),
    };
    if let Some(cause) = cause {
        tracing::warn!(stream = stream.name, service, cause = cause.as_str(), epoch, "durable made anew");
        metrics::counter!("puntual_consumers_rebuilt_total",
            "stream" => stream.name, "service" => service, "cause" => cause.as_str())
        .increment(1);
        if cause != Stale::Gone {
            owner.delete_consumer(service).await.map_err(jetstream_error)?;
        }
    }
    let wanted = pull::Config {
        durable_name: Some(service.to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_ack_pending: MAX_ACK_PENDING,
        max_deliver: -1,
        filter_subjects: filters.iter().cloned().collect(),
        metadata: HashMap::from([(EPOCH.to_owned(), epoch.to_string())]),
        ..pull::Config::default()
    };
    let durable = owner.get_or_create_consumer(service, wanted.clone()).await.map_err(jetstream_error)?;
    let found = &durable.cached_info().config;
    let differs = |what, found: String, expected: &str| {
        Err(TopologyError::DurableDiffers { stream: stream.name, service, what, found, expected: expected.to_owned() })
    };
    if found.ack_policy != AckPolicy::Explicit {
        return differs("ack policy", format!("{:?}", found.ack_policy), "explicit");
    }
    if found.deliver_policy != DeliverPolicy::All {
        return differs("deliver policy", format!("{:?}", found.deliver_policy), "all");
    }
    if found.max_deliver > 0 {
        return differs("max deliver", found.max_deliver.to_string(), "-1");
    }
    let Some(filters) = wider(&found.filter_subjects, filters) else { return Ok(durable) };
    tracing::info!(stream = stream.name, service, ?filters, "durable filters anew");
    let wanted = pull::Config { filter_subjects: filters.into_iter().collect(), ..wanted };
    owner.update_consumer(wanted).await.map_err(jetstream_error)
}

/// What a durable is to filter by when it filters by `found` and `wanted` must come through; `None` when it is well as it
/// is. It never loses a filter: while a service is being renewed, its older replicas want less than the newer ones, and
/// must not take from them what they want. What comes for nobody is acknowledged unread.
fn wider(found: &[String], wanted: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let found: BTreeSet<String> = found.iter().cloned().collect();
    (!wanted.is_subset(&found)).then(|| found.union(wanted).cloned().collect())
}

/// Where a durable that may be trusted stands: its epoch and the last sequence up to which everything is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub epoch: u32,
    pub ack_floor: u64,
    /// Events that are not acknowledged yet, delivered or not.
    pub waiting: u64,
}

impl Standing {
    /// Whether everything that is for this durable up to `sequence`, which the stream has reached, is acknowledged. The
    /// floor stays at the last event that was for it.
    pub fn has_reached(self, sequence: u64) -> bool {
        self.ack_floor >= sequence || self.waiting == 0
    }
}

/// Compares a durable with its stream.
pub(crate) async fn inspect(
    jetstream: &Context,
    stream: Stream,
    service: &str,
) -> Result<Result<Standing, Stale>, TopologyError> {
    // The durable first: its floor may not be ahead of a stream that was read later.
    let standing = standing(jetstream, stream, service).await?;
    let owner = get(jetstream, stream).await?.ok_or(TopologyError::Missing(stream.name))?;
    let info = owner.cached_info();
    Ok(match standing {
        None => Err(Stale::Gone),
        Some(standing) if faults::seeded(Bug::AckFloorIgnored) => Ok(standing),
        Some(standing) if standing.epoch != epoch_of(&info.config.metadata) => Err(Stale::OtherEpoch),
        Some(standing) if standing.ack_floor > info.state.last_sequence => Err(Stale::AheadOfStream),
        Some(standing) => Ok(standing),
    })
}

/// Where a durable says it stands; `None` when there is none.
pub async fn standing(jetstream: &Context, stream: Stream, service: &str) -> Result<Option<Standing>, TopologyError> {
    let found: Result<PullConsumer, _> = jetstream.get_consumer_from_stream(service, stream.name).await;
    match found {
        Ok(durable) => {
            let info = durable.cached_info();
            let epoch = epoch_of(&info.config.metadata);
            let waiting = info.num_pending.saturating_add(u64::try_from(info.num_ack_pending).unwrap_or(u64::MAX));
            Ok(Some(Standing { epoch, ack_floor: info.ack_floor.stream_sequence, waiting }))
        }
        Err(error) => match error.kind() {
            ConsumerErrorKind::JetStream(cause)
                if matches!(cause.error_code(), ErrorCode::CONSUMER_NOT_FOUND | ErrorCode::STREAM_NOT_FOUND) =>
            {
                Ok(None)
            }
            _ => Err(jetstream_error(error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_only_grows() {
        let set = |filters: &[&str]| filters.iter().map(|filter| (*filter).to_owned()).collect::<BTreeSet<String>>();
        for (found, wanted, then) in [
            (&["a", "b"][..], &["a", "b"][..], None),
            (&["a", "b"], &["a"], None),
            (&["a"], &["a", "b"], Some(&["a", "b"][..])),
            (&["a"], &["b"], Some(&["a", "b"])),
            (&[], &["a"], Some(&["a"])),
            (&[], &[], None),
        ] {
            let found: Vec<String> = set(found).into_iter().collect();
            assert_eq!(wider(&found, &set(wanted)), then.map(set), "{found:?} {wanted:?}");
        }
    }
}
