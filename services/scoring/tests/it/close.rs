//! What the close of a day says, and when it may be said.

use chrono::Days;
use contracts::scoring::{CustomerScored, SegmentAssigned};

use crate::house::{House, bank, customer, customer_id, date, invoice, morning, paid};

#[tokio::test(flavor = "multi_thread")]
async fn habits_become_scores_and_segments() {
    let house = House::open().await;
    let acme = house.bed.tenant("acme").await;
    for number in 1..=4 {
        house.bed.publish(&customer(&acme, number, "CO")).await;
    }
    // Customer 1 pays on the day, 2 five days late, 3 after a month; of 4 nothing is known.
    for (number, delay) in [(1, 0), (2, 5), (3, 30)] {
        for week in 0..12_u64 {
            let due = date("2026-01-12") + Days::new(week * 7);
            let id = number * 100 + u128::from(week);
            let open = invoice(&acme, id, number, due - Days::new(10), due);
            house.bed.publish(&paid(&open, due + Days::new(delay))).await;
        }
    }
    house.after(date("2026-04-15")).await;

    let segments = house.bed.published::<SegmentAssigned>().await;
    let segment = |number| {
        let id = customer_id(number).to_string();
        let of_customer: Vec<_> = segments.iter().filter(|event| event.customer_id == id).collect();
        assert_eq!(of_customer.len(), 1, "nothing but the state after the last closed day is told");
        (of_customer[0].segment.as_str(), of_customer[0].reasons[0].as_str(), of_customer[0].version)
    };
    assert_eq!(segment(4), ("new", "observations=0<3", 1));
    assert_eq!(segment(1).0, "regular");
    assert_eq!(segment(2).0, "often_late");
    assert_eq!(segment(3).0, "high_risk");
    assert!(segment(3).1.starts_with("severe_share=0."), "{}", segment(3).1);

    let scores = house.bed.published::<CustomerScored>().await;
    let score = |number| scores.iter().find(|event| event.customer_id == customer_id(number).to_string()).unwrap();
    assert_eq!(score(3).observations, 12);
    // 30 days, shrunk to the tenant's mean of 5 and 30 with the weight of two invoices
    assert!(score(3).mean_days_late.parse::<f64>().unwrap() > 25.0, "{}", score(3).mean_days_late);
    assert_eq!(score(1).mean_days_late, "");
    let p_late = |number| score(number).p_late.parse::<f64>().unwrap();
    assert!(p_late(1) < 0.35 && p_late(2) > 0.7 && p_late(3) > 0.7, "{scores:?}");
    assert_eq!(score(4).learned_through, "2026-03-31");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_waits_for_the_bank_file() {
    let house = House::open().await;
    let acme = house.bed.tenant("acme").await;
    house.bed.publish(&customer(&acme, 1, "CO")).await;
    house.bed.publish(&bank(&acme, 1, None)).await;
    let due = date("2026-03-10");
    house.bed.publish(&invoice(&acme, 1, 1, date("2026-03-01"), due)).await;
    house.after(date("2026-03-12")).await;
    assert_eq!(house.bed.published::<CustomerScored>().await, [], "the bank has not said anything yet");

    // Covered to the end of the day before: the payment of the due date itself may still come.
    house.bed.publish(&bank(&acme, 2, Some("2026-03-10T05:00:00Z".parse().unwrap()))).await;
    house.after(date("2026-03-13")).await;
    let scores = house.bed.published::<CustomerScored>().await;
    assert!(scores.iter().all(|score| score.observations == 0), "{scores:?}");

    house.bed.publish(&bank(&acme, 3, Some("2026-03-11T05:00:00Z".parse().unwrap()))).await;
    house.bed.tick(morning(date("2026-03-14")) + chrono::Duration::minutes(1)).await;
    let scores = house.bed.published::<CustomerScored>().await;
    let last = scores.last().map(|score| (score.learned_through.as_str(), score.observations));
    assert_eq!(last, Some(("2026-03-10", 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_told_late_is_learned_on_its_own_day() {
    let house = House::open().await;
    let (prompt, tardy) = (house.bed.tenant("prompt").await, house.bed.tenant("tardy").await);
    let (issued, due) = (date("2026-01-05"), date("2026-02-02"));
    for tenant in [&prompt, &tardy] {
        house.bed.publish(&customer(tenant, 1, "MX")).await;
        house.bed.publish(&customer(tenant, 2, "MX")).await;
        house.bed.publish(&invoice(tenant, 1, 1, issued, due)).await;
        house.bed.publish(&paid(&invoice(tenant, 2, 2, issued, due), date("2026-01-30"))).await;
    }
    let on_time = |tenant| paid(&invoice(tenant, 1, 1, issued, due), due);
    house.bed.publish(&on_time(&prompt)).await;
    house.after(date("2026-02-20")).await;
    assert_ne!(house.digest(&prompt).await, house.digest(&tardy).await);

    house.bed.publish(&on_time(&tardy)).await;
    house.after(date("2026-02-21")).await;
    assert_eq!(house.digest(&prompt).await, house.digest(&tardy).await);
    let scores = house.bed.published::<CustomerScored>().await;
    let last = scores
        .iter()
        .rfind(|it| it.tenant_id == tardy.tenant_id.to_string() && it.customer_id == customer_id(1).to_string());
    assert_eq!(last.map(|it| (it.version, it.learned_through.as_str())), Some((2, "2026-02-02")));
}
