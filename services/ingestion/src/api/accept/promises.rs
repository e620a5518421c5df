//! Promises: accepted at once, whatever they name (D7). What becomes of them the promises service decides.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use messaging::Outbox;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::reading::Finding;
use super::resolve::{Known, Scope};
use super::{Notes, Trouble, publish};
use crate::domain::fact::{Body, PromiseMade};
use crate::store;
use crate::store::promises::{PromiseRow, PromisedInvoice, WithdrawalRow};

/// Facts that tell a known promise otherwise: what was promised does not change, a new agreement is a new promise.
pub(super) async fn conflicts(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
) -> Result<BTreeMap<usize, Finding>, Trouble> {
    let made = made(scope, facts);
    let ids: Vec<Uuid> = made.iter().map(|(_, row)| row.promise_id).collect();
    let stored = store::promises::load(conn, scope.tenant_id, &ids).await?;
    let mut known: BTreeMap<Uuid, PromiseRow> = stored.into_iter().map(|row| (row.promise_id, row)).collect();
    let mut conflicts = BTreeMap::new();
    for (fact, row) in made {
        match known.get(&row.promise_id) {
            Some(other) if !is_same(other, &row) => {
                let detail = format!("promise {} was told with other terms; a new agreement replaces it", row.code);
                conflicts.insert(fact.line, Finding::new("promise-conflict", "#/data/promise", detail));
            }
            Some(_) => {}
            None => drop(known.insert(row.promise_id, row)),
        }
    }
    Ok(conflicts)
}

pub(super) async fn apply(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    notes: &mut Notes,
    outbox: &mut Outbox,
) -> Result<(), Trouble> {
    let made = made(scope, facts);
    let withdrawn = withdrawn(scope, facts);
    if made.is_empty() && withdrawn.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<Uuid> =
        made.iter().map(|(_, row)| row.promise_id).chain(withdrawn.iter().map(|(_, row)| row.promise_id)).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let stored = store::promises::load(conn, scope.tenant_id, &ids).await?;
    let stored_withdrawals = store::promises::withdrawals(conn, scope.tenant_id, &ids).await?;
    let mut promises: BTreeMap<Uuid, PromiseRow> = stored.into_iter().map(|row| (row.promise_id, row)).collect();
    let mut withdrawals: BTreeMap<Uuid, WithdrawalRow> =
        stored_withdrawals.into_iter().map(|row| (row.promise_id, row)).collect();
    let mut published: BTreeSet<Uuid> = withdrawals.keys().filter(|id| promises.contains_key(id)).copied().collect();

    let mut new_promises = Vec::new();
    for (fact, row) in made {
        match promises.entry(row.promise_id) {
            // Told otherwise by whoever held the lock before: the next attempt sees the conflict.
            Entry::Occupied(known) if !is_same(known.get(), &row) => return Err(Trouble::Again),
            Entry::Occupied(_) => drop(notes.stale.insert(fact.line)),
            Entry::Vacant(place) => {
                place.insert(row.clone());
                new_promises.push(row);
            }
        }
    }
    in_the_debtors_zone(conn, scope, &mut new_promises).await?;
    let mut new_withdrawals = BTreeMap::new();
    for (fact, row) in withdrawn {
        // The earliest day counts, whichever fact came first (I7).
        if withdrawals.get(&row.promise_id).is_some_and(|known| known.withdrawn_on <= row.withdrawn_on) {
            notes.stale.insert(fact.line);
            continue;
        }
        if !promises.contains_key(&row.promise_id) {
            notes.park(fact.line, format!("promise {}", row.code));
        }
        published.remove(&row.promise_id);
        withdrawals.insert(row.promise_id, row.clone());
        new_withdrawals.insert(row.promise_id, row);
    }
    let new_withdrawals: Vec<WithdrawalRow> = new_withdrawals.into_values().collect();
    for row in &new_promises {
        outbox.push(&publish::promise_made(scope, row));
    }
    for (promise_id, row) in &withdrawals {
        if let Some(promise) = promises.get(promise_id).filter(|_| !published.contains(promise_id)) {
            outbox.push(&publish::promise_withdrawn(scope, promise, row));
        }
    }
    store::promises::insert(conn, scope.tenant_id, &new_promises).await?;
    store::promises::insert_withdrawals(conn, scope.tenant_id, &new_withdrawals).await?;
    Ok(())
}

/// A promise holds until the end of the day where the debtor is, unless the fact says where.
async fn in_the_debtors_zone(conn: &mut PgConnection, scope: &Scope, rows: &mut [PromiseRow]) -> Result<(), Trouble> {
    let unknown: Vec<Uuid> = rows.iter().filter(|row| row.time_zone.is_empty()).map(|row| row.customer_id).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let customers = store::parties::customers(conn, scope.tenant_id, &unknown).await?;
    let zones: BTreeMap<Uuid, String> = customers.into_iter().map(|row| (row.customer_id, row.time_zone)).collect();
    for row in rows.iter_mut().filter(|row| row.time_zone.is_empty()) {
        let zone = zones.get(&row.customer_id).map(String::as_str).filter(|zone| !zone.is_empty());
        zone.unwrap_or_else(|| scope.zone(row.legal_entity_id)).clone_into(&mut row.time_zone);
    }
    Ok(())
}

fn made<'a, 'b>(scope: &Scope, facts: &'a [Known<'b>]) -> Vec<(&'a Known<'b>, PromiseRow)> {
    facts
        .iter()
        .filter_map(|fact| match &fact.fact().body {
            Body::PromiseMade(promise) => Some((fact, row(scope, fact, promise))),
            _ => None,
        })
        .collect()
}

fn withdrawn<'a, 'b>(scope: &Scope, facts: &'a [Known<'b>]) -> Vec<(&'a Known<'b>, WithdrawalRow)> {
    facts
        .iter()
        .filter_map(|fact| match &fact.fact().body {
            Body::PromiseWithdrawn(withdrawal) => {
                let promise_id = scope.promise(&withdrawal.promise);
                let code = withdrawal.promise.clone();
                Some((fact, WithdrawalRow { promise_id, code, withdrawn_on: withdrawal.withdrawn_on }))
            }
            _ => None,
        })
        .collect()
}

fn row(scope: &Scope, fact: &Known<'_>, promise: &PromiseMade) -> PromiseRow {
    let named = |number: &String| PromisedInvoice {
        invoice: number.clone(),
        invoice_id: scope.invoice(&fact.legal_entity, number),
    };
    PromiseRow {
        promise_id: scope.promise(&promise.promise),
        code: promise.promise.clone(),
        customer_id: scope.customer(&promise.customer),
        legal_entity_id: fact.legal_entity_id,
        invoices: Json(promise.invoices.iter().map(named).collect()),
        amount: promise.amount.amount(),
        currency: promise.amount.currency().code().to_owned(),
        promised_date: promise.promised_date,
        time_zone: promise.time_zone.map(|zone| zone.name().to_owned()).unwrap_or_default(),
        made_on: promise.made_on,
        channel: promise.channel.clone(),
        replaces_promise_id: promise.replaces.as_ref().map(|code| scope.promise(code)),
        recorded_at: scope.now,
    }
}

/// The zone may have been filled in from master data, so it only differs where both facts name one.
fn is_same(stored: &PromiseRow, told: &PromiseRow) -> bool {
    let zone = if told.time_zone.is_empty() { stored.time_zone.clone() } else { told.time_zone.clone() };
    let told = PromiseRow { recorded_at: stored.recorded_at, time_zone: zone, ..told.clone() };
    *stored == told
}
