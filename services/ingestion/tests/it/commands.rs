use contracts::ingestion::{AcceptFact, AcceptFactReply};
use contracts::subject;
use prost::Message;
use serde_json::{Value, json};
use testkit::eventually;
use uuid::Uuid;

use crate::world::{self, World, invoice};

/// As a role asks; `None` while nobody answers.
async fn ask(world: &World, tenant_id: Uuid, actor: &str, fact: &Value) -> Option<AcceptFactReply> {
    let command = AcceptFact {
        schema_rev: contracts::SCHEMA_REV,
        tenant_id: tenant_id.to_string(),
        actor: actor.to_owned(),
        fact: fact.to_string().into_bytes(),
    };
    let reply = world.bed.nats().request(subject::FACT_ACCEPT, command.encode_to_vec().into()).await.ok()?;
    Some(AcceptFactReply::decode(reply.payload).unwrap())
}

#[tokio::test]
async fn a_role_tells_a_fact_and_hears_its_receipt() {
    let world = world::start().await;
    let told = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    eventually("commands are answered", || async {
        ask(&world, world.acme.tenant_id, "console", &told).await.is_some()
    })
    .await;

    let again = ask(&world, world.acme.tenant_id, "console", &told).await.unwrap();
    let receipt = again.receipt.clone().unwrap();
    assert_eq!((receipt.status.as_str(), receipt.replayed), ("applied", true), "{again:?}");
    // The same receipt at the other door.
    let asked = world.get("/v1/receipts/erp/invoice%20F-1").await.body;
    assert_eq!(
        (asked["receipt_id"].as_str(), asked["sha256"].as_str()),
        (Some(receipt.receipt_id.as_str()), Some(receipt.sha256.as_str()))
    );

    let mut bad = invoice("F-2", "C-1", "100.00", "2026-01-01", "2026-01-31");
    bad["data"]["currency"] = json!("XXX");
    let refused = ask(&world, world.acme.tenant_id, "console", &bad).await.unwrap();
    assert_eq!(refused.receipt, None);
    assert_eq!(refused.findings[0].pointer, "#/data/currency", "{refused:?}");
    assert_eq!(world.get("/v1/receipts/erp/invoice%20F-2").await.status, reqwest::StatusCode::NOT_FOUND);

    for (tenant_id, actor, says) in
        [(Uuid::nil(), "console", "there is no tenant"), (world.acme.tenant_id, " ", "actor")]
    {
        let refused = ask(&world, tenant_id, actor, &told).await.unwrap();
        assert!(refused.error.contains(says) && !refused.may_retry, "{refused:?}");
    }
    world.role.stop().await;
}
