//! What ingestion owns, told again (D12).

use std::collections::{BTreeMap, BTreeSet};

use contracts::ingestion::{
    ApiKeyChanged, ConsentChanged, ContactChanged, CreditChanged, CustomerChanged, DeliveryReported, HoldChanged,
    InvoiceChanged, IssueChanged, PromiseMade, SourceChanged, TenantChanged,
};
use ingestion::operator::{KINDS, reemit};
use runtime::Clock;
use runtime::reemit::Selection;
use serde_json::json;

use crate::world::{corrected, customer, fact, invoice, payment, start};

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_told_again_as_it_is_under_new_versions() {
    let world = start().await;
    let contact = fact(
        "erp",
        "contact K1",
        "contact.upserted",
        json!({"contact": "K1", "customer": "C1", "name": "Ana", "email": "ana@c1.example", "role": "payables"}),
    );
    let dispute = fact(
        "erp",
        "dispute D1",
        "dispute.opened",
        json!({"dispute": "D1", "invoice": "F1", "reason": "pricing", "opened_on": "2026-02-20"}),
    );
    let issue = fact(
        "erp",
        "issue I1",
        "issue.raised",
        json!({"issue": "I1", "customer": "C1", "invoices": ["F1"], "reason": "pricing", "raised_on": "2026-02-19"}),
    );
    let consent = fact(
        "erp",
        "consent K1",
        "consent.changed",
        json!({"contact": "K1", "channel": "email", "status": "withdrawn", "changed_on": "2026-02-20"}),
    );
    let attempt = fact(
        "erp",
        "attempt",
        "contact.logged",
        json!({"customer": "C1", "channel": "call", "outcome": "reached", "logged_on": "2026-02-20", "by": "u-1"}),
    );
    let report = fact("erp", "report", "delivery.reported", json!({"contact": "K1", "outcome": "bounced"}));
    let promise = fact(
        "erp",
        "promise P1",
        "promise.made",
        json!({"promise": "P1", "customer": "C1", "invoices": ["F1"], "amount": "40.00", "currency": "COP",
               "made_on": "2026-02-20", "promised_date": "2026-03-20", "channel": "call"}),
    );
    let paid = payment("R1", "C1", "60.00", "2026-02-12", json!([{"invoice": "F1", "amount": "60.00"}]));
    world
        .tell(&[
            customer("C1", "Uno"),
            contact,
            invoice("F1", "C1", "100.00", "2026-02-01", "2026-03-01"),
            paid,
            dispute,
            issue,
            consent,
            attempt,
            report,
        ])
        .await;
    world.tell(&[promise]).await;
    let before = world.bed.published::<InvoiceChanged>().await.pop().unwrap();

    let told = reemit(&world.bed.worker(), Clock::Database, &Selection::default()).await.unwrap();
    let counts: Vec<(&str, u64)> = KINDS.into_iter().map(|kind| (kind, told[kind])).collect();
    assert_eq!(
        counts,
        [
            ("tenant", 1),
            ("api_key", 1),
            ("customer", 1),
            ("contact", 1),
            ("invoice", 1),
            ("credit", 1),
            ("dispute", 1),
            ("hold", 1),
            ("issue", 1),
            ("consent", 1),
            ("attempt", 1),
            ("report", 1),
            ("source", 3),
            ("promise", 1)
        ]
    );
    let again = world.bed.published::<InvoiceChanged>().await.pop().unwrap();
    let as_before = InvoiceChanged { version: before.version, recorded_at: before.recorded_at, ..again.clone() };
    assert_eq!((as_before, again.version), (before.clone(), before.version + 1));
    let stored = world.count("SELECT version FROM receivables").await;
    assert_eq!(u64::try_from(stored).unwrap(), again.version);
    assert_eq!(world.bed.published::<PromiseMade>().await.len(), 2, "a fact, told as it was");
    assert_eq!(world.bed.published::<ContactChanged>().await[1].version, 2);
    assert_eq!(world.bed.published::<HoldChanged>().await[1].version, 2, "what follows from the issue");
    assert_eq!(world.bed.published::<IssueChanged>().await[1].version, 2);
    let consents = world.bed.published::<ConsentChanged>().await;
    assert_eq!((consents[1].version, &consents[1].customer_id), (2, &consents[0].customer_id));
    let reports = world.bed.published::<DeliveryReported>().await;
    assert_eq!((reports.len(), &reports[0]), (2, &reports[1]));
    // The key and the tenant of this test were written, not published.
    assert_eq!(world.bed.published::<TenantChanged>().await[0].version, 2);
    assert_eq!(world.bed.published::<ApiKeyChanged>().await[0].version, 2);
    assert_eq!(world.bed.published::<SourceChanged>().await.last().unwrap().version, 2);

    let one = Selection { tenant: Some("acme".into()), kinds: vec!["invoice".into()] };
    assert_eq!(reemit(&world.bed.worker(), Clock::Database, &one).await.unwrap(), BTreeMap::from([("invoice", 1)]));
    let nobody = Selection { tenant: Some("nobody".into()), kinds: vec![] };
    assert!(reemit(&world.bed.worker(), Clock::Database, &nobody).await.is_err());
    world.role.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_again_while_facts_come_in_gets_no_version_twice() {
    let world = start().await;
    let invoices: Vec<_> = (0..12)
        .map(|n| invoice(&format!("F{n}"), &format!("C{}", n % 3), "100.00", "2026-02-01", "2026-03-01"))
        .collect();
    world.batch(&invoices).await;
    let pool = world.bed.worker();
    let facts = async {
        for round in 0..12_u64 {
            let moved = &invoices[usize::try_from(round).unwrap()];
            // Between accounts, too.
            let elsewhere = json!({"payer": format!("C{}", (round + 1) % 3), "amount": format!("10{round}.05")});
            let named = json!([{"invoice": format!("F{}", 11 - round), "amount": "30.00"}]);
            world
                .tell(&[
                    corrected(moved, 2, elsewhere),
                    payment(&format!("R{round}"), &format!("C{}", round % 3), "45.50", "2026-02-12", named),
                    corrected(
                        &customer(&format!("C{}", round % 3), "Uno"),
                        round + 2,
                        json!({"name": round.to_string()}),
                    ),
                ])
                .await;
        }
    };
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let telling = async {
        let mut rounds = 0;
        while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
            reemit(&pool, Clock::Database, &Selection::default()).await.unwrap();
            rounds += 1;
        }
        rounds
    };
    let (rounds, ()) = tokio::join!(telling, async {
        facts.await;
        is_over.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    assert!(rounds > 1);

    let mut seen = BTreeSet::new();
    for (id, version) in versions(&world.bed).await {
        assert!(seen.insert((id.clone(), version)), "{id} has version {version} twice");
    }
    for event in newest(world.bed.published::<InvoiceChanged>().await) {
        let row: (i64, String) = sqlx::query_as(
            "SELECT version, round(open_amount, 2)::text FROM receivables WHERE invoice_id = $1::text::uuid",
        )
        .bind(&event.invoice_id)
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(
            (u64::try_from(row.0).unwrap(), row.1),
            (event.version, event.open_amount),
            "what was told last is so"
        );
    }
    world.role.stop().await;
}

async fn versions(bed: &testkit::Bed) -> Vec<(String, u64)> {
    let mut versions: Vec<(String, u64)> =
        bed.published::<InvoiceChanged>().await.into_iter().map(|event| (event.invoice_id, event.version)).collect();
    versions.extend(bed.published::<CreditChanged>().await.into_iter().map(|event| (event.credit_id, event.version)));
    versions
        .extend(bed.published::<CustomerChanged>().await.into_iter().map(|event| (event.customer_id, event.version)));
    versions
}

fn newest(events: Vec<InvoiceChanged>) -> Vec<InvoiceChanged> {
    let mut newest: BTreeMap<String, InvoiceChanged> = BTreeMap::new();
    for event in events {
        let kept = newest.entry(event.invoice_id.clone()).or_insert_with(|| event.clone());
        if kept.version < event.version {
            *kept = event;
        }
    }
    newest.into_values().collect()
}
