//! Pauses, problems and debtors' answers, from the door to the stream.

use contracts::ingestion::{HoldChanged, IssueChanged};
use primitives::ids::{self, Kind};
use serde_json::{Value, json};

use crate::world::{self, World, corrected, fact, invoice, payment};

fn hold(id: &str, more: Value) -> Value {
    let mut told = fact(
        "erp",
        &format!("hold {id}"),
        "hold.placed",
        json!({"hold": id, "customer": "C-1", "kind": "manual", "placed_on": "2026-02-01"}),
    );
    for (name, value) in more.as_object().unwrap() {
        told["data"][name] = value.clone();
    }
    told
}

fn lifted(id: &str, day: &str) -> Value {
    fact("erp", &format!("lift {id} {day}"), "hold.lifted", json!({"hold": id, "lifted_on": day}))
}

fn issue(id: &str) -> Value {
    fact(
        "crm",
        &format!("issue {id}"),
        "issue.raised",
        json!({"issue": id, "customer": "C-1", "invoices": ["F-1"], "reason": "quality", "raised_on": "2026-02-03",
               "description": "Ana saw the pallets", "owner": "ventas", "raised_by": "u-7"}),
    )
}

fn resolved(id: &str, more: Value) -> Value {
    let mut told = fact(
        "crm",
        &format!("issue resolved {id}"),
        "issue.resolved",
        json!({"issue": id, "resolved_on": "2026-02-10"}),
    );
    for (name, value) in more.as_object().unwrap() {
        told["data"][name] = value.clone();
    }
    told
}

fn answer(claim: &str, fact_type: &str, more: Value) -> Value {
    let data = json!({"claim": claim, "customer": "C-1", "invoices": ["F-1"], "claimed_on": "2026-03-06"});
    let mut told = fact("crm", &format!("{fact_type} {claim}"), fact_type, data);
    for (name, value) in more.as_object().unwrap() {
        told["data"][name] = value.clone();
    }
    told
}

async fn start() -> World {
    let world = world::start().await;
    world.source("acme", "crm").await;
    world
}

async fn newest(world: &World) -> HoldChanged {
    world.bed.published::<HoldChanged>().await.pop().unwrap()
}

#[tokio::test]
async fn a_hold_is_told_whole_whichever_half_comes_first() {
    let world = start().await;
    assert_eq!(world.post(&lifted("H-1", "2026-02-20")).await.body["parked"], json!(["hold H-1"]));
    assert_eq!(world.get("/v1/parked").await.body["parked"][0]["waits_for"], "hold H-1");
    assert!(world.bed.published::<HoldChanged>().await.is_empty());

    let placed = hold("H-1", json!({"invoices": ["F-2", "F-1", "F-2"], "until": "2026-03-31"}));
    world.tell(std::slice::from_ref(&placed)).await;
    let told = newest(&world).await;
    let mut invoices: Vec<String> = ["F-1", "F-2"]
        .map(|number| ids::derive(world.acme.tenant_id, Kind::Invoice, &["main", number]).to_string())
        .into();
    invoices.sort();
    assert_eq!((told.version, &*told.kind, &told.invoice_ids), (1, "manual", &invoices));
    assert_eq!((&*told.placed_on, &*told.until, &*told.lifted_on), ("2026-02-01", "2026-03-31", "2026-02-20"));
    assert_eq!(told.customer_id, ids::derive(world.acme.tenant_id, Kind::Customer, &["C-1"]).to_string());

    // The later word counts, and what was lifted stays so.
    world.tell(&[corrected(&placed, 3, json!({"until": "2026-04-30"}))]).await;
    let late = world.post(&corrected(&placed, 2, json!({"until": "2026-02-28"}))).await;
    assert_eq!(late.body["status"], "stale");
    let told = newest(&world).await;
    assert_eq!((told.version, &*told.until, &*told.lifted_on), (2, "2026-04-30", "2026-02-20"));
    let mut again = corrected(&placed, 4, json!({"until": "2026-04-30"}));
    again["id"] = json!("the same once more");
    world.tell(&[again]).await;
    assert_eq!(newest(&world).await.version, 2, "nothing that a reader sees has changed");
    world.role.stop().await;
}

#[tokio::test]
async fn hardship_is_of_the_customer_whichever_invoices_it_names() {
    let world = start().await;
    world.tell(&[hold("H-1", json!({"kind": "hardship", "invoices": ["F-1"], "reason": "Don Luis is ill"}))]).await;
    let told = newest(&world).await;
    assert_eq!((&*told.kind, told.invoice_ids.len()), ("hardship", 0));
    let kept_apart = "SELECT count(*) FROM facts f JOIN fact_persons p USING (tenant_id, fact_id)
                      WHERE f.data->>'reason' IS NULL AND p.data->>'reason' = 'Don Luis is ill'";
    assert_eq!(world.count(kept_apart).await, 1, "who is ill can be forgotten");
    world.role.stop().await;
}

