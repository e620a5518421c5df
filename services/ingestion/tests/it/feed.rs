use async_nats::HeaderMap;
use async_nats::jetstream;
use reqwest::StatusCode;
use serde_json::json;
use testkit::eventually;

use crate::world::{self, World, invoice, payment};

/// Publishes as any JetStream client does; returns when the broker has it.
async fn publish(world: &World, subject: &str, headers: HeaderMap, payload: String) {
    let jetstream = jetstream::new(world.bed.nats());
    eventually("the feed takes messages", || async {
        let sent = jetstream.publish_with_headers(subject.to_owned(), headers.clone(), payload.clone().into()).await;
        match sent {
            Ok(ack) => ack.await.is_ok(),
            Err(_) => false,
        }
    })
    .await;
}

async fn is_accepted(world: &World, receipt: &str) {
    eventually(receipt, || async { world.get(&format!("/v1/receipts/{receipt}")).await.status == StatusCode::OK })
        .await;
}

#[tokio::test]
async fn facts_published_on_nats_are_facts() {
    let world = world::start().await;
    let mut structured = HeaderMap::new();
    structured.insert("Content-Type", "application/cloudevents+json; charset=utf-8");
    let told = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    publish(&world, "puntual.feed.acme.erp", structured.clone(), told.to_string()).await;
    is_accepted(&world, "erp/invoice%20F-1").await;

    let paid = payment("P-1", "C-1", "40.00", "2026-01-20", json!([{"invoice": "F-1"}]));
    let mut binary = HeaderMap::new();
    for name in ["specversion", "id", "source", "type", "time"] {
        binary.insert(format!("ce-{name}"), paid[name].as_str().unwrap().replace(' ', "%20"));
    }
    publish(&world, "puntual.feed.acme.bank", binary, paid["data"].to_string()).await;
    is_accepted(&world, "bank/payment%20P-1").await;
    // The same through the other door is the same.
    let again = world.post(&paid).await;
    assert_eq!((again.status, again.replayed), (StatusCode::OK, true), "{again:?}");

    // On the subject of another source, as nobody's, and as no JSON at all.
    let foreign = invoice("F-2", "C-1", "1.00", "2026-01-01", "2026-01-31");
    publish(&world, "puntual.feed.acme.bank", structured.clone(), foreign.to_string()).await;
    publish(&world, "puntual.feed.nobody.erp", structured.clone(), foreign.to_string()).await;
    publish(&world, "puntual.feed.acme.erp", structured, "{".to_owned()).await;
    eventually("both are in the quarantine", || async {
        let lines = world.get("/v1/quarantine").await.body["lines"].clone();
        let mut codes: Vec<_> = lines.as_array().unwrap().iter().map(|line| line["code"].clone()).collect();
        codes.sort_by_key(ToString::to_string);
        codes == [json!("malformed-json"), json!("source-mismatch")]
    })
    .await;
    world.digest(&world.acme).await;
    world.role.stop().await;
}
