//! The fold against a model of the store: whatever the order, the split into batches and the repetition of facts, the ledger
//! is the one that folding everything at once gives.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// One fact about an item; `order` says which of several about one item is newest.
#[derive(Debug, Clone)]
struct Change {
    order: u32,
    item: Item,
}

/// What the store keeps of one account.
#[derive(Debug, Default)]
struct Account {
    invoices: BTreeMap<Uuid, (u32, Invoice)>,
    credits: BTreeMap<Uuid, (u32, Credit)>,
    open: BTreeMap<Uuid, Decimal>,
    folded: BTreeMap<Uuid, FoldedCredit>,
    in_force: Allocations,
    last: Option<ItemKey>,
    resumed: usize,
    refolded: usize,
}

impl Account {
    fn post(&mut self, batch: &[Change]) {
        let mut new = BTreeMap::new();
        let mut corrected = false;
        for change in batch {
            let (id, stored) = match &change.item {
                Item::Invoice(invoice) => {
                    (invoice.invoice_id, self.invoices.get(&invoice.invoice_id).map(|(order, _)| *order))
                }
                Item::Credit(credit) => {
                    (credit.credit_id, self.credits.get(&credit.credit_id).map(|(order, _)| *order))
                }
            };
            if stored.is_some_and(|order| order >= change.order) {
                continue;
            }
            corrected |= stored.is_some();
            new.insert(id, change.item.clone());
            match change.item.clone() {
                Item::Invoice(invoice) => drop(self.invoices.insert(id, (change.order, invoice))),
                Item::Credit(credit) => drop(self.credits.insert(id, (change.order, credit))),
            }
        }
        let meets_reference = new.values().any(|item| match item {
            Item::Credit(credit) => {
                credit.bank_reference.is_some()
                    && self.credits.values().any(|(_, other)| {
                        other.bank_reference == credit.bank_reference && !new.contains_key(&other.credit_id)
                    })
            }
            Item::Invoice(_) => false,
        });
        let new: Vec<Item> = new.into_values().collect();
        let news = News { corrected, meets_reference, has_credits: !self.credits.is_empty() };
        match plan(self.last.as_ref(), new.iter().map(Item::key), news) {
            Plan::Resume => {
                self.resumed += 1;
                let outcome = fold(self.opening(&new), new);
                self.open.extend(outcome.open);
                self.folded.extend(outcome.credits);
                for (key, amount) in outcome.allocations {
                    *self.in_force.entry(key).or_default() += amount;
                }
                self.last = outcome.last;
            }
            Plan::Refold => {
                self.refolded += 1;
                let outcome = fold(Opening::default(), self.items());
                for posting in difference(&self.in_force, &outcome.allocations) {
                    let amount = self.in_force.entry(posting.key).or_default();
                    if posting.reverse { *amount -= posting.amount } else { *amount += posting.amount }
                }
                self.in_force.retain(|_, amount| !amount.is_zero());
                self.open = outcome.open;
                self.folded = outcome.credits;
                self.last = outcome.last;
            }
        }
    }

    fn items(&self) -> Vec<Item> {
        let invoices = self.invoices.values().map(|(_, invoice)| Item::Invoice(invoice.clone()));
        invoices.chain(self.credits.values().map(|(_, credit)| Item::Credit(credit.clone()))).collect()
    }

    /// Only what the store would load: open items, and settled invoices that are named.
    fn opening(&self, new: &[Item]) -> Opening {
        let is_named = |id: &Uuid| {
            new.iter().any(
                |item| matches!(item, Item::Credit(credit) if credit.parts.iter().any(|part| part.invoice_id == *id)),
            )
        };
        let invoices = self.open.iter().filter(|(id, open)| !open.is_zero() || is_named(id));
        let credits =
            self.folded.iter().filter(|(_, folded)| !(folded.balance.on_account + folded.balance.waiting).is_zero());
        Opening {
            invoices: invoices.map(|(id, open)| (self.invoices[id].1.clone(), *open)).collect(),
            credits: credits
                .map(|(id, folded)| OpenCredit {
                    credit: self.credits[id].1.clone(),
                    balance: folded.balance,
                    waiting: folded.waiting.clone(),
                })
                .collect(),
            last: self.last.clone(),
        }
    }

    fn digest(&self) -> Vec<String> {
        let open = self.open.iter().map(|(id, open)| format!("invoice {id} {}", open.normalize()));
        let credits = self.folded.iter().map(|(id, FoldedCredit { balance, waiting })| {
            let parts: Vec<_> = waiting.iter().map(|(part, amount)| (part, amount.normalize())).collect();
            let Balance { applied, on_account, waiting, held } = balance;
            format!(
                "credit {id} {} {} {} {} {parts:?}",
                applied.normalize(),
                on_account.normalize(),
                waiting.normalize(),
                held.normalize()
            )
        });
        let allocations =
            self.in_force.iter().map(|(key, amount)| format!("allocation {key:?} {}", amount.normalize()));
        open.chain(credits).chain(allocations).collect()
    }

