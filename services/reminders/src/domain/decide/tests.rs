use chrono::Days;
use proptest::prelude::*;

use super::*;
use crate::domain::plan::LATE_DELIVERY_DAYS;
use crate::domain::strategy::built_in;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn due() -> NaiveDate {
    date("2026-03-31")
}

/// An open invoice of a customer about whom all is known, on the day of the due date.
fn snapshot() -> Snapshot {
    Snapshot {
        through: due(),
        segment: "new".to_owned(),
        segment_version: 0,
        strategy: built_in().remove(0),
        decided_through: Some(-7),
        closed: false,
        invoice: InvoiceFacts {
            invoice_id: Uuid::from_u128(1),
            version: 1,
            issue_date: date("2026-03-01"),
            due_date: Some(due()),
            effective_due_date: due(),
            delivered_date: None,
            late_delivery_days: LATE_DELIVERY_DAYS,
            last_dunned_on: None,
            currency: "COP".to_owned(),
            open_amount: Decimal::new(10_000, 2),
            expected_net: Decimal::new(10_000, 2),
            disputed_amount: Decimal::ZERO,
            settled: false,
            voided: false,
            rejected: false,
            assigned: false,
            covered_amount: Decimal::ZERO,
        },
        promises: Vec::new(),
        unsubmitted: false,
        holds: Vec::new(),
        dead_letter: false,
        provisional: false,
        reachable: true,
        barred: None,
        template_error: None,
    }
}

fn with(change: impl FnOnce(&mut Snapshot)) -> Snapshot {
    let mut snapshot = snapshot();
    change(&mut snapshot);
    snapshot
}

#[test]
fn the_first_reason_that_holds_is_recorded() {
    let amount = |units| Decimal::new(units, 2);
    let promise = vec![Uuid::from_u128(7)];
    let cases = [
        ("all is well", snapshot(), Outcome::Send),
        ("paid", with(|s| s.invoice.settled = true), Outcome::Suppressed(Reason::Paid)),
        (
            "a void is no payment",
            with(|s| {
                s.invoice.settled = true;
                s.invoice.voided = true;
            }),
            Outcome::Suppressed(Reason::Voided),
        ),
        ("paid to somebody else", with(|s| s.invoice.assigned = true), Outcome::Suppressed(Reason::Assigned)),
        (
            "a cheque is in hand",
            with(|s| {
                s.invoice.covered_amount = amount(10_000);
                s.invoice.expected_net = amount(0);
            }),
            Outcome::Suppressed(Reason::Instrument),
        ),
        (
            "a cheque for the rest of what is disputed",
            with(|s| {
                s.invoice.covered_amount = amount(6_000);
                s.invoice.expected_net = amount(4_000);
                s.invoice.disputed_amount = amount(4_000);
            }),
            Outcome::Suppressed(Reason::Disputed),
        ),
        ("our own delay", with(|s| s.unsubmitted = true), Outcome::Suppressed(Reason::Unsubmitted)),
        ("rejected by the buyer", with(|s| s.invoice.rejected = true), Outcome::Suppressed(Reason::Rejected)),
        (
            "on hold, and promised",
            with(|s| {
                s.holds = vec![Hold { hold_id: Uuid::from_u128(8), kind: "legal".into() }];
                s.promises.clone_from(&promise);
            }),
            Outcome::Suppressed(Reason::OnHold),
        ),
        ("promised", with(|s| s.promises.clone_from(&promise)), Outcome::Suppressed(Reason::Promised)),
        (
            "disputed as a whole",
            with(|s| s.invoice.disputed_amount = amount(10_000)),
            Outcome::Suppressed(Reason::Disputed),
        ),
        ("disputed in part", with(|s| s.invoice.disputed_amount = amount(4_000)), Outcome::Send),
        (
            "what is not disputed will be withheld",
            with(|s| {
                s.invoice.disputed_amount = amount(9_000);
                s.invoice.expected_net = amount(0);
            }),
            Outcome::Suppressed(Reason::Disputed),
        ),
        ("all is withheld", with(|s| s.invoice.expected_net = amount(0)), Outcome::Suppressed(Reason::NothingToAsk)),
        ("unknown customer", with(|s| s.provisional = true), Outcome::Suppressed(Reason::CustomerProvisional)),
        ("nobody to write to", with(|s| s.reachable = false), Outcome::Suppressed(Reason::NoContact)),
        (
            "nobody who may be written to",
            with(|s| {
                s.reachable = false;
                s.barred = Some(Bar::Complained);
            }),
            Outcome::Suppressed(Reason::Complained),
        ),
        ("unwritable", with(|s| s.template_error = Some("no".into())), Outcome::Suppressed(Reason::TemplateError)),
        (
            "a dead letter casts doubt on everything else",
            with(|s| {
                s.dead_letter = true;
                s.invoice.settled = true;
            }),
            Outcome::Suppressed(Reason::DeadLetter),
        ),
        (
            "paid comes before promised",
            with(|s| {
                s.invoice.settled = true;
                s.promises.clone_from(&promise);
            }),
            Outcome::Suppressed(Reason::Paid),
        ),
    ];
    for (what, snapshot, expected) in cases {
        let decisions = decide(&snapshot);
        assert_eq!(decisions, [Decision { step: 1, offset_days: 0, outcome: expected }], "{what}");
    }
}

