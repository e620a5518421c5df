use contracts::ingestion::InvoiceChanged;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::json;

use crate::world::{self, fact, invoice, payment};

#[tokio::test]
async fn the_same_fact_has_the_same_receipt_for_ever() {
    let world = world::start().await;
    let told = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    let first = world.post(&told).await;
    assert_eq!((first.status, first.replayed), (StatusCode::CREATED, false), "{first:?}");
    let reordered = serde_json::from_str(&told.to_string().replace(":\"", ": \"")).unwrap();
    let again = world.post(&reordered).await;
    assert_eq!((again.status, again.replayed, &again.body), (StatusCode::OK, true, &first.body));
    assert_eq!(world.get("/v1/receipts/erp/invoice%20F-1").await.body, first.body);
    assert_eq!(world.get("/v1/receipts/erp/invoice%20F-2").await.status, StatusCode::NOT_FOUND);

    let mut other = told.clone();
    other["data"]["amount"] = json!("100.01");
    let conflict = world.post(&other).await;
    assert_eq!((conflict.status, conflict.slug()), (StatusCode::CONFLICT, "idempotency-conflict"));
    assert_eq!(world.bed.published::<InvoiceChanged>().await.len(), 1);
    world.role.stop().await;
}

#[tokio::test]
async fn a_hundred_identical_posts_have_one_effect_and_one_receipt() {
    let world = world::start().await;
    world.tell(&[invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31")]).await;
    let told = payment("P-1", "C-1", "40.00", "2026-01-15", json!([{"invoice": "F-1"}]));
    let answers = join_all((0..100).map(|_| world.post(&told))).await;
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert!(answers.iter().all(|answer| answer.status.is_success() && answer.body == answers[0].body));
    assert_eq!(world.count("SELECT count(*) FROM settlement_entries").await, 1);
    let open: Vec<String> =
        world.bed.published::<InvoiceChanged>().await.into_iter().map(|event| event.open_amount).collect();
    assert_eq!(open, ["100.00", "60.00"]);
    world.role.stop().await;
}

#[tokio::test]
async fn the_lines_of_a_batch_are_accounted_for() {
    let world = world::start().await;
    let good = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    let mut conflicting = good.clone();
    conflicting["data"]["amount"] = json!("7.00");
    let parked = payment("P-1", "C-1", "40.00", "2026-01-15", json!([{"invoice": "F-9"}]));
    let lines = [good.clone(), good.clone(), conflicting, parked, json!({"id": 1})];
    let body: String = lines.map(|line| line.to_string()).join("\r\n\r\n") + "\r\n\r\n{nonsense";
    let report = world.send(&world.acme, "application/x-ndjson", format!("\u{feff}{body}")).await.body;
    let counts =
        ["lines", "applied", "duplicate", "quarantined", "stale", "parked"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [6, 2, 1, 3, 0, 1], "{report}");
    let problems: Vec<_> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            (problem["line"].as_u64().unwrap(), problem["code"].as_str().unwrap(), problem["pointer"].as_str().unwrap())
        })
        .collect();
    let expected = [(5, "idempotency-conflict", "#/id"), (9, "wrong-type", "#/id"), (11, "malformed-json", "#")];
    assert_eq!(problems, expected);

    let again = world.send(&world.acme, "application/x-ndjson", format!("\u{feff}{body}")).await.body;
    assert_eq!(again["batch_id"], report["batch_id"]);
    let counts = ["applied", "duplicate", "quarantined"].map(|name| again[name].as_u64().unwrap());
    assert_eq!(counts, [0, 3, 3], "{again}");
    world.role.stop().await;
}

#[tokio::test]
async fn what_became_known_later_does_not_take_back_a_receipt() {
    let world = world::start().await;
    let mut paid = payment("P-1", "C-1", "40.00", "2026-01-15", json!([{"invoice": "F-1"}]));
    paid["data"]["currency"] = json!("USD");
    let first = world.post(&paid).await;
    assert_eq!((first.status, first.replayed), (StatusCode::CREATED, false), "{first:?}");
    world.tell(&[invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31")]).await;

    let again = world.post(&paid).await;
    assert_eq!((again.status, again.replayed, &again.body), (StatusCode::OK, true, &first.body));
    let report = world.batch(&[paid.clone()]).await;
    assert_eq!((&report["duplicate"], &report["quarantined"]), (&json!(1), &json!(0)), "{report}");
    let mut other = paid.clone();
    other["data"]["amount"] = json!("41.00");
    assert_eq!(world.post(&other).await.slug(), "idempotency-conflict");
    other["id"] = json!("another");
    assert_eq!(world.post(&other).await.slug(), "currency-mismatch");
    world.role.stop().await;
}

#[tokio::test]
async fn of_promises_told_at_once_with_other_terms_one_is_accepted() {
    let world = world::start().await;
    for round in 0..5 {
        let told = |number: u32| {
            let data = json!({"promise": format!("PP-{round}"), "customer": "C-1", "invoices": ["F-1"],
                "amount": format!("{number}.00"), "currency": "COP", "promised_date": "2026-02-05", "made_on": "2026-01-20"});
            fact("erp", &format!("promise {round} {number}"), "promise.made", data)
        };
        let facts: Vec<_> = (1..=6).map(told).collect();
        let answers = join_all(facts.iter().map(|fact| world.post(fact))).await;
        let accepted = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        let refused = answers.iter().filter(|answer| answer.slug() == "promise-conflict").count();
        assert_eq!((accepted, refused), (1, 5), "{answers:?}");
    }
    world.role.stop().await;
}

#[tokio::test]
async fn a_source_can_prove_that_nothing_is_missing() {
    let world = world::start().await;
    let facts: Vec<_> =
        (1..=3).map(|n| invoice(&format!("F-{n}"), "C-1", "100.50", "2026-01-01", "2026-01-31")).collect();
    world.batch(&facts).await;
    world.tell(&[facts[0].clone(), invoice("F-4", "C-1", "1.00", "2026-01-01", "2026-01-31")]).await;
    let path = "/v1/feeds/erp/watermark?from=2026-03-01&through=2026-03-01";
    let watermark = world.get(path).await.body;
    // Of the ids "invoice F-1" to "invoice F-4", reckoned by another program.
    assert_eq!((&watermark["facts"], &watermark["ids_xor"]), (&json!(4), &json!("704d229e46208ef5")), "{watermark}");
    let day = &watermark["days"][0];
    assert_eq!(
        (&day["type"], &day["currency"], &day["amount"]),
        (&json!("invoice.issued"), &json!("COP"), &json!("302.50"))
    );
    assert_eq!(watermark["last_id"], "invoice F-4");
    assert_eq!(world.get("/v1/feeds/nobody/watermark").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get("/v1/feeds/erp/watermark?from=1999-01-01").await.slug(), "query-parameter");
    world.role.stop().await;
}