#[tokio::test]
async fn an_issue_pauses_until_it_is_resolved() {
    let world = start().await;
    assert_eq!(world.post(&resolved("I-1", json!({}))).await.body["parked"], json!(["issue I-1"]));
    world.tell(&[issue("I-2"), issue("I-1")]).await;
    let holds = world.bed.published::<HoldChanged>().await;
    assert_eq!(holds.iter().map(|hold| &*hold.lifted_on).collect::<Vec<_>>(), ["", "2026-02-10"]);
    let issues = world.bed.published::<IssueChanged>().await;
    assert_eq!((&*issues[0].status, &*issues[0].owner, &*issues[0].code), ("open", "ventas", "I-2"));
    assert_eq!((&*issues[1].status, &*issues[1].outcome), ("resolved", "solved"));
    assert_eq!(
        (&*holds[0].kind, &*holds[0].placed_on, &holds[0].origin_id),
        ("issue", "2026-02-03", &issues[0].issue_id)
    );
    let kept_apart = "SELECT count(*) FROM facts WHERE data ? 'description' OR data ? 'raised_by'";
    assert_eq!(world.count(kept_apart).await, 0, "what a person wrote, and who, can be forgotten");

    world.tell(&[resolved("I-2", json!({"outcome": "unfounded"}))]).await;
    assert_eq!((newest(&world).await.version, &*newest(&world).await.lifted_on), (2, "2026-02-10"));
    world.role.stop().await;
}