#[test]
fn only_the_undisputed_part_is_asked_for() {
    let cases =
        [(100, 100, 0, 100), (100, 95, 0, 95), (100, 95, 3, 95), (100, 95, 40, 60), (100, 0, 0, 0), (100, 95, 120, 0)];
    for (open, net, disputed, expected) in cases {
        let facts = InvoiceFacts {
            open_amount: Decimal::from(open),
            expected_net: Decimal::from(net),
            disputed_amount: Decimal::from(disputed),
            ..snapshot().invoice
        };
        assert_eq!(facts.asked(), Decimal::from(expected), "{open} {net} {disputed}");
    }
}

#[test]
fn of_several_missed_steps_the_highest_is_due() {
    let missed = with(|s| {
        s.decided_through = None;
        s.through = date("2026-04-11");
    });
    let outcomes: Vec<_> = decide(&missed).into_iter().map(|d| (d.offset_days, d.outcome)).collect();
    let superseded = |offset| (offset, Outcome::Superseded);
    assert_eq!(outcomes, [superseded(-7), superseded(0), superseded(3), (10, Outcome::Send)]);

    let paid_meanwhile = Snapshot { invoice: InvoiceFacts { settled: true, ..missed.invoice.clone() }, ..missed };
    let outcomes: Vec<_> = decide(&paid_meanwhile).into_iter().map(|d| (d.offset_days, d.outcome)).collect();
    assert_eq!(outcomes, [(-7, Outcome::Suppressed(Reason::Paid))]);
}

#[test]
fn a_recorded_snapshot_decides_the_same_again() {
    let original = with(|s| s.through = date("2026-04-30"));
    let record = serde_json::to_value(&original).unwrap(); // what jsonb keeps: members in another order, no blanks
    let restored: Snapshot = serde_json::from_value(record).unwrap();
    assert_eq!(restored, original);
    assert_eq!(serde_json::to_string(&restored).unwrap(), serde_json::to_string(&original).unwrap());
    assert_eq!(decide(&restored), decide(&original));
}

/// What may happen to an invoice between two looks at it.
#[derive(Debug, Clone)]
enum Event {
    DueDateMoves(i8),
    SegmentBecomes(usize),
    Settled(bool),
    Promised(bool),
    DaysPass(u8),
}

fn event() -> impl Strategy_ {
    prop_oneof![
        2 => (-20_i8..20).prop_map(Event::DueDateMoves),
        2 => (0_usize..3).prop_map(Event::SegmentBecomes),
        1 => any::<bool>().prop_map(Event::Settled),
        1 => any::<bool>().prop_map(Event::Promised),
        6 => (0_u8..12).prop_map(Event::DaysPass),
    ]
}

use proptest::strategy::Strategy as ProptestStrategy;
trait Strategy_: ProptestStrategy<Value = Event> {}
impl<T: ProptestStrategy<Value = Event>> Strategy_ for T {}

fn shift(day: NaiveDate, by: i64) -> NaiveDate {
    day + chrono::Duration::days(by)
}

/// Remembers what was decided, as the table of decisions does.
fn sweep(world: &mut Snapshot, log: &mut Vec<Decision>) -> Vec<Decision> {
    let decided = decide(world);
    if let Some(last) = decided.last() {
        world.decided_through = Some(last.offset_days);
        world.closed = last.outcome == Outcome::Suppressed(Reason::Paid);
    }
    log.extend(&decided);
    decided
}

