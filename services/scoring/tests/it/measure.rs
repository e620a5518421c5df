//! How long a close takes at the demo's size, and how much memory with a million customers. Not tests of correctness: run
//! them when the close changes.

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
           open_amount, issue_date, due_date, settled_on, paid, inferred)
         SELECT $1, md5('i' || g)::uuid, 1, $1, c.customer_id, c.customer_id, 'COP', 100, 0, issued, issued + 30, settled,
           settled IS NOT NULL, false
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

/// Of this process, the test's own included, in MiB.
fn memory_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// A million customers with a history: a day with 4,000 invoices, and the end of a month, at which everybody is assessed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; run with --ignored --nocapture"]
async fn a_million_customers() {
    let house = House::open().await;
    let acme = house.bed.tenant("acme").await;
    house.bed.publish(&customer(&acme, 0, "CO")).await;
    house.bed.applied().await;
    let run = async |query: &'static str| {
        sqlx::query(query).bind(acme.tenant_id).execute(&house.bed.worker()).await.unwrap();
    };
    // Forty invoices give the first customer a full memory; everybody gets it.
    run("INSERT INTO invoice_facts (tenant_id, invoice_id, version, legal_entity_id, customer_id, payer_id, currency, amount,
           open_amount, issue_date, due_date, settled_on, paid, inferred)
         SELECT $1, md5('i' || g)::uuid, 1, $1, c.customer_id, c.customer_id, 'COP', 100, 0, date '2026-01-01' + g,
           date '2026-01-15' + g, date '2026-01-17' + g + g % 5, true, false
         FROM generate_series(0, 39) AS g, customers c WHERE c.tenant_id = $1")
    .await;
    house.after(date("2026-03-20")).await;
    run("INSERT INTO customers (tenant_id, customer_id, version, code, country, payer_id)
         SELECT $1, md5('c' || g)::uuid, 1, 'M-' || g, 'CO', md5('c' || g)::uuid FROM generate_series(1, 999999) AS g")
    .await;
    run("INSERT INTO learned_states (tenant_id, scope, owner, day, memory)
         SELECT $1, 'customer', c.customer_id::text, s.day, s.memory
         FROM customers c, (SELECT day, memory FROM learned_states WHERE tenant_id = $1 AND scope = 'customer'
                            ORDER BY day DESC LIMIT 1) s
         WHERE c.tenant_id = $1 AND c.code LIKE 'M-%'")
    .await;
    run("INSERT INTO published_scores (tenant_id, customer_id, pending)
         SELECT tenant_id, customer_id, false FROM customers WHERE tenant_id = $1 ON CONFLICT DO NOTHING")
    .await;
    run("INSERT INTO invoice_facts (tenant_id, invoice_id, version, legal_entity_id, customer_id, payer_id, currency, amount,
           open_amount, issue_date, due_date, settled_on, paid, inferred)
         SELECT $1, md5('n' || g)::uuid, 1, $1, md5('c' || g)::uuid, md5('c' || g)::uuid, 'COP', 100, 100,
           date '2026-03-30', date '2026-04-29', NULL, false, false FROM generate_series(1, 4000) AS g")
    .await;
    eprintln!("a million customers are there: peak {} MiB", memory_peak());
    let started = Instant::now();
    house.after(date("2026-03-30")).await;
    eprintln!("a day with 4,000 invoices: {:?}, peak {} MiB", started.elapsed(), memory_peak());
    let started = Instant::now();
    house.after(date("2026-03-31")).await;
    eprintln!("everybody assessed and told: {:?}, peak {} MiB", started.elapsed(), memory_peak());
}
