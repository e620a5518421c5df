use contracts::ingestion::{CreditChanged, InvoiceChanged};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::{self, World, customer, fact, invoice};

/// A payment as a bank tells it.
fn paid(number: &str, amount: &str, clues: Value) -> Value {
    let data =
        json!({"payment": number, "amount": amount, "currency": "COP", "value_date": "2026-02-10", "clues": clues});
    fact("bank", &format!("payment {number}"), "payment.received", data)
}

async fn open_amount(world: &World, number: &str) -> String {
    let events = world.bed.published::<InvoiceChanged>().await;
    events.into_iter().rfind(|event| event.number == number).unwrap().open_amount
}

async fn waiting(world: &World) -> Vec<Value> {
    world.get("/v1/unapplied").await.body["unidentified"].as_array().unwrap().clone()
}

/// Three customers with open invoices.
async fn with_debts() -> World {
    let world = world::start().await;
    world
        .tell(&[
            customer("C-1", "Comercial Andina S.A.S."),
            customer("C-2", "Textiles del Sur"),
            invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"),
            invoice("F-2", "C-1", "40.00", "2026-01-02", "2026-02-15"),
            invoice("F-3", "C-2", "75.00", "2026-01-03", "2026-02-20"),
        ])
        .await;
    world
}

#[tokio::test]
async fn a_reference_tells_the_payer_and_its_account_is_remembered() {
    let world = with_debts().await;
    let first = world.post(&paid("P-1", "40.00", json!({"account": "CO71", "text": "PAGO F-2."}))).await;
    assert_eq!((first.status, &first.body["parked"]), (StatusCode::CREATED, &json!(["payer"])), "{first:?}");
    assert_eq!(open_amount(&world, "F-2").await, "0.00");
    assert!(waiting(&world).await.is_empty());

    // Nothing but the account, and an amount that one invoice has.
    world.tell(&[paid("P-2", "100.00", json!({"account": "CO71"}))]).await;
    assert_eq!(open_amount(&world, "F-1").await, "0.00");
    let credits = world.bed.published::<CreditChanged>().await;
    let last = credits.into_iter().rfind(|credit| credit.number == "P-2").unwrap();
    assert_eq!((&*last.applied, &*last.on_account), ("100.00", "0.00"));
    // The bank told two facts; whose they are it did not say.
    let watermark = world.get("/v1/feeds/bank/watermark?from=2026-01-01&through=2026-12-31").await.body;
    assert_eq!(watermark["facts"], 2, "{watermark}");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn what_no_rule_is_certain_of_is_suggested_and_a_person_decides() {
    let world = with_debts().await;
    let clues = json!({"account": "CO99", "name": "TEXTILES DEL SUR"});
    world.tell(&[paid("P-1", "70.00", clues.clone()), paid("P-2", "1.00", json!({}))]).await;
    let open = waiting(&world).await;
    assert_eq!(open.len(), 2);
    assert_eq!((&open[0]["payment"], &open[0]["clues"]), (&json!("P-1"), &clues));
    let suggested = json!([{"payer": "C-2", "rule": "name", "confidence_percent": 70, "invoices": []}]);
    assert_eq!(open[0]["suggestions"], suggested);
    assert_eq!(open_amount(&world, "F-3").await, "75.00", "nothing is applied on a suspicion");
    // The name is the payer's, so it is kept where it can be erased.
    assert_eq!(world.count("SELECT count(*) FROM facts WHERE data::text LIKE '%TEXTILES%'").await, 0);

    let decide = |payer: &str, invoices: Value| json!({"source": "bank", "payment": "P-1", "payer": payer, "currency": "COP", "invoices": invoices});
    let too_much = world.act("/v1/allocations", decide("C-2", json!([{"invoice": "F-3", "amount": "71.00"}]))).await;
    assert_eq!(too_much.slug(), "parts-exceed-amount", "{too_much:?}");
    let decided = world.act("/v1/allocations", decide("C-2", json!([{"invoice": "F-3"}]))).await;
    assert_eq!(decided.status, StatusCode::CREATED, "{decided:?}");
    assert_eq!(open_amount(&world, "F-3").await, "5.00");

    // A second look: it was another customer's.
    let corrected = world.act("/v1/allocations", decide("C-1", json!([{"invoice": "F-1", "amount": "70.00"}]))).await;
    assert_eq!(corrected.status, StatusCode::CREATED, "{corrected:?}");
    assert_eq!((open_amount(&world, "F-3").await, open_amount(&world, "F-1").await), ("75.00".into(), "30.00".into()));
    assert_eq!(world.count("SELECT count(*) FROM settlement_entries WHERE entry = 'reverse'").await, 1);
    let unknown = json!({"source": "bank", "payment": "P-9", "payer": "C-1", "currency": "COP"});
    assert_eq!(world.act("/v1/allocations", unknown).await.slug(), "unknown-payment");
    assert_eq!(waiting(&world).await.len(), 1);
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_payment_before_its_invoice_is_found_when_the_invoice_comes() {
    let world = with_debts().await;
    world.tell(&[paid("P-1", "60.00", json!({"references": ["F-9"]}))]).await;
    assert_eq!(waiting(&world).await.len(), 1);
    world.tell(&[invoice("F-9", "C-2", "60.00", "2026-02-01", "2026-03-01")]).await;
    assert_eq!(waiting(&world).await.len(), 0);
    assert_eq!(open_amount(&world, "F-9").await, "0.00");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_payment_that_bounced_leaves_its_invoice_open() {
    let world = with_debts().await;
    let bounced = |id: &str, data: Value| fact("bank", id, "payment.reversed", data);
    world.tell(&[paid("P-1", "100.00", json!({"text": "F-1"}))]).await;
    assert_eq!(open_amount(&world, "F-1").await, "0.00");
    let part =
        json!({"payment": "P-1", "reversal": "R-1", "amount": "30.00", "currency": "COP", "reversed_on": "2026-02-12"});
    world.tell(&[bounced("reversal 1", part.clone())]).await;
    assert_eq!(open_amount(&world, "F-1").await, "30.00");
    // By another id it is the same reversal.
    world.tell(&[bounced("reversal 1 again", part)]).await;
    assert_eq!(open_amount(&world, "F-1").await, "30.00");
    world
        .tell(&[bounced("reversal 2", json!({"payment": "P-1", "reversal": "R-2", "reversed_on": "2026-02-13"}))])
        .await;
    assert_eq!(open_amount(&world, "F-1").await, "100.00");
    let credits = world.bed.published::<CreditChanged>().await;
    assert_eq!(credits.into_iter().rfind(|credit| credit.number == "P-1").unwrap().amount, "0.00");

    // Before the payment is known, and before its payer is.
    let early = world.post(&bounced("reversal 3", json!({"payment": "P-3", "reversed_on": "2026-02-13"}))).await;
    assert_eq!(early.body["parked"], json!(["payment P-3"]), "{early:?}");
    world.tell(&[paid("P-3", "75.00", json!({"text": "F-3"})), paid("P-4", "5.00", json!({}))]).await;
    assert_eq!(open_amount(&world, "F-3").await, "75.00");
    world.tell(&[bounced("reversal 4", json!({"payment": "P-4", "reversed_on": "2026-02-13"}))]).await;
    assert!(waiting(&world).await.is_empty(), "nobody is asked whose it was");
    let which = world.post(&bounced("reversal 5", json!({"reversed_on": "2026-02-13"}))).await;
    assert_eq!((which.slug(), which.pointer()), ("missing-member", "#/data/payment"), "{which:?}");
    world.digest(&world.acme).await;
    world.role.stop().await;
}