    /// M1, M2 and M4.
    fn is_conserved(&self) {
        for (id, (_, invoice)) in &self.invoices {
            let settled: Decimal =
                self.in_force.iter().filter(|(key, _)| key.invoice_id == *id).map(|(_, amount)| *amount).sum();
            assert_eq!(self.open[id], invoice.amount - settled, "M1");
            assert!(self.open[id] >= Decimal::ZERO, "M4");
        }
        for (id, (_, credit)) in &self.credits {
            let applied: Decimal =
                self.in_force.iter().filter(|(key, _)| key.credit_id == *id).map(|(_, amount)| *amount).sum();
            let balance = self.folded[id].balance;
            assert_eq!(balance.applied, applied, "M2");
            assert_eq!(credit.amount, balance.applied + balance.on_account + balance.waiting + balance.held, "M2");
            for part in [balance.applied, balance.on_account, balance.waiting, balance.held] {
                assert!(part >= Decimal::ZERO, "M4");
            }
        }
    }
}

fn folded(changes: &[Change]) -> Account {
    let mut account = Account::default();
    account.post(changes);
    account
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, day).unwrap()
}

fn invoice(number: u32, issued: u32, due: u32, amount: u32) -> Item {
    Item::Invoice(Invoice {
        invoice_id: Uuid::from_u128(number.into()),
        key: ItemKey { date: day(issued), rank: Rank::Invoice, source: "erp".into(), number: format!("F-{number}") },
        amount: amount.into(),
        effective_due_date: day(due),
        void: None,
    })
}

fn voided(item: Item, on: u32) -> Item {
    let Item::Invoice(invoice) = item else { return item };
    let credit_id = Uuid::from_u128(5000 + invoice.invoice_id.as_u128());
    Item::Invoice(Invoice { void: Some(Void { credit_id, on: day(on) }), ..invoice })
}

#[derive(Debug, Clone)]
struct Paid {
    number: u32,
    kind: CreditKind,
    day: u32,
    amount: u32,
    parts: Vec<(u32, Option<u32>)>,
    chooses: bool,
    closes: bool,
    reference: Option<u32>,
}

fn credit(paid: Paid) -> Item {
    let parts = paid.parts.into_iter().map(|(invoice, amount)| Part {
        invoice_id: Uuid::from_u128(invoice.into()),
        amount: amount.map(Decimal::from),
        closes: paid.closes,
    });
    Item::Credit(Credit {
        credit_id: Uuid::from_u128((1000 + paid.number).into()),
        key: ItemKey {
            date: day(paid.day),
            rank: if paid.closes { Rank::Difference(paid.kind) } else { Rank::Credit(paid.kind) },
            source: "bank".into(),
            number: format!("P-{}", paid.number),
        },
        amount: paid.amount.into(),
        whole: paid.amount.into(),
        parts: parts.collect(),
        chooses: paid.chooses && paid.kind.may_choose(),
        yields: paid.closes || paid.kind == CreditKind::Unexplained,
        bank_reference: paid.reference.map(|reference| reference.to_string()),
    })
}

fn payment(number: u32, day: u32, amount: u32, parts: &[(u32, Option<u32>)]) -> Item {
    credit(Paid {
        number,
        kind: CreditKind::Cash,
        day,
        amount,
        parts: parts.to_vec(),
        chooses: true,
        closes: false,
        reference: None,
    })
}

fn any_item() -> impl Strategy<Value = Item> {
    let any_invoice = (0_u32..7, 1_u32..10, 1_u32..20, 1_u32..60, prop::option::weighted(0.2, 1_u32..20)).prop_map(
        |(number, issued, due, amount, void)| {
            let invoice = invoice(number, issued, due, amount);
            if let Some(on) = void { voided(invoice, on) } else { invoice }
        },
    );
    let kinds = prop_oneof![
        Just(CreditKind::Cash),
        Just(CreditKind::Cash),
        Just(CreditKind::CreditNote),
        Just(CreditKind::Withholding),
        Just(CreditKind::WriteOff),
        Just(CreditKind::Instrument),
        Just(CreditKind::Rounding),
        Just(CreditKind::BankCharge),
        Just(CreditKind::Unexplained)
    ];
    // Invoices 7 and 8 are named and never come.
    let parts = prop::collection::vec((0_u32..9, prop::option::of(1_u32..50)), 0..4);
    let any_credit = (
        0_u32..7,
        kinds,
        1_u32..10,
        1_u32..90,
        parts,
        prop::bool::weighted(0.8),
        prop::option::weighted(0.3, 0_u32..2),
    )
        .prop_map(|(number, kind, day, amount, parts, chooses, reference)| {
            // A difference is of one invoice.
            let closes = matches!(kind, CreditKind::Rounding | CreditKind::BankCharge);
            let parts = if closes { vec![(number, Some(amount))] } else { parts };
            credit(Paid { number, kind, day, amount, parts, chooses, closes, reference })
        });
    prop_oneof![any_invoice, any_credit]
}

