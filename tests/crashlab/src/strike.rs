//! Doing what the plan says, and undoing it.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::PullConsumer;
use contracts::stream;
use futures::StreamExt;
use mailcatcher::Behaviour;
use sqlx::Row;

use crate::fault::{Fault, Mail, Planned, ROLES};
use crate::signal::{self, Signal};
use crate::world::World;

fn role_named(name: &str) -> &'static str {
    ROLES.into_iter().find(|role| *role == name).unwrap_or("ingestion")
}

/// Waits for its moment, strikes, and heals.
pub(crate) async fn strike(world: Arc<World>, planned: Planned) -> anyhow::Result<()> {
    tokio::time::sleep(Duration::from_millis(planned.after_ms)).await;
    let pause = Duration::from_millis(planned.for_ms);
    world.note(format_args!("{:?} for {} ms", planned.fault, planned.for_ms));
    world.tally.add(format!("fault.{}", planned.fault.kind()), 1);
    match &planned.fault {
        Fault::RoleKilled { role } => world.troupe.kill(role, Some(pause)).await,
        Fault::RoleStopped { role } => {
            let role = role_named(role);
            let replica = usize::from(world.troupe.replicas(role).await > 1 && planned.for_ms % 2 == 1);
            world.troupe.stop((role, replica)).await;
            tokio::time::sleep(pause).await;
            world.troupe.resume((role, replica)).await;
        }
        Fault::RoleDownForADay { role } => world.troupe.kill(role, None).await,
        Fault::FailPoint { role, point, nth } => world.troupe.arm(role_named(role), format!("{point}@{nth}")).await,
        Fault::SecondReplica { role } => world.troupe.add((role_named(role), 1)).await?,
        Fault::BrokerKilled => {
            let _turn = world.one_at_a_time.lock().await;
            world.broker.crash(pause).await?;
        }
        Fault::BrokerWiped { running } => {
            let _turn = world.one_at_a_time.lock().await;
            world.broker.wipe(*running, pause).await?;
            world.tally.add("broker_wiped", 1);
        }
        Fault::BrokerRewound { durables_too } => {
            let _turn = world.one_at_a_time.lock().await;
            if world.broker.rewind(*durables_too, pause).await? {
                world.tally.add(if *durables_too { "broker_rewound" } else { "broker_tail_lost" }, 1);
            }
        }
        Fault::StreamDeleted { stream } => {
            let _turn = world.one_at_a_time.lock().await;
            let gone = async_nats::jetstream::new(world.nats.clone()).delete_stream(stream).await;
            world.note(format_args!("stream {stream} deleted: {}", gone.is_ok()));
        }
        Fault::DurableDeleted { stream, service } => {
            let _turn = world.one_at_a_time.lock().await;
            let jetstream = async_nats::jetstream::new(world.nats.clone());
            let gone = jetstream.delete_consumer_from_stream(service, stream).await;
            world.note(format_args!("durable {service} of {stream} deleted: {}", gone.is_ok()));
        }
        Fault::Reordered => {
            let readers = stream::ALL.iter().filter(|reader| !reader.upstream().is_empty());
            let holds = readers.map(|reader| hold_back(&world, reader.service, pause));
            let held: u64 = futures::future::join_all(holds).await.into_iter().sum();
            world.note(format_args!("{held} deliveries were held back"));
            world.tally.add("deliveries_held_back", held);
        }
        Fault::PostmasterKilled => {
            let _turn = world.one_at_a_time.lock().await;
            world.cluster.crash(Signal::KILL, pause / 4).await?;
            world.tally.add("postmaster_killed", 1);
        }
        Fault::PostgresStopped => {
            let _turn = world.one_at_a_time.lock().await;
            world.cluster.crash(Signal::QUIT, pause / 4).await?;
        }
        Fault::BackendTerminated { role } => {
            if let Some(pid) = backend(&world, role).await? {
                let mut admin = world.cluster.connect("postgres").await?;
                sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&mut admin).await?;
            }
        }
        Fault::BackendKilled { role } => {
            let _turn = world.one_at_a_time.lock().await;
            if let Some(pid) = backend(&world, role).await? {
                signal::send(u32::try_from(pid)?, Signal::KILL)?;
                world.tally.add("backend_killed", 1);
            }
        }
        Fault::Mail { behaviour } => {
            world.mails.set_behaviour(match behaviour {
                Mail::AcceptThenDrop => Behaviour::AcceptThenDrop,
                Mail::RefuseForNow => Behaviour::RefuseTransient(451),
                Mail::RefuseForGood => Behaviour::RefusePermanent(550),
                Mail::RefuseContent => Behaviour::RefuseContent(452),
                Mail::DropBeforeData => Behaviour::DropBeforeData,
                Mail::Hang => Behaviour::Hang,
            });
        }
        // Played by the day itself.
        Fault::Blind => {}
    }
    Ok(())
}

/// Of each stream.
const HELD_AT_MOST: usize = 30;

/// Takes deliveries from the durables of a service as a replica would, and gives them back at the end of the pause.
async fn hold_back(world: &World, service: &str, pause: Duration) -> u64 {
    let jetstream = async_nats::jetstream::new(world.nats.clone());
    let upstream = stream::ALL.iter().find(|own| own.service == service).map(|own| own.upstream()).unwrap_or_default();
    let holds = upstream.iter().map(|stream| {
        let jetstream = jetstream.clone();
        async move {
            let durable: PullConsumer = jetstream.get_consumer_from_stream(service, stream.name).await.ok()?;
            let mut taken = durable.fetch().max_messages(HELD_AT_MOST).expires(pause).messages().await.ok()?;
            let mut held = Vec::new();
            let until = tokio::time::Instant::now() + pause;
            while let Ok(Some(Ok(message))) = tokio::time::timeout_at(until, taken.next()).await {
                held.push(message);
            }
            tokio::time::sleep_until(until).await;
            for message in &held {
                let _ = message.ack_with(AckKind::Nak(None)).await;
            }
            Some(held.len() as u64)
        }
    });
    futures::future::join_all(holds).await.into_iter().flatten().sum()
}

/// One connection of a role, the busiest first.
async fn backend(world: &World, role: &str) -> anyhow::Result<Option<i32>> {
    let Ok(mut admin) = world.cluster.connect("postgres").await else { return Ok(None) };
    let found = sqlx::query(
        "SELECT pid FROM pg_stat_activity WHERE datname = $1 ORDER BY state = 'active' DESC, state_change DESC LIMIT 1",
    )
    .bind(format!("{}{role}", world.prefix))
    .fetch_optional(&mut admin)
    .await?;
    Ok(found.map(|row| row.get(0)))
}
