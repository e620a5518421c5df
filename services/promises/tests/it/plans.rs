//! Payment plans: instalments that are kept one after the other, and what becomes of the rest when one is not.

use contracts::ingestion::PromiseMade;
use primitives::ids::Kind;
use serde_json::Value;
use testkit::TestTenant;

use crate::neighbourhood::*;

/// The first falls due on the usual day.
const SECOND: &str = "2026-03-20"; // a Friday, too
const SECOND_DEADLINE: &str = "2026-03-21T05:00:00Z";
const MUCH_LATER: &str = "2026-03-24T05:00:00Z";

/// Two instalments of 100 pesos about invoice F-1, which has 500.
fn instalments(tenant: &TestTenant) -> [PromiseMade; 2] {
    let part = |number: u32, promised_date: &str, before: &str| PromiseMade {
        promised_date: promised_date.into(),
        plan_id: id(tenant, Kind::Promise, "PL-1").to_string(),
        plan_code: "PL-1".into(),
        instalment: number,
        instalments: 2,
        amount_before: before.into(),
        ..promise(tenant, &format!("PL-1/{number}"))
    };
    [part(1, DUE, "0.00"), part(2, SECOND, "100.00")]
}

impl Neighbourhood {
    async fn agree(&self, tenant: &TestTenant) {
        for instalment in instalments(tenant) {
            self.bed.publish(&instalment).await;
        }
    }

    async fn paid(&self, tenant: &TestTenant, version: u64, settlements: &[(&str, &str, &str)]) {
        self.bed.publish(&invoice(tenant, "F-1", version, settlements)).await;
    }

    async fn plan(&self, tenant: &TestTenant) -> Value {
        self.get(tenant, "/v1/plans").await["plans"][0].clone()
    }

    /// Status of the plan, with status and paid amount of its instalments.
    async fn plan_stands(&self, tenant: &TestTenant) -> (String, Vec<(String, String)>) {
        let plan = self.plan(tenant).await;
        let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
        let parts = plan["instalments"].as_array().unwrap();
        let parts = parts.iter().map(|part| (text(part, "status"), text(part, "paid_amount"))).collect();
        (text(&plan, "status"), parts)
    }
}

fn stands(plan: &str, parts: [(&str, &str); 2]) -> (String, Vec<(String, String)>) {
    (plan.into(), parts.map(|(status, paid)| (status.into(), paid.into())).to_vec())
}

#[tokio::test]
async fn what_is_paid_keeps_instalments_one_after_the_other() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.paid(&acme, 1, &[("2026-03-05", "cash", "100.00")]).await;
    here.agree(&acme).await;
    here.tick(DEADLINE).await;
    // A promise by itself would have been kept by the same money.
    assert_eq!(here.plan_stands(&acme).await, stands("active", [("kept", "100.00"), ("open", "0.00")]));
    here.paid(&acme, 2, &[("2026-03-05", "cash", "100.00"), (SECOND, "cash", "140.00")]).await;
    here.tick(SECOND_DEADLINE).await;
    assert_eq!(here.plan_stands(&acme).await, stands("completed", [("kept", "100.00"), ("kept", "100.00")]));
    let plan = here.plan(&acme).await;
    assert_eq!(
        (&plan["code"], &plan["amount"], &plan["paid_amount"]),
        (&"PL-1".into(), &"200.00".into(), &"200.00".into())
    );
    assert!(here.raised(&acme).await.is_empty());
}

#[tokio::test]
async fn an_instalment_that_is_not_kept_breaks_the_plan_and_late_news_mend_it() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.agree(&acme).await;
    here.paid(&acme, 1, &[("2026-03-05", "cash", "40.00")]).await;
    here.tick(BEFORE).await;
    assert_eq!(here.plan_stands(&acme).await, stands("active", [("open", "40.00"), ("open", "0.00")]));
    here.tick(DEADLINE).await;
    // Reminders go on: nothing of the plan is open any more.
    assert_eq!(here.plan_stands(&acme).await, stands("broken", [("partially_kept", "40.00"), ("withdrawn", "0.00")]));
    assert_eq!(here.raised(&acme).await, [("promise_partially_kept".into(), "60.00".into())]);

    // It had been paid in time after all.
    here.paid(&acme, 2, &[("2026-03-05", "cash", "40.00"), (DUE, "cash", "60.00")]).await;
    here.tick(LATER).await;
    assert_eq!(here.plan_stands(&acme).await, stands("active", [("kept", "100.00"), ("open", "0.00")]));
    assert!(here.raised(&acme).await.is_empty());
    here.tick(SECOND_DEADLINE).await;
    assert_eq!(here.plan_stands(&acme).await, stands("broken", [("kept", "100.00"), ("broken", "0.00")]));
}

#[tokio::test]
async fn a_role_that_was_down_over_both_deadlines_breaks_the_plan_once() {
    let mut here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.agree(&acme).await;
    here.paid(&acme, 1, &[]).await;
    here.bed.applied().await;
    here.kill().await;
    here.start().await;
    here.tick(MUCH_LATER).await;
    assert_eq!(here.plan_stands(&acme).await, stands("broken", [("broken", "0.00"), ("withdrawn", "0.00")]));
    let second = id(&acme, Kind::Promise, "PL-1/2").to_string();
    assert_eq!(here.history(&second).await, ["open", "withdrawn"]);
    assert_eq!(here.raised(&acme).await, [("promise_broken".into(), "100.00".into())]);
}

#[tokio::test]
async fn what_is_withdrawn_or_replaced_is_so_for_the_whole_plan() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.agree(&acme).await;
    here.paid(&acme, 1, &[("2026-03-05", "cash", "100.00")]).await;
    for number in [1, 2] {
        here.bed.publish(&withdrawn(&acme, &format!("PL-1/{number}"), "2026-03-10")).await;
    }
    here.bed.applied().await;
    assert_eq!(here.plan_stands(&acme).await, stands("withdrawn", [("kept", "100.00"), ("withdrawn", "0.00")]));

    let other = here.bed.tenant("other").await;
    here.agree(&other).await;
    here.bed.publish(&PromiseMade { made_on: "2026-03-09".into(), ..promise(&other, "P-9") }).await;
    here.bed.applied().await;
    assert_eq!(here.plan_stands(&other).await, stands("replaced", [("replaced", "0.00"), ("replaced", "0.00")]));
}

#[tokio::test]
async fn in_any_order_a_plan_comes_to_the_same() {
    let here = Neighbourhood::new().await;
    let mut tenants = Vec::new();
    for round in 0..6 {
        let tenant = here.bed.tenant(&format!("tenant-{round}")).await;
        let [first, second] = instalments(&tenant);
        let unpaid = invoice(&tenant, "F-1", 1, &[]);
        let in_part = invoice(&tenant, "F-1", 2, &[(DUE, "cash", "70.00"), (SECOND, "cash", "130.00")]);
        for step in 0..8 {
            match (step + round) * 3 % 4 {
                0 => here.bed.publish(&first).await,
                1 => here.bed.publish(&second).await,
                2 => here.bed.publish(&unpaid).await,
                _ => here.bed.publish(&in_part).await,
            }
            if round % 2 == 1 {
                here.bed.applied().await; // one by one, and in batches
            }
        }
        here.bed.applied().await;
        tenants.push(tenant);
    }
    here.tick(DEADLINE).await;
    here.tick(MUCH_LATER).await;
    for (round, tenant) in tenants.iter().enumerate() {
        let expected = stands("broken", [("partially_kept", "70.00"), ("withdrawn", "0.00")]);
        assert_eq!(here.plan_stands(tenant).await, expected, "round {round}");
    }
}
