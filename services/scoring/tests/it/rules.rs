//! The tenant's own rules: from a draft to a decision, and back.

use chrono::Days;
use contracts::ingestion::{ApiKeyChanged, CustomerChanged};
use contracts::scoring::SegmentAssigned;
use serde_json::{Value, json};
use testkit::TestTenant;

use crate::house::{House, customer, customer_id, date, invoice, paid};

const DOOR: &str = "/v1/segmentation-rules";

/// Three customers with a dozen invoices each, paid on the day, five days late, and after a month; the last is strategic.
async fn habits(house: &House, tenant: &TestTenant) {
    for number in 1..=3 {
        let tier = if number == 3 { "strategic" } else { "" };
        house.bed.publish(&CustomerChanged { tier: tier.into(), ..customer(tenant, number, "CO") }).await;
    }
    for (number, delay) in [(1, 0), (2, 5), (3, 30)] {
        for week in 0..12_u64 {
            let due = date("2026-01-12") + Days::new(week * 7);
            let id = number * 100 + u128::from(week);
            let open = invoice(tenant, id, number, due - Days::new(10), due);
            house.bed.publish(&paid(&open, due + Days::new(delay))).await;
        }
    }
}

/// Strategic customers are never high risk.
fn kinder() -> Value {
    json!({
        "rules": [
            {"segment": "new", "when": "observations < 3"},
            {"segment": "regular", "when": "tier == 'strategic'", "reason": "strategic_customer"},
            {"segment": "high_risk", "when": "severe_share >= 0.10"},
            {"segment": "often_late", "when": "late_share >= 0.50"}
        ],
        "fallback": {"segment": "occasional_late"}
    })
}

