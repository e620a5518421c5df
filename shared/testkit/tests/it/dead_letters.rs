use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use contracts::ingestion::CustomerChanged;
use contracts::scoring::SegmentAssigned;
use contracts::{Event, SCHEMA_REV, stream};
use messaging::{Delivery, Handler, HandlerError, Outbox, decode_all};
use runtime::{Frame, FrameConfig, access};
use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::migrate::Migrator;
use testkit::{Bed, TestTenant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

static NO_MIGRATIONS: Migrator = Migrator::DEFAULT;

/// Answers each customer with a segment of the same version; until it is mended it refuses 13 and panics at 66.
struct Moody {
    mended: Arc<AtomicBool>,
}

impl Handler for Moody {
    fn subjects(&self) -> Vec<&'static str> {
        [access::SUBJECTS.as_slice(), &[CustomerChanged::SUBJECT]].concat()
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        access::apply(&mut *conn, batch).await?;
        let mut outbox = Outbox::new(stream::SCORING, DateTime::<Utc>::UNIX_EPOCH);
        for customer in decode_all::<CustomerChanged>(batch)? {
            if !self.mended.load(Ordering::SeqCst) {
                assert!(customer.version != 66, "66 is too much");
                if customer.version == 13 {
                    return Err(HandlerError::reject("13 is not applied"));
                }
            }
            outbox.push(&SegmentAssigned {
                schema_rev: SCHEMA_REV,
                tenant_id: customer.tenant_id,
                version: customer.version,
                ..Default::default()
            });
        }
        outbox.save(conn).await?;
        Ok(())
    }
}

async fn moody(config: FrameConfig, mended: Arc<AtomicBool>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut frame = Frame::start(stream::SCORING, config, shutdown).await?;
    frame.consume(stream::INGESTION, Moody { mended });
    frame.run(axum::Router::new()).await
}

fn customer(tenant: &TestTenant, version: u64) -> CustomerChanged {
    CustomerChanged {
        tenant_id: tenant.tenant_id.to_string(),
        customer_id: Uuid::nil().to_string(),
        version,
        ..Default::default()
    }
}

async fn applied(bed: &Bed) -> Vec<u64> {
    bed.applied().await;
    bed.published::<SegmentAssigned>().await.iter().map(|event| event.version).collect()
}

async fn letters(bed: &Bed) -> Vec<(String, i32)> {
    sqlx::query_as("SELECT reason, attempts FROM dead_letter ORDER BY stream_seq")
        .fetch_all(&bed.worker())
        .await
        .unwrap()
}

/// Whether nobody waits for another try any more.
async fn tried(bed: &Bed) -> bool {
    sqlx::query_scalar("SELECT NOT EXISTS (SELECT FROM dead_letter WHERE redrive_requested_at IS NOT NULL)")
        .fetch_one(&bed.worker())
        .await
        .unwrap()
}

async fn get(bed: &Bed, tenant: &TestTenant, path: &str) -> Value {
    let url = format!("{}{path}", bed.base_url());
    reqwest::Client::new().get(url).bearer_auth(&tenant.key).send().await.unwrap().json().await.unwrap()
}

