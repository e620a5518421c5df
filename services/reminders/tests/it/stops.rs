//! What keeps a reminder from leaving, and what lets the next one leave.

use contracts::ingestion::{ContactChanged, CustomerChanged, InvoiceChanged};
use prost::Message;

use crate::world::{
    DUE_DAY, TEN_DAYS_LATE, THREE_DAYS_LATE, WEEK_BEFORE, World, bank, contact, customer, id, invoice, judged, paid,
    promise, said,
};

#[tokio::test]
async fn a_payment_silences_the_reminder() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let (first, second) = (invoice(&acme, "F-1"), invoice(&acme, "F-2"));
    world.bed.publish(&first).await;
    world.bed.publish(&second).await;

    world.tick(WEEK_BEFORE).await;
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["c-1@acme.example"]);
    assert_eq!(mails[0].subject, "acme S.A.: 2 facturas por vencer");
    assert!(mails[0].text.contains("F-1") && mails[0].text.contains("F-2"));

    // Accepted before the barrier, and published only because of it.
    world.on_its_way.lock().unwrap().push(paid(&first));
    world.tick(DUE_DAY).await;
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "acme S.A.: la factura F-2 vence hoy");
    assert!(!mails[0].text.contains("F-1"));
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "send", ""), said(0, "suppressed", "paid")]);

    world.bed.publish(&paid(&second)).await;
    for day in [THREE_DAYS_LATE, TEN_DAYS_LATE] {
        world.tick(day).await;
    }
    assert!(world.mails().is_empty());
    assert_eq!(world.decided(&acme, "F-1").await.len(), 2, "one word about a paid invoice, and its plan is over");
}

#[tokio::test]
async fn a_payment_that_bounces_lets_the_plan_go_on() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let open = InvoiceChanged { due_date: "2026-03-31".into(), ..invoice(&acme, "F-1") };
    let settled = paid(&open);
    world.bed.publish(&settled).await;
    world.tick(WEEK_BEFORE).await;
    world.bed.publish(&InvoiceChanged { version: settled.version + 1, ..open }).await;
    world.tick(DUE_DAY).await;
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "suppressed", "paid"), said(0, "send", "")]);
    assert_eq!(world.mails().len(), 1);
}

#[tokio::test]
async fn what_is_not_ours_to_ask_for_is_not_asked_for() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let numbered = |number: &str| InvoiceChanged { version: 2, ..invoice(&acme, number) };
    let cases = [
        ("voided", InvoiceChanged { voided_on: "2026-03-20".into(), ..paid(&invoice(&acme, "F-1")) }),
        ("assigned", InvoiceChanged { factor: "SUR".into(), payee: "SUR".into(), ..numbered("F-2") }),
        ("rejected", InvoiceChanged { acceptance: "rejected".into(), ..numbered("F-3") }),
        (
            "instrument",
            InvoiceChanged { covered_amount: "100.00".into(), expected_net: "0.00".into(), ..numbered("F-4") },
        ),
    ];
    for (_, invoice) in &cases {
        world.bed.publish(invoice).await;
    }
    world.tick(WEEK_BEFORE).await;
    assert!(world.mails().is_empty());
    for (reason, invoice) in &cases {
        assert_eq!(world.decided(&acme, &invoice.number).await, [said(-7, "suppressed", reason)]);
    }
    // All of it is asked for again: reinstated, reassigned back, submitted anew; of the cheque's invoice what it leaves.
    for (reason, before) in &cases {
        let part =
            InvoiceChanged { covered_amount: "60.00".into(), expected_net: "40.00".into(), ..invoice(&acme, "F-4") };
        let again = if *reason == "instrument" { part } else { invoice(&acme, &before.number) };
        world.bed.publish(&InvoiceChanged { version: 3, ..again }).await;
    }
    world.tick(DUE_DAY).await;
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    for number in ["F-1", "F-2", "F-3"] {
        assert!(mails[0].text.contains(number), "{mails:?}");
    }
    assert!(mails[0].text.contains("40,00 COP\n  de un total de 100,00 COP"), "{mails:?}");
}

