//! What a caller may ask, and what another tenant never sees.

use chrono::Days;

use crate::house::{House, customer, customer_id, date, invoice, paid};

#[tokio::test(flavor = "multi_thread")]
async fn a_score_is_found_by_id_and_by_code_and_only_by_its_tenant() {
    let house = House::open().await;
    let (acme, globex) = (house.bed.tenant("acme").await, house.bed.tenant("globex").await);
    house.bed.publish(&customer(&acme, 1, "CO")).await;
    house.bed.publish(&customer(&acme, 2, "CO")).await;
    for number in 0..4 {
        let due = date("2026-01-10") + Days::new(number);
        let open = invoice(&acme, u128::from(number), 1, date("2026-01-01"), due);
        house.bed.publish(&paid(&open, due + Days::new(3))).await;
    }
    house.bed.applied().await;
    let (status, before) = house.get(&acme.key, "/v1/customers/C-1/score").await;
    assert_eq!((status, before["segment"].as_str(), before["p_late"].is_null()), (200, Some("new"), true));

    house.after(date("2026-01-20")).await;
    let (status, by_code) = house.get(&acme.key, "/v1/customers/C-1/score").await;
    assert_eq!(status, 200, "{by_code}");
    assert_eq!(by_code["customer_id"], customer_id(1).to_string());
    assert_eq!(by_code["segment"], "often_late");
    assert_eq!(by_code["observations"], 4);
    assert_eq!(by_code["learned_through"], "2026-01-20");
    assert_eq!(by_code["group"], "CO");
    assert!(by_code["segment_reasons"][0].as_str().unwrap().starts_with("late_share=0."), "{by_code}");
    let (_, by_id) = house.get(&acme.key, &format!("/v1/customers/{}/score", customer_id(1))).await;
    assert_eq!(by_id, by_code);

    let (_, segments) = house.get(&acme.key, "/v1/segments").await;
    let expected = serde_json::json!([
        {"segment": "regular", "customers": 0},
        {"segment": "occasional_late", "customers": 0},
        {"segment": "often_late", "customers": 1},
        {"segment": "high_risk", "customers": 0},
        {"segment": "new", "customers": 1},
    ]);
    assert_eq!(segments["segments"], expected);

    for path in ["/v1/customers/C-1/score".to_owned(), format!("/v1/customers/{}/score", customer_id(1))] {
        assert_eq!(house.get(&globex.key, &path).await.0, 404);
    }
    assert_eq!(house.get("not a key", "/v1/segments").await.0, 401);
    let (_, none) = house.get(&globex.key, "/v1/segments").await;
    assert!(none["segments"].as_array().unwrap().iter().all(|segment| segment["customers"] == 0));
}
