//! What is owed and not asked for: instruments in hand (L14), credit notes on their way (L17).

use contracts::ingestion::{CreditChanged, InvoiceChanged};
use serde_json::{Value, json};

use crate::world::{self, World, corrected, fact, invoice, payment};

/// What is open, covered, expected to be credited, and asked for.
async fn amounts(world: &World, number: &str) -> [String; 4] {
    let events = world.bed.published::<InvoiceChanged>().await;
    let last = events.into_iter().rfind(|event| event.number == number).unwrap();
    [last.open_amount, last.covered_amount, last.expected_credit, last.expected_net]
}

fn cheque(number: &str, amount: &str, invoices: Value) -> Value {
    let data = json!({"instrument": number, "kind": "cheque", "payer": "C-1", "amount": amount, "currency": "COP",
        "received_on": "2026-01-10", "matures_on": "2026-03-10", "invoices": invoices});
    fact("erp", &format!("cheque {number}"), "instrument.received", data)
}

fn now(number: &str, state: &str, on: &str, hour: u32) -> Value {
    let data = json!({"instrument": number, "state": state, "on": on});
    let mut told = fact("erp", &format!("{number} {state} {hour}"), "instrument.changed", data);
    told["time"] = json!(format!("2026-03-01T{hour:02}:00:00Z"));
    told
}

fn expected(number: &str, amount: &str, on: &str) -> Value {
    let data = json!({"expected": number, "invoice": "F-1", "amount": amount, "currency": "COP", "expected_on": on,
                      "reason": "rebate", "note": "acordado con la señora Canario"});
    fact("erp", &format!("expected {number}"), "credit_note.expected", data)
}