fn apply(world: &mut Snapshot, event: &Event) {
    match *event {
        Event::DueDateMoves(days) => {
            world.invoice.effective_due_date =
                shift(world.invoice.effective_due_date, days.into()).max(world.invoice.issue_date);
        }
        Event::SegmentBecomes(index) => world.strategy = built_in().remove(index),
        Event::Settled(settled) => world.invoice.settled = settled,
        Event::Promised(true) => world.promises = vec![Uuid::from_u128(9)],
        Event::Promised(false) => world.promises.clear(),
        Event::DaysPass(days) => world.through = world.through + Days::new(days.into()),
    }
}

proptest! {
    #[test]
    fn no_step_is_decided_twice_and_none_below_a_decided_one(events in prop::collection::vec(event(), 1..80)) {
        let mut world = with(|s| { s.decided_through = None; s.through = s.invoice.issue_date; });
        let mut log = Vec::new();
        for event in &events {
            apply(&mut world, event);
            let decided = sweep(&mut world, &mut log);
            // At most one step speaks; whatever lies below it is superseded in the same breath.
            let speaking = decided.iter().filter(|d| d.outcome != Outcome::Superseded).count();
            prop_assert_eq!(speaking, usize::from(!decided.is_empty()));
            prop_assert!(decided.last().is_none_or(|d| d.outcome != Outcome::Superseded));
            if world.invoice.settled || !world.promises.is_empty() {
                prop_assert!(decided.iter().all(|d| d.outcome != Outcome::Send));
            }
        }
        prop_assert!(log.windows(2).all(|pair| pair[0].offset_days < pair[1].offset_days), "{:?}", log);
    }

    #[test]
    fn no_level_is_skipped_in_the_end(events in prop::collection::vec(event(), 0..40)) {
        let mut world = with(|s| { s.decided_through = None; s.through = s.invoice.issue_date; });
        let mut log = Vec::new();
        for event in &events {
            apply(&mut world, event);
            sweep(&mut world, &mut log);
        }
        world.invoice.settled = false;
        world.through = shift(world.invoice.effective_due_date, 60).max(world.through);
        sweep(&mut world, &mut log);
        let highest = world.strategy.steps.last().unwrap().offset_days;
        prop_assert!(log.last().is_some_and(|d| d.offset_days >= highest.min(world.decided_through.unwrap())));
        prop_assert!(decide(&world).is_empty());
    }

    /// How often one looks does not matter for which steps are decided, only for what they say.
    #[test]
    fn downtime_changes_the_words_and_not_the_steps(gaps in prop::collection::vec(1_u8..20, 1..20)) {
        let decided_offsets = |gaps: &[u8]| {
            let mut world = with(|s| { s.decided_through = None; s.through = s.invoice.issue_date; });
            let mut log = Vec::new();
            for gap in gaps {
                apply(&mut world, &Event::DaysPass(*gap));
                sweep(&mut world, &mut log);
            }
            log.into_iter().map(|d| d.offset_days).collect::<Vec<_>>()
        };
        let total: u32 = gaps.iter().map(|gap| u32::from(*gap)).sum();
        let daily = vec![1; usize::try_from(total).unwrap()];
        prop_assert_eq!(decided_offsets(&gaps), decided_offsets(&daily));
    }

    /// State events are upserted if newer: whatever the order and however often they come, the decision is the same.
    #[test]
    fn any_order_of_the_same_events_decides_the_same(order in Just((0_usize..6).collect::<Vec<_>>()).prop_shuffle(), again in prop::collection::vec(0_usize..6, 0..6)) {
        let versions: Vec<InvoiceFacts> = (1..=6_i64)
            .map(|version| InvoiceFacts {
                version,
                effective_due_date: shift(due(), version),
                disputed_amount: Decimal::new(version * 1_000, 2),
                settled: version == 3,
                ..snapshot().invoice
            })
            .collect();
        let fold = |order: &[usize]| {
            let mut world = with(|s| { s.invoice.version = 0; s.through = date("2026-04-30"); });
            for index in order {
                if versions[*index].version > world.invoice.version {
                    world.invoice = versions[*index].clone();
                }
            }
            decide(&world)
        };
        let shuffled: Vec<usize> = order.into_iter().chain(again).collect();
        prop_assert_eq!(fold(&shuffled), fold(&[0, 1, 2, 3, 4, 5]));
    }
}
