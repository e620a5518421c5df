//! What is foretold of open invoices as facts come in, and what becomes of it.

use chrono::Days;
use contracts::scoring::{InvoicePredicted, PatternShifted, RiskRaised};
use testkit::TestTenant;
use uuid::Uuid;

use crate::house::{House, customer, date, dispute, invoice, paid};

/// Four months of weekly invoices that customer 1 pays eight or nine days late and customer 2 on the day.
async fn four_months(house: &House, tenant: &TestTenant) {
    for number in [1, 2] {
        house.bed.publish(&customer(tenant, number, "CO")).await;
        for week in 0..16_u64 {
            let due = date("2026-01-12") + Days::new(week * 7);
            let open = invoice(tenant, number * 100 + u128::from(week), number, due - Days::new(10), due);
            let delay = if number == 1 { 8 + week % 2 } else { 0 };
            house.bed.publish(&paid(&open, due + Days::new(delay))).await;
        }
    }
    house.after(date("2026-05-10")).await;
}

async fn last_prediction(house: &House, invoice: u128) -> InvoicePredicted {
    let id = Uuid::from_u128(invoice).to_string();
    let predicted = house.bed.published::<InvoicePredicted>().await;
    predicted.into_iter().rfind(|event| event.invoice_id == id).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_foretold_from_its_issue_to_its_payment() {
    let house = House::open().await;
    let acme = house.bed.tenant("acme").await;
    four_months(&house, &acme).await;
    let (issued, due) = (date("2026-05-11"), date("2026-05-18"));
    let (tardy, prompt) = (invoice(&acme, 1_000, 1, issued, due), invoice(&acme, 2_000, 2, issued, due));
    house.bed.publish(&tardy).await;
    house.bed.publish(&prompt).await;
    // Its own day: it is not learned from yet, and foretold all the same.
    house.after(date("2026-05-10")).await;

    let (late, on_time) = (last_prediction(&house, 1_000).await, last_prediction(&house, 2_000).await);
    assert_eq!((late.status.as_str(), late.version, late.as_of.as_str()), ("open", 1, "2026-05-11"));
    assert_eq!((late.learned_through.as_str(), late.invoice_version), ("2026-05-10", 1));
    let number = |text: &str| text.parse::<f64>().unwrap();
    assert!(number(&late.p_late) > 0.8 && number(&on_time.p_late) < 0.3, "{late:?} {on_time:?}");
    assert!((7.0..10.5).contains(&number(&late.p50_delay)), "{late:?}");
    assert_eq!(late.reasons[0], "due_on_weekday:weekday=0,late=16,of=16");
    let decimal = |text: &str| text.parse::<rust_decimal::Decimal>().unwrap();
    let sum: rust_decimal::Decimal = late.contributions.iter().map(|it| decimal(&it.log_odds)).sum();
    assert_eq!(sum, decimal(&late.log_odds));

    let risks = house.bed.published::<RiskRaised>().await;
    assert_eq!(risks.len(), 1, "there is time to act on one of them: {risks:?}");
    assert_eq!((risks[0].invoice_id.as_str(), risks[0].status.as_str()), (tardy.invoice_id.as_str(), "raised"));
    assert_eq!((risks[0].due_date.as_str(), risks[0].open_amount.as_str()), ("2026-05-18", "1000.00"));
    let (status, listed) = house.get(&acme.key, "/v1/risks?limit=1").await;
    assert_eq!((status, listed["risks"][0]["invoice_id"].as_str()), (200, Some(tardy.invoice_id.as_str())));
    assert_eq!(listed["risks"][0]["customer"], "C-1");
    let path = format!("/v1/invoices/{}/prediction", tardy.invoice_id);
    let (_, shown) = house.get(&acme.key, &path).await;
    assert_eq!((shown["at_risk"].as_bool(), shown["status"].as_str()), (Some(true), Some("open")));
    assert!(shown["explanation"]["reasons"][0]["text"].as_str().unwrap().contains("pag"), "{shown}");

    // The due date passes unpaid: it is late, and the rest is how long.
    house.after(date("2026-05-18")).await;
    let overdue = last_prediction(&house, 1_000).await;
    assert_eq!((overdue.p_late.as_str(), overdue.log_odds.as_str()), ("1.000000", ""));
    assert_eq!(overdue.reasons.first().map(String::as_str), Some("past_due:days=1"));
    let cleared = house.bed.published::<RiskRaised>().await;
    let of_tardy = cleared.iter().rfind(|risk| risk.invoice_id == tardy.invoice_id).unwrap();
    assert_eq!((of_tardy.status.as_str(), of_tardy.version), ("cleared", 2), "it is no risk any more but a fact");

    house.bed.publish(&paid(&tardy, date("2026-05-26"))).await;
    house.after(date("2026-05-25")).await;
    assert_eq!(last_prediction(&house, 1_000).await.status, "closed");
    let (_, shown) = house.get(&acme.key, &path).await;
    assert_eq!(shown["status"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_and_a_payment_are_felt_before_the_day_is_closed() {
    let house = House::open().await;
    let acme = house.bed.tenant("acme").await;
    four_months(&house, &acme).await;
    // Whose invoices were disputed, were late; nobody else's were.
    for number in 0..16_u128 {
        let due = date("2026-01-12") + Days::new(u64::try_from(number).unwrap() * 7);
        let disputed = invoice(&acme, 100 + number, 1, due - Days::new(10), due);
        house.bed.publish(&dispute(&disputed, due - Days::new(5))).await;
    }
    let (issued, due) = (date("2026-05-11"), date("2026-05-25"));
    let quiet = invoice(&acme, 2_000, 2, issued, due);
    house.bed.publish(&quiet).await;
    house.after(date("2026-05-10")).await;
    let before = last_prediction(&house, 2_000).await;

    house.bed.publish(&dispute(&quiet, issued)).await;
    house.after(date("2026-05-11")).await;
    let disputed = last_prediction(&house, 2_000).await;
    let log_odds = |event: &InvoicePredicted| event.log_odds.parse::<f64>().unwrap();
    assert!(log_odds(&disputed) > log_odds(&before) + 1.0, "{before:?} {disputed:?}");
    assert!(disputed.contributions.iter().any(|it| it.family == "dispute"), "{disputed:?}");
    assert!(disputed.reasons.contains(&"disputed".to_owned()), "{disputed:?}");

    // What is told late is foretold with what is known by then, and settled is settled.
    let overdue = invoice(&acme, 3_000, 1, date("2026-03-01"), date("2026-03-20"));
    house.bed.publish(&overdue).await;
    house.after(date("2026-05-12")).await;
    let told = last_prediction(&house, 3_000).await;
    assert_eq!((told.p_late.as_str(), told.reasons[0].as_str()), ("1.000000", "past_due:days=54"), "{told:?}");
    house.bed.publish(&paid(&overdue, date("2026-05-13"))).await;
    house.after(date("2026-05-13")).await;
    assert_eq!(last_prediction(&house, 3_000).await.status, "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_that_begins_to_pay_later_is_noticed() {
    let house = House::open().await;
    let acme = house.bed.tenant("acme").await;
    house.bed.publish(&customer(&acme, 1, "CO")).await;
    for week in 0..44_u64 {
        let due = date("2025-06-02") + Days::new(week * 7);
        let open = invoice(&acme, u128::from(week), 1, due - Days::new(10), due);
        let delay = if week < 32 { week % 4 } else { 20 + week % 3 };
        house.bed.publish(&paid(&open, due + Days::new(delay))).await;
    }
    house.after(date("2026-05-10")).await;
    let shifts = house.bed.published::<PatternShifted>().await;
    assert_eq!(shifts.len(), 1, "{shifts:?}");
    let (before, after): (f64, f64) = (shifts[0].delay_before.parse().unwrap(), shifts[0].delay_after.parse().unwrap());
    assert!(before < 3.0 && after > 15.0 && shifts[0].since.as_str() >= "2026-01-12", "{shifts:?}");
    let (_, score) = house.get(&acme.key, "/v1/customers/C-1/score").await;
    assert_eq!(score["shift"]["since"], shifts[0].since);
    let (_, history) = house.get(&acme.key, "/v1/customers/C-1/score/history?limit=3").await;
    assert_eq!(history["days"].as_array().map(Vec::len), Some(3));
    let (_, model) = house.get(&acme.key, "/v1/model").await;
    assert!(model["record"]["labels"].as_str().unwrap().parse::<f64>().unwrap() > 5.0, "{model}");
}
