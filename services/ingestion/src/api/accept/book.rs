//! The rows of the accounts that one transaction works on.

mod rows;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use faults::Bug;
use primitives::Currency;
use primitives::ids::{self, Kind};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Trouble;
use super::disputes::Disputes;
use super::ledger::{Credited, Issued, Work, is_same_item};
use super::resolve::Scope;
use super::{floats, voids};
use crate::domain::ledger::{
    AccountKey, Allocations, CreditKind, FoldedCredit, Item, ItemKey, Opening, Outcome, Posting, difference, fold,
};
use crate::domain::receivable;
use crate::store;
use crate::store::credits::CreditRow;
use crate::store::receivables::ReceivableRow;
use crate::store::settlements::{NewEntry, SettlementRow};
pub(crate) use rows::{credit, invoice};
use rows::{credit_key, invoice_key, open_credit};
pub(super) use rows::{credit_row, invoice_row, part_row};

#[derive(Debug, Default)]
pub(super) struct Book {
    /// As they will be saved.
    pub(super) invoices: BTreeMap<Uuid, ReceivableRow>,
    pub(super) credits: BTreeMap<Uuid, CreditRow>,
    /// As they were loaded.
    invoices_before: BTreeMap<Uuid, ReceivableRow>,
    pub(super) credits_before: BTreeMap<Uuid, CreditRow>,
    /// Invoices whose sums must be looked at.
    pub(super) touched: BTreeSet<Uuid>,
    /// Those whose settlements changed.
    settled: BTreeSet<Uuid>,
    postings: Vec<(AccountKey, Posting)>,
    changed: BTreeSet<Uuid>,
}

/// Rows of one account.
#[derive(Debug, Default)]
pub(super) struct Members {
    invoices: Vec<Uuid>,
    credits: Vec<Uuid>,
}

impl Book {
    pub(super) async fn load(
        conn: &mut PgConnection,
        scope: &Scope,
        invoices: &BTreeSet<Uuid>,
        credits: impl Iterator<Item = Uuid>,
    ) -> Result<Self, Trouble> {
        let mut book = Self::default();
        let invoices: Vec<Uuid> = invoices.iter().copied().collect();
        let credits: Vec<Uuid> = credits.collect();
        book.add_invoices(store::receivables::by_ids(conn, scope.tenant_id, &invoices).await?);
        book.add_credits(store::credits::by_ids(conn, scope.tenant_id, &credits).await?);
        Ok(book)
    }

    /// Rows that are here already are newer than what is loaded.
    pub(super) fn add_invoices(&mut self, rows: Vec<ReceivableRow>) {
        for row in rows {
            self.invoices.entry(row.invoice_id).or_insert_with(|| row.clone());
            self.invoices_before.entry(row.invoice_id).or_insert(row);
        }
    }

    pub(super) fn add_credits(&mut self, rows: Vec<CreditRow>) {
        for row in rows {
            self.credits.entry(row.credit_id).or_insert_with(|| row.clone());
            self.credits_before.entry(row.credit_id).or_insert(row);
        }
    }

    /// Writes the facts into the rows and says which accounts have what to fold.
    pub(super) fn take_in(
        &mut self,
        scope: &Scope,
        issued: Issued,
        credited: &Credited<'_>,
    ) -> Result<BTreeMap<AccountKey, Work>, Trouble> {
        let mut work: BTreeMap<AccountKey, Work> = BTreeMap::new();
        for (invoice_id, mut row) in issued {
            let account = row.account()?;
            if let Some(old) = self.invoices_before.get(&invoice_id) {
                row.version = old.version;
                row.open_amount = old.open_amount;
                row.withheld_amount = old.withheld_amount;
                row.disputed_amount = old.disputed_amount;
                row.settled_on = old.settled_on;
                if !is_same_item(old, &row) {
                    work.entry(old.account()?).or_default().correct();
                    work.entry(account).or_default().correct();
                }
            } else {
                work.entry(account).or_default().invoices.insert(invoice_id);
            }
            self.touched.insert(invoice_id);
            let void = voids::credit(scope, &row, self.invoices_before.get(&invoice_id), &self.credits_before);
            self.credits.extend(void.map(|void| (void.credit_id, void)));
            self.invoices.insert(invoice_id, row);
        }
        for (credit_id, (_, row)) in credited {
            let mut row = row.clone();
            let account = row.account()?;
            if let Some(old) = self.credits_before.get(credit_id) {
                row.version = old.version;
                row.recorded_at = old.recorded_at;
                work.entry(old.account()?).or_default().correct();
                work.entry(account).or_default().correct();
            } else {
                work.entry(account).or_default().credits.insert(*credit_id);
            }
            self.credits.insert(*credit_id, row);
        }
        Ok(work)
    }

