//! How long a close takes at the demo's size. Not a test of correctness: run it when the close changes.

use std::time::Instant;

use chrono::Days;

use crate::house::{House, customer, date};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; run with --ignored --nocapture"]
async fn four_hundred_days_of_two_hundred_customers() {
    let house = House::open().await;
    let acme = house.bed.tenant("acme").await;
    for number in 0..200 {
        house
            .bed
            .publish(&customer(&acme, number, ["CO", "MX", "CL", "PE"][usize::try_from(number % 4).unwrap()]))
            .await;
    }
    house.bed.applied().await;
    // 30 invoices a day, due 30 days later, paid up to 45 days after that; every 40th never.
    sqlx::query(
        "WITH i AS (SELECT g, date '2026-01-01' + g / 30 AS issued,
             CASE WHEN g % 40 = 0 THEN NULL ELSE date '2026-01-01' + g / 30 + 25 + (g * 7919 % 50) END AS settled
           FROM generate_series(0, 400 * 30 - 1) AS g)
         INSERT INTO invoice_facts (tenant_id, invoice_id, version, legal_entity_id, customer_id, payer_id, currency, amount,
           open_amount, issue_date, due_date, settled_on, paid, inferred, known_on)
         SELECT $1, md5('i' || g)::uuid, 1, $1, c.customer_id, c.customer_id, 'COP', 100, 0, issued, issued + 30, settled,
           settled IS NOT NULL, false, least(settled, issued + 30)
         FROM i JOIN (SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS n FROM customers) c ON c.n = i.g % 200",
    )
    .bind(acme.tenant_id)
    .execute(&house.bed.worker())
    .await
    .unwrap();
    let first = date("2026-01-01");
    let started = Instant::now();
    house.after(first + Days::new(399)).await;
    eprintln!("first close of 400 days: {:?} a day", started.elapsed() / 400);
    let started = Instant::now();
    for day in 400..430 {
        house.after(first + Days::new(day)).await;
    }
    eprintln!("day by day: {:?} a day", started.elapsed() / 30);
    let (rows, bytes): (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM learned_states), pg_total_relation_size('learned_states')")
            .fetch_one(&house.bed.worker())
            .await
            .unwrap();
    eprintln!("{rows} states in {} KiB", bytes / 1024);
}
