//! Payment plans: each instalment is a promise that knows its place.

use std::collections::BTreeMap;

use contracts::ingestion::{PromiseMade, PromiseWithdrawn};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::confluence::{after, shuffled};
use crate::world::{self, World, customer, fact, invoice};

fn plan(id: &str, instalments: Value) -> Value {
    let data = json!({"plan": "PL-1", "customer": "C-1", "invoices": ["F-1", "F-2"], "currency": "COP", "amount": "90.00",
        "agreed_on": "2026-02-01", "instalments": instalments, "channel": "call"});
    fact("erp", id, "plan.agreed", data)
}

fn of_three() -> Value {
    let instalment = |day: &str, amount: &str| json!({"promised_date": day, "amount": amount});
    json!([instalment("2026-02-10", "20.00"), instalment("2026-03-10", "30.00"), instalment("2026-04-10", "40.00")])
}

fn withdrawn(id: &str, day: &str) -> Value {
    fact("erp", id, "plan.withdrawn", json!({"plan": "PL-1", "withdrawn_on": day}))
}

/// The last withdrawal that was told of each promise.
async fn withdrawals(world: &World) -> BTreeMap<String, String> {
    let events = world.bed.published::<PromiseWithdrawn>().await;
    events.into_iter().map(|event| (event.promise_id, event.withdrawn_on)).collect()
}

#[tokio::test]
async fn a_plan_is_a_promise_for_each_instalment() {
    let world = world::start().await;
    let agreed = plan("plan", of_three());
    world.tell(&[customer("C-1", "Uno"), agreed.clone()]).await;
    let told = world.bed.published::<PromiseMade>().await;
    let parts: Vec<_> = told
        .iter()
        .map(|made| (&*made.code, made.instalment, &*made.amount, &*made.amount_before, &*made.promised_date))
        .collect();
    let expected = [
        ("PL-1/1", 1, "20.00", "0.00", "2026-02-10"),
        ("PL-1/2", 2, "30.00", "20.00", "2026-03-10"),
        ("PL-1/3", 3, "40.00", "50.00", "2026-04-10"),
    ];
    assert_eq!(parts, expected);
    let shares = |made: &PromiseMade| (made.plan_id.clone(), made.plan_code.clone(), made.invoice_ids.clone());
    assert!(
        told.iter()
            .all(|made| shares(made) == shares(&told[0]) && made.instalments == 3 && made.made_on == "2026-02-01")
    );
    assert_eq!(told[0].invoice_ids.len(), 2);

    // The same again says nothing new; other terms are another plan.
    let mut again = agreed.clone();
    again["id"] = json!("plan again");
    assert_eq!(world.post(&again).await.body["status"], "stale");
    let two =
        json!([{"promised_date": "2026-02-10", "amount": "20.00"}, {"promised_date": "2026-03-10", "amount": "70.00"}]);
    let other = world.post(&plan("other", two)).await;
    assert_eq!((other.slug(), other.pointer()), ("promise-conflict", "#/data/plan"), "{other:?}");

    world.tell(&[withdrawn("w1", "2026-03-20"), withdrawn("w2", "2026-03-15")]).await;
    assert_eq!(world.post(&withdrawn("w3", "2026-03-16")).await.body["status"], "stale");
    let withdrawn = withdrawals(&world).await;
    assert_eq!(withdrawn.values().map(String::as_str).collect::<Vec<_>>(), ["2026-03-15"; 3]);
    world.role.stop().await;
}

#[tokio::test]
async fn a_withdrawal_waits_for_its_plan() {
    let world = world::start().await;
    let early = world.post(&withdrawn("w1", "2026-03-15")).await;
    assert_eq!((early.status, &early.body["parked"]), (StatusCode::CREATED, &json!(["plan PL-1"])), "{early:?}");
    assert!(world.get("/v1/parked").await.body.to_string().contains("plan PL-1"));
    world.tell(&[plan("plan", of_three())]).await;
    assert_eq!(withdrawals(&world).await.len(), 3);
    assert!(!world.get("/v1/parked").await.body.to_string().contains("plan PL-1"));
    world.role.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_plan_is_told() {
    let world = world::start().await;
    let instalment = |day: &str, amount: &str| json!({"promised_date": day, "amount": amount});
    for (instalments, code, pointer) in [
        (json!([]), "missing-member", "#/data/instalments"),
        (json!([instalment("2026-02-10", "89.99")]), "instalments-sum", "#/data/instalments"),
        (json!([instalment("2026-01-31", "90.00")]), "date-order", "#/data/instalments/0/promised_date"),
        (
            json!([instalment("2026-02-10", "45.00"), instalment("2026-02-10", "45.00")]),
            "date-order",
            "#/data/instalments/1/promised_date",
        ),
        (
            json!([instalment("2026-02-10", "90.00"), instalment("2026-03-10", "0.00")]),
            "amount-zero",
            "#/data/instalments/1/amount",
        ),
        (json!(["all of it"]), "wrong-type", "#/data/instalments/0"),
        (
            json!([{"promised_date": "2026-02-10", "amount": "90.00", "paid": true}]),
            "unknown-field",
            "#/data/instalments/0/paid",
        ),
    ] {
        let answer = world.post(&plan("bad", instalments)).await;
        let wrong = (answer.body["errors"][0]["code"].as_str().unwrap(), answer.pointer());
        assert_eq!(wrong, (code, pointer), "{answer:?}");
    }
    let mut dollars = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    dollars["data"]["currency"] = json!("USD");
    world.tell(&[dollars]).await;
    assert_eq!(world.post(&plan("pesos", of_three())).await.slug(), "currency-mismatch");
    world.role.stop().await;
}

#[tokio::test]
async fn in_any_order_a_plan_ends_alike() {
    let facts = [
        customer("C-1", "Uno"),
        plan("plan", of_three()),
        plan("plan again", of_three()),
        withdrawn("w1", "2026-03-20"),
        withdrawn("w2", "2026-03-15"),
        withdrawn("w3", "2026-03-18"),
    ];
    let expected = after(async |world| world.tell(&facts).await).await;
    for step in [2, 3, 5] {
        let told = after(async |world| {
            world.tell(&shuffled(&facts, step)).await;
            assert_eq!(withdrawals(world).await.into_values().collect::<Vec<_>>(), ["2026-03-15"; 3]);
        });
        assert_eq!(expected, told.await, "step {step}");
    }
    let at_once_and_again = after(async |world| {
        world.batch(&shuffled(&facts, 4)).await;
        world.batch(&shuffled(&facts, 2)).await;
    });
    assert_eq!(expected, at_once_and_again.await);
}