#[tokio::test]
async fn a_cheque_covers_its_invoices_until_it_is_cleared_and_not_after_it_bounced() {
    let world = world::start().await;
    world
        .tell(&[
            invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"),
            invoice("F-2", "C-1", "50.00", "2026-01-02", "2026-02-28"),
            cheque(
                "CH-1",
                "120.00",
                json!([{"invoice": "F-1", "amount": "90.00"}, {"invoice": "F-2", "amount": "30.00"}]),
            ),
        ])
        .await;
    assert_eq!(amounts(&world, "F-1").await, ["100.00", "90.00", "0.00", "10.00"], "owed, and not asked for");
    assert_eq!(amounts(&world, "F-2").await, ["50.00", "30.00", "0.00", "20.00"]);
    world.digest(&world.acme).await;
    world.tell(&[now("CH-1", "deposited", "2026-03-10", 10)]).await;
    assert_eq!(amounts(&world, "F-1").await, ["100.00", "90.00", "0.00", "10.00"]);

    world.tell(&[now("CH-1", "cleared", "2026-03-12", 11)]).await;
    assert_eq!(amounts(&world, "F-1").await, ["10.00", "0.00", "0.00", "10.00"]);
    let events = world.bed.published::<InvoiceChanged>().await;
    let last = events.iter().rfind(|event| event.number == "F-2").unwrap();
    let parts: Vec<_> = last.settlements.iter().map(|part| (&*part.kind, &*part.amount, &*part.value_date)).collect();
    assert_eq!(parts, [("instrument", "30.00", "2026-03-12")], "received is not cleared (L6)");
    world.digest(&world.acme).await;

    world.tell(&[now("CH-1", "rejected", "2026-03-15", 12)]).await;
    assert_eq!(amounts(&world, "F-1").await, ["100.00", "0.00", "0.00", "100.00"], "asked for again");
    let credits = world.bed.published::<CreditChanged>().await;
    let last = credits.iter().rfind(|event| event.number == "CH-1").unwrap();
    assert_eq!((&*last.kind, &*last.amount, &*last.applied), ("instrument", "0.00", "0.00"));
    let stale = world.post(&now("CH-1", "cleared", "2026-03-12", 9)).await;
    assert_eq!(stale.body["status"], "stale");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn instruments_and_expectations_end_alike_in_any_order() {
    let issued = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    let given =
        cheque("CH-1", "70.00", json!([{"invoice": "F-1", "amount": "40.00"}, {"invoice": "F-2", "amount": "30.00"}]));
    let credited = json!({"credit_note": "N-1", "customer": "C-1", "amount": "6.00", "currency": "COP",
                          "issue_date": "2026-02-10", "invoices": [{"invoice": "F-1"}]});
    let other = corrected(&expected("B-1", "10.00", "2026-02-01"), 2, json!({"amount": "15.00"}));
    let moved = corrected(&expected("B-2", "9.00", "2026-02-01"), 2, json!({"invoice": "F-2"}));
    let facts = [
        issued.clone(),
        given.clone(),
        corrected(&given, 2, json!({"amount": "80.00", "invoices": [{"invoice": "F-1", "amount": "50.00"}]})),
        now("CH-1", "deposited", "2026-03-10", 10),
        now("CH-1", "cleared", "2026-03-12", 11),
        now("CH-1", "rejected", "2026-03-15", 12),
        now("CH-1", "deposited", "2026-03-20", 13),
        cheque("CH-2", "25.00", json!([{"invoice": "F-2"}])),
        now("CH-2", "cleared", "2026-03-12", 11),
        invoice("F-2", "C-1", "60.00", "2026-01-03", "2026-02-28"),
        fact("erp", "n", "credit_note.issued", credited),
        expected("B-1", "10.00", "2026-02-01"),
        other,
        expected("B-2", "9.00", "2026-02-01"),
        moved,
        payment("P-1", "C-1", "20.00", "2026-01-20", json!([])),
    ];
    let after = async |facts: &[Value], at_once: bool| {
        let world = world::start().await;
        if at_once {
            let report = world.batch(facts).await;
            assert_eq!(report["quarantined"], 0, "{report}");
        } else {
            world.tell(facts).await;
        }
        let state = (world.digest(&world.acme).await, amounts(&world, "F-1").await, amounts(&world, "F-2").await);
        world.role.stop().await;
        state
    };
    let forwards = after(&facts, false).await;
    assert_eq!(forwards.1, ["74.00", "50.00", "9.00", "15.00"], "six of fifteen were credited");
    assert_eq!(forwards.2, ["35.00", "0.00", "9.00", "26.00"]);
    let mut reversed = facts.to_vec();
    reversed.reverse();
    assert_eq!(forwards, after(&reversed, false).await);
    assert_eq!(forwards, after(&facts, true).await);
    let shuffled: Vec<Value> = (0..5).flat_map(|first| facts.iter().skip(first).step_by(5).rev().cloned()).collect();
    let twice: Vec<Value> = shuffled.iter().chain(&facts).cloned().collect();
    assert_eq!(forwards, after(&twice, false).await);
}

#[tokio::test]
async fn what_is_said_of_an_instrument_before_it_comes_waits_for_it() {
    let world = world::start().await;
    let early = world.post(&now("CH-1", "cleared", "2026-03-12", 11)).await;
    assert_eq!(early.body["parked"], json!(["instrument CH-1"]));
    let parked = world.get("/v1/parked").await.body;
    let waiting = json!({"what": "instrument", "code": "CH-1", "waits_for": "instrument CH-1"});
    assert_eq!(parked["parked"][0], waiting, "{parked}");
    let received = world.post(&cheque("CH-1", "70.00", json!([{"invoice": "F-1"}]))).await;
    assert_eq!(received.body["parked"], json!(["invoice F-1"]), "cleared, and its invoice has not come");
    world.tell(&[invoice("F-1", "C-1", "70.00", "2026-01-01", "2026-01-31")]).await;
    assert_eq!(amounts(&world, "F-1").await, ["0.00", "0.00", "0.00", "0.00"]);

    let wrong = [
        (json!({"invoices": [{"invoice": "F-1"}, {"invoice": "F-2", "amount": "1.00"}]}), "#/data/invoices/0/amount"),
        (
            json!({"invoices": [{"invoice": "F-1", "amount": "1.00"}, {"invoice": "F-1", "amount": "2.00"}]}),
            "#/data/invoices/1/invoice",
        ),
        (json!({"invoices": [{"invoice": "F-1", "amount": "71.00"}]}), "#/data/invoices"),
        (json!({"kind": "bitcoin"}), "#/data/kind"),
        (json!({"currency": "USD"}), "#/data/currency"),
    ];
    for (data, pointer) in wrong {
        let answer =
            world.post(&corrected(&cheque("CH-1", "70.00", json!([{"invoice": "F-1"}])), 9, data.clone())).await;
        assert_eq!((answer.status.is_client_error(), answer.pointer()), (true, pointer), "{data} {answer:?}");
    }
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn an_expected_credit_is_used_up_by_the_credit_note() {
    let world = world::start().await;
    let early = world.post(&expected("B-1", "30.00", "2026-02-01")).await;
    assert_eq!(early.body["parked"], json!(["invoice F-1"]));
    let parked = world.get("/v1/parked").await.body;
    let waiting = json!({"what": "expected_credit", "code": "B-1", "waits_for": "invoice F-1"});
    assert_eq!(parked["parked"][0], waiting, "{parked}");
    world.tell(&[invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31")]).await;
    assert_eq!(amounts(&world, "F-1").await, ["100.00", "0.00", "30.00", "70.00"]);
    let note = |number: &str, amount: &str, on: &str| {
        let data = json!({"credit_note": number, "customer": "C-1", "amount": amount, "currency": "COP", "issue_date": on,
                          "invoices": [{"invoice": "F-1"}]});
        fact("erp", number, "credit_note.issued", data)
    };
    world.tell(&[note("N-0", "5.00", "2026-01-15")]).await;
    assert_eq!(amounts(&world, "F-1").await, ["95.00", "0.00", "30.00", "65.00"], "of before it was expected");
    world.tell(&[note("N-1", "20.00", "2026-02-15")]).await;
    assert_eq!(amounts(&world, "F-1").await, ["75.00", "0.00", "10.00", "65.00"]);
    world.tell(&[corrected(&expected("B-1", "30.00", "2026-02-01"), 2, json!({"amount": "0.00"}))]).await;
    assert_eq!(amounts(&world, "F-1").await, ["75.00", "0.00", "0.00", "75.00"], "not expected any more");
    assert_eq!(world.count("SELECT count(*) FROM facts WHERE data::text LIKE '%Canario%'").await, 0);
    world.digest(&world.acme).await;
    world.role.stop().await;
}
