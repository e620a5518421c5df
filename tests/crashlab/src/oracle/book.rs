//! The ledger: the items of one payer in one currency, by value date; what names an invoice pays it, what is left pays the
//! oldest.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Credit, Invoice, Key, Truth, newest};
use crate::told::{Fact, Part, Told};

/// A credit while it is applied.
struct Purse {
    key: Key,
    parts: Vec<Part>,
    rest: Decimal,
    /// (invoice, reserved).
    waiting: Vec<(String, Decimal)>,
    /// Whether a rule may spend what nobody named: cash and credit notes alike.
    applied: Decimal,
}

/// By (day, rank, number).
type Items = BTreeMap<(NaiveDate, u8, String), Item>;

enum Item {
    Invoice(Key),
    Credit(Key, Vec<Part>),
}

pub(super) fn fold(facts: &[&Fact], truth: &mut Truth) {
    let invoices = newest(facts, |told| match told {
        Told::Invoice { number, .. } => Some(number),
        _ => None,
    });
    let credits = newest(facts, |told| match told {
        Told::Payment { number, .. } | Told::CreditNote { number, .. } => Some(number),
        _ => None,
    });
    // (tenant, payer, currency) -> items.
    let mut accounts: BTreeMap<(usize, String, String), Items> = BTreeMap::new();
    for (key, fact) in invoices {
        if let Told::Invoice { customer, currency, amount, issued, due, effective, .. } = &fact.told {
            let account = accounts.entry((key.0, customer.clone(), currency.clone())).or_default();
            account.insert((*issued, 0, key.1.clone()), Item::Invoice(key.clone()));
            let invoice = Invoice {
                currency: currency.clone(),
                amount: *amount,
                due: *due,
                effective: effective.unwrap_or(*due),
                open: *amount,
                settled: Vec::new(),
                disputed: Decimal::ZERO,
            };
            truth.invoices.insert(key, invoice);
        }
    }
    for (key, fact) in credits {
        let (payer, currency, amount, on, parts, rank) = match &fact.told {
            Told::Payment { payer, currency, amount, on, parts, .. } => (payer, currency, amount, on, parts, 3),
            Told::CreditNote { customer, currency, amount, on, parts, .. } => {
                (customer, currency, amount, on, parts, 1)
            }
            _ => continue,
        };
        let account = accounts.entry((key.0, payer.clone(), currency.clone())).or_default();
        account.insert((*on, rank, key.1.clone()), Item::Credit(key.clone(), parts.clone()));
        let credit = Credit {
            currency: currency.clone(),
            amount: *amount,
            applied: Decimal::ZERO,
            on_account: Decimal::ZERO,
            waiting: Decimal::ZERO,
        };
        truth.credits.insert(key, credit);
    }
    for ((tenant, _, _), items) in accounts {
        let mut account = Account { tenant, truth, purses: Vec::new(), known: Vec::new() };
        for ((day, _, _), item) in items {
            match item {
                Item::Invoice(key) => account.invoice(&key, day),
                Item::Credit(key, parts) => account.credit(key, parts, day),
            }
            account.spend(day);
        }
        account.close();
    }
}

struct Account<'a> {
    tenant: usize,
    truth: &'a mut Truth,
    purses: Vec<Purse>,
    /// Invoices that the fold has passed.
    known: Vec<String>,
}

impl Account<'_> {
    fn apply(&mut self, purse: usize, invoice: &str, at_most: Decimal, day: NaiveDate) {
        let purse = &mut self.purses[purse];
        let Some(invoice) = self.truth.invoices.get_mut(&(self.tenant, invoice.to_owned())) else { return };
        let amount = at_most.min(purse.rest).min(invoice.open);
        if amount > Decimal::ZERO {
            purse.rest -= amount;
            purse.applied += amount;
            invoice.open -= amount;
            invoice.settled.push((day, amount));
        }
    }

    fn invoice(&mut self, key: &Key, day: NaiveDate) {
        self.known.push(key.1.clone());
        for purse in 0..self.purses.len() {
            let reserved: Vec<Decimal> =
                self.purses[purse].waiting.iter().filter(|(named, _)| *named == key.1).map(|(_, sum)| *sum).collect();
            self.purses[purse].waiting.retain(|(named, _)| *named != key.1);
            for sum in reserved {
                self.purses[purse].rest += sum;
                self.apply(purse, &key.1, sum, day);
            }
        }
    }

    /// All parts of this workload name an amount.
    fn credit(&mut self, key: Key, parts: Vec<Part>, day: NaiveDate) {
        let amount = self.truth.credits[&key].amount;
        self.purses.push(Purse {
            key,
            parts: parts.clone(),
            rest: amount,
            waiting: Vec::new(),
            applied: Decimal::ZERO,
        });
        let index = self.purses.len() - 1;
        let mut unclaimed = amount;
        for part in parts {
            let claimed = part.amount.unwrap_or_default().min(unclaimed);
            unclaimed -= claimed;
            if self.known.contains(&part.invoice) {
                self.apply(index, &part.invoice, claimed, day);
            } else if claimed > Decimal::ZERO {
                self.purses[index].rest -= claimed;
                self.purses[index].waiting.push((part.invoice.clone(), claimed));
            }
        }
    }

    /// What lies free pays what fell due first.
    fn spend(&mut self, day: NaiveDate) {
        loop {
            let Some(purse) = self.purses.iter().position(|purse| purse.rest > Decimal::ZERO) else { return };
            let oldest = self
                .known
                .iter()
                .filter_map(|number| Some((number, self.truth.invoices.get(&(self.tenant, number.clone()))?)))
                .filter(|(_, invoice)| invoice.open > Decimal::ZERO)
                .min_by_key(|(number, invoice)| (invoice.effective, (*number).clone()))
                .map(|(number, _)| number.clone());
            let Some(oldest) = oldest else { return };
            let rest = self.purses[purse].rest;
            self.apply(purse, &oldest, rest, day);
        }
    }

    fn close(self) {
        for purse in self.purses {
            debug_assert!(purse.parts.iter().all(|part| part.amount.is_some()), "the workload names amounts");
            if let Some(credit) = self.truth.credits.get_mut(&purse.key) {
                credit.applied = purse.applied;
                credit.on_account = purse.rest;
                credit.waiting = purse.waiting.iter().map(|(_, sum)| *sum).sum();
            }
        }
    }
}
