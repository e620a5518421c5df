//! One schedule from start to verdict.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use contracts::{stream, subject};
use serde::Serialize;
use sqlx::Row;

use crate::counters::Counters;
use crate::fault::{Fault, Phase, Planned, ROLES};
use crate::judge;
use crate::schedule::Schedule;
use crate::strike::strike;
use crate::told::Moment;
use crate::world::{Mould, World};

/// How a schedule ended; one line of JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    pub seed: u64,
    pub commit: String,
    pub faults: Vec<Planned>,
    pub counters: Counters,
    pub green: bool,
    /// What was wrong; empty when green.
    pub findings: Vec<String>,
    pub seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<PathBuf>,
}

impl Verdict {
    /// The harness itself did not get through: not green, whatever the product did.
    pub(crate) fn unjudged(schedule: &Schedule, options: &Options, error: &anyhow::Error) -> Self {
        Self {
            seed: schedule.seed,
            commit: options.commit.clone(),
            faults: schedule.faults.clone(),
            counters: Counters::default(),
            green: false,
            findings: vec![format!("harness: {error:#}")],
            seconds: 0.0,
            evidence: None,
        }
    }
}

/// What a run is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where evidence goes.
    pub folder: PathBuf,
    /// Keep the evidence of green schedules too.
    pub keep: bool,
    pub bug: Option<String>,
    pub commit: String,
}

/// Lives a schedule and judges it.
pub async fn run(mould: &Mould, schedule: &Schedule, options: &Options) -> anyhow::Result<Verdict> {
    let began = Instant::now();
    let scratch = tempfile::Builder::new().prefix("crashlab-").tempdir()?;
    let name = format!("s{}_{}", schedule.seed, uuid::Uuid::now_v7().as_u128() as u32);
    let world = World::start(mould, &name, scratch.path(), options.bug.as_deref()).await?;
    let started = began.elapsed();
    let lived = live(&world, schedule).await;
    let ended = began.elapsed();
    let mut findings = match lived {
        Ok(()) => match judge::judge(&world, schedule).await {
            Ok(findings) => findings,
            Err(error) => vec![format!("the judge cannot read: {error:#}")],
        },
        Err(error) => vec![format!("stuck: {error:#}")],
    };
    findings.truncate(60);
    world.troupe.scrape().await;
    let mut counters = world.tally.total();
    counters.merge(&world.troupe.readings.total());
    let green = findings.is_empty();
    let judged = began.elapsed().saturating_sub(ended);
    world.note(format_args!(
        "started in {started:?}, lived for {:?}, judged in {judged:?}",
        ended.saturating_sub(started)
    ));
    let mut evidence = None;
    if !green || options.keep {
        let folder = options.folder.join(schedule.seed.to_string());
        keep(&world, schedule, &findings, scratch.path(), &folder).await.context("keeping the evidence")?;
        evidence = Some(folder);
    }
    world.end().await;
    Ok(Verdict {
        seed: schedule.seed,
        commit: options.commit.clone(),
        faults: schedule.faults.clone(),
        counters,
        green,
        findings,
        seconds: (began.elapsed().as_millis() as f64) / 1000.0,
        evidence,
    })
}

async fn live(world: &Arc<World>, schedule: &Schedule) -> anyhow::Result<()> {
    let crashes = schedule.faults.iter().any(|planned| {
        matches!(planned.fault, Fault::PostmasterKilled | Fault::PostgresStopped | Fault::BackendKilled { .. })
    });
    if crashes {
        // Else it would recover what the schedules before have written.
        world.cluster.checkpoint().await?;
    }
    for role in &schedule.doubled {
        if let Some(role) = ROLES.into_iter().find(|known| known == role) {
            world.troupe.add((role, 1)).await?;
        }
    }
    for index in 0..schedule.faulty_days {
        day(world, schedule, index).await.with_context(|| format!("day {index}, {}", schedule.days[index]))?;
    }
    heal(world).await?;
    for index in schedule.faulty_days..schedule.days.len() {
        leases_end(world).await?;
        day(world, schedule, index).await.with_context(|| format!("closing day {index}"))?;
    }
    // What the last tick of one role made may concern the others once more.
    let last = schedule.days[schedule.days.len() - 1];
    leases_end(world).await?;
    world.live(last).await?;
    Ok(())
}

fn planned(schedule: &Schedule, day: usize, phase: Phase) -> impl Iterator<Item = Planned> {
    let of_phase = schedule.faults.iter().filter(move |planned| planned.day == day && planned.phase == phase);
    of_phase.cloned().collect::<Vec<_>>().into_iter()
}

