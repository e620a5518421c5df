//! The fold itself: one pass over sorted items.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::duplicates::suspected_duplicates;
use super::{AllocationKey, Allocations, Balance, Credit, Invoice, Item, ItemKey, Void};

/// Where a fold starts: empty, or with what an earlier fold left open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opening {
    /// Every invoice that is open, and those that the new items name.
    pub(crate) invoices: Vec<(Invoice, Decimal)>,
    /// Every credit of which something waits or lies on account.
    pub(crate) credits: Vec<OpenCredit>,
    pub(crate) last: Option<ItemKey>,
}

/// A credit that an earlier fold has not used up.
#[derive(Debug, Clone)]
pub(crate) struct OpenCredit {
    pub(crate) credit: Credit,
    pub(crate) balance: Balance,
    /// By index of the part, what is reserved for it; zero for a part that takes whatever is open.
    pub(crate) waiting: BTreeMap<usize, Decimal>,
}

/// What a fold ends with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) open: BTreeMap<Uuid, Decimal>,
    pub(crate) credits: BTreeMap<Uuid, FoldedCredit>,
    /// The allocations that this fold made.
    pub(crate) allocations: Allocations,
    pub(crate) last: Option<ItemKey>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FoldedCredit {
    pub(crate) balance: Balance,
    pub(crate) waiting: BTreeMap<usize, Decimal>,
}

/// Folds `items` onto `opening`. The caller sees to it that all of them sort after `opening.last`, or that order does
/// not matter (see [`super::plan`]).
pub(crate) fn fold(opening: Opening, mut items: Vec<Item>) -> Outcome {
    items.sort_by(|a, b| a.key().cmp(b.key()));
    let credits = items.iter().filter_map(|item| match item {
        Item::Credit(credit) => Some(credit),
        Item::Invoice(_) => None,
    });
    let held = suspected_duplicates(credits);
    let mut book = Book::open(opening);
    for item in items {
        if book.last.as_ref().is_none_or(|last| last < item.key()) {
            book.last = Some(item.key().clone());
        }
        match item {
            Item::Invoice(invoice) => book.invoice(&invoice),
            Item::Credit(credit) if held.contains(&credit.credit_id) => book.hold(credit),
            Item::Credit(credit) => book.credit(credit),
        }
    }
    book.close()
}

/// An open credit while folding.
struct Entry {
    credit: Credit,
    applied: Decimal,
    /// Neither applied nor reserved for a part with an amount.
    rest: Decimal,
    held: Decimal,
    waiting: BTreeMap<usize, Decimal>,
}

impl Entry {
    /// A waiting part without an amount may take all that is left, so nothing else gets it meanwhile.
    fn rest_waits(&self) -> bool {
        self.waiting.keys().any(|index| self.credit.parts.get(*index).is_some_and(|part| part.amount.is_none()))
    }

    fn balance(&self) -> Balance {
        let reserved: Decimal = self.waiting.values().sum();
        let (waiting, on_account) =
            if self.rest_waits() { (reserved + self.rest, Decimal::ZERO) } else { (reserved, self.rest) };
        if self.credit.yields {
            return Balance { applied: self.applied, on_account: Decimal::ZERO, waiting, held: self.held + on_account };
        }
        Balance { applied: self.applied, on_account, waiting, held: self.held }
    }
}

#[derive(Default)]
struct Book {
    open: BTreeMap<Uuid, Decimal>,
    /// What is open by age: (effective due date, number, id).
    by_age: BTreeSet<(NaiveDate, String, Uuid)>,
    age_of: BTreeMap<Uuid, (NaiveDate, String, Uuid)>,
    /// In the order of the fold.
    credits: Vec<Entry>,
    /// Indices of credits whose rest a rule may apply.
    free: BTreeSet<usize>,
    /// Invoice that has not come -> the (credit, part) indices that name it.
    expected: BTreeMap<Uuid, BTreeSet<(usize, usize)>>,
    allocations: Allocations,
    last: Option<ItemKey>,
}

impl Book {
    fn open(opening: Opening) -> Self {
        let mut book = Self { last: opening.last, ..Self::default() };
        for (invoice, open) in opening.invoices {
            book.know(&invoice, open);
        }
        let mut credits = opening.credits;
        credits.sort_by(|a, b| a.credit.key.cmp(&b.credit.key));
        for OpenCredit { credit, balance, waiting } in credits {
            let reserved: Decimal = waiting.values().sum();
            let rest = balance.on_account + balance.waiting - reserved;
            book.add(Entry { credit, applied: balance.applied, rest, held: balance.held, waiting });
        }
        book
    }

    fn know(&mut self, invoice: &Invoice, open: Decimal) {
        let age = (invoice.effective_due_date, invoice.key.number.clone(), invoice.invoice_id);
        self.open.insert(invoice.invoice_id, open);
        if open > Decimal::ZERO {
            self.by_age.insert(age.clone());
        }
        self.age_of.insert(invoice.invoice_id, age);
    }

    fn add(&mut self, entry: Entry) -> usize {
        let index = self.credits.len();
        for part in entry.waiting.keys() {
            if let Some(named) = entry.credit.parts.get(*part) {
                self.expected.entry(named.invoice_id).or_default().insert((index, *part));
            }
        }
        self.credits.push(entry);
        self.refresh(index);
        index
    }

    fn invoice(&mut self, invoice: &Invoice) {
        self.know(invoice, invoice.amount);
        if let Some(void) = &invoice.void {
            self.void(invoice, void);
        }
        let date = invoice.key.date;
        for (index, part) in self.expected.remove(&invoice.invoice_id).unwrap_or_default() {
            self.arrived(index, part, invoice.invoice_id, date);
            self.refresh(index);
        }
        self.spend(date);
    }

