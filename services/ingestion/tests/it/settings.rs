//! What a tenant chooses of how its debtors are treated.

use contracts::ingestion::{HoldChanged, TenantChanged};
use serde_json::{Value, json};

use crate::world::{self, Answer, World, fact, invoice};

async fn choose(world: &World, settings: Value) -> Answer {
    let url = format!("{}/v1/settings", world.bed.base_url());
    world::answer(world.http.put(url).bearer_auth(&world.acme.key).body(settings.to_string())).await
}

fn claimed(claim: &str) -> Value {
    let data = json!({"claim": claim, "customer": "C-1", "invoices": ["F-1"], "claimed_on": "2026-03-06"});
    fact("erp", claim, "payment.claimed", data)
}

#[tokio::test]
async fn settings_are_chosen_kept_and_told() {
    let world = world::start().await;
    let own = json!({"version": 0, "late_delivery_days": 7, "claim_pause_days": 3});
    assert_eq!(world.get("/v1/settings").await.body, own);
    let mut late = invoice("F-1", "C-1", "100.00", "2026-03-01", "2026-03-31");
    late["data"]["delivered_date"] = json!("2026-03-10");
    world.tell(&[late, claimed("A-1")]).await;
    let deliveries = async || world.get("/v1/late-deliveries").await.body;
    assert_eq!(
        (deliveries().await["invoices"].as_array().unwrap().len(), deliveries().await["months"][0]["late"].clone()),
        (1, json!(1))
    );

    let chosen = choose(&world, json!({"late_delivery_days": 10, "claim_pause_days": 5})).await;
    assert_eq!((&chosen.body["version"], &chosen.body["late_delivery_days"]), (&json!(1), &json!(10)), "{chosen:?}");
    assert!(chosen.body["actor"].is_string());
    assert_eq!(world.get("/v1/settings").await.body, chosen.body);
    // The same again is no news; the tenant was told once.
    assert_eq!(choose(&world, json!({"claim_pause_days": 5, "late_delivery_days": 10})).await.body, chosen.body);
    let told = world.bed.published::<TenantChanged>().await;
    let told: Vec<_> = told
        .iter()
        .filter(|tenant| tenant.slug == "acme")
        .map(|tenant| (tenant.version, tenant.late_delivery_days))
        .collect();
    assert_eq!(told, [(2, Some(10))]);

    world.tell(&[claimed("A-2")]).await;
    assert_eq!(
        (deliveries().await["invoices"].as_array().unwrap().len(), deliveries().await["months"][0]["late"].clone()),
        (0, json!(0))
    );
    let pauses: Vec<_> =
        world.bed.published::<HoldChanged>().await.into_iter().map(|hold| (hold.code, hold.until)).collect();
    assert_eq!(
        pauses,
        [("A-1".into(), "2026-03-11".into()), ("A-2".into(), "2026-03-13".into())],
        "Friday the 6th, and bank days"
    );

    for (settings, pointer) in [
        (json!({"late_delivery_days": 91}), "#/late_delivery_days"),
        (json!({"claim_pause_days": 0}), "#/claim_pause_days"),
    ] {
        let refused = choose(&world, settings).await;
        assert_eq!((refused.slug(), refused.pointer()), ("unknown-value", pointer), "{refused:?}");
    }
    for settings in [json!({"late": 1}), json!({"claim_pause_days": "3"}), json!({"claim_pause_days": -1}), json!([])] {
        assert_eq!(choose(&world, settings).await.slug(), "malformed-json");
    }
    // What is left out is as Puntual has it.
    assert_eq!(choose(&world, json!({})).await.body["late_delivery_days"], 7);
    world.role.stop().await;
}