#[tokio::test]
async fn an_invoice_that_we_have_not_submitted_is_our_delay() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let strict = CustomerChanged { version: 2, requires_submission: true, ..customer(&acme, "C-1") };
    world.bed.publish(&strict).await;
    let open = invoice(&acme, "F-1");
    world.bed.publish(&open).await;
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "suppressed", "unsubmitted")]);
    world.bed.publish(&InvoiceChanged { version: 2, acceptance: "submitted".into(), ..open }).await;
    world.tick(DUE_DAY).await;
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "suppressed", "unsubmitted"), said(0, "send", "")]);
}

#[tokio::test]
async fn the_clock_of_an_invoice_that_came_late_starts_with_its_delivery() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    // Ten days after its date: the term of thirty days ends on 10 April, a week before is the 3rd.
    world.bed.publish(&InvoiceChanged { delivered_date: "2026-03-11".into(), ..invoice(&acme, "F-1") }).await;
    world.bed.publish(&InvoiceChanged { delivered_date: "2026-03-05".into(), ..invoice(&acme, "F-2") }).await;
    world.tick(DUE_DAY).await;
    assert!(world.decided(&acme, "F-1").await.is_empty());
    assert_eq!(world.decided(&acme, "F-2").await.len(), 2, "within a week is no delay");
    world.mails();
    world.bed.publish(&paid(&invoice(&acme, "F-2"))).await;
    world.tick(THREE_DAYS_LATE).await;
    world.tick(TEN_DAYS_LATE).await;
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "send", ""), said(0, "send", "")]);
    let mails = world.mails();
    assert_eq!(mails[1].subject, "acme S.A.: la factura F-1 vence hoy");
    assert!(mails[1].text.contains("10/04/2026"), "{mails:?}");
}

#[tokio::test]
async fn a_dispute_holds_the_step_back() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let undisputed = invoice(&acme, "F-1");
    world.bed.publish(&InvoiceChanged { version: 2, disputed_amount: "100.00".into(), ..undisputed.clone() }).await;
    world.bed.publish(&undisputed).await; // late, and older
    world.tick(WEEK_BEFORE).await;
    assert!(world.mails().is_empty());

    world.bed.publish(&InvoiceChanged { version: 3, disputed_amount: "40.00".into(), ..undisputed }).await;
    world.tick(DUE_DAY).await;
    let mails = world.mails();
    assert!(mails[0].text.contains("60,00 COP\n  de un total de 100,00 COP; no incluye la parte en revisión"));
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "suppressed", "disputed"), said(0, "send", "")]);
}

#[tokio::test]
async fn a_promise_stops_and_a_broken_one_lifts() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.tick(WEEK_BEFORE).await;
    let made = promise(&acme, "P-1", &["F-1"]);
    world.bed.publish(&made).await;
    world.tick(DUE_DAY).await;
    world.bed.publish(&judged(&made, 1, "open")).await;
    world.bed.publish(&judged(&made, 2, "due_unconfirmed")).await;
    world.tick(THREE_DAYS_LATE).await;
    world.bed.publish(&judged(&made, 3, "broken")).await;
    world.tick(TEN_DAYS_LATE).await;
    assert_eq!(
        world.decided(&acme, "F-1").await,
        [
            said(-7, "send", ""),
            said(0, "suppressed", "promised"),
            said(3, "suppressed", "promised"),
            said(10, "send", "")
        ]
    );
    assert_eq!(world.mails().len(), 2);
}

#[tokio::test]
async fn the_word_of_promises_holds_in_whichever_order_it_comes() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let made = promise(&acme, "P-1", &["F-1"]);
    world.bed.publish(&judged(&made, 3, "broken")).await;
    world.bed.publish(&judged(&made, 2, "open")).await;
    world.bed.publish(&made).await;
    world.bed.publish(&made).await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "send", "")]);

    // Promises speaks before ingestion's fact has come.
    let early = promise(&acme, "P-2", &["F-1"]);
    world.bed.publish(&judged(&early, 1, "open")).await;
    world.tick(DUE_DAY).await;
    assert_eq!(world.decided(&acme, "F-1").await[1], said(0, "suppressed", "promised"));
}