async fn redrive(bed: &Bed, tenant: &TestTenant, path: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("{}/v1/dead-letters/{path}", bed.base_url());
    let request = reqwest::Client::new().post(url).bearer_auth(&tenant.key);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_panics_sets_only_its_event_aside() {
    let bed = Bed::start(stream::SCORING, &NO_MIGRATIONS).await;
    let acme = bed.tenant("acme").await;
    for version in 60..70 {
        bed.publish(&customer(&acme, version)).await;
    }
    let config = bed.frame_config();
    let role = bed.run(|stop| moody(config, Arc::default(), stop)).await;
    assert_eq!(applied(&bed).await, [60, 61, 62, 63, 64, 65, 67, 68, 69]);
    assert_eq!(letters(&bed).await, [("the handler panicked: 66 is too much".to_owned(), 1)]);
    role.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_major_version_is_parked_and_not_dropped() {
    let bed = Bed::start(stream::SCORING, &NO_MIGRATIONS).await;
    let acme = bed.tenant("acme").await;
    bed.publish(&customer(&acme, 1)).await;
    let event_id = Uuid::now_v7();
    bed.publish_on("puntual.ingestion.customer.changed.v2", event_id, &customer(&acme, 2)).await;
    bed.publish_on("puntual.ingestion.unheard.of.v2", Uuid::now_v7(), &customer(&acme, 3)).await;
    bed.publish(&customer(&acme, 4)).await;
    let config = bed.frame_config();
    let role = bed.run(|stop| moody(config, Arc::default(), stop)).await;
    assert_eq!(applied(&bed).await, [1, 4]);
    let reason = "version 2 of puntual.ingestion.customer.changed cannot be read here, only version 1";
    assert_eq!(letters(&bed).await, [(reason.to_owned(), 1)]);

    let (status, _) = redrive(&bed, &acme, &format!("{event_id}/redrive"), None).await;
    assert_eq!(status, 202);
    testkit::eventually("it was tried again", || tried(&bed)).await;
    assert_eq!(letters(&bed).await, [(reason.to_owned(), 2)], "this release cannot read it any better");
    role.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_applied_once_what_was_wrong_is_mended() {
    let bed = Bed::start(stream::SCORING, &NO_MIGRATIONS).await;
    let (acme, globex) = (bed.tenant("acme").await, bed.tenant("globex").await);
    for version in 10..16 {
        bed.publish(&customer(&acme, version)).await;
    }
    bed.publish(&customer(&globex, 13)).await;
    let mended = Arc::<AtomicBool>::default();
    let config = bed.frame_config();
    let role = bed.run(|stop| moody(config, Arc::clone(&mended), stop)).await;
    assert_eq!(applied(&bed).await, [10, 11, 12, 14, 15]);

    let listed = get(&bed, &acme, "/v1/dead-letters").await;
    let own = &listed["dead_letters"];
    assert_eq!(own.as_array().unwrap().len(), 1, "its own and nobody else's: {listed:#}");
    assert_eq!(own[0]["reason"], json!("13 is not applied"));
    assert_eq!(own[0]["payload"], Value::Null);
    let event_id = own[0]["event_id"].as_str().unwrap().to_owned();
    let whole = get(&bed, &acme, "/v1/dead-letters?payload=true").await;
    assert!(whole["dead_letters"][0]["payload"].as_str().is_some_and(|digits| digits.len() > 8), "{whole:#}");
    let (status, _) = redrive(&bed, &globex, &format!("{event_id}/redrive"), None).await;
    assert_eq!(status, 404, "a foreign letter is as good as none");

    let one = format!("{event_id}/redrive");
    assert_eq!(redrive(&bed, &acme, &one, None).await, (202, json!({ "requested": 1 })));
    testkit::eventually("it was tried again", || tried(&bed)).await;
    assert_eq!(letters(&bed).await, [("13 is not applied".into(), 2), ("13 is not applied".into(), 1)]);

    mended.store(true, Ordering::SeqCst);
    let choice = json!({ "subject": CustomerChanged::SUBJECT, "reason": "not applied" });
    assert_eq!(redrive(&bed, &acme, "redrive", Some(choice.clone())).await, (202, json!({ "requested": 1 })));
    redrive(&bed, &acme, "redrive", Some(choice)).await;
    testkit::eventually("it was tried again", || tried(&bed)).await;
    assert_eq!(letters(&bed).await.len(), 1, "the other tenant did not ask");
    assert_eq!(applied(&bed).await, [10, 11, 12, 14, 15, 13]);
    let log = get(&bed, &acme, "/v1/dead-letters/log").await;
    let attempts: Vec<_> = log["attempts"].as_array().unwrap().iter().map(|entry| &entry["outcome"]).collect();
    assert_eq!(attempts, ["applied", "rejected"]);
    assert_eq!(log["attempts"][0]["requested_by"], json!("test"));
    assert_eq!(redrive(&bed, &acme, &one, None).await.0, 404, "it does not wait any more");
    role.stop().await;
}
