//! Whether every event reached everyone who wants it (I2, I4): what an outbox still holds against the inboxes.

use chrono::{DateTime, Utc};
use contracts::Stream;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Finding, Pools};
use crate::service::Service;

/// Events of each outbox that are looked at, the newest: enough for what a day brings, and soon done.
const NEWEST: i64 = 200_000;
const PAGE: usize = 20_000;
/// What a stream holds longer than that may be gone from it before a new reader came.
const DAYS: i32 = 6;
const EXAMPLES: i64 = 3;

pub(super) async fn unapplied(pools: &Pools) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (reader, inbox) in pools {
        for (from, subjects) in subjects(*reader) {
            let owner = Service::ALL.into_iter().find(|service| service.name() == from.service);
            let Some(outbox) = owner.and_then(|owner| pools.get(&owner)) else { continue };
            findings.push(one(outbox, inbox, *reader, from, &subjects).await?);
        }
    }
    Ok(findings)
}

fn subjects(reader: Service) -> Vec<(Stream, Vec<&'static str>)> {
    match reader {
        Service::Ingestion => Vec::new(),
        Service::Scoring => scoring::subjects(),
        Service::Reminders => reminders::subjects(),
        Service::Promises => promises::subjects(),
        Service::Reporting => reporting::subjects(),
    }
}

async fn one(
    outbox: &PgPool,
    inbox: &PgPool,
    reader: Service,
    from: Stream,
    subjects: &[&str],
) -> anyhow::Result<Finding> {
    // A reader that was made anew was told again what is older (D12), under other ids.
    let made_at: DateTime<Utc> = sqlx::query_scalar("SELECT made_at FROM database_mark").fetch_one(inbox).await?;
    let wanted: Vec<Uuid> = sqlx::query_scalar(
        "SELECT event_id FROM outbox
         WHERE id > (SELECT coalesce(max(id), 0) - $2 FROM outbox) AND created_at > now() - make_interval(days => $3)
           AND created_at > $4 AND subject = ANY($1) ORDER BY id",
    )
    .bind(subjects)
    .bind(NEWEST)
    .bind(DAYS)
    .bind(made_at)
    .fetch_all(outbox)
    .await?;
    let mut found = Vec::new();
    for page in wanted.chunks(PAGE) {
        let (missing, examples): (i64, Option<Vec<Uuid>>) = sqlx::query_as(
            "SELECT count(*), (array_agg(e.event_id))[1:$2]
             FROM unnest($1::uuid[]) AS e (event_id)
             WHERE NOT EXISTS (SELECT FROM inbox i WHERE i.event_id = e.event_id)",
        )
        .bind(page)
        .bind(EXAMPLES)
        .fetch_one(inbox)
        .await?;
        if missing > 0 {
            let examples: Vec<String> = examples.unwrap_or_default().iter().map(Uuid::to_string).collect();
            found.push(format!("{missing} were never applied, such as {}", examples.join(", ")));
        }
    }
    let looked_at = u64::try_from(wanted.len())?;
    Ok(Finding::of("delivery", format!("{} to {}", from.name, reader.name()), looked_at, found))
}
