//! What is answered, and to whom.

use contracts::ingestion::{ContactChanged, CustomerChanged};

use crate::world::{WEEK_BEFORE, World, contact, customer, id, invoice, promise};

#[tokio::test]
async fn why_says_what_was_decided_and_what_comes_next() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.bed.publish(&invoice(&acme, "F-2")).await;
    world.bed.publish(&promise(&acme, "P-1", &["F-2"])).await;
    world.tick(WEEK_BEFORE).await;

    let (status, why) = world.get(&acme, "/v1/decisions?customer=C-1&day=2026-03-24").await;
    assert_eq!(status, 200);
    let decisions = why["decisions"].as_array().unwrap();
    assert_eq!(decisions.len(), 2);
    assert_eq!(decisions[0]["words"]["en"], "Invoice F-1, 7 days before the due date: the reminder was sent.");
    assert_eq!(
        decisions[1]["words"]["es"],
        "Factura F-2, 7 días antes del vencimiento: no se envió, porque hay una promesa de pago vigente."
    );
    assert_eq!(decisions[0]["strategy"], serde_json::json!({ "name": "default", "version": 1 }));
    assert_eq!(decisions[0]["message"]["status"], "sent");
    assert!(decisions[0]["inputs"]["ingestion_seq"].as_i64().unwrap() >= 5);
    assert_eq!(why["next"][0]["words"]["en"], "Invoice F-1: the next step is on 31 Mar 2026.");
    assert_eq!(why["waiting"].as_array().unwrap().len(), 0);

    // The record decides itself again, and holds nothing of a person.
    for decision in decisions {
        let inputs = &decision["inputs"];
        let again = reminders::replay(&inputs["snapshot"]).unwrap();
        let said = (-7, decision["outcome"].as_str().unwrap(), decision["reason"].as_str().unwrap());
        assert_eq!(again.decisions, [said]);
        assert_eq!(inputs["snapshot_sha256"], again.snapshot_sha256);
        assert!(!inputs["snapshot"].to_string().contains("Ana"));
    }

    let (_, messages) = world.get(&acme, "/v1/messages?day=2026-03-24&customer=C-1").await;
    assert_eq!(messages["messages"][0]["status"], "sent");
    assert_eq!(messages["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_question_that_cannot_be_read_is_a_problem() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.tick(WEEK_BEFORE).await;
    let cases = [
        ("/v1/decisions", 400),
        ("/v1/decisions?customer=C-1&day=yesterday", 400),
        ("/v1/decisions?customer=C-1&day=2026-02-30", 400),
        ("/v1/decisions?customer=C-1&colour=red", 400),
        ("/v1/decisions?customer=C-404", 404),
        ("/v1/messages?customer=%27%3B%20drop%20table%20messages", 404),
        ("/v1/nothing", 404),
    ];
    for (path, expected) in cases {
        let (status, problem) = world.get(&acme, path).await;
        assert_eq!(status, expected, "{path}");
        assert!(problem["type"].as_str().unwrap().starts_with("https://"), "{path}: {problem}");
    }
    let anonymous = reqwest::get(format!("{}/v1/messages", world.bed.base_url())).await.unwrap();
    assert_eq!(anonymous.status(), 401);
}

#[tokio::test]
async fn two_tenants_never_meet() {
    let world = World::new().await;
    let (acme, globex) = (world.tenant("acme").await, world.tenant("globex").await);
    for tenant in [&acme, &globex] {
        let canary = format!("CANARY-{}", tenant.changed.slug);
        world.bed.publish(&ContactChanged { version: 2, name: canary.clone(), ..contact(tenant, "C-1") }).await;
        world.bed.publish(&invoice(tenant, &canary)).await;
    }
    // The same customer code at both, and a contact of one that names the other's customer.
    let stray = ContactChanged {
        contact_id: id(&acme, primitives::ids::Kind::Contact, "stray"),
        customer_id: id(&globex, primitives::ids::Kind::Customer, "C-1"),
        email: "aaa@acme.example".into(),
        ..contact(&acme, "C-1")
    };
    world.bed.publish(&stray).await;
    world.tick(WEEK_BEFORE).await;
    let mails = world.mails();
    assert_eq!(mails.len(), 2);
    for (own, other) in [("acme", "globex"), ("globex", "acme")] {
        let mail = mails.iter().find(|mail| mail.to == [format!("c-1@{own}.example")]).unwrap();
        assert!(mail.text.contains(&format!("CANARY-{own}")));
        assert!(!format!("{mail:?}").contains(&format!("CANARY-{other}")));
    }

    let (_, why) = world.get(&acme, "/v1/decisions?customer=C-1").await;
    assert!(why.to_string().contains("CANARY-acme") && !why.to_string().contains("CANARY-globex"));
    let (_, messages) = world.get(&globex, "/v1/messages").await;
    assert_eq!(messages["messages"].as_array().unwrap().len(), 1);
    let theirs = id(&globex, primitives::ids::Kind::Customer, "C-1");
    let (status, foreign) = world.get(&acme, &format!("/v1/decisions?customer={theirs}")).await;
    let (_, absent) = world.get(&acme, "/v1/decisions?customer=11111111-1111-4111-8111-111111111111").await;
    assert_eq!((status, &foreign), (404, &absent), "another tenant's customer looks like none");
}

#[tokio::test]
async fn a_debtor_is_written_to_in_its_language() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let english = CustomerChanged { version: 2, language: "en".into(), ..customer(&acme, "C-1") };
    world.bed.publish(&english).await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.tick(WEEK_BEFORE).await;
    let mail = world.mails().remove(0);
    assert_eq!(mail.subject, "acme S.A.: invoice F-1 is due on 31 Mar 2026");
    assert!(mail.text.starts_with("Dear Ana of C-1,\n"));
    assert!(mail.text.contains("COP 100.00"));
    assert!(mail.text.contains("Our bank details never change by e-mail."));
}
