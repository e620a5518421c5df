use chrono::{DateTime, Utc};
use contracts::ingestion::CustomerChanged;
use contracts::scoring::SegmentAssigned;
use contracts::{Event, SCHEMA_REV, stream};
use messaging::{Delivery, Handler, HandlerError, Outbox, barrier, decode_all};
use runtime::{Frame, FrameConfig};
use sqlx::PgConnection;
use sqlx::migrate::Migrator;
use testkit::Bed;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A role without tables of its own.
static NO_MIGRATIONS: Migrator = Migrator::DEFAULT;

/// Answers each customer with a source of the same version; refuses version 13.
struct Echo;

impl Handler for Echo {
    fn subjects(&self) -> Vec<&'static str> {
        vec![CustomerChanged::SUBJECT]
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        let mut outbox = Outbox::new(stream::SCORING, DateTime::<Utc>::UNIX_EPOCH);
        for customer in decode_all::<CustomerChanged>(batch)? {
            if customer.version == 13 {
                return Err(HandlerError::reject("13 is not applied"));
            }
            let tenant_id = customer.tenant_id;
            outbox.push(&SegmentAssigned {
                schema_rev: SCHEMA_REV,
                tenant_id,
                version: customer.version,
                ..Default::default()
            });
        }
        outbox.save(conn).await?;
        Ok(())
    }
}

async fn echo(config: FrameConfig, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut frame = Frame::start(stream::SCORING, config, shutdown).await?;
    frame.consume(stream::INGESTION, Echo);
    frame.run(axum::Router::new()).await
}

fn customer(version: u64) -> CustomerChanged {
    CustomerChanged {
        tenant_id: Uuid::nil().to_string(),
        customer_id: Uuid::nil().to_string(),
        version,
        ..Default::default()
    }
}

async fn echoed(bed: &Bed) -> Vec<u64> {
    bed.applied().await;
    bed.published::<SegmentAssigned>().await.iter().map(|event| event.version).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_delivered_twice_has_one_effect() {
    let bed = Bed::start(stream::SCORING, &NO_MIGRATIONS).await;
    let config = bed.frame_config();
    let role = bed.run(|stop| echo(config, stop)).await;
    let id = Uuid::now_v7();
    bed.publish_as(id, &customer(1)).await;
    bed.publish_as(id, &customer(1)).await;
    bed.publish(&customer(2)).await;
    assert_eq!(echoed(&bed).await, [1, 2]);
    role.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_set_aside_alone() {
    let bed = Bed::start(stream::SCORING, &NO_MIGRATIONS).await;
    for version in 10..20 {
        bed.publish(&customer(version)).await;
    }
    let config = bed.frame_config();
    let role = bed.run(|stop| echo(config, stop)).await;
    assert_eq!(echoed(&bed).await, [10, 11, 12, 14, 15, 16, 17, 18, 19]);
    let dead: Vec<(String, i64)> =
        sqlx::query_as("SELECT reason, stream_seq FROM dead_letter").fetch_all(&bed.worker()).await.unwrap();
    assert_eq!(dead, [("13 is not applied".to_owned(), 4)]);
    role.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_while_nobody_ran_leaves_in_order_and_once() {
    let bed = Bed::start(stream::SCORING, &NO_MIGRATIONS).await;
    let mut expected = Vec::new();
    for page in 0..25_u64 {
        let mut tx = bed.worker().begin().await.unwrap();
        let mut outbox = Outbox::new(stream::SCORING, DateTime::<Utc>::UNIX_EPOCH);
        for row in 0..100 {
            expected.push(page * 100 + row);
            outbox.push(&SegmentAssigned { version: page * 100 + row, ..Default::default() });
        }
        outbox.save(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    let config = bed.frame_config();
    let role = bed.run(|stop| echo(config, stop)).await;
    assert_eq!(echoed(&bed).await, expected);
    role.stop().await;

    // A relay that lost all its notes since it opened the window, as a crash of PostgreSQL may leave it, publishes nothing
    // twice.
    sqlx::query(
        "UPDATE relay_state SET stream_seq = stream_seq - w.rows, last_id = w.first - 1
         FROM (SELECT count(*) AS rows, min(o.id) AS first FROM outbox o JOIN relay_state s
               ON o.xid >= s.lo AND o.xid < s.hi AND o.id <= s.last_id) AS w",
    )
    .execute(&bed.worker())
    .await
    .unwrap();
    let config = bed.frame_config();
    let role = bed.run(|stop| echo(config, stop)).await;
    bed.publish(&customer(5_000)).await;
    expected.push(5_000);
    assert_eq!(echoed(&bed).await, expected);
    role.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_barrier_covers_everything_accepted_before_it() {
    let bed = Bed::start(stream::SCORING, &NO_MIGRATIONS).await;
    let config = bed.frame_config();
    let role = bed.run(|stop| echo(config, stop)).await;
    let mut tx = bed.worker().begin().await.unwrap();
    let mut outbox = Outbox::new(stream::SCORING, DateTime::<Utc>::UNIX_EPOCH);
    outbox.push(&SegmentAssigned::default());
    outbox.save(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    // Nobody woke the relay for that row: the barrier does.
    let raised = barrier::raise(&bed.worker(), stream::SCORING, &messaging::Wake::default()).await.unwrap().unwrap();
    assert!(raised.stream_seq >= 2, "row and fence are below {raised:?}");
    role.stop().await;
}
