//! What a day costs at the demo's size. Prints; it judges only that everything got its decision.

use std::time::{Duration, Instant};

use chrono::Days;
use contracts::ingestion::InvoiceChanged;
use primitives::ids::Kind;

use crate::world::{WEEK_BEFORE, World, id, instant, invoice};

#[tokio::test]
#[ignore = "a measurement"]
async fn a_day_of_two_hundred_customers() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let start = instant(WEEK_BEFORE);
    for number in 0..200_u64 {
        let code = format!("C-{number}");
        world.customer(&acme, &code).await;
        for nth in 0..8_u64 {
            let due = (start.date_naive() + Days::new(7 + (number * 7 + nth * 5) % 35)).to_string();
            let customer_id = id(&acme, Kind::Customer, &code);
            let open = invoice(&acme, &format!("F-{number}-{nth}"));
            world.bed.publish(&InvoiceChanged { customer_id, effective_due_date: due, ..open }).await;
        }
    }
    world.bed.applied().await;
    let mut costs = Vec::new();
    let mut mails = 0;
    for day in 0..40 {
        let began = Instant::now();
        world.bed.tick(start + Days::new(day)).await;
        costs.push(began.elapsed());
        mails += world.mails().len();
    }
    costs.sort();
    let mean = costs.iter().sum::<Duration>() / 40;
    eprintln!("{mails} mails in 40 days; a tick: mean {mean:?}, median {:?}, worst {:?}", costs[20], costs[39]);
    assert!(mails > 2_000);
}
