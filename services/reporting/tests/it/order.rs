//! Any order and any repetition of the same events gives the same figures (I7).

use crate::books::{Books, Office, Told, tell};

/// A small generator: the same seed shuffles the same way.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    /// All events in some order, some of them twice.
    fn deal(&mut self, mut events: Vec<Told>) -> Vec<Told> {
        for _ in 0..events.len() / 2 {
            let again = events[self.below(events.len())].clone();
            events.push(again);
        }
        for last in (1..events.len()).rev() {
            let other = self.below(last + 1);
            events.swap(last, other);
        }
        events
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_and_repetition_gives_the_same_figures() {
    let office = Office::open().await;
    let mut told = Vec::new();
    for seed in 0..5 {
        let tenant = office.bed.tenant(&format!("tenant-{seed}")).await;
        let events = Books(&tenant).quarter();
        let events = if seed == 0 { events } else { Dice(seed).deal(events) };
        tell(&office, &events).await;
        let kpis = office.get(&tenant.key, "/v1/kpis?from=2026-01-01").await.text().await.unwrap();
        let aging = office.get(&tenant.key, "/v1/aging").await.text().await.unwrap();
        let page = office.html(&tenant.key, "/").await.replace(&format!("tenant-{seed}"), "tenant");
        told.push((seed, kpis, aging, page));
    }
    let [(_, kpis, aging, page), others @ ..] = told.as_slice() else { panic!("nobody was told anything") };
    for (seed, other_kpis, other_aging, other_page) in others {
        assert_eq!(kpis, other_kpis, "seed {seed}");
        assert_eq!(aging, other_aging, "seed {seed}");
        assert_eq!(page, other_page, "seed {seed}");
    }
}
