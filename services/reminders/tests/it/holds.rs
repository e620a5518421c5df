//! What is paused, and what goes on when the pause is over.

use contracts::SCHEMA_REV;
use contracts::ingestion::HoldChanged;
use primitives::ids::Kind;
use testkit::TestTenant;

use crate::world::{DUE_DAY, TEN_DAYS_LATE, THREE_DAYS_LATE, WEEK_BEFORE, World, id, invoice, said};

/// From the day of the first step on, on the invoices, or on all of C-1.
fn hold(tenant: &TestTenant, code: &str, numbers: &[&str]) -> HoldChanged {
    HoldChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        hold_id: id(tenant, Kind::Hold, code),
        version: 1,
        customer_id: id(tenant, Kind::Customer, "C-1"),
        invoice_ids: numbers.iter().map(|number| id(tenant, Kind::Invoice, number)).collect(),
        kind: "manual".into(),
        placed_on: "2026-03-24".into(),
        code: code.to_owned(),
        ..HoldChanged::default()
    }
}

#[tokio::test]
async fn a_hold_pauses_its_invoices_until_it_is_lifted() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.bed.publish(&invoice(&acme, "F-2")).await;
    let placed = hold(&acme, "H-1", &["F-1"]);
    let lifted = HoldChanged { version: 2, lifted_on: "2026-03-31".into(), ..placed.clone() };
    world.bed.publish(&placed).await;
    world.tick(WEEK_BEFORE).await;
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains("F-2") && !mails[0].text.contains("F-1"), "the other invoice goes on");

    world.bed.publish(&lifted).await;
    world.bed.publish(&placed).await; // late, and older
    world.tick(DUE_DAY).await;
    assert_eq!(world.mails()[0].subject, "acme S.A.: 2 facturas por pagar");
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "suppressed", "on_hold"), said(0, "send", "")]);
}

#[tokio::test]
async fn a_hold_ends_by_itself_after_its_last_day() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    let claim = HoldChanged { kind: "claim".into(), until: "2026-04-03".into(), ..hold(&acme, "A-1", &["F-1"]) };
    world.bed.publish(&claim).await;
    for day in [WEEK_BEFORE, DUE_DAY, THREE_DAYS_LATE] {
        world.tick(day).await;
    }
    assert!(world.mails().is_empty(), "the last day is still paused");
    let (_, why) = world.get(&acme, "/v1/decisions?customer=C-1&day=2026-04-03").await;
    let decision = &why["decisions"][0];
    assert_eq!(decision["reason"], "on_hold");
    assert!(
        decision["words"]["en"].as_str().unwrap().ends_with("on hold: the customer says it paid, or will."),
        "{why}"
    );
    assert_eq!(decision["inputs"]["snapshot"]["holds"][0]["kind"], "claim");
    let replayed = reminders::replay(&decision["inputs"]["snapshot"]).unwrap();
    assert_eq!(replayed.decisions.last(), Some(&(3, "suppressed", "on_hold")));
    assert_eq!(decision["inputs"]["snapshot_sha256"], replayed.snapshot_sha256);

    world.tick(TEN_DAYS_LATE).await;
    assert_eq!(world.mails().len(), 1);
}

#[tokio::test]
async fn a_hold_on_a_customer_covers_invoices_that_come_later() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    // Reminders knows no such kind: it pauses all the same.
    world.bed.publish(&HoldChanged { kind: "of tomorrow".into(), ..hold(&acme, "H-1", &[]) }).await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.tick(WEEK_BEFORE).await;
    world.bed.publish(&invoice(&acme, "F-2")).await;
    world.tick(DUE_DAY).await;
    assert!(world.mails().is_empty());

    // Now it names one of them.
    world.bed.publish(&HoldChanged { version: 2, ..hold(&acme, "H-1", &["F-2"]) }).await;
    world.tick(THREE_DAYS_LATE).await;
    assert!(world.mails()[0].text.contains("F-1"));
    assert_eq!(world.decided(&acme, "F-1").await.last(), Some(&said(3, "send", "")));
    assert_eq!(world.decided(&acme, "F-2").await.last(), Some(&said(3, "suppressed", "on_hold")));

    // And then the other.
    world.bed.publish(&HoldChanged { version: 3, ..hold(&acme, "H-1", &["F-1"]) }).await;
    world.tick(TEN_DAYS_LATE).await;
    assert_eq!(world.decided(&acme, "F-1").await.last(), Some(&said(10, "suppressed", "on_hold")));
    assert_eq!(world.decided(&acme, "F-2").await.last(), Some(&said(10, "send", "")));
}

#[tokio::test]
async fn a_hold_that_has_not_begun_pauses_nothing() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.bed.publish(&HoldChanged { placed_on: "2026-03-31".into(), ..hold(&acme, "H-1", &[]) }).await;
    world.tick(WEEK_BEFORE).await;
    world.tick(DUE_DAY).await;
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "send", ""), said(0, "suppressed", "on_hold")]);
}
