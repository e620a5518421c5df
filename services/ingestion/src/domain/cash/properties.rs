//! Random chains over random payments: parts never make more than the whole, and what is decided depends on nothing else.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Remitted;
use super::chain::{Chain, Rule, Tolerance};
use super::differences::{Explanation, Short, explain};
use super::matching::{Candidate, Evidence, matches};
use crate::domain::ledger::{self, CreditKind, Item, ItemKey, Opening, Part, Rank, fold};

fn any_rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        Just(Rule::Remittance),
        any::<bool>().prop_map(|in_text| Rule::Reference { in_text }),
        Just(Rule::Account),
        Just(Rule::Name),
        (1_usize..5).prop_map(|up_to| Rule::Amount { up_to }),
        Just(Rule::OldestFirst),
        any::<bool>().prop_map(|usual_rates| Rule::Withholding { countries: BTreeSet::new(), usual_rates }),
        Just(Rule::Deduction { reasons: BTreeMap::new() }),
        (0_u32..20, prop::option::of(0_u32..100)).prop_map(|(limit, per_cent)| {
            Rule::Tolerance(Tolerance {
                kind: CreditKind::BankCharge,
                limits: [("COP".to_owned(), limit.into())].into(),
                per_cent: per_cent.map(Decimal::from),
            })
        }),
    ]
}

fn any_chain() -> impl Strategy<Value = Chain> {
    prop::collection::vec(any_rule(), 0..8).prop_map(|rules| Chain { version: 1, rules })
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()
}

/// Number, payer, open amount, days until due.
type Invoice = (usize, u128, u32, u64);

fn candidate((number, payer, amount, due): &Invoice) -> Candidate {
    Candidate {
        number: format!("F-{number}"),
        payer_id: Uuid::from_u128(*payer),
        open_amount: (*amount).into(),
        due_date: day().checked_add_days(Days::new(*due)).unwrap(),
    }
}

/// A payment, what is open, and what names what.
#[derive(Debug, Clone)]
struct World {
    amount: u32,
    invoices: Vec<Invoice>,
    remitted: Vec<(usize, Option<u32>)>,
    named: Vec<usize>,
    by_account: BTreeSet<u128>,
    by_name: BTreeSet<u128>,
}

fn any_world() -> impl Strategy<Value = World> {
    let invoices = prop::collection::vec((1_u128..4, 1_u32..40, 0_u64..9), 1..8);
    let remitted = prop::collection::vec((0_usize..10, prop::option::of(1_u32..20)), 0..3);
    let payers = || prop::collection::btree_set(1_u128..4, 0..3);
    (1_u32..120, invoices, remitted, prop::collection::vec(0_usize..8, 0..4), payers(), payers()).prop_map(
        |(amount, invoices, remitted, named, by_account, by_name)| World {
            amount,
            invoices: (0..).zip(invoices).map(|(at, (payer, open, due))| (at, payer, open, due)).collect(),
            remitted,
            named,
            by_account,
            by_name,
        },
    )
}

impl World {
    fn evidence(&self, order: &[usize]) -> Evidence {
        let open: Vec<Candidate> = order.iter().filter_map(|at| self.invoices.get(*at)).map(candidate).collect();
        let payer_of = |number: usize| self.invoices.get(number).map(|invoice| Uuid::from_u128(invoice.1));
        let ids = |payers: &BTreeSet<u128>| payers.iter().map(|payer| Uuid::from_u128(*payer)).collect::<BTreeSet<_>>();
        let mut left = Decimal::from(self.amount);
        let remitted = self.remitted.iter().map(|(number, amount)| {
            // The door refuses parts that make more than the whole.
            let amount = amount.map(|amount| Decimal::from(amount).min(left)).filter(|amount| !amount.is_zero());
            left -= amount.unwrap_or_default();
            (Remitted { invoice: format!("F-{number}"), amount, deduction: None, reason: None }, payer_of(*number))
        });
        let remitted = remitted.collect();
        let named = |candidate: &&Candidate| self.named.iter().any(|at| candidate.number == format!("F-{at}"));
        let mut payers = ids(&self.by_account);
        payers.extend(ids(&self.by_name));
        Evidence {
            amount: self.amount.into(),
            remitted,
            referenced: open.iter().filter(named).cloned().collect(),
            in_text: open.iter().filter(named).rev().cloned().collect(),
            payers_by_account: ids(&self.by_account),
            payers_by_name: ids(&self.by_name),
            of_payers: open.iter().filter(|invoice| payers.contains(&invoice.payer_id)).cloned().collect(),
            of_amount: open
                .iter()
                .filter(|invoice| invoice.open_amount == Decimal::from(self.amount))
                .cloned()
                .collect(),
            families: BTreeMap::new(),
        }
    }

    fn in_order(&self) -> Vec<usize> {
        (0..self.invoices.len()).collect()
    }
}