#[tokio::test]
async fn an_issue_that_becomes_a_dispute_pauses_until_the_dispute_is_known() {
    let world = start().await;
    let disputed = |id: &str| {
        let data = json!({"dispute": id, "invoice": "F-1", "reason": "quality", "opened_on": "2026-02-10"});
        fact("erp", &format!("dispute {id}"), "dispute.opened", data)
    };
    world.tell(&[invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"), issue("I-1")]).await;
    let converted = resolved("I-1", json!({"outcome": "converted", "dispute": "D-1"}));
    assert_eq!(world.post(&converted).await.body["parked"], json!(["dispute D-1"]));
    let told = world.bed.published::<IssueChanged>().await.pop().unwrap();
    let dispute_id = ids::derive(world.acme.tenant_id, Kind::Dispute, &["D-1"]).to_string();
    assert_eq!((&*told.status, &*told.outcome, &told.dispute_id), ("resolved", "converted", &dispute_id));
    assert_eq!((newest(&world).await.version, &*newest(&world).await.lifted_on), (1, ""), "nothing slips out between");

    world.tell(&[disputed("D-1")]).await;
    assert_eq!((newest(&world).await.version, &*newest(&world).await.lifted_on), (2, "2026-02-10"));
    assert_eq!(world.bed.published::<IssueChanged>().await.len(), 2, "an issue and its dispute are two things");

    // The dispute first, then what it was before.
    world
        .tell(&[disputed("D-2"), resolved("I-2", json!({"outcome": "converted", "dispute": "D-2"})), issue("I-2")])
        .await;
    assert_eq!((newest(&world).await.version, &*newest(&world).await.lifted_on), (1, "2026-02-10"));
    world.role.stop().await;
}

#[tokio::test]
async fn an_answer_of_the_debtor_pauses_its_items_for_some_bank_days() {
    let world = start().await;
    // 6 March 2026 is a Friday.
    let cases = [
        (
            "payment.claimed",
            json!({"paid_on": "2026-03-05", "proof": "https://files.example/ana"}),
            "claim",
            "2026-03-11",
        ),
        ("payment.scheduled", json!({"scheduled_for": "2026-03-13"}), "claim", "2026-03-16"),
        ("invoice.not_received", json!({}), "invoice_not_received", "2026-03-11"),
        ("document.missing", json!({"document": "hes"}), "document_missing", "2026-03-11"),
    ];
    for (fact_type, more, kind, until) in cases {
        world.tell(&[answer(fact_type, fact_type, more)]).await;
        let told = newest(&world).await;
        assert_eq!((&*told.kind, &*told.until), (kind, until), "{fact_type}");
        assert_eq!((&*told.code, told.version, &*told.placed_on), (fact_type, 1, "2026-03-06"));
    }
    assert_eq!(world.count("SELECT count(*) FROM facts WHERE data ? 'proof'").await, 0);

    // The same answer, told otherwise: the debtor has not paid, but will.
    let mut will = answer("payment.claimed", "payment.scheduled", json!({"scheduled_for": "2026-03-20"}));
    will["source_version"] = json!(2);
    will["id"] = json!("second thoughts");
    world.tell(&[will]).await;
    let told = newest(&world).await;
    assert_eq!((&*told.code, told.version, &*told.until), ("payment.claimed", 2, "2026-03-23"));
    world.role.stop().await;
}

#[tokio::test]
async fn what_contradicts_itself_is_refused_with_its_place() {
    let world = start().await;
    let cases = [
        (hold("H-1", json!({"kind": "claim"})), "#/data/kind", "unknown-value"),
        (hold("H-1", json!({"until": "2026-01-31"})), "#/data/until", "date-order"),
        (hold("H-1", json!({"invoices": "F-1"})), "#/data/invoices", "wrong-type"),
        (resolved("I-1", json!({"outcome": "converted"})), "#/data/dispute", "missing-member"),
        (resolved("I-1", json!({"dispute": "D-1"})), "#/data/dispute", "unknown-field"),
        (answer("A", "payment.claimed", json!({"paid_on": "2026-03-07"})), "#/data/paid_on", "date-order"),
        (answer("A", "payment.claimed", json!({"amount": "5.00"})), "#/data/currency", "missing-member"),
        (
            answer("A", "payment.scheduled", json!({"scheduled_for": "2026-03-05"})),
            "#/data/scheduled_for",
            "date-order",
        ),
        (answer("A", "invoice.not_received", json!({"invoices": []})), "#/data/invoices", "missing-member"),
        (answer("A", "document.missing", json!({"document": "visa"})), "#/data/document", "unknown-value"),
    ];
    for (told, pointer, code) in cases {
        let answer = world.post(&told).await;
        assert_eq!((answer.pointer(), answer.body["errors"][0]["code"].as_str()), (pointer, Some(code)), "{answer:?}");
    }
    let mut mailed = issue("I-1");
    mailed["data"]["owner"] = json!("ana@acme.example");
    assert_eq!(world.post(&mailed).await.pointer(), "#/data/owner", "no e-mail address travels in an event");
    world.tell(&[invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31")]).await;
    let dollars = answer("A", "payment.claimed", json!({"amount": "5.00", "currency": "USD"}));
    assert_eq!(world.post(&dollars).await.body["errors"][0]["code"], "currency-mismatch");
    assert_eq!(world.count("SELECT count(*) FROM holds").await, 0);
    world.role.stop().await;
}

#[tokio::test]
async fn what_is_paused_is_listed_and_so_are_answers_that_ran_out() {
    let world = start().await;
    let claimed = |claim: &str, invoices: Value| {
        answer(claim, "payment.claimed", json!({"invoices": invoices, "claimed_on": "2020-01-03"}))
    };
    world
        .tell(&[
            invoice("F-1", "C-1", "100.00", "2019-12-01", "2019-12-31"),
            invoice("F-2", "C-1", "100.00", "2019-12-01", "2019-12-31"),
            invoice("F-3", "C-2", "100.00", "2019-12-01", "2019-12-31"),
            payment("P-2", "C-1", "100.00", "2020-01-02", json!([{"invoice": "F-2", "amount": "100.00"}])),
            hold("in force", json!({"placed_on": "2020-01-01"})),
            hold("coming", json!({"placed_on": "2060-01-01", "invoices": ["F-1"]})),
            hold("over", json!({"placed_on": "2020-01-01", "until": "2020-01-31"})),
            hold("lifted", json!({"placed_on": "2020-01-01"})),
            lifted("lifted", "2020-01-02"),
            claimed("of an open invoice", json!(["F-1", "F-2"])),
            claimed("of a paid invoice", json!(["F-2"])),
            claimed("of a customer who owes", json!([])),
        ])
        .await;
    let mut of_nobody = claimed("of a customer who owes nothing", json!([]));
    of_nobody["data"]["customer"] = json!("C-9");
    world.tell(&[of_nobody]).await;
    let listed = world.get("/v1/holds").await.body;
    let listed: Vec<_> = listed["holds"].as_array().unwrap().iter().collect();
    let seen: std::collections::BTreeMap<&str, (&str, &Value)> = listed
        .iter()
        .map(|hold| (hold["code"].as_str().unwrap(), (hold["status"].as_str().unwrap(), &hold["invoices"])))
        .collect();
    let (none, one, both) = (json!([]), json!(["F-1"]), json!(["F-1", "F-2"]));
    let expected = std::collections::BTreeMap::from([
        ("in force", ("in_force", &none)),
        ("coming", ("coming", &one)),
        ("of an open invoice", ("unanswered", &both)),
        ("of a customer who owes", ("unanswered", &none)),
    ]);
    assert_eq!(seen, expected);
    assert_eq!(listed[0]["customer"], "C-1");
    world.role.stop().await;
}
