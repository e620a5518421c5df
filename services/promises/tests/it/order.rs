//! In whatever order and however often facts come, promises end the same (I7).

use contracts::Event;
use contracts::ingestion::{InvoiceChanged, PromiseMade, PromiseWithdrawn};
use primitives::ids::Kind;
use testkit::TestTenant;
use uuid::Uuid;

use crate::neighbourhood::*;

#[allow(clippy::large_enum_variant, reason = "a handful of facts")]
enum Fact {
    Invoice(InvoiceChanged),
    Made(PromiseMade),
    Withdrawn(PromiseWithdrawn),
}

/// Five promises about three invoices that end in five different ways.
fn facts(tenant: &TestTenant) -> Vec<Fact> {
    let about = |code: &str, invoice: &str, made_on: &str| PromiseMade {
        invoice_ids: vec![id(tenant, Kind::Invoice, invoice).to_string()],
        made_on: made_on.into(),
        ..promise(tenant, code)
    };
    let successor = PromiseMade {
        replaces_promise_id: id(tenant, Kind::Promise, "explicit").to_string(),
        ..about("withdrawn", "F-4", MADE)
    };
    vec![
        Fact::Invoice(invoice(tenant, "F-1", 1, &[])),
        Fact::Invoice(invoice(tenant, "F-1", 2, &[("2026-03-10", "cash", "100.00")])),
        Fact::Invoice(invoice(tenant, "F-2", 1, &[("2026-03-10", "cash", "20.00")])),
        Fact::Made(about("implicit", "F-1", MADE)),
        Fact::Made(about("kept", "F-1", "2026-03-04")),
        Fact::Made(about("partially", "F-2", MADE)),
        Fact::Made(about("explicit", "F-3", MADE)),
        Fact::Made(successor),
        Fact::Withdrawn(withdrawn(tenant, "withdrawn", "2026-03-05")),
        Fact::Withdrawn(withdrawn(tenant, "withdrawn", "2026-03-09")),
    ]
}

#[tokio::test]
async fn any_order_and_repetition_ends_the_same() {
    let here = Neighbourhood::new().await;
    for (round, multiplier) in [1, 3, 7, 9].into_iter().enumerate() {
        let tenant = here.bed.tenant(&format!("tenant-{round}")).await;
        let facts = facts(&tenant);
        // Steps that share no divisor with the ten facts visit each of them, in another order each time.
        for step in 0..facts.len() {
            let event_id = Uuid::now_v7();
            match &facts[step * multiplier % facts.len()] {
                Fact::Invoice(event) => twice(&here, event_id, event).await,
                Fact::Made(event) => twice(&here, event_id, event).await,
                Fact::Withdrawn(event) => twice(&here, event_id, event).await,
            }
            if round % 2 == 1 {
                here.bed.applied().await; // one by one, and in batches
            }
        }
        here.bed.applied().await;
    }
    here.tick(LATER).await;
    for round in 0..4 {
        let tenant = TestTenant::new(&format!("tenant-{round}"));
        let promises: Vec<(String, String, String, bool)> = sqlx::query_as(
            "SELECT code, status, trim_scale(paid_amount)::text, late_information FROM promises WHERE tenant_id = $1
             ORDER BY code",
        )
        .bind(tenant.tenant_id)
        .fetch_all(&here.bed.worker())
        .await
        .unwrap();
        let expected = [
            ("explicit", "replaced", "0"),
            ("implicit", "replaced", "0"),
            ("kept", "kept", "100"),
            ("partially", "partially_kept", "20"),
            ("withdrawn", "withdrawn", "0"),
        ];
        let expected =
            expected.map(|(code, status, paid)| (code.to_owned(), status.to_owned(), paid.to_owned(), false));
        assert_eq!(promises, expected, "round {round}");
    }
}

/// The same event delivered twice, and once more as another event of the same content.
async fn twice<E: Event>(here: &Neighbourhood, event_id: Uuid, event: &E) {
    here.bed.publish_as(event_id, event).await;
    here.bed.publish_as(event_id, event).await;
    here.bed.publish(event).await;
}

#[tokio::test]
async fn instalments_of_one_day_stand_side_by_side() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.bed.publish(&PromiseMade { promised_date: "2026-03-20".into(), ..promise(&acme, "P-2") }).await;
    here.tick(LATER).await;
    assert_eq!(here.status(&acme, "P-1").await, "broken");
    assert_eq!(here.status(&acme, "P-2").await, "open");
}
