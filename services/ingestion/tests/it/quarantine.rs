use reqwest::StatusCode;
use serde_json::json;

use crate::world::{self, fact, invoice};

#[tokio::test]
async fn a_line_is_tried_again_once_the_reason_is_gone_or_discarded_with_one() {
    let world = world::start().await;
    let mut unknown = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    unknown["source"] = json!("crm");
    let report = world.batch(&[unknown, json!({"id": "never"}), fact("erp", "c", "source.covered", json!({}))]).await;
    assert_eq!(report["quarantined"], 3);
    let id = |index: usize| report["problems"][index]["quarantine_id"].as_str().unwrap().to_owned();
    assert_eq!(world.get("/v1/quarantine?limit=2").await.body["lines"].as_array().unwrap().len(), 2);

    let too_early = world.act(&format!("/v1/quarantine/{}/redrive", id(0)), json!({})).await;
    assert_eq!(too_early.slug(), "unknown-source");
    let crm = ingestion::operator::NewSource {
        code: "crm".into(),
        application_authority: "puntual".into(),
        mode: "events".into(),
        covers: vec![],
    };
    ingestion::operator::create_source(&world.bed.worker(), runtime::Clock::Database, "acme", crm).await.unwrap();
    let redriven = world.act(&format!("/v1/quarantine/{}/redrive", id(0)), json!({})).await;
    assert_eq!((redriven.status, &redriven.body["source"]), (StatusCode::OK, &json!("crm")));
    let again = world.act(&format!("/v1/quarantine/{}/redrive", id(0)), json!({})).await;
    assert_eq!(again.slug(), "already-decided");

    let discard = format!("/v1/quarantine/{}/discard", id(1));
    assert_eq!(world.act(&discard, json!({})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.act(&discard, json!({"reason": "a test line"})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get("/v1/quarantine").await.body["lines"].as_array().unwrap().len(), 1);
    assert_eq!(world.act("/v1/quarantine/not-an-id/redrive", json!({})).await.status, StatusCode::NOT_FOUND);
    world.role.stop().await;
}

#[tokio::test]
async fn a_person_mends_a_line_and_both_are_kept() {
    let world = world::start().await;
    let mut bad = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    bad["data"]["amount"] = json!("100,00");
    let report = world.batch(&[bad.clone()]).await;
    let path = format!("/v1/quarantine/{}", report["problems"][0]["quarantine_id"].as_str().unwrap());
    let edit = format!("{path}/edit-redrive");

    let still_wrong = world.act(&edit, bad.clone()).await;
    assert_eq!((still_wrong.slug(), still_wrong.pointer()), ("amount-format", "#/data/amount"));
    assert_eq!(world.get(&path).await.body["status"], "open");

    let mut good = bad.clone();
    good["data"]["amount"] = json!("100.00");
    assert_eq!(world.act(&edit, good.clone()).await.status, StatusCode::OK);
    let whole = world.get(&path).await.body;
    let read = |name: &str| serde_json::from_str::<serde_json::Value>(whole[name].as_str().unwrap()).unwrap();
    assert_eq!((read("raw"), read("edited")), (bad, good.clone()));
    assert_eq!((&whole["status"], &whole["decision"]), (&json!("redriven"), &json!("edited and redriven by test")));
    assert_eq!(world.act(&edit, good.clone()).await.slug(), "already-decided");
    assert!(world.post(&good).await.replayed, "it is the source's fact, by its own id");
    world.role.stop().await;
}