/// Facts, some about the same item, and an order of arrival in which some come twice.
fn facts_and_arrivals() -> impl Strategy<Value = (Vec<Change>, Vec<Change>, usize)> {
    prop::collection::vec(any_item(), 1..20).prop_flat_map(|items| {
        let changes: Vec<Change> = (0_u32..).zip(items).map(|(order, item)| Change { order, item }).collect();
        let mut twice = changes.clone();
        twice.extend(changes.iter().step_by(3).cloned());
        (Just(changes), Just(twice).prop_shuffle(), 1_usize..6)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_order_split_and_repetition_gives_the_same_ledger((changes, arrivals, size) in facts_and_arrivals()) {
        let expected = folded(&changes);
        expected.is_conserved();
        let mut account = Account::default();
        for batch in arrivals.chunks(size) {
            account.post(batch);
            account.is_conserved();
        }
        prop_assert_eq!(account.digest(), expected.digest());
    }

    #[test]
    fn items_in_their_order_are_folded_onto_what_is_open(items in prop::collection::vec(any_item(), 1..20)) {
        let mut unique: BTreeMap<ItemKey, Item> = BTreeMap::new();
        for item in items {
            if !unique.values().any(|other| other.key().number == item.key().number) {
                let unreferenced = match item {
                    Item::Credit(credit) => Item::Credit(Credit { bank_reference: None, ..credit }),
                    Item::Invoice(_) => item,
                };
                unique.insert(unreferenced.key().clone(), unreferenced);
            }
        }
        let changes: Vec<Change> = (0_u32..).zip(unique.into_values()).map(|(order, item)| Change { order, item }).collect();
        let mut account = Account::default();
        for change in &changes {
            account.post(std::slice::from_ref(change));
        }
        prop_assert_eq!(account.refolded, 0);
        prop_assert_eq!(account.resumed, changes.len());
        prop_assert_eq!(account.digest(), folded(&changes).digest());
    }
}

fn balance_of(account: &Account, number: u32) -> (u32, u32, u32, u32) {
    let whole = |amount: Decimal| amount.to_string().parse().unwrap();
    let Balance { applied, on_account, waiting, held } =
        account.folded[&Uuid::from_u128((1000 + number).into())].balance;
    (whole(applied), whole(on_account), whole(waiting), whole(held))
}

fn ledger(items: impl IntoIterator<Item = Item>) -> (Account, impl Fn(&Account, u32) -> u32) {
    let changes: Vec<Change> = (0_u32..).zip(items).map(|(order, item)| Change { order, item }).collect();
    let open =
        |account: &Account, number: u32| account.open[&Uuid::from_u128(number.into())].to_string().parse().unwrap();
    (folded(&changes), open)
}

#[test]
fn a_payment_without_remittance_pays_the_oldest_first() {
    let (account, open) = ledger([invoice(1, 1, 20, 100), invoice(2, 2, 10, 100), payment(1, 5, 130, &[])]);
    assert_eq!((open(&account, 1), open(&account, 2)), (70, 0));
    assert_eq!(balance_of(&account, 1), (130, 0, 0, 0));
    assert!(account.in_force.keys().all(|key| key.inferred));
}

#[test]
fn a_named_part_waits_for_its_invoice_and_nothing_else_gets_it() {
    let paid = payment(1, 2, 100, &[(9, Some(60))]);
    let (account, open) = ledger([invoice(1, 1, 20, 100), paid.clone()]);
    assert_eq!((open(&account, 1), balance_of(&account, 1)), (60, (40, 0, 60, 0)));
    let (account, open) = ledger([invoice(1, 1, 20, 100), paid, invoice(9, 5, 20, 50)]);
    assert_eq!((open(&account, 9), open(&account, 1)), (0, 50), "what the invoice does not need pays the oldest");
    let dates: Vec<_> = account.in_force.keys().map(|key| key.value_date).collect();
    assert_eq!(
        dates.iter().filter(|date| **date == day(5)).count(),
        2,
        "nothing settles an invoice before it is issued"
    );
}

#[test]
fn money_on_account_pays_the_next_invoice() {
    let (account, open) = ledger([payment(1, 2, 100, &[]), invoice(1, 3, 20, 70), invoice(2, 4, 20, 70)]);
    assert_eq!((open(&account, 1), open(&account, 2)), (0, 40));
    assert_eq!(balance_of(&account, 1), (100, 0, 0, 0));
}

#[test]
fn where_the_erp_applies_cash_only_named_parts_settle() {
    let paid = Paid {
        number: 1,
        kind: CreditKind::Cash,
        day: 5,
        amount: 100,
        parts: vec![(1, Some(30))],
        chooses: false,
        closes: false,
        reference: None,
    };
    let (account, open) = ledger([invoice(1, 1, 20, 100), credit(paid)]);
    assert_eq!((open(&account, 1), balance_of(&account, 1)), (70, (30, 70, 0, 0)));
}

#[test]
fn a_part_without_an_amount_takes_what_is_open() {
    let (account, open) = ledger([invoice(1, 1, 20, 100), invoice(2, 1, 10, 50), payment(1, 5, 120, &[(1, None)])]);
    assert_eq!((open(&account, 1), open(&account, 2)), (0, 30));
}

#[test]
fn of_two_payments_that_look_alike_the_higher_number_is_held() {
    let twin = |number| Paid {
        number,
        kind: CreditKind::Cash,
        day: 5,
        amount: 40,
        parts: vec![],
        chooses: true,
        closes: false,
        reference: Some(7),
    };
    for order in [[1, 2], [2, 1]] {
        let mut account = Account::default();
        account.post(&[Change { order: 0, item: invoice(1, 1, 20, 100) }]);
        for number in order {
            account.post(&[Change { order: number, item: credit(twin(number)) }]);
        }
        assert_eq!((balance_of(&account, 1), balance_of(&account, 2)), ((40, 0, 0, 0), (0, 0, 0, 40)));
    }
}

#[test]
fn a_smaller_corrected_invoice_frees_the_money() {
    let mut account = Account::default();
    account.post(&[
        Change { order: 0, item: invoice(1, 1, 20, 100) },
        Change { order: 1, item: payment(1, 5, 100, &[(1, None)]) },
    ]);
    account.post(&[Change { order: 2, item: invoice(1, 1, 20, 80) }]);
    account.is_conserved();
    assert_eq!(balance_of(&account, 1), (80, 20, 0, 0));
    assert_eq!(account.refolded, 1);
}

#[test]
fn what_had_paid_a_voided_invoice_pays_the_next_one() {
    let mut account = Account::default();
    account.post(&[
        Change { order: 0, item: invoice(1, 1, 20, 100) },
        Change { order: 1, item: invoice(2, 2, 25, 70) },
        Change { order: 2, item: payment(1, 5, 100, &[(1, None)]) },
    ]);
    account.post(&[Change { order: 3, item: voided(invoice(1, 1, 20, 100), 8) }]);
    account.is_conserved();
    let open = |account: &Account, number: u128| account.open[&Uuid::from_u128(number)];
    assert_eq!((open(&account, 1), open(&account, 2)), (Decimal::ZERO, Decimal::ZERO));
    assert_eq!(balance_of(&account, 1), (70, 30, 0, 0), "a void is settled by nobody's money");
    // Taken back.
    account.post(&[Change { order: 4, item: invoice(1, 1, 20, 100) }]);
    account.is_conserved();
    assert_eq!((open(&account, 1), open(&account, 2), balance_of(&account, 1)), (0.into(), 70.into(), (100, 0, 0, 0)));
}

#[test]
fn what_a_list_shows_as_settled_gives_way_to_what_explains_it() {
    let cleared = Paid {
        number: 1,
        kind: CreditKind::Unexplained,
        day: 6,
        amount: 100,
        parts: vec![(1, Some(100))],
        chooses: false,
        closes: false,
        reference: None,
    };
    let mut account = Account::default();
    account
        .post(&[Change { order: 0, item: invoice(1, 1, 20, 100) }, Change { order: 1, item: credit(cleared.clone()) }]);
    let open = |account: &Account| account.open[&Uuid::from_u128(1)];
    assert_eq!((open(&account), balance_of(&account, 1)), (Decimal::ZERO, (100, 0, 0, 0)));
    account.post(&[Change { order: 2, item: payment(2, 5, 70, &[(1, None)]) }]);
    account.is_conserved();
    assert_eq!((balance_of(&account, 1), balance_of(&account, 2)), ((30, 0, 0, 70), (70, 0, 0, 0)));
    // Open after all, but for what was paid.
    account.post(&[Change { order: 3, item: credit(Paid { amount: 0, parts: vec![(1, Some(0))], ..cleared }) }]);
    account.is_conserved();
    assert_eq!((open(&account), balance_of(&account, 1)), (Decimal::from(30), (0, 0, 0, 0)));
}