fn id(number: &str) -> Uuid {
    Uuid::new_v5(&Uuid::nil(), number.as_bytes())
}

fn key(rank: Rank, number: &str) -> ItemKey {
    ItemKey { date: day(), rank, source: "bank".into(), number: number.into() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_found_does_not_depend_on_the_order_in_which_it_was_read(
        chain in any_chain(), (world, order) in any_world().prop_flat_map(|world| {
            let order = world.in_order();
            (Just(world), Just(order).prop_shuffle())
        })
    ) {
        let expected = matches(&chain, &world.evidence(&world.in_order()));
        prop_assert_eq!(&matches(&chain, &world.evidence(&order)), &expected);
        prop_assert!(expected.iter().skip(1).all(|found| !found.is_certain()), "one at most is certain");
        prop_assert!(expected.iter().all(|found| found.confidence > Decimal::ZERO && found.confidence <= Decimal::ONE));
    }

    #[test]
    fn invoices_of_others_change_nothing(chain in any_chain(), mut world in any_world(), more in 1_u32..40) {
        let amount = Decimal::from(world.amount);
        // Nothing names the invoice that comes.
        world.remitted.retain(|(number, _)| *number < world.invoices.len());
        let alone = matches(&chain, &world.evidence(&world.in_order()));
        let mut crowded = world.clone();
        let number = crowded.invoices.len() + 100;
        crowded.invoices.push((number, 99, more, 1));
        let mut found = matches(&chain, &crowded.evidence(&crowded.in_order()));
        // An invoice of this very amount is no longer about others.
        if Decimal::from(more) != amount {
            prop_assert_eq!(&found, &alone);
        }
        found.retain(super::matching::Match::is_certain);
        prop_assert_eq!(found, alone.into_iter().filter(super::matching::Match::is_certain).collect::<Vec<_>>());
    }

    #[test]
    fn parts_make_up_the_whole(chain in any_chain(), world in any_world()) {
        let evidence = world.evidence(&world.in_order());
        let Some(found) = matches(&chain, &evidence).into_iter().find(super::matching::Match::is_certain) else {
            return Ok(());
        };
        let named: Decimal = found.parts.iter().filter_map(|(_, amount)| *amount).sum();
        prop_assert!(named <= evidence.amount, "M8: {named} of {}", evidence.amount);
        let mut items: Vec<Item> = world.invoices.iter().filter(|invoice| Uuid::from_u128(invoice.1) == found.payer_id)
            .map(|invoice| {
                let told = candidate(invoice);
                Item::Invoice(ledger::Invoice {
                    invoice_id: id(&told.number),
                    key: key(Rank::Invoice, &told.number),
                    amount: told.open_amount,
                    effective_due_date: told.due_date,
                    void: None,
                })
            }).collect();
        let parts = found.parts.iter().map(|(number, amount)| Part { invoice_id: id(number), amount: *amount, closes: false });
        items.push(Item::Credit(ledger::Credit {
            credit_id: id("P"),
            key: key(Rank::Credit(CreditKind::Cash), "P"),
            amount: evidence.amount,
            whole: evidence.amount,
            parts: parts.collect(),
            chooses: true,
            yields: false,
            bank_reference: None,
        }));
        let paid = fold(Opening::default(), items.clone());
        let balance = paid.credits[&id("P")].balance;
        prop_assert_eq!(balance.applied + balance.on_account + balance.waiting + balance.held, evidence.amount, "M8");
        let applied: Decimal = paid.allocations.values().copied().sum();
        prop_assert_eq!(applied, balance.applied);
        // What is tolerated closes its invoice and nothing more.
        for invoice in &world.invoices {
            let told = candidate(invoice);
            let Some(open) = paid.open.get(&id(&told.number)) else { continue };
            let short = Short {
                paid: None,
                currency: "COP".into(), scale: 2, amount: told.open_amount, open: *open, disputed: Decimal::ZERO,
                expected_withholding: Decimal::ZERO, country: "CO".into(), deductions: Vec::new(),
            };
            let Some(Explanation::Tolerated(kind)) = explain(&chain, &short) else { continue };
            let mut settled = items.clone();
            settled.push(Item::Credit(ledger::Credit {
                credit_id: id("D"),
                key: key(Rank::Difference(kind), "D"),
                amount: *open,
                whole: *open,
                parts: vec![Part { invoice_id: id(&told.number), amount: Some(*open), closes: true }],
                chooses: false,
                yields: true,
                bank_reference: None,
            }));
            let closed = fold(Opening::default(), settled);
            prop_assert_eq!(closed.open[&id(&told.number)], Decimal::ZERO);
            prop_assert_eq!(closed.credits[&id("P")].balance, balance, "the payment lies where it lay");
            prop_assert_eq!(closed.credits[&id("D")].balance.applied, *open);
        }
    }
}
