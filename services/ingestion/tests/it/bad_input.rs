use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::{self, Answer, World, answer, fact, invoice, payment};

/// `change` to a good fact, the answer's status, slug and pointer.
type Case = (fn(&mut Value), u16, &'static str, &'static str);

#[tokio::test]
async fn what_cannot_be_accepted_says_what_and_where() {
    let world = world::start().await;
    let good = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    let cases: Vec<Case> = vec![
        (|f| f["data"]["amount"] = json!(100.5), 422, "amount-format", "#/data/amount"),
        (|f| f["data"]["amount"] = json!(100), 422, "amount-format", "#/data/amount"),
        (|f| f["data"]["amount"] = json!("1E2"), 422, "amount-format", "#/data/amount"),
        (|f| f["data"]["amount"] = json!("1,234.56"), 422, "amount-format", "#/data/amount"),
        (|f| f["data"]["amount"] = json!("NaN"), 422, "amount-format", "#/data/amount"),
        (|f| f["data"]["amount"] = json!("10.005"), 422, "amount-scale", "#/data/amount"),
        (
            |f| {
                f["data"]["amount"] = json!("10.5");
                f["data"]["currency"] = json!("CLP");
            },
            422,
            "amount-scale",
            "#/data/amount",
        ),
        (|f| f["data"]["amount"] = json!("99999999999999999999"), 422, "amount-range", "#/data/amount"),
        (|f| f["data"]["amount"] = json!("-1"), 422, "amount-sign", "#/data/amount"),
        (|f| f["data"]["amount"] = json!("-0"), 422, "amount-zero", "#/data/amount"),
        (|f| f["data"]["expected_withholding"] = json!("100.01"), 422, "amount-range", "#/data/expected_withholding"),
        (|f| f["data"]["currency"] = json!("usd"), 422, "currency", "#/data/currency"),
        (|f| f["data"]["currency"] = json!("XXX"), 422, "currency", "#/data/currency"),
        (|f| f["data"]["currency"] = json!(""), 422, "currency", "#/data/currency"),
        (|f| f["data"]["due_date"] = json!("2026-02-30"), 422, "date-invalid", "#/data/due_date"),
        (|f| f["data"]["due_date"] = json!("03/04/2026"), 422, "date-format", "#/data/due_date"),
        (|f| f["data"]["due_date"] = json!("2025-12-31"), 422, "date-order", "#/data/due_date"),
        (|f| f["data"]["due_date"] = json!("9999-12-31"), 422, "date-range", "#/data/due_date"),
        (|f| f["time"] = json!("2026-03-01T12:00:00"), 422, "date-offset", "#/time"),
        (|f| f["time"] = json!("2026-03-01T24:00:00Z"), 422, "date-invalid", "#/time"),
        (|f| f["data"]["invoice"] = json!("F\u{0}1"), 422, "text-control", "#/data/invoice"),
        (|f| f["data"]["invoice"] = json!(" F-1"), 422, "text-blank", "#/data/invoice"),
        (|f| f["data"]["invoice"] = json!("x".repeat(129)), 422, "too-long", "#/data/invoice"),
        (|f| f["data"]["invoice"] = json!(["F-1"]), 422, "wrong-type", "#/data/invoice"),
        (|f| f["data"]["payer"] = json!(null), 422, "wrong-type", "#/data/payer"),
        (|f| f["data"]["tenant_id"] = json!("x"), 422, "unknown-field", "#/data/tenant_id"),
        (|f| f["colour/of~it"] = json!("red"), 422, "unknown-field", "#/colour~1of~0it"),
        (|f| f["data"] = json!([]), 422, "wrong-type", "#/data"),
        (|f| drop(f["data"].as_object_mut().unwrap().remove("customer")), 422, "missing-member", "#/data/customer"),
        (|f| drop(f.as_object_mut().unwrap().remove("time")), 422, "missing-member", "#/time"),
        (|f| f["type"] = json!("invoice.eaten"), 422, "unknown-type", "#/type"),
        (|f| f["specversion"] = json!("2.0"), 422, "unknown-value", "#/specversion"),
        (|f| f["source"] = json!("nobody"), 422, "unknown-source", "#/source"),
        (|f| f["source_version"] = json!(1.5), 422, "wrong-type", "#/source_version"),
        (|f| f["legal_entity"] = json!("other"), 422, "unknown-legal-entity", "#/legal_entity"),
        (|f| f["tenant"] = json!("globex"), 403, "tenant-mismatch", "#/tenant"),
    ];
    for (change, status, slug, pointer) in cases {
        let mut bad = good.clone();
        change(&mut bad);
        let answer = world.post(&bad).await;
        assert_eq!(
            (answer.status.as_u16(), answer.slug(), answer.pointer()),
            (status, slug, pointer),
            "{bad} {answer:?}"
        );
    }
    assert_eq!(world.count("SELECT count(*) FROM facts").await, 0, "nothing of it is stored");
    assert_eq!(world.post(&good).await.status, StatusCode::CREATED);
    world.role.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_facts_are_refused_before_they_are_read() {
    let world = world::start().await;
    let deep = "[".repeat(10_000);
    let long_name = format!("{{\"id\":\"{}\"}}", "x".repeat(300 * 1024));
    let twice = r#"{"id":"1","id":"2"}"#;
    let bodies: [(&[u8], u16, &str); 12] = [
        (b"", 400, "empty-body"),
        (b"  \n", 400, "empty-body"),
        (b"{\"id\":", 400, "malformed-json"),
        (b"{} {}", 400, "malformed-json"),
        (b"[]", 422, "wrong-type"),
        (b"\"fact\"", 422, "wrong-type"),
        (deep.as_bytes(), 400, "too-deep"),
        (long_name.as_bytes(), 413, "line-too-long"),
        (b"{\"id\":\"\xff\"}", 400, "encoding"),
        (b"\xfe\xff\x00{\x00}", 400, "encoding"),
        (b"{\"id\":\"\\ud800\"}", 422, "text-encoding"),
        (twice.as_bytes(), 422, "duplicate-member"),
    ];
    for (body, status, slug) in bodies {
        let answer = world.send(&world.acme, "application/json", body.to_vec()).await;
        assert_eq!((answer.status.as_u16(), answer.slug()), (status, slug), "{answer:?}");
    }
    for content_type in ["text/plain", "application/json; charset=utf-16", ""] {
        assert_eq!(world.send(&world.acme, content_type, "{}").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let huge = world.send(&world.acme, "application/json", vec![b' '; 17 * 1024 * 1024]).await;
    assert_eq!((huge.status.as_u16(), huge.slug()), (413, "body-too-large"));
    let many = world.send(&world.acme, "application/x-ndjson", "{}\n".repeat(5_001)).await;
    assert_eq!((many.status.as_u16(), many.slug()), (413, "too-many-lines"));
    let blank = world.send(&world.acme, "application/x-ndjson", "\n \r\n").await;
    assert_eq!((blank.status.as_u16(), blank.slug()), (400, "empty-body"));
    assert_eq!(without_key(&world).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.get("/v1/facts").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(world.get("/v1/parked?limit=0").await.slug(), "query-parameter");
    assert_eq!(world.get("/v1/parked?colour=red").await.slug(), "query-parameter");
    world.role.stop().await;
}

async fn without_key(world: &World) -> Answer {
    answer(world.http.post(format!("{}/v1/facts", world.bed.base_url())).body("{}")).await
}

#[tokio::test]
async fn every_type_of_fact_is_checked() {
    let world = world::start().await;
    world.tell(&[invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31")]).await;
    let cases = [
        ("customer.upserted", json!({"customer": "C-1", "name": "A", "country": "co"}), "country", "#/data/country"),
        (
            "customer.upserted",
            json!({"customer": "C-1", "name": "A", "time_zone": "Bogota"}),
            "time-zone",
            "#/data/time_zone",
        ),
        ("customer.upserted", json!({"customer": "C-1", "name": "x".repeat(501)}), "too-long", "#/data/name"),
        (
            "contact.upserted",
            json!({"contact": "K", "customer": "C-1", "name": "A", "email": "a@b.co\r\nBcc: x@y.co"}),
            "text-control",
            "#/data/email",
        ),
        (
            "contact.upserted",
            json!({"contact": "K", "customer": "C-1", "name": "A", "email": "nobody"}),
            "email",
            "#/data/email",
        ),
        (
            "payment.received",
            json!({"payment": "P", "payer": "C-1", "amount": "10.00", "currency": "COP", "value_date": "2026-02-01",
                   "remittance": [{"invoice": "F-1", "amount": "6.00"}, {"invoice": "F-2", "amount": "6.00"}]}),
            "parts-exceed-amount",
            "#/data/remittance",
        ),
        (
            "payment.received",
            json!({"payment": "P", "payer": "C-1", "amount": "10.00", "currency": "COP", "value_date": "2026-02-01",
                   "remittance": [{"invoice": "F-1", "amount": 6}]}),
            "amount-format",
            "#/data/remittance/0/amount",
        ),
        (
            "payment.received",
            json!({"payment": "P", "payer": "C-1", "amount": "10.00", "currency": "USD", "value_date": "2026-02-01",
                   "remittance": [{"invoice": "F-1"}]}),
            "currency-mismatch",
            "#/data/currency",
        ),
        (
            "dispute.opened",
            json!({"dispute": "D", "invoice": "F-1", "reason": "mood", "opened_on": "2026-02-01"}),
            "unknown-value",
            "#/data/reason",
        ),
        (
            "promise.made",
            json!({"promise": "P", "customer": "C-1", "invoices": [], "amount": "1.00", "currency": "COP", "promised_date": "2026-02-01", "made_on": "2026-01-31"}),
            "missing-member",
            "#/data/invoices",
        ),
        (
            "promise.made",
            json!({"promise": "P", "customer": "C-1", "invoices": ["F-1"], "amount": "1.00", "currency": "COP", "promised_date": "2026-01-30", "made_on": "2026-01-31"}),
            "date-order",
            "#/data/promised_date",
        ),
        ("source.covered", json!({"covered_until": "2070-01-01T00:00:00Z"}), "date-range", "#/data/covered_until"),
    ];
    for (index, (fact_type, data, slug, pointer)) in cases.into_iter().enumerate() {
        let answer = world.post(&fact("erp", &format!("bad {index}"), fact_type, data)).await;
        assert_eq!((answer.slug(), answer.pointer()), (slug, pointer), "{fact_type} {answer:?}");
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    world.role.stop().await;
}

#[tokio::test]
async fn one_answer_names_all_that_is_wrong() {
    let world = world::start().await;
    let mut bad = payment("P-1", "", "-1", "tomorrow", json!([]));
    bad["extra"] = json!(1);
    let answer = world.post(&bad).await;
    let codes: Vec<&str> =
        answer.body["errors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["text-empty", "amount-sign", "date-format", "unknown-field"]);
    world.role.stop().await;
}
