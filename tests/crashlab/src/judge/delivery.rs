//! I2, I3, I4: every event leaves once, is applied by everybody who wants it, and no durable is ahead of its stream.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use async_nats::jetstream;
use async_nats::jetstream::consumer::PullConsumer;
use contracts::{Event, ingestion as i, promises as p, reminders as r, scoring as s, stream};

use super::{Case, Findings, rows, text};
use crate::fault::ROLES;
use crate::world::World;

/// Who reads what.
const WANTED: [(&str, &[&str]); 4] = [
    (
        "scoring",
        &[
            i::CustomerChanged::SUBJECT,
            i::InvoiceChanged::SUBJECT,
            i::DisputeChanged::SUBJECT,
            i::SourceChanged::SUBJECT,
            i::TenantChanged::SUBJECT,
            i::ApiKeyChanged::SUBJECT,
            p::PromiseChanged::SUBJECT,
        ],
    ),
    (
        "promises",
        &[
            i::InvoiceChanged::SUBJECT,
            i::PromiseMade::SUBJECT,
            i::PromiseWithdrawn::SUBJECT,
            i::SourceChanged::SUBJECT,
            i::TenantChanged::SUBJECT,
            i::ApiKeyChanged::SUBJECT,
        ],
    ),
    (
        "reminders",
        &[
            i::CustomerChanged::SUBJECT,
            i::ContactChanged::SUBJECT,
            i::InvoiceChanged::SUBJECT,
            i::PromiseMade::SUBJECT,
            i::SourceChanged::SUBJECT,
            i::TenantChanged::SUBJECT,
            i::ApiKeyChanged::SUBJECT,
            s::SegmentAssigned::SUBJECT,
            p::PromiseChanged::SUBJECT,
        ],
    ),
    (
        "reporting",
        &[
            i::CustomerChanged::SUBJECT,
            i::InvoiceChanged::SUBJECT,
            i::CreditChanged::SUBJECT,
            i::DisputeChanged::SUBJECT,
            i::TenantChanged::SUBJECT,
            i::ApiKeyChanged::SUBJECT,
            s::CustomerScored::SUBJECT,
            s::SegmentAssigned::SUBJECT,
            r::ReminderDecided::SUBJECT,
            r::MessageChanged::SUBJECT,
            p::PromiseChanged::SUBJECT,
            p::AlertChanged::SUBJECT,
        ],
    ),
];

const UNPUBLISHED: &str = "SELECT o.id FROM outbox o, relay_state r
    WHERE o.xid >= r.hi OR (o.xid >= r.lo AND o.xid < r.hi AND o.id > r.last_id)";

/// Waits until everything is published and applied.
pub(super) async fn settle(world: &World) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_secs(15);
    loop {
        match quiet(world).await {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn quiet(world: &World) -> anyhow::Result<()> {
    for role in ROLES {
        let left = rows(world, role, UNPUBLISHED).await?.len();
        ensure!(left == 0, "{left} events of {role} are not published");
    }
    let jetstream = jetstream::new(world.nats.clone());
    for owner in stream::ALL {
        for upstream in owner.upstream() {
            let consumer: PullConsumer = match jetstream.get_consumer_from_stream(owner.service, upstream.name).await {
                Ok(consumer) => consumer,
                Err(error) => bail!("{} on {}: {error}", owner.service, upstream.name),
            };
            let info = consumer.cached_info();
            ensure!(
                info.num_pending == 0 && info.num_ack_pending == 0,
                "{} on {}: {} pending, {} not acknowledged",
                owner.service,
                upstream.name,
                info.num_pending,
                info.num_ack_pending
            );
        }
    }
    Ok(())
}

pub(super) async fn judge(case: &Case<'_>, findings: &mut Findings) -> anyhow::Result<()> {
    let mut written: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    for role in ROLES {
        let outbox = rows(case.world, role, "SELECT event_id, subject FROM outbox ORDER BY id").await?;
        let events = outbox.iter().map(|row| (text(row, "event_id").to_owned(), text(row, "subject").to_owned()));
        written.insert(role, events.collect());
        for dead in rows(case.world, role, "SELECT event_id, subject, reason FROM dead_letter").await? {
            findings.add("I2", format!("{role} set aside a good event: {dead}"));
        }
        let left = rows(case.world, role, UNPUBLISHED).await?.len();
        findings.unless(left == 0, "I3", || format!("{left} events of {role} were never published"));
    }
    for (service, subjects) in WANTED {
        let inbox = rows(case.world, service, "SELECT event_id FROM inbox").await?;
        let applied: BTreeSet<&str> = inbox.iter().map(|row| text(row, "event_id")).collect();
        for owner in ROLES {
            let lost: Vec<&(String, String)> = written
                .get(owner)
                .into_iter()
                .flatten()
                .filter(|(id, subject)| subjects.contains(&subject.as_str()) && !applied.contains(id.as_str()))
                .collect();
            findings.unless(lost.is_empty(), "I2", || {
                format!("{service} never applied {} events of {owner}, {:?} first", lost.len(), lost.first())
            });
        }
    }
    let jetstream = jetstream::new(case.world.nats.clone());
    for owner in stream::ALL {
        for upstream in owner.upstream() {
            let Ok(mut found) = jetstream.get_stream(upstream.name).await else {
                findings.add("I3", format!("there is no stream {}", upstream.name));
                continue;
            };
            let last = found.info().await?.state.last_sequence;
            let consumer: Result<PullConsumer, _> = found.get_consumer(owner.service).await;
            match consumer {
                Ok(consumer) => {
                    let floor = consumer.cached_info().ack_floor.stream_sequence;
                    findings.unless(floor <= last, "I4", || {
                        format!("{} has acknowledged {floor} of {}, which ends at {last}", owner.service, upstream.name)
                    });
                }
                Err(error) => findings.add("I4", format!("{} on {}: {error}", owner.service, upstream.name)),
            }
        }
    }
    Ok(())
}
