//! I7 for what is learned: the same facts in any order, split and duplicated, give the same bits.

use chrono::{Days, NaiveDate};
use contracts::Event;
use contracts::ingestion::{CustomerChanged, InvoiceChanged};
use testkit::TestTenant;

use crate::house::{House, customer, date, invoice, paid};

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
        house.after(day).await;
    }
    for position in next {
        tell(&house, &shuffled[position].1).await;
    }
    house.after(last + Days::new(1)).await;
    let (expected, learned) = (house.digest(&orderly).await, house.digest(&chaotic).await);
    assert!(expected.len() > 1_000);
    for (expected, learned) in expected.iter().zip(&learned) {
        assert_eq!(expected, learned);
    }
    assert_eq!(expected.len(), learned.len());
}