#[tokio::test]
async fn nothing_leaves_without_coverage() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let other = world.tenant("globex").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.bed.publish(&invoice(&other, "F-1")).await;
    world.bed.publish(&bank(&acme, 1, "2026-03-24T04:59:59Z")).await; // a second of yesterday is missing
    world.tick(WEEK_BEFORE).await;
    let mails = world.mails();
    assert_eq!(mails.len(), 1, "whoever declares no source is not held up");
    assert_eq!(mails[0].to, ["c-1@globex.example"]);
    let (_, why) = world.get(&acme, "/v1/decisions?customer=C-1").await;
    assert_eq!(why["waiting"][0]["reason"], "waiting_for_coverage");
    assert_eq!(world.decided(&acme, "F-1").await, []);

    world.bed.publish(&bank(&acme, 2, "2026-03-24T05:00:00Z")).await;
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.mails()[0].to, ["c-1@acme.example"]);
}

#[tokio::test]
async fn nothing_leaves_without_a_barrier() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.bed.applied().await;
    "no relay".clone_into(&mut world.refusal.lock().unwrap());
    let error = world.try_tick(WEEK_BEFORE).await.unwrap_err();
    assert!(error.contains("no relay"), "{error}");
    assert!(world.mails().is_empty());

    world.refusal.lock().unwrap().clear();
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.mails().len(), 1);
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "send", "")]);
}

#[tokio::test]
async fn what_we_lack_is_said_too() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    // Nobody to write to.
    world.bed.publish(&ContactChanged { version: 2, active: false, ..contact(&acme, "C-1") }).await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    // No master data.
    let unknown =
        InvoiceChanged { customer_id: id(&acme, primitives::ids::Kind::Customer, "C-9"), ..invoice(&acme, "F-9") };
    world.bed.publish(&unknown).await;
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "suppressed", "no_contact")]);
    assert_eq!(world.decided(&acme, "F-9").await, [said(-7, "suppressed", "customer_provisional")]);

    // An event of the customer waits for a person: a second invoice, of which nobody knows how much it is.
    world.bed.publish(&ContactChanged { version: 3, ..contact(&acme, "C-1") }).await;
    world.bed.publish(&InvoiceChanged { currency: "???".into(), ..invoice(&acme, "F-2") }).await;
    world.tick(DUE_DAY).await;
    assert_eq!(world.decided(&acme, "F-1").await[1], said(0, "suppressed", "dead_letter"));
    assert!(world.mails().is_empty());

    // Tried again it is as bad as before, and still in the way.
    redrive(&world).await;
    let attempts: i32 =
        sqlx::query_scalar("SELECT attempts FROM dead_letter").fetch_one(&world.bed.worker()).await.unwrap();
    assert_eq!(attempts, 2);
    world.tick(THREE_DAYS_LATE).await;
    assert_eq!(world.decided(&acme, "F-1").await[2], said(3, "suppressed", "dead_letter"));

    // Mended, it is applied and out of the way.
    sqlx::query("UPDATE dead_letter SET payload = $1")
        .bind(invoice(&acme, "F-2").encode_to_vec())
        .execute(&world.bed.worker())
        .await
        .unwrap();
    redrive(&world).await;
    world.tick(TEN_DAYS_LATE).await;
    assert_eq!(world.decided(&acme, "F-1").await[3], said(10, "send", ""));
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains("F-2"), "the invoice that was set aside is known");
}

/// As an operator asks for it; returns when every letter was tried again.
async fn redrive(world: &World) {
    let pool = world.bed.worker();
    let all = messaging::dead_letter::Filter::default();
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(messaging::dead_letter::request_redrive(&mut conn, &all, "operator").await.unwrap(), 1);
    testkit::eventually("the dead letter was tried again", || async {
        sqlx::query_scalar("SELECT NOT EXISTS (SELECT FROM dead_letter WHERE redrive_requested_at IS NOT NULL)")
            .fetch_one(&pool)
            .await
            .unwrap()
    })
    .await;
}