    /// Whether the new credits name invoices for all that they are, and these are open for all of it: then nothing is left
    /// for an allocation rule, and what else is open cannot matter.
    pub(super) fn is_exact(&self, work: &Work) -> bool {
        let mut claims: BTreeMap<Uuid, Decimal> = BTreeMap::new();
        for row in work.credits.iter().filter_map(|id| self.credits.get(id)) {
            let mut named = Decimal::ZERO;
            for part in row.parts.iter().filter(|part| part.elsewhere.is_none()) {
                let Some(amount) = part.amount else { return false };
                named += amount;
                *claims.entry(part.invoice_id).or_default() += amount;
            }
            if named != row.amount {
                return false;
            }
        }
        claims.iter().all(|(id, claim)| self.invoices.get(id).is_some_and(|row| *claim <= row.open_amount))
    }

    pub(super) fn keys(&self, work: &Work) -> Result<Vec<ItemKey>, Trouble> {
        let invoices = work.invoices.iter().filter_map(|id| self.invoices.get(id)).map(invoice_key);
        let mut keys: Vec<ItemKey> = invoices.collect();
        for row in work.credits.iter().filter_map(|id| self.credits.get(id)) {
            keys.push(credit_key(row)?);
        }
        Ok(keys)
    }

    pub(super) fn by_account(&self) -> Result<BTreeMap<AccountKey, Members>, Trouble> {
        let mut accounts: BTreeMap<AccountKey, Members> = BTreeMap::new();
        for row in self.invoices.values() {
            accounts.entry(row.account()?).or_default().invoices.push(row.invoice_id);
        }
        // The fold makes voids with their invoices.
        for row in self.credits.values().filter(|row| row.kind != CreditKind::Void.as_str()) {
            accounts.entry(row.account()?).or_default().credits.push(row.credit_id);
        }
        Ok(accounts)
    }

    /// Folds what is new onto what is open.
    pub(super) fn resume(
        &mut self,
        account: AccountKey,
        members: &Members,
        work: &Work,
        last: Option<ItemKey>,
    ) -> Result<Option<ItemKey>, Trouble> {
        let mut opening = Opening { last, ..Opening::default() };
        let mut items = Vec::new();
        for row in members.invoices.iter().filter_map(|id| self.invoices.get(id)) {
            if work.invoices.contains(&row.invoice_id) {
                items.push(Item::Invoice(invoice(row)));
            } else {
                opening.invoices.push((invoice(row), row.open_amount));
            }
        }
        for row in members.credits.iter().filter_map(|id| self.credits.get(id)) {
            if work.credits.contains(&row.credit_id) {
                items.push(Item::Credit(credit(row)?));
            } else {
                opening.credits.push(open_credit(row)?);
            }
        }
        let outcome = fold(opening, items);
        let postings = difference(&Allocations::new(), &outcome.allocations);
        Ok(self.write_down(account, postings, outcome))
    }

