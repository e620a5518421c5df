//! Properties of the model as a whole: no look ahead, no trace of order, reasons that sum, debts that weigh.

use chrono::{Datelike, Days};
use proptest::prelude::*;

use super::super::super::evidence::tests::date;
use super::*;

const LAST: u32 = 200;

fn day(offset: u32) -> NaiveDate {
    date("2026-01-01") + Days::new(u64::from(offset))
}

prop_compose! {
    /// Up to 60 invoices of five customers over half a year; some are never paid, some credited, some paid in advance.
    fn bills()(rows in prop::collection::vec(
        (0..5_u128, 0..150_u32, 0..45_u32, prop::option::weighted(0.8, -40..80_i32), 0..20_u8, 1..100_000_i64), 1..60,
    )) -> Vec<Bill> {
        let rows = rows.into_iter().zip(1_u128..);
        rows.map(|((customer, issued, term, delay, kind, cents), number)| {
            let settled_on = delay.map(|delay| day((issued + term).saturating_add_signed(delay)));
            Bill {
                invoice: Invoice {
                    invoice_id: Uuid::from_u128(number),
                    customer_id: Uuid::from_u128(customer),
                    issued_on: day(issued),
                    due_on: day(issued + term),
                    settled_on,
                    paid: settled_on.is_some() && kind != 0,
                    inferred: settled_on.is_some() && kind < 5,
                },
                group: if customer % 2 == 0 { "CO".into() } else { "MX".into() },
                amount: Decimal::new(cents, 2),
                on_paper: kind % 2 == 0,
                disputed_on: (kind > 16).then(|| day(issued + term)),
            }
        })
        .collect()
    }
}

/// Closes every day before `end` with all there is.
fn learned(bills: &[Bill], end: NaiveDate) -> (Learner, Vec<(Uuid, Prediction)>) {
    let bills: Vec<&Bill> = bills.iter().collect();
    let mut learner = Learner::new();
    let days = day(0).iter_days().take_while(|day| *day < end);
    let predictions = days.flat_map(|day| learner.close(day, &bills)).map(|(id, (it, _))| (id, it)).collect();
    (learner, predictions)
}

