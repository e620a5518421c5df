//! What is said of an invoice beside it: kept from the first word, in force once the invoice is known and whenever it is told
//! again. Later due dates that were agreed, and tax that is known to be kept back, which is not asked for (L1).

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::ledger::Issued;
use super::resolve::{Known, Scope};
use super::{Notes, Trouble};
use crate::domain::fact::{Body, ExpectedWithholding, Extension};
use crate::store;
use crate::store::extensions::ExtensionRow;
use crate::store::receivables::ReceivableRow;
use crate::store::withholdings::ExpectedRow;

/// The invoices that such facts are about.
pub(super) fn invoices<'a>(scope: &'a Scope, facts: &'a [Known<'a>]) -> impl Iterator<Item = Uuid> + 'a {
    extended(scope, facts).map(|(id, ..)| id).chain(withheld(scope, facts).map(|(id, ..)| id))
}

fn extended<'a>(
    scope: &'a Scope,
    facts: &'a [Known<'a>],
) -> impl Iterator<Item = (Uuid, &'a Known<'a>, &'a Extension)> + 'a {
    facts.iter().filter_map(|fact| match &fact.fact().body {
        Body::Extended(told) => Some((scope.invoice(&fact.legal_entity, &told.invoice), fact, told)),
        _ => None,
    })
}

fn withheld<'a>(
    scope: &'a Scope,
    facts: &'a [Known<'a>],
) -> impl Iterator<Item = (Uuid, &'a Known<'a>, &'a ExpectedWithholding)> + 'a {
    facts.iter().filter_map(|fact| match &fact.fact().body {
        Body::WithholdingExpected(told) => Some((scope.invoice(&fact.legal_entity, &told.invoice), fact, told)),
        _ => None,
    })
}

/// The invoices of a transaction, and the rows that there are of those that facts speak of.
pub(super) struct Invoices<'a> {
    pub(super) issued: &'a mut Issued,
    pub(super) stored: &'a BTreeMap<Uuid, &'a ReceivableRow>,
}

impl Invoices<'_> {
    /// Those of the transaction and those that are spoken of.
    pub(super) fn ids(&self, told: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
        self.issued.keys().copied().chain(told).collect()
    }

    /// Has an invoice changed by what a fact says of it; one that has not come is waited for.
    pub(super) fn bring_in(
        &mut self,
        (invoice_id, number): (Uuid, &str),
        fact: &Known<'_>,
        notes: &mut Notes,
        plain: impl FnOnce(&ReceivableRow) -> ReceivableRow,
    ) {
        if let Some(stored) = self.stored.get(&invoice_id) {
            self.issued.entry(invoice_id).or_insert_with(|| plain(stored));
        } else if !self.issued.contains_key(&invoice_id) {
            notes.park(fact.line, format!("invoice {number}"));
        }
    }
}

/// Writes the days that were agreed into the invoices.
pub(super) async fn extend(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    mut invoices: Invoices<'_>,
    notes: &mut Notes,
) -> Result<(), Trouble> {
    let ids = invoices.ids(extended(scope, facts).map(|(id, ..)| id));
    let before = store::extensions::by_invoices(conn, scope.tenant_id, &ids).await?;
    let orders = before.values().map(|row| (row.invoice_id, &*row.source_order));
    let mut in_force = before.clone();
    let mut changed = Vec::new();
    for (invoice_id, (fact, told)) in notes.newest(extended(scope, facts), orders) {
        invoices.bring_in((invoice_id, &told.invoice), fact, notes, |stored| {
            let mut stored = stored.clone();
            // What an earlier agreement wrote is not what the invoice says.
            if before.get(&invoice_id).is_some_and(|before| before.effective_due_date == stored.effective_due_date) {
                stored.effective_due_date = stored.due_date;
            }
            stored
        });
        let row = ExtensionRow {
            invoice_id,
            effective_due_date: told.effective_due_date,
            reason: told.reason.clone(),
            source_order: fact.fact().order.as_str().to_owned(),
        };
        in_force.insert(invoice_id, row.clone());
        changed.push(row);
    }
    store::extensions::save(conn, scope.tenant_id, scope.now, &changed).await?;
    for (invoice_id, row) in invoices.issued {
        if let Some(agreed) = in_force.get(invoice_id) {
            row.effective_due_date = row.effective_due_date.max(agreed.effective_due_date);
        }
    }
    Ok(())
}

/// Writes the tax that is expected to be kept back into the invoices.
pub(super) async fn withhold(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    mut invoices: Invoices<'_>,
    notes: &mut Notes,
) -> Result<(), Trouble> {
    let ids = invoices.ids(withheld(scope, facts).map(|(id, ..)| id));
    let mut in_force: BTreeMap<Uuid, ExpectedRow> =
        store::withholdings::by_invoices(conn, scope.tenant_id, &ids).await?;
    let orders = in_force.values().map(|row| (row.invoice_id, &*row.source_order));
    let mut changed = Vec::new();
    for (invoice_id, (fact, told)) in notes.newest(withheld(scope, facts), orders) {
        invoices.bring_in((invoice_id, &told.invoice), fact, notes, ReceivableRow::clone);
        let row = ExpectedRow {
            invoice_id,
            amount: told.amount.amount(),
            regime: told.regime.clone(),
            source_order: fact.fact().order.as_str().to_owned(),
        };
        in_force.insert(invoice_id, row.clone());
        changed.push(row);
    }
    store::withholdings::save(conn, scope.tenant_id, scope.now, &changed).await?;
    for (invoice_id, row) in invoices.issued {
        if let Some(expected) = in_force.get(invoice_id) {
            row.expected_withholding = expected.amount.min(row.amount);
        }
    }
    Ok(())
}
