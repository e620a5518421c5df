//! Invoices that go by more than one number. A name means the invoice that has it as its own number, else the one that is known
//! by it besides; who has named it before anybody knew is told now.
//!
//! Other numbers only grow: once told, an invoice is known by it whatever is told later, so that every order ends alike.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::reading::Finding;
use super::book::Book;
use super::ledger::Credited;
use super::resolve::{Known, Scope};
use super::{Trouble, cash, shares};
use crate::domain::fact::Body;
use crate::store;
use crate::store::credits::CreditRow;
use crate::store::references::ReferenceRow;

/// The other numbers that a fact tells of its invoice.
fn told(scope: &Scope, fact: &Known<'_>) -> Vec<ReferenceRow> {
    let Body::Invoice(invoice) = &fact.fact().body else { return Vec::new() };
    let invoice_id = scope.numbered(&fact.legal_entity, &invoice.invoice);
    let row = |reference: &String| ReferenceRow {
        reference_id: scope.numbered(&fact.legal_entity, reference),
        reference: reference.clone(),
        invoice_id,
    };
    invoice.references.iter().map(row).collect()
}

/// The ids of the other numbers that a fact tells.
pub(super) fn told_ids(scope: &Scope, fact: &Known<'_>) -> Vec<Uuid> {
    told(scope, fact).into_iter().map(|row| row.reference_id).collect()
}

/// Invoices that take what another has: as its own number, or as another one of it.
pub(super) async fn conflicts(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
) -> Result<BTreeMap<usize, Finding>, Trouble> {
    let references: BTreeSet<Uuid> = facts.iter().flat_map(|fact| told_ids(scope, fact)).collect();
    let references: Vec<Uuid> = references.into_iter().collect();
    // An invoice whose own number this is.
    let stored = store::receivables::accounts(conn, scope.tenant_id, &references).await?;
    let mut owners: BTreeMap<Uuid, Uuid> = stored.into_keys().map(|id| (id, id)).collect();
    owners.extend(scope.aliases());
    let mut conflicts = BTreeMap::new();
    for fact in facts {
        let Body::Invoice(invoice) = &fact.fact().body else { continue };
        let invoice_id = scope.numbered(&fact.legal_entity, &invoice.invoice);
        let mut claims = vec![(invoice_id, "#/data/invoice", &invoice.invoice)];
        let ids = told(scope, fact).into_iter().map(|row| row.reference_id);
        claims.extend(ids.zip(&invoice.references).map(|(id, reference)| (id, "#/data/references", reference)));
        let taken = claims.iter().find(|(id, ..)| owners.get(id).is_some_and(|owner| *owner != invoice_id));
        if let Some((_, pointer, number)) = taken {
            let detail = format!("{number} is the number of another invoice");
            conflicts.insert(fact.line, Finding::new("reference-conflict", *pointer, detail));
        } else {
            owners.extend(claims.into_iter().map(|(id, ..)| (id, invoice_id)));
        }
    }
    Ok(conflicts)
}

/// What facts tell beyond what is stored.
pub(super) fn of_facts(scope: &Scope, facts: &[Known<'_>], refused: &BTreeMap<usize, Finding>) -> BTreeMap<Uuid, Uuid> {
    let accepted = facts.iter().filter(|fact| !refused.contains_key(&fact.line));
    accepted.flat_map(|fact| told(scope, fact)).map(|row| (row.reference_id, row.invoice_id)).collect()
}

/// Remembers the other numbers that facts tell, and adds to the credits of the transaction those that have named one before.
pub(super) async fn learn<'a>(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &'a [Known<'a>],
    credited: &mut Credited<'a>,
    rows: &mut Vec<CreditRow>,
) -> Result<(), Trouble> {
    let told: Vec<(ReferenceRow, &Known<'_>)> =
        facts.iter().flat_map(|fact| told(scope, fact).into_iter().map(move |row| (row, fact))).collect();
    let Some((_, first)) = told.first() else { return Ok(()) };
    // Any of the facts stands for why older credits change.
    let new: BTreeSet<ReferenceRow> = told.iter().map(|(row, _)| row.clone()).collect();
    let new: Vec<ReferenceRow> = new.into_iter().collect();
    store::references::add(conn, scope.tenant_id, &new).await?;
    let ids: Vec<Uuid> = new.iter().map(|row| row.reference_id).collect();
    let known = store::references::resolve(conn, scope.tenant_id, &ids).await?;
    if new.iter().any(|row| known.get(&row.reference_id) != Some(&row.invoice_id)) {
        // Another transaction was first: the next attempt sees it and refuses.
        return Err(Trouble::Again);
    }
    let expecting = store::references::expecting(conn, scope.tenant_id, &ids).await?;
    let missing: Vec<Uuid> = expecting.into_iter().filter(|id| !credited.contains_key(id)).collect();
    let stored = store::credits::by_ids(conn, scope.tenant_id, &missing).await?;
    for row in &stored {
        credited.insert(row.credit_id, (*first, shares::gathered(row)));
    }
    cash::join(rows, stored);
    for (_, row) in credited.values_mut() {
        for part in row.parts.iter_mut() {
            if let Some(invoice_id) = known.get(&part.invoice_id) {
                part.invoice_id = *invoice_id;
            }
        }
    }
    Ok(())
}

/// Notes what credits name and nobody knows, and what is in another account than theirs: should it turn out to be elsewhere, a
/// payment is spread anew.
pub(super) async fn expect(
    conn: &mut PgConnection,
    scope: &Scope,
    book: &Book,
    credited: &[Uuid],
) -> Result<(), Trouble> {
    let rows = credited.iter().filter_map(|id| book.credits.get(id));
    let named = rows.flat_map(|row| row.parts.iter().map(move |part| (part.invoice_id, row)));
    let is_in_account = |id: &Uuid, credit: &CreditRow| {
        book.invoices.get(id).is_some_and(|row| row.payer_id == credit.payer_id && row.currency == credit.currency)
    };
    let unknown: BTreeSet<(Uuid, Uuid)> =
        named.filter(|(id, row)| !is_in_account(id, row)).map(|(id, row)| (id, row.credit_id)).collect();
    store::references::expect(conn, scope.tenant_id, &unknown.into_iter().collect::<Vec<_>>()).await?;
    Ok(())
}