fn bits(predictions: &[(Uuid, Prediction)]) -> Vec<(Uuid, Vec<u64>)> {
    let of = |it: &Prediction| {
        let Forecast { p50, p80, p90 } = it.forecast.unwrap();
        let contributions = it.contributions.iter().map(|(_, contribution)| *contribution);
        contributions.chain([it.log_odds.unwrap(), it.p_late, p50, p80, p90]).map(f64::to_bits).collect()
    };
    predictions.iter().map(|(id, it)| (*id, of(it))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_facts_leaves_no_trace(bills in bills(), seed in any::<prop::sample::Index>()) {
        let (learner, predictions) = learned(&bills, day(LAST));
        let mut shuffled = bills.clone();
        shuffled.rotate_left(seed.index(bills.len()));
        shuffled.reverse();
        let (other, again) = learned(&shuffled, day(LAST));
        prop_assert_eq!(bits(&predictions), bits(&again));
        prop_assert_eq!(learner, other);
    }

    /// Whatever happens on the day of a score or later, nothing but the issue of what is scored may show in it.
    #[test]
    fn a_score_knows_nothing_of_its_day_or_later(
        bills in bills(), cut in 0..160_u32, scramble in prop::collection::vec((0..90_u32, any::<bool>(), any::<bool>()), 60),
    ) {
        let cut = day(cut);
        let scrambled: Vec<Bill> = bills.iter().zip(&scramble).filter_map(|(bill, (later, paid, disputed))| {
            let mut bill = bill.clone();
            if bill.invoice.issued_on > cut {
                // Not there yet: it never comes, or is another one.
                bill.invoice.due_on = bill.invoice.issued_on + Days::new(u64::from(*later));
                bill.amount += Decimal::ONE;
                return paid.then_some(bill);
            }
            if bill.invoice.settled_on.is_none_or(|settled_on| settled_on >= cut) {
                bill.invoice.settled_on = paid.then(|| cut + Days::new(u64::from(*later)));
                bill.invoice.paid = *paid && *disputed;
                bill.invoice.inferred = *disputed;
                bill.disputed_on = disputed.then(|| cut + Days::new(u64::from(*later)));
            }
            Some(bill)
        }).collect();
        let end = cut.succ_opt().unwrap();
        prop_assert_eq!(bits(&learned(&bills, end).1), bits(&learned(&scrambled, end).1));
    }

    #[test]
    fn contributions_sum_to_the_log_odds(bills in bills()) {
        for (_, prediction) in learned(&bills, day(LAST)).1 {
            let sum = prediction.contributions.iter().fold(0.0, |sum, (_, contribution)| sum + contribution);
            prop_assert_eq!(sum.to_bits(), prediction.log_odds.unwrap().to_bits());
            prop_assert_eq!(sigmoid(sum).to_bits(), prediction.p_late.to_bits());
            prop_assert!(prediction.p_late > 0.0 && prediction.p_late < 1.0);
            let Forecast { p50, p80, p90 } = prediction.forecast.unwrap();
            prop_assert!(-31.0 < p50 && p50 <= p80 && p80 <= p90 && p90 < 61.0, "{:?}", prediction.forecast);
        }
    }

    /// All else equal: history, what is not due, and the invoice itself.
    #[test]
    fn who_owes_more_overdue_is_never_less_risky(
        bills in bills(), customer in 0..5_u128, (age, older) in (1..120_i64, 0..60_i64), amount in 0.0..5_000.0_f64,
    ) {
        let (mut learner, _) = learned(&bills, day(LAST));
        let customer_id = Uuid::from_u128(customer);
        let bill = Bill {
            invoice: Invoice {
                invoice_id: Uuid::from_u128(1_000),
                customer_id,
                issued_on: day(LAST),
                due_on: day(LAST + 30),
                settled_on: None,
                paid: false,
                inferred: false,
            },
            group: "CO".into(),
            amount: Decimal::ONE_HUNDRED,
            on_paper: false,
            disputed_on: None,
        };
        let before = learner.predict(&bill).0.log_odds.unwrap();
        let mut owes = |days: i64, amount: f64| {
            let customer = learner.customers.entry(customer_id).or_insert_with(|| Customer::empty(customer_id));
            customer.open.insert(Uuid::from_u128(2_000), (day(LAST) - chrono::Duration::days(days), amount));
            learner.predict(&bill).0.log_odds.unwrap()
        };
        let one_more = owes(age, amount);
        let older = owes(age + older, amount);
        let larger = owes(age, amount * 2.0);
        // Sums are rounded: a share of a sum may wiggle in its last bit.
        prop_assert!(one_more >= before - 1e-12, "{} {}", before, one_more);
        prop_assert!(older >= one_more - 1e-12, "{} {}", one_more, older);
        prop_assert!(larger >= one_more - 1e-12, "{} {}", one_more, larger);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What is kept of a learner is all there is, to the last bit.
    #[test]
    fn what_is_learned_survives_storage(bills in bills()) {
        let (learner, _) = learned(&bills, day(LAST));
        let mut again = Learner::new();
        let owners = (0..5).map(|id| Owner::Customer(Uuid::from_u128(id)));
        for owner in owners.chain(["CO", "MX"].map(|group| Owner::Group(group.into()))).chain([Owner::Tenant]) {
            again.recall(&owner, &learner.memory_of(&owner)).unwrap();
            prop_assert_eq!(again.memory_of(&owner), learner.memory_of(&owner));
        }
        let open = |bill: &&Bill| bill.invoice.settled_on.is_none_or(|settled_on| settled_on >= day(LAST));
        for bill in bills.iter().filter(open) {
            again.owes(&bill.invoice, bill.amount);
        }
        for scored in learner.scored.values() {
            let again = Scored::read(&scored.written());
            prop_assert_eq!(again.as_ref(), Some(scored));
        }
        for id in 0..5 {
            let next = |learner: &Learner| learner.next_invoice(Uuid::from_u128(id), "CO", day(LAST));
            prop_assert_eq!(next(&learner), next(&again));
        }
    }

    /// As long as it is not due an invoice grows likelier to be late with every day that it is unpaid, all else equal; what
    /// adds up to its odds still does.
    #[test]
    fn waiting_makes_late_likelier(bills in bills(), customer in 0..5_u128) {
        let (learner, _) = learned(&bills, day(LAST));
        let bill = Bill {
            invoice: Invoice {
                invoice_id: Uuid::from_u128(1_000),
                customer_id: Uuid::from_u128(customer),
                issued_on: day(LAST),
                due_on: day(LAST + 30),
                settled_on: None,
                paid: false,
                inferred: false,
            },
            group: "CO".into(),
            amount: Decimal::ONE_HUNDRED,
            on_paper: false,
            disputed_on: Some(day(LAST + 3)),
        };
        let mut waiting = 0.0;
        for ahead in 0..=30 {
            let outlook = learner.outlook(&bill, day(LAST + ahead));
            let sum = total(&outlook.contributions);
            prop_assert_eq!(outlook.log_odds.map(f64::to_bits), Some(sum.to_bits()));
            let of = |family| outlook.contributions.iter().find(|(of, _)| *of == family).unwrap().1;
            // What was seen fades a little from day to day, some of it faster.
            prop_assert!(of(Family::Waiting) >= waiting - 0.05, "{} {}", of(Family::Waiting), waiting);
            waiting = of(Family::Waiting);
            let Forecast { p50, p80, p90 } = outlook.forecast.unwrap();
            prop_assert!(p50 <= p80 && p80 <= p90 && p50 > f64::from(ahead) - 31.5, "{} {}", p50, ahead);
        }
        let overdue = learner.outlook(&bill, day(LAST + 40));
        prop_assert_eq!(overdue.p_late.to_bits(), 1.0_f64.to_bits());
        prop_assert!(overdue.forecast.unwrap().p50 > 9.4 && overdue.log_odds.is_none());
        prop_assert_eq!(overdue.reasons.first(), Some(&Reason::PastDue { days: 10 }));
        prop_assert_eq!(learner.outlook(&bill, day(LAST + 100)).forecast, None);
    }
}

/// How somebody pays is presumed of the others it pays for.
#[test]
fn a_payer_is_known_by_all_it_pays_for() {
    let bills: Vec<Bill> = (0..40_u32)
        .map(|number| Bill {
            invoice: Invoice {
                invoice_id: Uuid::from_u128(u128::from(number)),
                // 1 and 2 pay for themselves, on time and late; 3 is new.
                customer_id: Uuid::from_u128(u128::from(1 + number % 2)),
                issued_on: day(number),
                due_on: day(number + 10),
                settled_on: Some(day(number + 10 + 12 * (number % 2))),
                paid: true,
                inferred: false,
            },
            group: "CO".into(),
            amount: Decimal::ONE_HUNDRED,
            on_paper: false,
            disputed_on: None,
        })
        .collect();
    let of = |payer: u128| {
        let (mut learner, _) = learned(&bills, day(LAST));
        learner.share_a_payer(BTreeSet::from([payer, 3].map(Uuid::from_u128)));
        let habit = learner.habit(Uuid::from_u128(3), "CO", StructuralDelay::NONE, day(LAST));
        (habit.late_share, learner.next_invoice(Uuid::from_u128(3), "CO", day(LAST)).p_late)
    };
    let (prompt, tardy) = (of(1), of(2));
    assert!(prompt.0 < 0.35 && tardy.0 > 0.65 && prompt.1 < tardy.1, "{prompt:?} {tardy:?}");
}

/// Late by the weekday it falls due on: what a rate alone could not tell is learned, and said as such.
#[test]
fn a_weekly_payment_run_is_found_and_explained() {
    let bills: Vec<Bill> = (0..160_u32)
        .map(|number| {
            let due_on = day(10 + number);
            // Pays every Friday: what falls due on a Thursday is a day late, what falls due on a Friday is not.
            let to_friday = (11 - due_on.weekday().num_days_from_monday()) % 7;
            let invoice = Invoice {
                invoice_id: Uuid::from_u128(u128::from(number)),
                customer_id: Uuid::from_u128(1),
                issued_on: day(number),
                due_on,
                settled_on: Some(due_on + Days::new(u64::from(to_friday))),
                paid: true,
                inferred: false,
            };
            Bill { invoice, group: "CO".into(), amount: Decimal::ONE_HUNDRED, on_paper: false, disputed_on: None }
        })
        .collect();
    let (_, predictions) = learned(&bills, day(LAST));
    for (invoice_id, prediction) in predictions.iter().skip(120) {
        let bill = bills.iter().find(|bill| bill.invoice.invoice_id == *invoice_id).unwrap();
        let forecast = prediction.forecast.unwrap();
        let delay =
            f64::from(i32::try_from((bill.invoice.settled_on.unwrap() - bill.invoice.due_on).num_days()).unwrap());
        assert_eq!(prediction.p_late > 0.5, delay > 0.0, "{} {delay}", prediction.p_late);
        assert!((forecast.p50 - delay).abs() < 1.5, "{forecast:?} {delay}");
        assert_eq!(f64::from(prediction.structural_days).to_bits(), delay.to_bits());
    }
}

#[test]
fn of_nobody_known_the_rate_of_nobody_is_said() {
    let bill = Bill {
        invoice: super::super::super::evidence::tests::invoice(1, "2026-01-01", "2026-01-31", None),
        group: String::new(),
        amount: Decimal::ZERO,
        on_paper: false,
        disputed_on: None,
    };
    let predictions = Learner::new().close(date("2026-01-01"), &[&bill]);
    // One time in three, and less sure of it than of nothing.
    let p_late = predictions[&bill.invoice.invoice_id].0.p_late;
    assert!((1.0 / 3.0..0.45).contains(&p_late), "{p_late}");
}