    fn void(&mut self, invoice: &Invoice, void: &Void) {
        self.open.insert(invoice.invoice_id, Decimal::ZERO);
        if let Some(age) = self.age_of.get(&invoice.invoice_id) {
            self.by_age.remove(age);
        }
        let value_date = void.on.max(invoice.key.date);
        let key =
            AllocationKey { invoice_id: invoice.invoice_id, value_date, credit_id: void.credit_id, inferred: false };
        self.allocations.insert(key, invoice.amount);
    }

    /// A part that waited meets its invoice.
    fn arrived(&mut self, index: usize, part: usize, invoice_id: Uuid, date: NaiveDate) {
        let Some(entry) = self.credits.get_mut(index) else { return };
        let reserved = entry.waiting.remove(&part).unwrap_or_default();
        let closes = entry.credit.parts.get(part).is_some_and(|part| part.closes);
        let named = entry.credit.parts.get(part).and_then(|part| part.amount);
        let available = if named.is_some() { reserved } else { entry.rest };
        // What the invoice does not need of a named amount goes back to the rest.
        entry.rest += reserved;
        if !closes || self.is_closed_by(invoice_id, available) {
            self.apply(index, invoice_id, available, false, date);
        }
    }

    fn hold(&mut self, credit: Credit) {
        let held = credit.amount;
        self.add(Entry { credit, applied: Decimal::ZERO, rest: Decimal::ZERO, held, waiting: BTreeMap::new() });
    }

    fn credit(&mut self, credit: Credit) {
        let date = credit.key.date;
        let parts = credit.parts.clone();
        let rest = credit.amount;
        let index =
            self.add(Entry { credit, applied: Decimal::ZERO, rest, held: Decimal::ZERO, waiting: BTreeMap::new() });
        // Amounts first: a part without one takes what the others leave.
        let (exact, open_ended): (Vec<_>, Vec<_>) =
            parts.iter().enumerate().partition(|(_, part)| part.amount.is_some());
        // What named amounts leave unused of themselves belongs to the rest only once all of them have had theirs.
        let mut unclaimed = rest;
        for (part, named) in exact {
            let claimed = named.amount.unwrap_or_default().min(unclaimed);
            unclaimed -= claimed;
            if self.open.contains_key(&named.invoice_id) {
                if !named.closes || self.is_closed_by(named.invoice_id, claimed) {
                    self.apply(index, named.invoice_id, claimed, false, date);
                }
            } else if claimed > Decimal::ZERO {
                self.wait(index, part, named.invoice_id, claimed);
            }
        }
        for (part, named) in open_ended {
            if self.open.contains_key(&named.invoice_id) {
                let rest = self.credits.get(index).map_or(Decimal::ZERO, |entry| entry.rest);
                self.apply(index, named.invoice_id, rest, false, date);
            } else {
                self.wait(index, part, named.invoice_id, Decimal::ZERO);
            }
        }
        self.refresh(index);
        self.spend(date);
    }

    fn wait(&mut self, index: usize, part: usize, invoice_id: Uuid, reserved: Decimal) {
        if let Some(entry) = self.credits.get_mut(index) {
            entry.rest -= reserved;
            entry.waiting.insert(part, reserved);
            self.expected.entry(invoice_id).or_default().insert((index, part));
        }
    }

    fn is_closed_by(&self, invoice_id: Uuid, amount: Decimal) -> bool {
        self.open.get(&invoice_id).is_some_and(|open| *open <= amount)
    }

    /// Applies up to `available` of the credit's rest to the invoice.
    fn apply(&mut self, index: usize, invoice_id: Uuid, available: Decimal, inferred: bool, value_date: NaiveDate) {
        let (Some(entry), Some(open)) = (self.credits.get_mut(index), self.open.get_mut(&invoice_id)) else { return };
        let amount = available.min(entry.rest).min(*open);
        if amount <= Decimal::ZERO {
            return;
        }
        entry.rest -= amount;
        entry.applied += amount;
        *open -= amount;
        if open.is_zero()
            && let Some(age) = self.age_of.get(&invoice_id)
        {
            self.by_age.remove(age);
        }
        let key = AllocationKey { invoice_id, value_date, credit_id: entry.credit.credit_id, inferred };
        *self.allocations.entry(key).or_default() += amount;
    }

    fn refresh(&mut self, index: usize) {
        let free = self
            .credits
            .get(index)
            .is_some_and(|entry| entry.credit.chooses && entry.rest > Decimal::ZERO && !entry.rest_waits());
        if free {
            self.free.insert(index);
        } else {
            self.free.remove(&index);
        }
    }

    /// What lies on account pays the oldest open invoices, oldest credit first.
    fn spend(&mut self, date: NaiveDate) {
        while let (Some(index), Some((_, _, invoice_id))) = (self.free.first().copied(), self.by_age.first().cloned()) {
            let rest = self.credits.get(index).map_or(Decimal::ZERO, |entry| entry.rest);
            self.apply(index, invoice_id, rest, true, date);
            self.refresh(index);
        }
    }

    fn close(self) -> Outcome {
        let credits = self
            .credits
            .into_iter()
            .map(|entry| {
                let balance = entry.balance();
                // Parts of a credit that is used up wait for nothing.
                let waiting = if balance.waiting.is_zero() { BTreeMap::new() } else { entry.waiting };
                (entry.credit.credit_id, FoldedCredit { balance, waiting })
            })
            .collect();
        Outcome { open: self.open, credits, allocations: self.allocations, last: self.last }
    }
}
