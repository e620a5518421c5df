//! Disputes: kept from the first word, published once their invoice is known.

use std::collections::{BTreeMap, BTreeSet};

use messaging::Outbox;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::book::Book;
use super::resolve::{Known, Scope};
use super::{Notes, Trouble, publish};
use crate::domain::fact::{Body, DisputeOpened, DisputeResolved};
use crate::domain::order::{ChangeOrder, newest};
use crate::store;
use crate::store::disputes::{DisputeRow, ResolutionRow};

/// The disputes that a transaction changes or must look at.
pub(super) struct Disputes {
    rows: BTreeMap<Uuid, DisputeRow>,
    before: BTreeMap<Uuid, DisputeRow>,
    /// Dispute -> line of the fact that opened it, for saying what it waits for.
    opened: BTreeMap<Uuid, usize>,
    changed_resolutions: Vec<ResolutionRow>,
    /// Invoices that facts of this transaction are about, now or before a correction.
    invoices: BTreeSet<Uuid>,
}

impl Disputes {
    /// Loads the disputes that facts are about and writes the facts into them.
    pub(super) async fn load(conn: &mut PgConnection, scope: &Scope, facts: &[Known<'_>]) -> Result<Self, Trouble> {
        let mut disputes = Self {
            rows: BTreeMap::new(),
            before: BTreeMap::new(),
            opened: BTreeMap::new(),
            changed_resolutions: Vec::new(),
            invoices: BTreeSet::new(),
        };
        let ids: BTreeSet<Uuid> = facts.iter().filter_map(|fact| fact.dispute_id(scope)).collect();
        if ids.is_empty() {
            return Ok(disputes);
        }
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let rows = store::disputes::load(conn, scope.tenant_id, &ids, &[]).await?;
        let resolutions = store::disputes::resolutions(conn, scope.tenant_id, &ids).await?;
        disputes.invoices.extend(rows.iter().map(|row| row.invoice_id));
        disputes.add(rows);
        disputes.take_in(scope, facts, resolutions);
        Ok(disputes)
    }

    fn add(&mut self, rows: Vec<DisputeRow>) {
        for row in rows {
            self.rows.entry(row.dispute_id).or_insert_with(|| row.clone());
            self.before.entry(row.dispute_id).or_insert(row);
        }
    }

    fn take_in(&mut self, scope: &Scope, facts: &[Known<'_>], resolutions: Vec<ResolutionRow>) {
        let opened = facts.iter().filter_map(|fact| match &fact.fact().body {
            Body::DisputeOpened(told) => Some((scope.dispute(&told.dispute), &fact.fact().order, (fact, told))),
            _ => None,
        });
        let stored =
            self.rows.values().map(|row| (row.dispute_id, ChangeOrder::stored(row.source_order.clone()))).collect();
        for (dispute_id, (fact, told)) in newest(opened, &stored).winners {
            let row = opened_row(scope, fact, dispute_id, told, self.rows.get(&dispute_id));
            self.invoices.insert(row.invoice_id);
            self.opened.insert(dispute_id, fact.line);
            self.rows.insert(dispute_id, row);
        }
        let resolved = facts.iter().filter_map(|fact| match &fact.fact().body {
            Body::DisputeResolved(told) => Some((scope.dispute(&told.dispute), &fact.fact().order, (fact, told))),
            _ => None,
        });
        let stored =
            resolutions.iter().map(|row| (row.dispute_id, ChangeOrder::stored(row.source_order.clone()))).collect();
        let mut resolutions: BTreeMap<Uuid, ResolutionRow> =
            resolutions.into_iter().map(|row| (row.dispute_id, row)).collect();
        for (dispute_id, (fact, told)) in newest(resolved, &stored).winners {
            let row = resolution_row(dispute_id, fact, told);
            self.changed_resolutions.push(row.clone());
            resolutions.insert(dispute_id, row);
        }
        // A dispute that was resolved stays so, whichever of the two facts came first: another objection is another dispute.
        for (dispute_id, resolution) in resolutions {
            if let Some(row) = self.rows.get_mut(&dispute_id) {
                row.resolved_on = Some(resolution.resolved_on);
                row.outcome = resolution.outcome;
            }
        }
    }

    /// Notes which facts changed nothing, and what the others wait for.
    fn note(&self, scope: &Scope, facts: &[Known<'_>], notes: &mut Notes) {
        for fact in facts {
            let order = fact.fact().order.as_str();
            match &fact.fact().body {
                Body::DisputeOpened(told) => {
                    let row = self.rows.get(&scope.dispute(&told.dispute));
                    match row.filter(|row| row.source_order == order) {
                        Some(row) if row.customer_id.is_none() => {
                            notes.park(fact.line, format!("invoice {}", row.invoice_number));
                        }
                        Some(_) => {}
                        None => drop(notes.stale.insert(fact.line)),
                    }
                }
                Body::DisputeResolved(told) => {
                    let dispute_id = scope.dispute(&told.dispute);
                    let wins = |row: &&ResolutionRow| row.dispute_id == dispute_id && row.source_order == order;
                    if self.changed_resolutions.iter().find(wins).is_none() {
                        notes.stale.insert(fact.line);
                    } else if !self.rows.contains_key(&dispute_id) {
                        notes.park(fact.line, format!("dispute {}", told.dispute));
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn invoices(&self) -> BTreeSet<Uuid> {
        self.invoices.clone()
    }

    /// Also loads the disputes of invoices that changed for other reasons.
    pub(super) async fn of_invoices(
        &mut self,
        conn: &mut PgConnection,
        scope: &Scope,
        invoices: &BTreeSet<Uuid>,
    ) -> Result<(), Trouble> {
        let invoices: Vec<Uuid> = invoices.iter().copied().collect();
        self.add(store::disputes::load(conn, scope.tenant_id, &[], &invoices).await?);
        Ok(())
    }

    /// Amounts of the open disputes of an invoice; `None` stands for all of it. The facts did not know its currency: what is
    /// finer than its minor unit (`scale`) cannot be disputed.
    pub(super) fn open_amounts(&self, invoice_id: Uuid, scale: u32) -> impl Iterator<Item = Option<Decimal>> {
        let of_invoice = move |row: &&DisputeRow| row.invoice_id == invoice_id && row.resolved_on.is_none();
        self.rows.values().filter(of_invoice).map(move |row| row.amount.map(|amount| amount.trunc_with_scale(scale)))
    }

    /// Versions of those that an invoice makes publishable or that changed.
    pub(super) fn decide(&mut self, scope: &Scope, book: &Book, facts: &[Known<'_>], notes: &mut Notes) {
        for row in self.rows.values_mut() {
            if let Some(invoice) = book.invoices.get(&row.invoice_id) {
                row.customer_id = Some(invoice.customer_id);
            }
            let before = self.before.get(&row.dispute_id);
            let differs = before.is_none_or(|before| {
                let same_order = DisputeRow { source_order: before.source_order.clone(), ..row.clone() };
                *before != same_order
            });
            if differs && row.customer_id.is_some() {
                row.version += 1;
                row.recorded_at = scope.now;
            }
        }
        self.note(scope, facts, notes);
    }

    pub(super) fn publish(&self, scope: &Scope, book: &Book, outbox: &mut Outbox) {
        for row in self.rows.values() {
            let published = self.before.get(&row.dispute_id).map_or(0, |before| before.version);
            if let Some(invoice) = book.invoices.get(&row.invoice_id).filter(|_| row.version > published) {
                outbox.push(&publish::dispute(scope, row, invoice));
            }
        }
    }

    pub(super) async fn save(self, conn: &mut PgConnection, scope: &Scope) -> Result<(), Trouble> {
        let changed: Vec<DisputeRow> =
            self.rows.into_values().filter(|row| self.before.get(&row.dispute_id) != Some(row)).collect();
        store::disputes::save(conn, scope.tenant_id, &changed).await?;
        store::disputes::save_resolutions(conn, scope.tenant_id, &self.changed_resolutions).await?;
        Ok(())
    }
}

fn opened_row(
    scope: &Scope,
    fact: &Known<'_>,
    dispute_id: Uuid,
    told: &DisputeOpened,
    old: Option<&DisputeRow>,
) -> DisputeRow {
    let invoice_id = scope.invoice(&fact.legal_entity, &told.invoice);
    DisputeRow {
        dispute_id,
        version: old.map_or(0, |old| old.version),
        code: told.dispute.clone(),
        invoice_id,
        invoice_number: told.invoice.clone(),
        reason: told.reason.clone(),
        amount: told.amount,
        opened_on: told.opened_on,
        resolved_on: old.and_then(|old| old.resolved_on),
        outcome: old.and_then(|old| old.outcome.clone()),
        // Of another invoice nothing is known until it has come, and then the dispute is published again.
        customer_id: old.filter(|old| old.invoice_id == invoice_id).and_then(|old| old.customer_id),
        source_order: fact.fact().order.as_str().to_owned(),
        recorded_at: old.map_or(scope.now, |old| old.recorded_at),
    }
}

fn resolution_row(dispute_id: Uuid, fact: &Known<'_>, told: &DisputeResolved) -> ResolutionRow {
    ResolutionRow {
        dispute_id,
        code: told.dispute.clone(),
        resolved_on: told.resolved_on,
        outcome: told.outcome.clone(),
        source_order: fact.fact().order.as_str().to_owned(),
    }
}
