//! What becomes of promises when their day comes.

use contracts::promises::{AlertChanged, PromiseChanged};
use primitives::ids::Kind;

use crate::neighbourhood::*;

#[tokio::test]
async fn a_broken_promise_raises_an_alert() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&invoice(&acme, "F-1", 1, &[])).await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.tick(BEFORE).await;
    assert_eq!(here.status(&acme, "P-1").await, "open");
    assert!(here.raised(&acme).await.is_empty());

    here.tick(DEADLINE).await;
    assert_eq!(here.stands(&acme, "P-1").await, ("broken".into(), "0.00".into(), false));
    assert_eq!(here.raised(&acme).await, [("promise_broken".into(), "100.00".into())]);
    here.tick(LATER).await;

    let told = here.bed.published::<PromiseChanged>().await;
    assert_eq!(told.iter().map(|event| event.status.as_str()).collect::<Vec<_>>(), ["open", "broken"]);
    assert_eq!(told.iter().map(|event| event.version).collect::<Vec<_>>(), [1, 2]);
    let alerts = here.bed.published::<AlertChanged>().await;
    assert_eq!(alerts.len(), 1);
    assert_eq!((alerts[0].kind.as_str(), alerts[0].status.as_str()), ("promise_broken", "raised"));
    assert_eq!(alerts[0].subject_id, told[0].promise_id);
}

#[tokio::test]
async fn a_payment_on_the_last_day_keeps_it() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    // Cash and a withholding, whatever the kind.
    let settled = [("2026-03-05", "withholding", "4.50"), (DUE, "cash", "95.50")];
    here.bed.publish(&invoice(&acme, "F-1", 1, &settled)).await;
    here.bed.applied().await;
    assert_eq!(here.stands(&acme, "P-1").await, ("kept".into(), "100.00".into(), false), "at the payment");
    here.tick(DEADLINE).await;
    assert_eq!(here.status(&acme, "P-1").await, "kept");
    assert!(here.bed.published::<AlertChanged>().await.is_empty());
}

#[tokio::test]
async fn a_partial_payment_is_partially_kept_at_the_deadline() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.bed.publish(&invoice(&acme, "F-1", 1, &[("2026-03-05", "cash", "40.00")])).await;
    here.tick(BEFORE).await;
    assert_eq!(here.stands(&acme, "P-1").await, ("open".into(), "40.00".into(), false), "progress");
    here.tick(DEADLINE).await;
    assert_eq!(here.stands(&acme, "P-1").await, ("partially_kept".into(), "40.00".into(), false));
    assert_eq!(here.raised(&acme).await, [("promise_partially_kept".into(), "60.00".into())]);
}

#[tokio::test]
async fn late_information_corrects_a_broken_promise() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.bed.publish(&invoice(&acme, "F-1", 1, &[])).await;
    here.tick(DEADLINE).await;
    assert_eq!(here.status(&acme, "P-1").await, "broken");

    here.bed.publish(&invoice(&acme, "F-1", 2, &[(DUE, "cash", "30.00")])).await;
    here.tick(LATER).await;
    assert_eq!(here.stands(&acme, "P-1").await, ("partially_kept".into(), "30.00".into(), true));
    assert_eq!(here.raised(&acme).await, [("promise_partially_kept".into(), "70.00".into())]);

    here.bed.publish(&invoice(&acme, "F-1", 3, &[(DUE, "cash", "100.00")])).await;
    here.tick(LATER).await;
    assert_eq!(here.stands(&acme, "P-1").await, ("kept".into(), "100.00".into(), true));
    assert!(here.raised(&acme).await.is_empty());

    // The cheque bounces.
    here.bed.publish(&invoice(&acme, "F-1", 4, &[])).await;
    here.tick(LATER).await;
    assert_eq!(here.stands(&acme, "P-1").await, ("broken".into(), "0.00".into(), true));
    assert_eq!(here.raised(&acme).await, [("promise_broken".into(), "100.00".into())]);

    // It had been withdrawn in time.
    here.bed.publish(&withdrawn(&acme, "P-1", "2026-03-06")).await;
    here.tick(LATER).await;
    assert_eq!(here.stands(&acme, "P-1").await, ("withdrawn".into(), "0.00".into(), true));
    assert!(here.raised(&acme).await.is_empty());

    let history = here.history(&id(&acme, Kind::Promise, "P-1").to_string()).await;
    assert_eq!(history, ["open", "broken", "partially_kept", "kept", "broken", "withdrawn"]);
}

