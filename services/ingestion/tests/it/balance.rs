//! What was owed as of a past moment (D5).

use serde_json::{Value, json};

use crate::world::{self, World, corrected, fact, invoice, payment};

const DAYS: [&str; 4] = ["2026-01-05", "2026-01-20", "2026-02-11", "2026-12-31"];

/// The answers for all days, for everybody and for two payers, as it is known now or at `as_of`.
async fn balances(world: &World, as_of: Option<&str>) -> Vec<Value> {
    let mut answers = Vec::new();
    for day in DAYS {
        for whose in ["", "&payer=C-1", "&payer=C-2", "&customer=C-1&currency=COP"] {
            let moment = as_of.map(|as_of| format!("&as_of={as_of}")).unwrap_or_default();
            let mut answer = world.get(&format!("/v1/ledger/balance?on={day}{whose}{moment}")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.body["as_of"] = Value::Null;
            answers.push(answer.body);
        }
    }
    answers
}

async fn now(world: &World) -> String {
    world.get("/v1/ledger/balance").await.body["as_of"].as_str().unwrap().to_owned()
}

/// Sequence of facts: late ones, corrections of each member that matters, a bounce, a void and its end, a payment of two accounts.
fn facts() -> Vec<Value> {
    let first = invoice("F-1", "C-1", "100.00", "2026-01-02", "2026-01-31");
    let second = invoice("F-2", "C-1", "40.00", "2026-01-10", "2026-02-15");
    let voided = |id: &str, word: &str, version: u64| {
        let mut said = fact("erp", id, word, json!({"invoice": "F-2"}));
        said["source_version"] = json!(version);
        let day = if word == "invoice.voided" { "voided_on" } else { "reinstated_on" };
        if word == "invoice.voided" {
            said["data"]["reason"] = json!("error");
        }
        said["data"][day] = json!("2026-02-01");
        said
    };
    vec![
        first.clone(),
        payment("P-1", "C-1", "30.00", "2026-02-10", json!([{"invoice": "F-1"}])),
        second.clone(),
        invoice("F-3", "C-2", "75.00", "2026-01-03", "2026-02-20"),
        // Late: on its day F-1 was open.
        payment("P-2", "C-1", "20.00", "2026-01-15", json!([])),
        corrected(&first, 2, json!({"amount": "90.00"})),
        corrected(&second, 2, json!({"issue_date": "2026-01-25"})),
        corrected(&second, 3, json!({"issue_date": "2026-01-25", "payer": "C-2"})),
        corrected(&first, 3, json!({"amount": "90.00", "due_date": "2026-03-01"})),
        payment(
            "P-3",
            "C-1",
            "60.00",
            "2026-02-11",
            json!([{"invoice": "F-1", "amount": "15.00"}, {"invoice": "F-3", "amount": "45.00"}]),
        ),
        fact(
            "bank",
            "r",
            "payment.reversed",
            json!({"payment": "P-3", "reversal": "R", "amount": "10.00", "currency": "COP", "reversed_on": "2026-02-12"}),
        ),
        voided("v", "invoice.voided", 1),
        voided("v2", "invoice.reinstated", 2),
        corrected(&second, 4, json!({"amount": "45.00", "issue_date": "2026-01-25", "customer": "C-2"})),
        fact(
            "bank",
            "r1",
            "payment.reversed",
            json!({"payment": "P-1", "reversal": "R-1", "reversed_on": "2026-02-12"}),
        ),
    ]
}

#[tokio::test]
async fn every_past_moment_is_answered_as_it_was_then() {
    let world = world::start().await;
    let mut moments = Vec::new();
    for fact in facts() {
        world.tell(std::slice::from_ref(&fact)).await;
        let seen = balances(&world, None).await;
        // At the end of all days it is what is open now.
        let everybody = &seen[12]["totals"];
        let open = world.count("SELECT (sum(open_amount) * 100)::bigint FROM receivables").await;
        let told = everybody[0]["open"].as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
        assert_eq!(told, open, "{fact}: {everybody}");
        moments.push((now(&world).await, seen));
    }
    let different: std::collections::BTreeSet<String> =
        moments.iter().map(|(_, seen)| json!(seen).to_string()).collect();
    assert!(different.len() > 12, "most facts change what is owed: {}", different.len());
    for (as_of, seen) in &moments {
        assert_eq!(&balances(&world, Some(as_of)).await, seen, "as of {as_of}");
    }
    let first = &moments[0].0;
    let before = world.get("/v1/ledger/balance?as_of=2026-01-01T00:00:00Z&payer=C-1").await.body;
    assert_eq!((&before["totals"], &before["items"]), (&json!([]), &json!([])), "{before}");
    assert_eq!(before["on"], "2025-12-31", "the civil day is the tenant's");

    let page = |from: u32| format!("/v1/ledger/balance?payer=C-2&on=2026-12-31&limit=1&from={from}");
    let (one, two) = (world.get(&page(0)).await.body, world.get(&page(1)).await.body);
    assert_eq!((&one["items"][0]["invoice"], &one["next"]), (&json!("F-3"), &json!(1)), "{one}");
    assert_eq!((&two["items"][0]["invoice"], &two["next"]), (&json!("F-2"), &Value::Null), "{two}");
    for wrong in
        ["as_of=2099-01-01T00:00:00Z", "as_of=yesterday", "on=2026-02-30", "currency=XXY", "limit=0", "colour=red"]
    {
        let answer = world.get(&format!("/v1/ledger/balance?{wrong}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.slug()),
            (400, "query-parameter"),
            "{wrong} after {first}: {answer:?}"
        );
    }
    world.role.stop().await;
}

#[tokio::test]
async fn an_invoice_that_is_never_corrected_leaves_no_history() {
    let world = world::start().await;
    let issued = invoice("F-1", "C-1", "100.00", "2026-01-02", "2026-01-31");
    let paid = payment("P-1", "C-1", "30.00", "2026-02-10", json!([{"invoice": "F-1"}]));
    world.tell(&[issued.clone(), paid, corrected(&issued, 2, json!({"due_date": "2026-02-28"}))]).await;
    assert_eq!(world.count("SELECT count(*) FROM receivable_history").await, 0);
    world.tell(&[corrected(&issued, 3, json!({"amount": "110.00"}))]).await;
    assert_eq!(world.count("SELECT count(*) FROM receivable_history").await, 1);
    world.role.stop().await;
}
