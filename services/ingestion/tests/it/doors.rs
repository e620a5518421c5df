//! One fact through every door: as JSON, as lines, packed, as CloudEvents in their three modes.

use std::io::Write;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::{self, Answer, World, answer, customer, invoice};

/// Headers and body, and the status and slug of the answer.
type Case = (Vec<(&'static str, &'static str)>, Vec<u8>, u16, &'static str);

/// A request as a client writes it.
async fn send(world: &World, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
    let request = world.http.post(format!("{}/v1/facts", world.bed.base_url())).bearer_auth(&world.acme.key);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    answer(request.body(body)).await
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_fact_is_the_same_through_whichever_door_it_comes() {
    let world = world::start().await;
    let mut fact = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    fact["source_version"] = json!(7);
    fact["legal_entity"] = json!("main");
    assert_eq!(world.post(&fact).await.status, StatusCode::CREATED);

    let packed = [("content-type", "application/json"), ("content-encoding", "gzip")];
    assert_replayed(&send(&world, &packed, gzip(&fact.to_string())).await);

    let mut event = fact.clone();
    let members = event.as_object_mut().unwrap();
    members.insert("datacontenttype".into(), json!("application/json; charset=utf-8"));
    members.insert("subject".into(), json!("F-1"));
    members.insert("traceparent".into(), json!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    let version = members.remove("source_version").unwrap();
    members.insert("sourceversion".into(), json!(version.to_string()));
    let entity = members.remove("legal_entity").unwrap();
    members.insert("legalentity".into(), entity);
    assert_replayed(&send(&world, &[("content-type", "application/cloudevents+json")], event.to_string()).await);

    let time = fact["time"].as_str().unwrap();
    let attributes = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "invoice%20F-1"),
        ("ce-source", "erp"),
        ("ce-type", "invoice.issued"),
        ("ce-time", time),
        ("ce-sourceversion", "7"),
        ("ce-legalentity", "main"),
    ];
    assert_replayed(&send(&world, &attributes, fact["data"].to_string()).await);

    let batch = [("content-type", "application/cloudevents-batch+json")];
    let report = send(&world, &batch, json!([event, event]).to_string()).await.body;
    assert_eq!((&report["lines"], &report["duplicate"]), (&json!(2), &json!(2)), "{report:#}");
    assert_eq!(world.count("SELECT count(*) FROM facts").await, 1);
    world.role.stop().await;
}

fn assert_replayed(answer: &Answer) {
    assert_eq!((answer.status, answer.replayed), (StatusCode::OK, true), "{answer:?}");
}

#[tokio::test]
async fn one_bad_event_does_not_hold_up_its_batch() {
    let world = world::start().await;
    let batch = [("content-type", "application/cloudevents-batch+json"), ("content-encoding", "gzip")];
    let good = [customer("C-1", "Uno"), customer("C-2", "Dos")].map(|fact| fact.to_string());
    let text = format!("[{},{{\"id\":}},{}]", good[0], good[1]);
    let report = send(&world, &batch, gzip(&text)).await.body;
    let numbers = ["lines", "applied", "quarantined"].map(|name| report[name].clone());
    assert_eq!(numbers, [json!(3), json!(2), json!(1)], "{report:#}");
    assert_eq!(report["problems"][0]["line"], json!(2));
    assert_eq!(report["problems"][0]["code"], json!("malformed-json"));
    let empty = send(&world, &[batch[0]], "[]").await;
    assert_eq!((empty.status, &empty.body["lines"]), (StatusCode::ACCEPTED, &json!(0)));
    world.role.stop().await;
}

#[tokio::test]
async fn what_cannot_be_unpacked_or_told_apart_is_refused() {
    let world = world::start().await;
    let json = ("content-type", "application/json");
    let bomb = gzip(&" ".repeat(64 * 1024 * 1024));
    let whole = gzip("{}");
    let cut = whole[..whole.len() - 4].to_vec();
    let cases: Vec<Case> = vec![
        (vec![json, ("content-encoding", "gzip")], bomb, 413, "body-too-large"),
        (vec![json, ("content-encoding", "gzip")], cut, 400, "encoding"),
        (vec![json, ("content-encoding", "gzip")], b"{}".to_vec(), 400, "encoding"),
        (vec![json, ("content-encoding", "gzip, gzip")], b"{}".to_vec(), 415, "unsupported-encoding"),
        (vec![json, ("content-encoding", "br")], b"{}".to_vec(), 415, "unsupported-encoding"),
        (vec![json, ("ce-id", "%FF")], b"{}".to_vec(), 400, "encoding"),
        (vec![json, ("ce-id", "1")], b"{},\"tenant\":1".to_vec(), 400, "malformed-json"),
        (vec![("content-type", "application/cloudevents-batch+json")], b"{}".to_vec(), 422, "wrong-type"),
        (vec![("content-type", "application/cloudevents-batch+json")], b"[{}".to_vec(), 400, "malformed-json"),
    ];
    for (headers, body, status, slug) in cases {
        let answer = send(&world, &headers, body).await;
        assert_eq!((answer.status.as_u16(), answer.slug()), (status, slug), "{headers:?} {answer:?}");
    }
    let both: Value = json!({ "sourceversion": "1", "source_version": "1" });
    let answer = send(&world, &[json], both.to_string()).await;
    assert_eq!((answer.slug(), answer.pointer()), ("duplicate-member", "#/sourceversion"));
    world.role.stop().await;
}
