//! Whose silence proves that nobody paid.

use contracts::promises::AlertChanged;
use primitives::ids::Kind;

use crate::neighbourhood::*;

#[tokio::test]
async fn without_coverage_nobody_is_called_a_breaker() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&bank(&acme, 1, Some(BEFORE))).await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.bed.publish(&promise(&acme, "P-2")).await;
    here.tick(DEADLINE).await;
    assert_eq!(here.status(&acme, "P-1").await, "due_unconfirmed");
    let unconfirmed = || ("promise_unconfirmed".to_owned(), "100.00".to_owned());
    assert_eq!(here.raised(&acme).await, [unconfirmed(), unconfirmed()]);

    // The bank's file of that day comes on Monday, with a payment on it.
    let mut paid = promise(&acme, "P-3");
    paid.invoice_ids = vec![id(&acme, Kind::Invoice, "F-3").to_string()];
    here.bed.publish(&paid).await;
    here.tick(DEADLINE).await;
    here.bed.publish(&invoice(&acme, "F-3", 1, &[(DUE, "cash", "100.00")])).await;
    here.bed.publish(&bank(&acme, 2, Some(DEADLINE))).await;
    here.tick(LATER).await;
    assert_eq!(here.stands(&acme, "P-1").await, ("broken".into(), "0.00".into(), false));
    assert_eq!(here.stands(&acme, "P-3").await, ("kept".into(), "100.00".into(), false));
    let broken = || ("promise_broken".to_owned(), "100.00".to_owned());
    assert_eq!(here.raised(&acme).await, [broken(), broken()]);
    let history = here.history(&id(&acme, Kind::Promise, "P-1").to_string()).await;
    assert_eq!(history, ["open", "due_unconfirmed", "broken"]);
}

#[tokio::test]
async fn a_source_that_stays_silent_is_not_waited_for_for_ever() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&bank(&acme, 1, None)).await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.tick(DEADLINE).await;
    here.tick("2026-03-19T04:59:59Z").await;
    assert_eq!(here.status(&acme, "P-1").await, "due_unconfirmed");
    here.tick(CAP).await;
    assert_eq!(here.status(&acme, "P-1").await, "broken");
}

#[tokio::test]
async fn a_source_declared_later_does_not_reopen_what_was_confirmed() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.tick(DEADLINE).await;
    here.bed.publish(&bank(&acme, 1, None)).await;
    here.bed.publish(&invoice(&acme, "F-1", 1, &[("2026-03-14", "cash", "100.00")])).await;
    here.tick(LATER).await;
    assert_eq!(here.stands(&acme, "P-1").await, ("broken".into(), "0.00".into(), false));
    assert_eq!(here.bed.published::<AlertChanged>().await.len(), 1);
}

#[tokio::test]
async fn a_customer_with_a_dead_letter_is_not_called_a_breaker() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    let mut malformed = invoice(&acme, "F-1", 1, &[(DUE, "cash", "100.00")]);
    malformed.currency = "???".into();
    here.bed.publish(&malformed).await;
    here.tick(DEADLINE).await;
    assert_eq!(here.status(&acme, "P-1").await, "due_unconfirmed");
}

#[tokio::test]
async fn coverage_that_overtakes_the_payment_breaks_no_promise() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&bank(&acme, 1, Some(BEFORE))).await;
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.tick(AT_NOON).await;
    let payment = invoice(&acme, "F-1", 1, &[(DUE, "cash", "100.00")]);
    *here.overtaking.lock().unwrap() = Some((bank(&acme, 2, Some(DEADLINE)), payment));
    here.tick(DEADLINE).await;
    let history = here.history(&id(&acme, Kind::Promise, "P-1").to_string()).await;
    assert_eq!(history, ["open", "kept"]);
}