/// What was told last of a customer: (segment, version of the rules, first reason).
async fn told(house: &House, number: u128) -> (String, String, String) {
    let id = customer_id(number).to_string();
    let all = house.bed.published::<SegmentAssigned>().await;
    let last = all.into_iter().rfind(|event| event.customer_id == id).unwrap();
    (last.segment, last.rules_version, last.reasons.first().cloned().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_drafted_previewed_activated_and_rolled_back() {
    let house = House::open().await;
    let (acme, globex) = (house.bed.tenant("acme").await, house.bed.tenant("globex").await);
    habits(&house, &acme).await;
    house.after(date("2026-04-15")).await;
    assert_eq!((told(&house, 3).await.0.as_str(), told(&house, 1).await.0.as_str()), ("high_risk", "regular"));
    let before = house.bed.published::<SegmentAssigned>().await.len();

    let (status, draft) = house.post(&acme.key, DOOR, Some(&kinder())).await;
    assert_eq!((status, draft["version"].as_str(), draft["state"].as_str()), (201, Some("rules-1"), Some("draft")));
    let (status, again) = house.post(&acme.key, DOOR, Some(&kinder())).await;
    assert_eq!((status, &again["version"]), (200, &draft["version"]), "a retry is the same draft");

    let (status, preview) = house.post(&acme.key, &format!("{DOOR}/rules-1/preview?sample=1"), None).await;
    assert_eq!(status, 200, "{preview}");
    assert_eq!((preview["customers"].as_u64(), preview["moved"].as_u64()), (Some(3), Some(2)));
    let expected = json!([
        {"from": "high_risk", "to": "regular", "customers": 1},
        {"from": "often_late", "to": "often_late", "customers": 1},
        {"from": "regular", "to": "occasional_late", "customers": 1},
    ]);
    assert_eq!((&preview["moves"], preview["as_of"].as_str()), (&expected, Some("2026-04-15")));
    assert_eq!(preview["sample"].as_array().unwrap().len(), 1);
    assert_eq!(preview["sample"][0]["code"], "C-1");
    house.after(date("2026-04-15")).await;
    assert_eq!(house.bed.published::<SegmentAssigned>().await.len(), before, "a preview tells nobody");

    let (status, activation) = house.post(&acme.key, &format!("{DOOR}/rules-1/activate"), None).await;
    assert_eq!((status, activation["active_from"].as_str()), (200, Some("2026-04-15")), "{activation}");
    house.after(date("2026-04-15")).await;
    assert_eq!(told(&house, 3).await, ("regular".into(), "rules-1".into(), "strategic_customer".into()));
    let often = told(&house, 2).await;
    assert_eq!((often.0.as_str(), often.1.as_str()), ("often_late", "rules-1"), "who stays is told by which rules");
    let (_, segments) = house.get(&acme.key, "/v1/segments").await;
    assert_eq!(segments["rules_version"], "rules-1");
    let count = house.bed.published::<SegmentAssigned>().await.len();
    let (_, same) = house.post(&acme.key, &format!("{DOOR}/rules-1/activate"), None).await;
    assert_eq!(same, activation, "what decides already is not activated again");

    // The close goes on under these rules, and a fact that comes late does not change who decided before.
    let late = invoice(&acme, 900, 2, date("2026-01-02"), date("2026-01-20"));
    house.bed.publish(&paid(&late, date("2026-01-21"))).await;
    house.after(date("2026-04-17")).await;
    let by: Vec<(String, i64)> = sqlx::query_as(
        "SELECT rules_version, count(*) FROM assessments WHERE day >= '2026-04-15' GROUP BY 1
         UNION ALL SELECT min(rules_version) || max(rules_version), 0 FROM assessments WHERE day < '2026-04-15'",
    )
    .fetch_all(&house.bed.worker())
    .await
    .unwrap();
    assert_eq!(by, [("rules-1".into(), 3), ("default-1default-1".into(), 0)]);
    assert!(house.bed.published::<SegmentAssigned>().await.len() >= count);

    let (status, back) = house.post(&acme.key, &format!("{DOOR}/rollback"), None).await;
    assert_eq!(
        (status, back["version"].as_str(), back["reason"].as_str()),
        (200, Some("default-1"), Some("rolled_back"))
    );
    house.after(date("2026-04-18")).await;
    let risky = told(&house, 3).await;
    assert_eq!((risky.0.as_str(), risky.1.as_str()), ("high_risk", "default-1"));

    let (_, listed) = house.get(&acme.key, DOOR).await;
    assert_eq!(listed["active"], "default-1");
    let ages: Vec<&str> =
        listed["versions"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(ages, ["superseded", "active"]);
    let who: Vec<_> =
        listed["activations"].as_array().unwrap().iter().map(|it| (&it["version"], &it["activated_by"])).collect();
    assert_eq!(who, [(&json!("default-1"), &json!("test")), (&json!("rules-1"), &json!("test"))]);
    assert!(listed["features"].as_array().unwrap().iter().any(|it| it["name"] == "group_late_share"));
    let (status, shown) = house.get(&acme.key, &format!("{DOOR}/rules-1")).await;
    assert_eq!((status, &shown["rules"], &shown["created_by"]), (200, &kinder()["rules"], &json!("test")));

    assert_eq!(house.get(&globex.key, &format!("{DOOR}/rules-1")).await.0, 404, "another tenant sees none of it");
    assert_eq!(house.post(&globex.key, &format!("{DOOR}/rollback"), None).await.0, 409);
    assert_eq!(house.get(&globex.key, DOOR).await.1["versions"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_refused_with_its_place() {
    let house = House::open().await;
    let acme = house.bed.tenant("acme").await;
    house.bed.applied().await;
    let fallback = json!({"segment": "regular"});
    let cases = [
        (json!([]), 400, "body-invalid", Value::Null),
        (json!({"rules": []}), 400, "body-invalid", Value::Null),
        (json!({"rules": [], "fallback": fallback, "colour": 1}), 400, "body-invalid", Value::Null),
        (json!({"rules": [], "fallback": {"segment": "vip"}}), 422, "rules-invalid", json!("#/fallback/segment")),
        (
            json!({"rules": [{"segment": "new", "when": "true"}, {"segment": "new", "when": "late_shar > 1"}], "fallback": fallback}),
            422,
            "rules-invalid",
            json!("#/rules/1/when"),
        ),
        (json!({"rules": [], "fallback": fallback, "off": ["x"]}), 422, "rules-invalid", json!("#/off/0")),
    ];
    for (body, status, kind, pointer) in cases {
        let (answered, problem) = house.post(&acme.key, DOOR, Some(&body)).await;
        assert_eq!(answered, status, "{body} {problem}");
        assert!(problem["type"].as_str().unwrap().ends_with(kind), "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    for name in ["rules-1", "rules-0", "rules--1", "rules-99999999999", "default-2", "%FF"] {
        assert_eq!(house.get(&acme.key, &format!("{DOOR}/{name}")).await.0, 404, "{name}");
        assert_eq!(house.post(&acme.key, &format!("{DOOR}/{name}/activate"), None).await.0, 404, "{name}");
        assert_eq!(house.post(&acme.key, &format!("{DOOR}/{name}/preview"), None).await.0, 404, "{name}");
    }
    assert_eq!(house.get(&acme.key, &format!("{DOOR}/default-1")).await.1["rules"].as_array().unwrap().len(), 4);
    assert_eq!(house.post(&acme.key, &format!("{DOOR}/default-1/preview?sample=101"), None).await.0, 400);
    // Nothing was closed: nothing to look at, and what is activated decides from the first day on.
    let (_, preview) = house.post(&acme.key, &format!("{DOOR}/default-1/preview"), None).await;
    assert_eq!((&preview["as_of"], &preview["customers"]), (&Value::Null, &json!(0)));
    house.post(&acme.key, DOOR, Some(&kinder())).await;
    let (_, activation) = house.post(&acme.key, &format!("{DOOR}/rules-1/activate"), None).await;
    assert_eq!(activation["active_from"], Value::Null);

    let reader = ApiKeyChanged { version: 2, scopes: vec!["read".into()], ..acme.key_changed.clone() };
    house.bed.publish(&reader).await;
    house.bed.applied().await;
    for (path, expected) in [("", 403), ("/rules-1/activate", 403), ("/rollback", 403), ("/rules-1/preview", 200)] {
        assert_eq!(house.post(&acme.key, &format!("{DOOR}{path}"), Some(&kinder())).await.0, expected, "{path}");
    }
}
