//! Invoices that reach their debtors late (R27).

use serde_json::json;

use crate::world::{self, corrected, customer, fact, invoice, payment};

#[tokio::test]
async fn an_invoice_that_was_delivered_late_is_shown_until_it_is_paid() {
    let world = world::start().await;
    let delivered = |number: &str, on: &str| {
        fact("erp", &format!("delivered {number}"), "invoice.delivered", json!({"invoice": number, "delivered_on": on}))
    };
    let today = sqlx::query_scalar::<_, chrono::NaiveDate>("SELECT (now() AT TIME ZONE 'UTC')::date");
    let today = today.fetch_one(&world.bed.worker()).await.unwrap();
    let before = |days: u64| today.checked_sub_days(chrono::Days::new(days)).unwrap().to_string();
    let (issued, due) = (before(20), before(0));
    let paid_on_time = invoice("F-4", "C-1", "5.00", &issued, &due);
    world
        .tell(&[
            customer("C-1", "Comercial Andina"),
            invoice("F-1", "C-1", "100.00", &issued, &due),
            invoice("F-2", "C-1", "70.00", &issued, &due),
            invoice("F-3", "C-1", "30.00", &issued, &before(16)),
            paid_on_time.clone(),
            delivered("F-1", &before(9)),
            delivered("F-2", &before(13)),
            delivered("F-3", &before(15)),
        ])
        .await;
    let shown = world.get("/v1/late-deliveries").await.body;
    let rows: Vec<_> = shown["invoices"].as_array().unwrap().iter().collect();
    let told: Vec<_> = rows.iter().map(|row| (&row["invoice"], &row["delay_days"], &row["after_due"])).collect();
    assert_eq!(
        told,
        [(&json!("F-1"), &json!(11), &json!(false)), (&json!("F-3"), &json!(5), &json!(true))],
        "a week is on time, and nothing that comes when it is due: {shown}"
    );
    assert_eq!((&rows[0]["customer"], &rows[0]["open_amount"]), (&json!("C-1"), &json!("100.00")));
    let months = shown["months"].as_array().unwrap();
    let sum = |name: &str| months.iter().map(|month| month[name].as_i64().unwrap()).sum::<i64>();
    assert_eq!((sum("invoices"), sum("unknown"), sum("late")), (4, 1, 2), "{shown}");
    assert_eq!((&months[0]["mean_delay_days"], &months[0]["longest_delay_days"]), (&json!("7.7"), &json!(11)));

    // The invoice itself may say it, and what is paid is no alert.
    world
        .tell(&[
            corrected(&paid_on_time, 2, json!({"delivered_date": before(2)})),
            payment("P-1", "C-1", "100.00", &before(1), json!([{"invoice": "F-1"}])),
        ])
        .await;
    let shown = world.get("/v1/late-deliveries?limit=1").await.body;
    assert_eq!(shown["invoices"][0]["invoice"], "F-4", "{shown}");
    assert_eq!(world.get("/v1/late-deliveries").await.body["invoices"].as_array().unwrap().len(), 2);
    world.role.stop().await;
}
