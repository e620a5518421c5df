//! I7 for what is learned: the same facts in any order, split and duplicated, give the same bits.

use chrono::{Datelike, Days, NaiveDate};
use contracts::Event;
use contracts::ingestion::{CustomerChanged, InvoiceChanged};
use testkit::TestTenant;

use crate::house::{House, customer, date, invoice, morning, paid};

#[allow(clippy::large_enum_variant, reason = "a handful of facts")]
enum Told {
    Customer(CustomerChanged),
    Invoice(InvoiceChanged),
}

/// (day on which it is told, event), in order.
fn history(tenant: &TestTenant) -> Vec<(NaiveDate, Told)> {
    let first = date("2026-01-01");
    let mut told = Vec::new();
    for number in 0..5_u128 {
        let country = if number % 2 == 0 { "CO" } else { "CL" };
        told.push((first, Told::Customer(customer(tenant, number, country))));
    }
    for number in 0..60_u64 {
        let issued = first + Days::new(number);
        let due = issued + Days::new(5 + number * 7 % 20);
        let open = invoice(tenant, u128::from(number), u128::from(number % 5), issued, due);
        if number % 11 != 0 {
            let settled = issued + Days::new(2 + number * 13 % 45);
            told.push((settled, Told::Invoice(paid(&open, settled))));
        }
        told.push((issued, Told::Invoice(open)));
    }
    told.sort_by_key(|(day, _)| *day);
    told
}

async fn tell(house: &House, told: &Told) {
    match told {
        Told::Customer(event) => publish(house, event).await,
        Told::Invoice(event) => publish(house, event).await,
    }
}

async fn publish<E: Event>(house: &House, event: &E) {
    house.bed.publish(event).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_learns_the_same_bits() {
    let house = House::open().await;
    let (orderly, chaotic) = (house.bed.tenant("orderly").await, house.bed.tenant("chaotic").await);
    let in_order = history(&orderly);
    let shuffled = history(&chaotic);
    // A fixed shuffle: 37 and the number of events have no common divisor.
    let count = shuffled.len();
    assert_ne!(count % 37, 0);
    let mut positions: Vec<usize> = (0..count).map(|index| index * 37 % count).collect();
    positions.extend(positions.clone().iter().rev().step_by(3));
    let mut next = positions.into_iter();

    let last = in_order.last().unwrap().0 + Days::new(50);
    for day in date("2026-01-01").iter_days().take_while(|day| *day <= last) {
        for (_, told) in in_order.iter().filter(|(told_on, _)| *told_on == day) {
            tell(&house, told).await;
        }
        for position in next.by_ref().take(2) {
            tell(&house, &shuffled[position].1).await;
        }
        if day.day() % 4 == 0 {
            house.after(day).await;
        }
    }
    for position in next {
        tell(&house, &shuffled[position].1).await;
    }
    house.after(last + Days::new(1)).await;
    let (expected, learned) = (house.digest(&orderly).await, house.digest(&chaotic).await);
    assert!(expected.len() > 80, "{}", expected.len());
    for (expected, learned) in expected.iter().zip(&learned) {
        assert_eq!(expected, learned);
    }
    assert_eq!(expected.len(), learned.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_country_that_comes_after_the_end_of_a_month_says_what_it_would_have_said_before() {
    let house = House::open().await;
    let (early, late) = (house.bed.tenant("early").await, house.bed.tenant("late").await);
    for tenant in [&early, &late] {
        for number in 0..4_u128 {
            publish(&house, &customer(tenant, number, "CO")).await;
            let open = invoice(tenant, number, number, date("2026-01-02"), date("2026-01-09"));
            publish(&house, &paid(&open, date("2026-01-20"))).await;
        }
        publish(&house, &invoice(tenant, 9, 9, date("2026-01-15"), date("2026-03-31"))).await;
    }
    publish(&house, &customer(&early, 9, "CO")).await;
    house.after(date("2026-02-02")).await;
    publish(&house, &customer(&late, 9, "CO")).await;
    house.after(date("2026-02-03")).await;
    assert_eq!(house.digest(&late).await, house.digest(&early).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_cannot_be_closed_keeps_nobody_waiting() {
    let house = House::open().await;
    let (one, other) = (house.bed.tenant("one").await, house.bed.tenant("other").await);
    let (first, second) = if one.tenant_id < other.tenant_id { (one, other) } else { (other, one) };
    for tenant in [&first, &second] {
        publish(&house, &invoice(tenant, 1, 1, date("2026-01-02"), date("2026-01-09"))).await;
    }
    house.after(date("2026-01-15")).await;
    let damage = "UPDATE learned_states SET memory = substr(memory, 2) WHERE tenant_id = $1";
    sqlx::query(damage).bind(first.tenant_id).execute(&house.bed.owner()).await.unwrap();
    for tenant in [&first, &second] {
        publish(&house, &invoice(tenant, 2, 1, date("2026-01-16"), date("2026-01-20"))).await;
    }
    house.bed.applied().await;
    house.bed.set_clock(morning(date("2026-01-17"))).await;
    let tick = contracts::common::TickRequest {
        now: Some(contracts::wire::timestamp(morning(date("2026-01-17")))),
        applied_through: std::collections::HashMap::new(),
    };
    let subject = contracts::subject::clock_tick("scoring");
    house.bed.nats().request(subject, prost::Message::encode_to_vec(&tick).into()).await.unwrap();
    let learned = "SELECT learned_through FROM learning WHERE tenant_id = $1";
    let through = async |tenant: &TestTenant| -> NaiveDate {
        sqlx::query_scalar(learned).bind(tenant.tenant_id).fetch_one(&house.bed.worker()).await.unwrap()
    };
    assert_eq!((through(&first).await, through(&second).await), (date("2026-01-15"), date("2026-01-16")));
}