    /// Folds the whole account and posts the differences.
    pub(super) fn refold(
        &mut self,
        account: AccountKey,
        members: &Members,
        in_force: Option<&Allocations>,
    ) -> Result<Option<ItemKey>, Trouble> {
        let mut items: Vec<Item> = members
            .invoices
            .iter()
            .filter_map(|id| self.invoices.get(id))
            .map(|row| Item::Invoice(invoice(row)))
            .collect();
        for row in members.credits.iter().filter_map(|id| self.credits.get(id)) {
            items.push(Item::Credit(credit(row)?));
        }
        let outcome = fold(Opening::default(), items);
        let nothing = Allocations::new();
        let mut postings = difference(in_force.unwrap_or(&nothing), &outcome.allocations);
        if faults::seeded(Bug::ForgottenReversal) {
            postings.retain(|posting| !posting.reverse);
        }
        Ok(self.write_down(account, postings, outcome))
    }

    fn write_down(&mut self, account: AccountKey, postings: Vec<Posting>, outcome: Outcome) -> Option<ItemKey> {
        for (invoice_id, open) in outcome.open {
            if let Some(row) = self.invoices.get_mut(&invoice_id) {
                row.open_amount = if faults::seeded(Bug::FloatSum) {
                    floats::difference(row.amount, row.amount - open)
                } else {
                    open
                };
            }
        }
        for (credit_id, FoldedCredit { balance, waiting }) in outcome.credits {
            if let Some(row) = self.credits.get_mut(&credit_id) {
                (row.applied, row.on_account, row.waiting, row.held) =
                    (balance.applied, balance.on_account, balance.waiting, balance.held);
                for (index, part) in row.parts.iter_mut().enumerate() {
                    part.waiting = waiting.get(&index).copied();
                }
            }
        }
        for posting in &postings {
            self.settled.insert(posting.key.invoice_id);
            self.touched.insert(posting.key.invoice_id);
        }
        self.postings.extend(postings.into_iter().map(|posting| (account, posting)));
        outcome.last
    }

    /// Posts the journal and brings the sums of touched invoices up to date; returns their settlements in force.
    pub(super) async fn settle(
        &mut self,
        conn: &mut PgConnection,
        scope: &Scope,
        now: DateTime<Utc>,
        disputes: &Disputes,
    ) -> Result<BTreeMap<Uuid, Vec<SettlementRow>>, Trouble> {
        let entries: Vec<NewEntry> =
            self.postings.iter().map(|(account, posting)| self.entry(scope, *account, posting)).collect();
        store::settlements::post(conn, scope.tenant_id, now, &entries).await?;
        // An invoice of which all is open has no settlement in force (M1).
        let is_settled = |id: &&Uuid| self.invoices.get(*id).is_some_and(|row| row.open_amount != row.amount);
        let partly_settled: Vec<Uuid> = self.touched.iter().filter(is_settled).copied().collect();
        let settlements = store::settlements::of_invoices(conn, scope.tenant_id, &partly_settled).await?;
        for invoice_id in self.touched.iter().copied() {
            let Some(row) = self.invoices.get_mut(&invoice_id) else { continue };
            let in_force = settlements.get(&invoice_id).map_or(&[][..], Vec::as_slice);
            let withheld = in_force.iter().filter(|settlement| settlement.kind == CreditKind::Withholding.as_str());
            row.withheld_amount = withheld.map(|settlement| settlement.amount).sum();
            if let Some(expected) = &mut row.standing.expected {
                let notes = in_force.iter().filter(|settlement| {
                    settlement.kind == CreditKind::CreditNote.as_str() && settlement.value_date >= expected.from
                });
                expected.credited = notes.map(|settlement| settlement.amount).sum::<Decimal>().normalize();
            }
            let latest = in_force.iter().map(|settlement| settlement.value_date).max();
            row.settled_on = latest.filter(|_| row.open_amount.is_zero());
            let scale = Currency::parse(&row.currency).map_or(2, |currency| currency.scale());
            row.disputed_amount = receivable::disputed(row.open_amount, disputes.open_amounts(invoice_id, scale));
            let before = self.invoices_before.get(&invoice_id);
            let differs = before.is_none_or(|before| {
                let order = std::mem::replace(&mut row.source_order, before.source_order.clone());
                let differs = before != row;
                row.source_order = order;
                differs || self.settled.contains(&invoice_id)
            });
            if differs {
                row.version += 1;
                self.changed.insert(invoice_id);
            }
        }
        for (credit_id, row) in &mut self.credits {
            let before = self.credits_before.get(credit_id);
            let differs = before.is_none_or(|before| {
                let order = std::mem::replace(&mut row.source_order, before.source_order.clone());
                let differs = before != row;
                row.source_order = order;
                differs
            });
            if differs {
                row.version += 1;
                self.changed.insert(*credit_id);
            }
        }
        Ok(settlements)
    }

