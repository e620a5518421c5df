//! How long until it works again: a role, the broker, PostgreSQL killed, and a broker that forgot everything.
//!
//! A probe is an invoice of one's own. The clock begins with the kill; whoever feeds tells the probe again and again until it
//! is accepted, as a client would; it ends when reminders, the end of the way, knows it. Started again at once, as a
//! supervisor would: what is measured is Puntual and its servers, not a platform's pause.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::Serialize;
use serde_json::json;

use crate::fault::ROLES;
use crate::signal::Signal;
use crate::world::{Mould, World};

const LIMIT: Duration = Duration::from_mins(15);
/// Real events that the retained ones are copies of, each under ids of its own.
const INVOICES: i64 = 2_000;
/// Rows in one insert.
const PAGE: i64 = 100_000;

/// One line of the result.
#[derive(Debug, Serialize)]
pub struct Recovered {
    pub what: String,
    /// From the kill until something new has gone the whole way.
    pub seconds: f64,
    /// From the kill until retained events move again; only where there is a backlog.
    pub draining_seconds: Option<f64>,
    pub must_seconds: f64,
    pub stretch_seconds: f64,
}

/// Measures with `retained` events in ingestion's outbox and stream; `repeats` kills of each kind, the slowest counts.
pub async fn measure(
    puntual: PathBuf,
    folder: &Path,
    retained: i64,
    repeats: usize,
    say: impl Fn(&str),
) -> anyhow::Result<Vec<Recovered>> {
    let mould = Mould::make(puntual).await?;
    let world = World::start(&mould, "recovery", folder, None).await?;
    let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap_or_default();
    for role in ROLES {
        world.dawn(role, day).await?;
    }
    let probes = Probes { world: Arc::clone(&world), next: std::sync::atomic::AtomicU32::new(0) };
    probes.arrives(Instant::now()).await?;
    say("writing what is retained");
    retain(&world, retained).await?;
    say("everybody applies it");
    quiet(&world).await?;

    let mut found = Vec::new();
    for role in ["ingestion", "reminders", "promises"] {
        let mut slowest = Duration::ZERO;
        for _ in 0..repeats {
            let killed = Instant::now();
            world.troupe.kill(role, Some(Duration::ZERO)).await;
            slowest = slowest.max(probes.arrives(killed).await?);
        }
        found.push(line(&format!("{role} killed"), slowest, None, (2.0, 0.5)));
        say(&format!("{role}: {slowest:.1?}"));
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..repeats {
        let killed = Instant::now();
        world.broker.crash(Duration::ZERO).await?;
        slowest = slowest.max(probes.arrives(killed).await?);
    }
    found.push(line("broker killed", slowest, None, (5.0, 2.0)));
    say(&format!("broker: {slowest:.1?}"));
    let mut slowest = Duration::ZERO;
    for _ in 0..repeats {
        let killed = Instant::now();
        world.cluster.crash(Signal::KILL, Duration::ZERO).await?;
        slowest = slowest.max(probes.arrives(killed).await?);
    }
    found.push(line("PostgreSQL killed", slowest, None, (15.0, 5.0)));
    say(&format!("PostgreSQL: {slowest:.1?}"));

    quiet(&world).await?;
    let killed = Instant::now();
    world.broker.wipe(false, Duration::ZERO).await?;
    let drains = async {
        let began = published(&world).await.unwrap_or_default();
        loop {
            match published(&world).await {
                // A new stream begins a million above the lost one.
                Ok((epoch, seq)) if epoch > began.0 || seq > began.1 => return killed.elapsed(),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let (draining, arrived) = tokio::join!(drains, probes.arrives(killed));
    found.push(line(
        &format!("broker's disk wiped, {retained} events retained"),
        arrived?,
        Some(draining),
        (60.0, 20.0),
    ));
    world.end().await;
    drop(world);
    drop(probes);
    mould.end().await;
    Ok(found)
}

fn line(what: &str, seconds: Duration, draining: Option<Duration>, (must, stretch): (f64, f64)) -> Recovered {
    Recovered {
        what: what.to_owned(),
        seconds: seconds.as_secs_f64(),
        draining_seconds: draining.map(|it| it.as_secs_f64()),
        must_seconds: must,
        stretch_seconds: stretch,
    }
}

struct Probes {
    world: Arc<World>,
    next: std::sync::atomic::AtomicU32,
}

impl Probes {
    /// Tells a new invoice until it is accepted, and waits until reminders knows it; the time since `from`.
    async fn arrives(&self, from: Instant) -> anyhow::Result<Duration> {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let fact = invoice(&format!("PROBE-{number}"), "C1");
        let url = format!("http://{}/v1/facts", self.world.troupe.address("ingestion").await);
        loop {
            let asked = self.world.http.post(&url).bearer_auth(&self.world.client.keys[0]).json(&fact);
            if matches!(asked.timeout(Duration::from_secs(2)).send().await, Ok(answer) if answer.status().is_success())
            {
                break;
            }
            ensure!(from.elapsed() < LIMIT, "the probe is never accepted");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let known = format!("SELECT count(*)::text FROM invoices WHERE number = 'PROBE-{number}'");
        loop {
            if self.world.ask("reminders", known.clone()).await.is_ok_and(|count| count == "1") {
                return Ok(from.elapsed());
            }
            ensure!(from.elapsed() < LIMIT, "the probe never arrives");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn invoice(number: &str, customer: &str) -> serde_json::Value {
    json!({
        "id": format!("inv-{number}"), "source": "erp", "type": "invoice.issued", "time": "2026-03-02T12:00:00Z",
        "data": {
            "invoice": number, "customer": customer, "amount": "120000.00", "currency": "COP",
            "issue_date": "2026-03-02", "due_date": "2026-12-31"
        }
    })
}

/// Copies of real events into the outbox, until it holds `retained`: only their ids are new.
async fn retain(world: &World, retained: i64) -> anyhow::Result<()> {
    let url = format!("http://{}/v1/facts", world.troupe.address("ingestion").await);
    for page in 0..INVOICES / 500 {
        let lines: Vec<String> = (0..500)
            .map(|line| invoice(&format!("R-{page}-{line}"), &format!("C{}", line % 100)).to_string())
            .collect();
        let asked = world.http.post(&url).bearer_auth(&world.client.keys[0]);
        let answer = asked.header("content-type", "application/x-ndjson").body(lines.join("\n")).send().await?;
        ensure!(answer.status().is_success(), "{}", answer.text().await?);
    }
    let mut conn = world.database("ingestion").await?;
    sqlx::query(
        "CREATE TEMPORARY TABLE model AS SELECT row_number() OVER () - 1 AS number, event_id, subject, headers, payload
         FROM outbox WHERE subject LIKE '%invoice%'",
    )
    .execute(&mut conn)
    .await?;
    let mut held: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&mut conn).await?;
    while held < retained {
        let rows = PAGE.min(retained - held);
        sqlx::query(
            "INSERT INTO outbox (event_id, subject, headers, payload)
             SELECT n.id, m.subject, convert_to(replace(convert_from(m.headers, 'UTF8'), m.event_id::text, n.id::text), 'UTF8'),
               m.payload
             FROM (SELECT gen_random_uuid() AS id, i % (SELECT count(*) FROM model) AS number
                   FROM generate_series(1, $1) AS i OFFSET 0) AS n JOIN model m USING (number)",
        )
        .bind(rows)
        .execute(&mut conn)
        .await?;
        held += rows;
    }
    Ok(())
}

/// Epoch and end of ingestion's stream, as its relay knows them.
async fn published(world: &World) -> anyhow::Result<(i64, i64)> {
    let text = world.ask("ingestion", "SELECT epoch || ' ' || stream_seq FROM relay_state".to_owned()).await?;
    let (epoch, seq) = text.split_once(' ').unwrap_or_default();
    Ok((epoch.parse()?, seq.parse()?))
}

/// Nothing waits: neither in ingestion's outbox nor in front of its readers.
async fn quiet(world: &World) -> anyhow::Result<()> {
    let began = Instant::now();
    let jetstream = async_nats::jetstream::new(world.nats.clone());
    let stream = contracts::stream::INGESTION;
    loop {
        let waiting = world
            .ask(
                "ingestion",
                "SELECT count(*)::text FROM outbox o, relay_state s
                 WHERE o.xid >= s.hi OR (o.xid >= s.lo AND o.id > s.last_id)"
                    .to_owned(),
            )
            .await;
        let mut behind = waiting.is_ok_and(|count| count != "0");
        for reader in contracts::stream::ALL.iter().filter(|reader| reader.upstream().contains(&stream)) {
            let durable: Result<async_nats::jetstream::consumer::PullConsumer, _> =
                jetstream.get_consumer_from_stream(reader.service, stream.name).await;
            behind |= durable.map_or(true, |durable| {
                let info = durable.cached_info();
                info.num_pending > 0 || info.num_ack_pending > 0
            });
        }
        if !behind {
            return Ok(());
        }
        ensure!(began.elapsed() < LIMIT, "never quiet");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