#[tokio::test]
async fn a_payment_still_on_its_way_counts() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.bed.publish(&invoice(&acme, "F-1", 1, &[])).await;
    here.bed.applied().await;
    // Accepted a moment before the deadline, and published only with the barrier (P4).
    here.on_its_way.lock().unwrap().push(invoice(&acme, "F-1", 2, &[(DUE, "cash", "100.00")]));
    here.tick(DEADLINE).await;
    let history = here.history(&id(&acme, Kind::Promise, "P-1").to_string()).await;
    assert_eq!(history, ["open", "kept"]);
    assert!(here.bed.published::<AlertChanged>().await.is_empty());
}

#[tokio::test]
async fn a_restart_over_the_deadline_fires_once() {
    let mut here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.bed.publish(&promise(&acme, "P-2")).await;
    here.bed.applied().await;
    here.kill().await;
    // Meanwhile one of them is paid through another invoice, and the deadline passes.
    let mut other = promise(&acme, "P-3");
    other.invoice_ids = vec![id(&acme, Kind::Invoice, "F-3").to_string()];
    here.bed.publish(&other).await;
    here.bed.publish(&invoice(&acme, "F-3", 1, &[(DUE, "cash", "100.00")])).await;
    here.start().await;
    here.tick(LATER).await;
    here.kill().await;
    here.start().await;
    here.tick(LATER).await;
    for (code, expected) in [("P-1", "broken"), ("P-2", "broken"), ("P-3", "kept")] {
        let history = here.history(&id(&acme, Kind::Promise, code).to_string()).await;
        assert_eq!(history.last().map(String::as_str), Some(expected), "{code}");
        assert_eq!(history.iter().filter(|status| *status != "open").count(), 1, "{code}: {history:?}");
    }
    assert_eq!(here.bed.published::<AlertChanged>().await.len(), 2);
}

#[tokio::test]
async fn thousands_that_are_due_in_one_second_are_judged_in_a_few_batches() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.bed.applied().await;
    sqlx::query(
        "INSERT INTO promises SELECT (jsonb_populate_record(p, jsonb_build_object('promise_id', gen_random_uuid()))).*
         FROM promises p, generate_series(1, 2499)",
    )
    .execute(&here.bed.worker())
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO promise_invoices SELECT tenant_id, promise_id, gen_random_uuid() FROM promises WHERE version = 1
           AND promise_id NOT IN (SELECT promise_id FROM promise_invoices)",
    )
    .execute(&here.bed.worker())
    .await
    .unwrap();
    here.tick(DEADLINE).await;
    let (broken, alerts, transactions): (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM promises WHERE status = 'broken'), (SELECT count(*) FROM alerts),
                (SELECT count(DISTINCT xmin::text) FROM promises)",
    )
    .fetch_one(&here.bed.worker())
    .await
    .unwrap();
    assert_eq!((broken, alerts, transactions), (2500, 2500, 3), "1,000 a transaction");
}

#[tokio::test]
async fn deadlines_move_with_the_rules_of_their_zone() {
    let mut here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.bed.applied().await;
    // As an older build would have left it, which knew other rules.
    sqlx::query("UPDATE promises SET tzdb_version = '1999a', deadline_at = deadline_at + interval '1 h', judge_at = judge_at + interval '1 h'")
        .execute(&here.bed.worker())
        .await
        .unwrap();
    here.kill().await;
    here.start().await;
    here.tick(BEFORE).await;
    assert_eq!(here.status(&acme, "P-1").await, "open");
    here.tick(DEADLINE).await;
    assert_eq!(here.status(&acme, "P-1").await, "broken");
}