    /// Invoices that payments of this transaction name and leave partly open, where Puntual applies cash.
    pub(super) fn left_open(&self) -> Vec<Uuid> {
        let named = self.postings.iter().filter(|(_, posting)| !posting.reverse && !posting.key.inferred);
        let paid = named.filter(|(_, posting)| {
            let credit = self.credits.get(&posting.key.credit_id);
            credit.is_some_and(|row| row.kind == CreditKind::Cash.as_str() && row.application_authority == "puntual")
        });
        let invoices: BTreeSet<Uuid> = paid.map(|(_, posting)| posting.key.invoice_id).collect();
        let is_open = |id: &Uuid| self.invoices.get(id).is_some_and(|row| !row.open_amount.is_zero());
        invoices.into_iter().filter(is_open).collect()
    }

    fn entry(&self, scope: &Scope, account: AccountKey, posting: &Posting) -> NewEntry {
        let key = &posting.key;
        let chosen = if key.inferred { "inferred" } else { "named" };
        let natural_key =
            [&*key.credit_id.to_string(), &*key.invoice_id.to_string(), chosen, &*key.value_date.to_string()];
        NewEntry {
            settlement_id: ids::derive(scope.tenant_id, Kind::Settlement, &natural_key),
            account,
            kind: self.credits.get(&key.credit_id).map(|row| row.kind.clone()).unwrap_or_default(),
            key: key.clone(),
            reverse: posting.reverse,
            amount: posting.amount,
        }
    }

    pub(super) fn changed_invoices(&self) -> impl Iterator<Item = &ReceivableRow> {
        self.invoices.values().filter(|row| self.changed.contains(&row.invoice_id))
    }

    pub(super) fn changed_credits(&self) -> impl Iterator<Item = &CreditRow> {
        self.credits.values().filter(|row| self.changed.contains(&row.credit_id))
    }

    pub(super) async fn save(&self, conn: &mut PgConnection, scope: &Scope, now: DateTime<Utc>) -> Result<(), Trouble> {
        let is_corrected = |row: &&ReceivableRow| {
            self.invoices_before.get(&row.invoice_id).is_some_and(|before| owed(before) != owed(row))
        };
        let corrected: Vec<Uuid> = self.invoices.values().filter(is_corrected).map(|row| row.invoice_id).collect();
        store::receivables::keep(conn, scope.tenant_id, now, &corrected).await?;
        // A re-sent fact with a newer version is remembered even when it says nothing new.
        let invoices = self.invoices.values().filter(|row| self.invoices_before.get(&row.invoice_id) != Some(row));
        let credits = self.credits.values().filter(|row| self.credits_before.get(&row.credit_id) != Some(row));
        store::receivables::save(conn, scope.tenant_id, now, &invoices.collect::<Vec<_>>()).await?;
        store::credits::save(conn, scope.tenant_id, &credits.collect::<Vec<_>>()).await?;
        Ok(())
    }
}

/// What a balance of the past depends on.
fn owed(row: &ReceivableRow) -> (Uuid, Uuid, &str, Decimal, NaiveDate) {
    (row.customer_id, row.payer_id, &row.currency, row.amount, row.issue_date)
}