/// Facts of a day and moment, by index.
fn facts(schedule: &Schedule, day: usize, moment: Moment) -> Vec<usize> {
    let facts = schedule.facts.iter().enumerate();
    facts.filter(|(_, fact)| fact.day == day && fact.moment == moment).map(|(index, _)| index).collect()
}

async fn day(world: &Arc<World>, schedule: &Schedule, index: usize) -> anyhow::Result<()> {
    let today = schedule.days[index];
    world.note(format_args!("day {index}: {today}"));
    let seed = schedule.seed.wrapping_mul(1_000).wrapping_add(index as u64 * 10);
    if schedule
        .faults
        .iter()
        .any(|planned| planned.day == index && matches!(planned.fault, Fault::BrokerRewound { .. }))
    {
        world.broker.remember().await?;
    }
    for planned in planned(schedule, index, Phase::Dawn) {
        strike(Arc::clone(world), planned).await?;
    }
    world.dawn("ingestion", today).await?;

    let feeding: Vec<_> =
        planned(schedule, index, Phase::Feed).map(|p| tokio::spawn(strike(Arc::clone(world), p))).collect();
    let told = facts(schedule, index, Moment::Feed);
    world.client.tell(&schedule.facts, &told, seed, 0).await?;
    for strike in feeding {
        strike.await??;
    }
    if schedule.blind_day() == Some(index) {
        blind(world, schedule, index, seed + 1).await?;
    }
    // Told late where there was no blindness to tell it in.
    let rest = facts(schedule, index, Moment::Blind);
    world.client.tell(&schedule.facts, &rest, seed + 2, 0).await?;

    let ticking: Vec<_> =
        planned(schedule, index, Phase::Ticks).map(|p| tokio::spawn(strike(Arc::clone(world), p))).collect();
    let offered = world.mails.offered();
    let meanwhile = facts(schedule, index, Moment::Meanwhile);
    let (lived, told) = tokio::join!(world.live(today), world.client.tell(&schedule.facts, &meanwhile, seed + 3, 120));
    for strike in ticking {
        strike.await??;
    }
    lived?;
    told?;
    if schedule.faults.iter().any(|planned| planned.day == index && matches!(planned.fault, Fault::Mail { .. })) {
        world.tally.add("mail_misbehaved", world.mails.offered() - offered);
        world.mails.set_behaviour(mailcatcher::Behaviour::Accept);
    }
    // What a day took away comes back.
    for planned in schedule.faults.iter().filter(|planned| planned.day == index) {
        match &planned.fault {
            Fault::RoleDownForADay { role } => {
                for role in ROLES.into_iter().filter(|known| known == role) {
                    world.troupe.add((role, 0)).await?;
                    if schedule.doubled.iter().any(|doubled| doubled == role) {
                        world.troupe.add((role, 1)).await?;
                    }
                }
            }
            Fault::SecondReplica { role } if !schedule.doubled.contains(role) => {
                for role in ROLES.into_iter().filter(|known| known == role) {
                    world.troupe.remove((role, 1)).await;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Stops are accepted while nothing leaves ingestion; reminders is then asked to go on at once. It must not.
async fn blind(world: &Arc<World>, schedule: &Schedule, index: usize, seed: u64) -> anyhow::Result<()> {
    let today = schedule.days[index];
    if !world.troupe.wanted("reminders").await {
        return Ok(());
    }
    // All that was told before is known to reminders: the coverage of the day above all.
    let told = world.tick("ingestion", today, &HashMap::default()).await?;
    world.applied("reminders", stream::INGESTION, told).await?;
    let mut holder = world.database("ingestion").await?;
    let holding = hold_the_relay(&mut holder).await;
    world.note(format_args!("blind: relay held: {holding:?}"));
    let stops = facts(schedule, index, Moment::Blind);
    world.client.tell(&schedule.facts, &stops, seed, 0).await?;
    world.reminders_began(today);
    match world.ask_all("reminders", &subject::clock_tick("reminders"), today, &HashMap::default()).await {
        Ok(_) => world.note("blind: reminders went on"),
        Err(error) => {
            world.note(format_args!("blind: {error:#}"));
            if format!("{error:#}").contains("relay") || format!("{error:#}").contains("barrier") {
                world.tally.add("barrier_failed_closed", 1);
            }
        }
    }
    Ok(())
}

/// Takes the relay's leadership of INGESTION away from the process that has it, for as long as the connection lives.
async fn hold_the_relay(holder: &mut sqlx::PgConnection) -> anyhow::Result<()> {
    sqlx::query("SET lock_timeout = '3s'").execute(&mut *holder).await?;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND classid::bigint = hashtext('relay')::bigint & 4294967295
           AND objid::bigint = hashtext('INGESTION_EVENTS')::bigint & 4294967295",
    )
    .execute(&mut *holder)
    .await?;
    sqlx::query("SELECT pg_advisory_lock(hashtext('relay'), hashtext('INGESTION_EVENTS'))").execute(holder).await?;
    Ok(())
}

/// Everything works again, and nothing is armed.
async fn heal(world: &Arc<World>) -> anyhow::Result<()> {
    world.note("healing");
    world.mails.set_behaviour(mailcatcher::Behaviour::Accept);
    world.troupe.disarm().await;
    for role in ROLES {
        world.troupe.add((role, 0)).await?;
    }
    for role in ROLES {
        anyhow::ensure!(world.troupe.ready(role, Duration::from_secs(30)).await, "{role} does not come back");
    }
    Ok(())
}

/// Claims and hand-offs of workers that died run out in real time.
async fn leases_end(world: &World) -> anyhow::Result<()> {
    let mut reminders = world.database("reminders").await?;
    for _ in 0..200 {
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE until > clock_timestamp()), count(*) FROM (
               SELECT claimed_until AS until FROM customers WHERE claimed_until IS NOT NULL
               UNION ALL SELECT lease_until FROM messages WHERE lease_until IS NOT NULL) AS leases",
        )
        .fetch_one(&mut reminders)
        .await?;
        let (running, left): (i64, i64) = (row.get(0), row.get(1));
        if running == 0 {
            world.tally.add("lease_takeover", u64::try_from(left).unwrap_or(0));
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("leases do not end")
}

impl World {
    /// Waits until a durable has acknowledged its stream up to a sequence.
    pub(crate) async fn applied(&self, service: &str, stream: stream::Stream, sequence: u64) -> anyhow::Result<()> {
        use async_nats::jetstream::consumer::PullConsumer;
        let jetstream = async_nats::jetstream::new(self.nats.clone());
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            let found: Result<PullConsumer, _> = jetstream.get_consumer_from_stream(service, stream.name).await;
            if let Ok(consumer) = found
                && let info = consumer.cached_info()
                && (info.ack_floor.stream_sequence >= sequence || info.num_pending == 0 && info.num_ack_pending == 0)
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        anyhow::bail!("{service} does not apply {} up to {sequence}", stream.name)
    }
}

/// What a person needs to see why: the schedule, the history, the logs.
async fn keep(
    world: &World,
    schedule: &Schedule,
    findings: &[String],
    scratch: &Path,
    folder: &Path,
) -> anyhow::Result<()> {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder.join("logs"))?;
    std::fs::write(folder.join("schedule.json"), serde_json::to_string_pretty(schedule)?)?;
    std::fs::write(folder.join("findings.txt"), findings.join("\n"))?;
    std::fs::write(folder.join("history.json"), serde_json::to_string_pretty(&world.client.history.calls())?)?;
    std::fs::write(folder.join("events.txt"), world.notes().join("\n"))?;
    for entry in std::fs::read_dir(scratch.join("logs"))? {
        let entry = entry?;
        std::fs::copy(entry.path(), folder.join("logs").join(entry.file_name()))?;
    }
    let _ = std::fs::copy(scratch.join("nats").join("server.log"), folder.join("logs").join("nats.log"));
    std::fs::write(folder.join("logs").join("postgres.log"), crate::cluster::tail(&world.cluster.log(), 400_000))?;
    let mails: Vec<String> = world
        .mail_log()
        .iter()
        .map(|(at, mail)| format!("{} ms\n{}\n", world.client.history.millis(*at), String::from_utf8_lossy(&mail.raw)))
        .collect();
    std::fs::write(folder.join("mails.txt"), mails.join("\n--------\n"))?;
    let mut tables: BTreeMap<&str, serde_json::Value> = BTreeMap::new();
    for (name, role, sql) in judge::TABLES {
        let rows = judge::rows_as_json(world, role, sql).await.unwrap_or_default();
        tables.insert(name, rows);
    }
    std::fs::write(folder.join("tables.json"), serde_json::to_string_pretty(&tables)?)?;
    Ok(())
}
