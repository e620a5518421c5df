//! Who may be reached, who was, and what became of messages, from the door to the stream.

use contracts::ingestion::{ConsentChanged, ContactLogged, DeliveryReported};
use primitives::ids::{self, Kind};
use serde_json::{Value, json};

use crate::world::{self, World, corrected, fact};

const MESSAGE: &str = "0198c7d4-5a1e-5f7e-9b3c-2f6a1d0c7e11";

fn consent(status: &str, version: u64) -> Value {
    let data = json!({"contact": "K-1", "channel": "email", "status": status, "changed_on": "2026-02-01"});
    let mut told = fact("erp", &format!("consent {status} {version}"), "consent.changed", data);
    told["source_version"] = json!(version);
    told
}

/// Channel, status and cause of the newest word about each channel of K-1, or of all C-1.
async fn said(world: &World) -> Vec<(String, String, String)> {
    let mut newest = std::collections::BTreeMap::new();
    for event in world.bed.published::<ConsentChanged>().await {
        newest.insert((event.contact_id.clone(), event.channel.clone()), event);
    }
    newest.into_values().map(|event| (event.channel, event.status, event.cause)).collect()
}

#[tokio::test]
async fn the_newest_word_about_a_channel_counts_whoever_said_it() {
    let world = world::start().await;
    let contact = json!({"contact": "K-1", "customer": "C-1", "name": "Ana", "email": "ana@c1.example"});
    let withdrawn = world.post(&consent("withdrawn", 2)).await;
    assert_eq!(withdrawn.body["parked"], json!(["contact K-1"]), "a code that nobody knows is worth a look");
    assert_eq!(world.bed.published::<ConsentChanged>().await[0].customer_id, "");
    world.tell(&[fact("erp", "K-1", "contact.upserted", contact)]).await;
    assert_eq!(world.post(&consent("granted", 1)).await.body["status"], "stale");
    world.tell(&[consent("granted", 3)]).await;
    let told = world.bed.published::<ConsentChanged>().await.pop().unwrap();
    let of = |kind: Kind, code: &str| ids::derive(world.acme.tenant_id, kind, &[code]).to_string();
    assert_eq!((told.version, &*told.status, &*told.cause), (2, "granted", "told"));
    assert_eq!((told.contact_id, told.customer_id), (of(Kind::Contact, "K-1"), of(Kind::Customer, "C-1")));

    // Every channel, and then one of them again.
    let mut wrong = fact("erp", "wrong", "contact.wrong", json!({"contact": "K-1", "told_on": "2026-02-05"}));
    wrong["source_version"] = json!(4);
    world.tell(&[wrong, consent("granted", 5)]).await;
    let told = said(&world).await;
    assert_eq!(told.len(), 6);
    for (channel, status, cause) in told {
        let expected = if channel == "email" { ("granted", "told") } else { ("withdrawn", "wrong_contact") };
        assert_eq!((&*status, &*cause), expected, "{channel}");
    }
    world.role.stop().await;
}

#[tokio::test]
async fn a_complaint_stops_its_channel_and_keeps_its_words_apart() {
    let world = world::start().await;
    let data = json!({"customer": "C-1", "channel": "email", "received_on": "2026-02-05", "text": "Ana is fed up"});
    let complaint = fact("crm", "complaint", "complaint.received", data);
    world.source("acme", "crm").await;
    world.tell(&[complaint]).await;
    let told = world.bed.published::<ConsentChanged>().await;
    assert_eq!(told.len(), 1);
    assert_eq!((&*told[0].contact_id, &*told[0].status, &*told[0].cause), ("", "withdrawn", "complaint"));
    assert_eq!(told[0].customer_id, ids::derive(world.acme.tenant_id, Kind::Customer, &["C-1"]).to_string());
    assert_eq!(world.count("SELECT count(*) FROM facts WHERE data ? 'text'").await, 0);
    assert_eq!(world.count("SELECT count(*) FROM fact_persons WHERE data ? 'text'").await, 1);
    world.role.stop().await;
}

#[tokio::test]
async fn attempts_and_reports_are_told_once() {
    let world = world::start().await;
    let logged = fact(
        "erp",
        "call",
        "contact.logged",
        json!({"customer": "C-1", "channel": "call", "outcome": "left_message", "logged_on": "2026-02-05", "by": "u-7",
               "note": "with Don Luis"}),
    );
    let reported = fact("erp", "report", "delivery.reported", json!({"message": MESSAGE, "outcome": "bounced"}));
    let delivered = corrected(&reported, 2, json!({"outcome": "delivered", "contact": "K-1"}));
    world.tell(&[logged.clone(), reported.clone(), delivered]).await;
    world.tell(&[logged, reported]).await;
    let attempts = world.bed.published::<ContactLogged>().await;
    assert_eq!(attempts.len(), 1);
    assert_eq!((&*attempts[0].outcome, &*attempts[0].by, &*attempts[0].contact_id), ("left_message", "u-7", ""));
    let reports = world.bed.published::<DeliveryReported>().await;
    let seen: Vec<_> = reports.iter().map(|it| (&*it.message_id, &*it.outcome, it.permanent)).collect();
    assert_eq!(seen, [(MESSAGE, "bounced", true), (MESSAGE, "delivered", false)]);
    assert_eq!(reports[0].reported_at.unwrap().seconds, 1_772_366_400, "when the source says that it happened");
    world.role.stop().await;
}

#[tokio::test]
async fn what_means_nobody_is_refused() {
    let world = world::start().await;
    let cases = [
        ("delivery.reported", json!({"outcome": "bounced"}), "#/data/message", "missing-member"),
        ("delivery.reported", json!({"outcome": "bounced", "message": "F-1"}), "#/data/message", "unknown-value"),
        ("delivery.reported", json!({"outcome": "lost", "contact": "K-1"}), "#/data/outcome", "unknown-value"),
        ("contact.wrong", json!({"told_on": "2026-02-05"}), "#/data/contact", "missing-member"),
        (
            "complaint.received",
            json!({"customer": "C-1", "channel": "fax", "received_on": "2026-02-05"}),
            "#/data/channel",
            "unknown-value",
        ),
        (
            "contact.logged",
            json!({"customer": "C-1", "channel": "call", "outcome": "reached", "logged_on": "2026-02-05", "by": "a@b.example"}),
            "#/data/by",
            "personal-data",
        ),
    ];
    for (fact_type, data, pointer, code) in cases {
        let answer = world.post(&fact("erp", "x", fact_type, data)).await;
        assert_eq!((answer.pointer(), answer.body["errors"][0]["code"].as_str()), (pointer, Some(code)), "{answer:?}");
    }
    world.role.stop().await;
}
