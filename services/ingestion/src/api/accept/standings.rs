//! Words about invoices: kept from the first one, in force once the invoice is known and whenever it is told again.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::beside::Invoices;
use super::resolve::{Known, Scope};
use super::{Notes, Trouble};
use crate::domain::fact::{Body, Said};
use crate::domain::standing::{Expected, Mark, Standing};
use crate::store;
use crate::store::receivables::ReceivableRow;

/// The invoices that words are about.
pub(super) fn invoices<'a>(scope: &'a Scope, facts: &'a [Known<'a>]) -> impl Iterator<Item = Uuid> + 'a {
    told(scope, facts).map(|(invoice_id, _, _)| invoice_id)
}

fn told<'a>(scope: &'a Scope, facts: &'a [Known<'a>]) -> impl Iterator<Item = (Uuid, &'a Known<'a>, &'a Said)> + 'a {
    facts.iter().filter_map(|fact| match &fact.fact().body {
        Body::Said(said) => Some((scope.invoice(&fact.legal_entity, &said.invoice), fact, said)),
        _ => None,
    })
}

/// Writes the standing into the invoices of a transaction. Of those `deducted` what is not asked for has changed.
pub(super) async fn apply(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    (mut invoices, deducted): (Invoices<'_>, &BTreeSet<Uuid>),
    notes: &mut Notes,
) -> Result<(), Trouble> {
    for (invoice_id, row) in invoices.stored.iter().filter(|(id, _)| deducted.contains(id)) {
        invoices.issued.entry(*invoice_id).or_insert_with(|| (*row).clone());
    }
    let told: Vec<(Uuid, &Known<'_>, &Said)> = told(scope, facts).collect();
    let mut ids = invoices.ids(told.iter().map(|(id, ..)| *id));
    ids.sort();
    ids.dedup();
    let mut marks = store::marks::by_invoices(conn, scope.tenant_id, &ids).await?;
    let orders =
        marks.iter().flat_map(|(id, marks)| marks.iter().map(|(slot, mark)| ((*id, *slot), mark.order.as_str())));
    let tellings = told.into_iter().map(|(id, fact, said)| ((id, said.word.slot()), fact, said));
    let mut changed = Vec::new();
    for ((invoice_id, slot), (fact, said)) in notes.newest(tellings, orders) {
        invoices.bring_in((invoice_id, &said.invoice), fact, notes, ReceivableRow::clone);
        let mark = mark(fact, said);
        marks.entry(invoice_id).or_default().insert(slot, mark.clone());
        changed.push((invoice_id, mark));
    }
    for fact in facts {
        if let Body::ExpectedCredit(told) = &fact.fact().body
            && !told.amount.is_zero()
            && !notes.stale.contains(&fact.line)
            && !invoices.issued.contains_key(&scope.invoice(&fact.legal_entity, &told.invoice))
        {
            notes.park(fact.line, format!("invoice {}", told.invoice));
        }
    }
    store::marks::save(conn, scope.tenant_id, scope.now, &changed).await?;
    let mut deductions = store::deductions::of_invoices(conn, scope.tenant_id, &ids).await?;
    for (invoice_id, row) in invoices.issued {
        let mut standing =
            marks.get(invoice_id).map(|marks| Standing::of(marks, scope.void(*invoice_id))).unwrap_or_default();
        let deducted = deductions.remove(&(*invoice_id, row.currency.clone())).unwrap_or_default();
        standing.instruments = deducted.instruments;
        standing.expected = deducted.expected_from.map(|from| Expected {
            amount: deducted.expected_credits,
            from,
            credited: Decimal::ZERO,
        });
        row.delivered_date = standing.delivered.as_ref().map(|delivered| delivered.on).or(row.delivered_date);
        row.standing = Json(standing);
    }
    Ok(())
}

fn mark(fact: &Known<'_>, said: &Said) -> Mark {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    Mark {
        invoice: said.invoice.clone(),
        word: said.word,
        on: said.on,
        reason: text(&said.reason),
        detail: text(&said.detail),
        payee: text(&said.payee),
        source_id: fact.source_id,
        order: fact.fact().order.clone(),
    }
}
