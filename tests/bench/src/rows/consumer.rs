//! A real role that applies everything in ingestion's stream to empty tables, beside the bare loop over the same messages;
//! then one event at a time, and everything again as duplicates.

use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use contracts::stream;

use crate::lab::Lab;
use crate::lab::broker::Broker;
use crate::lab::installation::Installation;
use crate::lab::meter::Measured;
use crate::report::{Report, Row};

use super::bare_loop;

const LIMIT: Duration = Duration::from_mins(1);
/// How long events are applied one by one.
const ONE_BY_ONE: Duration = Duration::from_secs(5);

pub(crate) async fn measure(
    lab: &Lab,
    report: &mut Report,
    here: &Installation<'_>,
    role: &'static str,
    repeats: bool,
) -> anyhow::Result<()> {
    let all = here.broker.last_sequence(stream::INGESTION.name).await;

    lab.step(&format!("{role}: the bare loop"));
    let bare = bare_loop::measure(lab, here, all).await?;

    lab.step(&format!("{role}: its real handler"));
    let ours = applied(lab, here, role, LIMIT).await?;
    report.push(Row::rate(role, ours, bare, "events/s").must(0.5).stretch(0.8).bound_by("PostgreSQL").note(format!(
        "those of ingestion's {all} events that are for it, into empty tables; reference: fetch 500, inbox, one upsert, an outbox row each, commit, \
         one confirmed ack for all"
    )));

    if !repeats {
        return Ok(());
    }
    lab.step(&format!("{role}: duplicates only"));
    here.broker.jetstream.delete_consumer_from_stream(role, stream::INGESTION.name).await?;
    let again = applied(lab, here, role, LIMIT).await?;
    report.push(
        Row::rate(&format!("{role}_duplicates"), again, ours, "events/s")
            .must(1.5)
            .stretch(3.0)
            .bound_by("PostgreSQL")
            .note("the same events again after the durable was deleted; reference: the row above"),
    );

    lab.step(&format!("{role}: one by one"));
    here.empty(role).await?;
    one_by_one_durable(&here.broker, role).await?;
    let slow = applied(lab, here, role, ONE_BY_ONE).await?;
    report.push(
        Row::rate(&format!("{role}_batch_500"), ours, slow, "events/s")
            .must(10.0)
            .stretch(20.0)
            .bound_by("commits")
            .note("batches of 500; reference: the same consumer with one event in flight"),
    );
    here.broker.jetstream.delete_consumer_from_stream(role, stream::INGESTION.name).await?;
    Ok(())
}

/// A durable that hands out one event at a time; the role takes the durable that it finds.
async fn one_by_one_durable(broker: &Broker, role: &str) -> anyhow::Result<()> {
    let found: PullConsumer = broker.jetstream.get_consumer_from_stream(role, stream::INGESTION.name).await?;
    let filter_subjects = found.cached_info().config.filter_subjects.clone();
    broker.jetstream.delete_consumer_from_stream(role, stream::INGESTION.name).await?;
    // Of the stream's epoch, else the role makes it anew.
    let metadata = broker.jetstream.get_stream(stream::INGESTION.name).await?.cached_info().config.metadata.clone();
    let config = pull::Config {
        durable_name: Some(role.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_mins(1),
        max_ack_pending: 1,
        filter_subjects,
        metadata,
        ..pull::Config::default()
    };
    broker.jetstream.create_consumer_on_stream(config, stream::INGESTION.name).await?;
    Ok(())
}

/// Events a second that the role confirms, of those that are for it, from the first seen to the last, or as far as it comes
/// within `limit`.
async fn applied(lab: &Lab, here: &Installation<'_>, role: &'static str, limit: Duration) -> anyhow::Result<Measured> {
    let running = lab.meter.start();
    let process = here.start(role).await?;
    let began = Instant::now();
    let mut first = None;
    let rate = loop {
        let now = Instant::now();
        let (confirmed, waiting) = here.broker.progress(stream::INGESTION.name, role).await.unwrap_or((0, 1));
        let (from, at) = match first {
            None if confirmed > 0 => *first.insert((confirmed, now)),
            None => (0, now),
            Some(first) => first,
        };
        let enough = waiting == 0 || first.is_some() && at.elapsed() > limit;
        if enough {
            let per_second = (confirmed - from) as f64 / (now - at).as_secs_f64();
            break Measured { per_second, ..running.stop(confirmed) };
        }
        anyhow::ensure!(first.is_some() || began.elapsed() < Duration::from_secs(30), "{role} applies nothing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    process.stop().await?;
    Ok(rate)
}
