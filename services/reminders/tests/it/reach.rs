//! Who is not written to, and who is written to instead.

use contracts::SCHEMA_REV;
use contracts::ingestion::{ConsentChanged, ContactChanged, DeliveryReported};
use contracts::wire;
use primitives::ids::Kind;
use testkit::TestTenant;

use crate::world::{
    DUE_DAY, TEN_DAYS_LATE, THREE_DAYS_LATE, WEEK_BEFORE, World, contact, id, instant, invoice, message_id, said,
};

/// Ana of C-1 says no.
fn withdrawn(tenant: &TestTenant, cause: &str) -> ConsentChanged {
    ConsentChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        consent_id: id(tenant, Kind::Consent, "C-1 email"),
        version: 1,
        contact_id: id(tenant, Kind::Contact, "C-1"),
        customer_id: id(tenant, Kind::Customer, "C-1"),
        channel: "email".into(),
        status: "withdrawn".into(),
        cause: cause.into(),
        changed_on: "2026-03-20".into(),
        recorded_at: None,
    }
}

fn bounced(tenant: &TestTenant, code: &str, at: &str) -> DeliveryReported {
    DeliveryReported {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        report_id: id(tenant, Kind::Fact, code),
        channel: "email".into(),
        outcome: "bounced".into(),
        permanent: true,
        reported_at: Some(wire::timestamp(instant(at))),
        ..DeliveryReported::default()
    }
}

/// Luis of C-1, who only buys.
fn buyer(tenant: &TestTenant) -> ContactChanged {
    ContactChanged {
        contact_id: id(tenant, Kind::Contact, "C-1 buyer"),
        role: "buyer".into(),
        name: "Luis".into(),
        email: format!("luis@{}.example", tenant.changed.slug),
        ..contact(tenant, "C-1")
    }
}

#[tokio::test]
async fn whoever_withdrew_consent_is_not_written_to_until_it_is_given_again() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    let no = withdrawn(&acme, "told");
    let yes = ConsentChanged { version: 2, status: "granted".into(), ..no.clone() };
    // Of another channel it says nothing about e-mail.
    let calls =
        ConsentChanged { consent_id: id(&acme, Kind::Consent, "C-1 call"), channel: "call".into(), ..no.clone() };
    world.bed.publish(&calls).await;
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.mails().len(), 1);

    world.bed.publish(&no).await;
    world.tick(DUE_DAY).await;
    assert!(world.mails().is_empty());
    let (_, why) = world.get(&acme, "/v1/decisions?customer=C-1&day=2026-03-31").await;
    let decision = &why["decisions"][0];
    assert_eq!(decision["inputs"]["snapshot"]["barred"], "consent_withdrawn");
    let replayed = reminders::replay(&decision["inputs"]["snapshot"]).unwrap();
    assert_eq!(decision["inputs"]["snapshot_sha256"], replayed.snapshot_sha256);
    assert_eq!(replayed.decisions, [(0, "suppressed", "consent_withdrawn")]);

    world.bed.publish(&yes).await;
    world.bed.publish(&no).await; // late, and older
    world.tick(THREE_DAYS_LATE).await;
    assert_eq!(world.mails().len(), 1);
    assert_eq!(
        world.decided(&acme, "F-1").await,
        [said(-7, "send", ""), said(0, "suppressed", "consent_withdrawn"), said(3, "send", "")]
    );
}

#[tokio::test]
async fn another_contact_of_the_customer_is_written_to_instead() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.bed.publish(&withdrawn(&acme, "wrong_contact")).await;
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "suppressed", "wrong_contact")]);

    world.bed.publish(&buyer(&acme)).await;
    world.tick(DUE_DAY).await;
    assert_eq!(world.mails()[0].to, ["luis@acme.example"]);

    // The whole customer has had enough.
    let all = ConsentChanged {
        consent_id: id(&acme, Kind::Consent, "all of C-1"),
        contact_id: String::new(),
        ..withdrawn(&acme, "complaint")
    };
    world.bed.publish(&all).await;
    world.tick(THREE_DAYS_LATE).await;
    assert!(world.mails().is_empty());
    assert_eq!(world.decided(&acme, "F-1").await[2], said(3, "suppressed", "complained"));
}

#[tokio::test]
async fn what_bounces_for_good_is_not_sent_there_again() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.mails().len(), 1);
    let sent = message_id(&acme, "C-1", "2026-03-24").to_string();
    let full = DeliveryReported { permanent: false, ..bounced(&acme, "for now", "2026-03-24T15:00:00Z") };
    world.bed.publish(&DeliveryReported { message_id: sent.clone(), ..full }).await;
    world.tick(DUE_DAY).await;
    assert_eq!(world.mails().len(), 1, "a full mailbox is tried again");

    let gone = DeliveryReported { message_id: sent, ..bounced(&acme, "for good", "2026-03-31T15:00:00Z") };
    world.bed.publish(&gone).await;
    world.bed.publish(&gone).await;
    world.tick(THREE_DAYS_LATE).await;
    assert!(world.mails().is_empty());
    assert_eq!(world.decided(&acme, "F-1").await[2], said(3, "suppressed", "bounced"));

    // Ana's new address has not bounced.
    world.bed.publish(&ContactChanged { version: 2, email: "ana@acme.example".into(), ..contact(&acme, "C-1") }).await;
    world.tick(TEN_DAYS_LATE).await;
    assert_eq!(world.mails()[0].to, ["ana@acme.example"]);
}

#[tokio::test]
async fn a_later_delivery_takes_a_bounce_back_in_whichever_order_they_come() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    let contact_id = id(&acme, Kind::Contact, "C-1");
    let gone = DeliveryReported { contact_id, ..bounced(&acme, "first", "2026-03-10T15:00:00Z") };
    let there = DeliveryReported {
        report_id: id(&acme, Kind::Fact, "second"),
        outcome: "delivered".into(),
        reported_at: Some(wire::timestamp(instant("2026-03-11T15:00:00Z"))),
        ..gone.clone()
    };
    world.bed.publish(&there).await;
    world.bed.publish(&gone).await;
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.mails().len(), 1);
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "send", "")]);
}
