//! Promises: accepted at once, whatever they name (D7). What becomes of them the promises service decides. A payment plan is a
//! promise for each of its instalments, which know their place in it; withdrawing it withdraws all of them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use messaging::Outbox;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::reading::Finding;
use super::resolve::{Known, Scope};
use super::{Notes, Trouble, publish};
use crate::domain::fact::{Body, Instalment, PlanAgreed, PromiseMade};
use crate::store;
use crate::store::promises::{InstalmentRow, PlanWithdrawalRow, PromiseRow, PromisedInvoice, WithdrawalRow};

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
                let (what, code, pointer) = match &row.plan {
                    Some(plan) => ("plan", &plan.code, "#/data/plan"),
                    None => ("promise", &row.code, "#/data/promise"),
                };
                let detail = format!("{what} {code} was told with other terms; a new agreement replaces it");
                conflicts.insert(fact.line, Finding::new("promise-conflict", pointer, detail));
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
    let mut withdrawn = withdrawn(scope, facts);
    let plans_withdrawn = plans_withdrawn(scope, facts);
    if made.is_empty() && withdrawn.is_empty() && plans_withdrawn.is_empty() {
        return Ok(());
    }
    let plans: BTreeSet<Uuid> = plans_withdrawn.iter().map(|(_, row)| row.plan_id).collect();
    let mut stored = store::promises::of_plans(conn, scope.tenant_id, &plans.into_iter().collect::<Vec<_>>()).await?;
    withdrawn.extend(of_plans(conn, scope, (&made, &stored), plans_withdrawn, notes).await?);
    let ids: BTreeSet<Uuid> =
        made.iter().map(|(_, row)| row.promise_id).chain(withdrawn.iter().map(|(_, row)| row.promise_id)).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    stored.extend(store::promises::load(conn, scope.tenant_id, &ids).await?);
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
            // Of a plan it is told by the plan's own withdrawal.
            notes.stale.extend(
                fact.filter(|fact| matches!(fact.fact().body, Body::PromiseWithdrawn(_))).map(|fact| fact.line),
            );
            continue;
        }
        if let Some(fact) = fact.filter(|_| !promises.contains_key(&row.promise_id)) {
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
        .flat_map(|fact| {
            let rows = match &fact.fact().body {
                Body::PromiseMade(promise) => vec![row(scope, fact, promise)],
                Body::PlanAgreed(plan) => instalments(scope, fact, plan),
                _ => Vec::new(),
            };
            rows.into_iter().map(move |row| (fact, row))
        })
        .collect()
}

/// A promise for each instalment, in their order.
fn instalments(scope: &Scope, fact: &Known<'_>, told: &PlanAgreed) -> Vec<PromiseRow> {
    let mut amount_before = Decimal::ZERO;
    let count = i32::try_from(told.instalments.len()).unwrap_or(i32::MAX);
    let row = |(instalment, part): (i32, &Instalment)| {
        let plan = InstalmentRow {
            plan_id: scope.plan(&told.plan),
            code: told.plan.clone(),
            instalment,
            instalments: count,
            amount_before,
        };
        amount_before += part.amount.amount();
        PromiseRow {
            promise_id: scope.instalment(&told.plan, instalment),
            code: format!("{}/{instalment}", told.plan),
            customer_id: scope.customer(&told.customer),
            legal_entity_id: fact.legal_entity_id,
            invoices: Json(named(scope, fact, &told.invoices)),
            amount: part.amount.amount(),
            currency: told.amount.currency().code().to_owned(),
            promised_date: part.promised_date,
            time_zone: told.time_zone.map(|zone| zone.name().to_owned()).unwrap_or_default(),
            made_on: told.agreed_on,
            channel: told.channel.clone(),
            replaces_promise_id: None,
            recorded_at: scope.now,
            plan: Some(plan),
        }
    };
    (1..).zip(&told.instalments).map(row).collect()
}

fn named(scope: &Scope, fact: &Known<'_>, invoices: &[String]) -> Vec<PromisedInvoice> {
    let named = |number: &String| PromisedInvoice {
        invoice: number.clone(),
        invoice_id: scope.invoice(&fact.legal_entity, number),
    };
    invoices.iter().map(named).collect()
}

/// What plans that are withdrawn, now or before they came, withdraw of their instalments; keeps what is new. `known` are the
/// promises of this transaction, and the instalments that there are.
async fn of_plans<'a, 'b>(
    conn: &mut PgConnection,
    scope: &Scope,
    (made, stored): (&[(&'a Known<'b>, PromiseRow)], &[PromiseRow]),
    told: Vec<(&'a Known<'b>, PlanWithdrawalRow)>,
    notes: &mut Notes,
) -> Result<Vec<(Option<&'a Known<'b>>, WithdrawalRow)>, Trouble> {
    let instalments =
        || made.iter().map(|(_, row)| row).chain(stored).filter_map(|row| Some((row, row.plan.as_ref()?)));
    let plans: BTreeSet<Uuid> =
        instalments().map(|(_, plan)| plan.plan_id).chain(told.iter().map(|(_, row)| row.plan_id)).collect();
    let known =
        store::promises::plan_withdrawals(conn, scope.tenant_id, &plans.into_iter().collect::<Vec<_>>()).await?;
    let mut withdrawn: BTreeMap<Uuid, PlanWithdrawalRow> = known.into_iter().map(|row| (row.plan_id, row)).collect();
    let mut new = BTreeMap::new();
    for (fact, row) in told {
        // The earliest day counts here too.
        if withdrawn.get(&row.plan_id).is_some_and(|known| known.withdrawn_on <= row.withdrawn_on) {
            notes.stale.insert(fact.line);
            continue;
        }
        if !instalments().any(|(_, plan)| plan.plan_id == row.plan_id) {
            notes.park(fact.line, format!("plan {}", row.code));
        }
        withdrawn.insert(row.plan_id, row.clone());
        new.insert(row.plan_id, row);
    }
    let new: Vec<PlanWithdrawalRow> = new.into_values().collect();
    store::promises::insert_plan_withdrawals(conn, scope.tenant_id, &new).await?;
    let of_instalment = |(row, plan): (&PromiseRow, &InstalmentRow)| {
        let withdrawn_on = withdrawn.get(&plan.plan_id)?.withdrawn_on;
        Some((None, WithdrawalRow { promise_id: row.promise_id, code: row.code.clone(), withdrawn_on }))
    };
    Ok(instalments().filter_map(of_instalment).collect())
}

fn plans_withdrawn<'a, 'b>(scope: &Scope, facts: &'a [Known<'b>]) -> Vec<(&'a Known<'b>, PlanWithdrawalRow)> {
    facts
        .iter()
        .filter_map(|fact| match &fact.fact().body {
            Body::PlanWithdrawn(told) => {
                let (plan_id, code) = (scope.plan(&told.plan), told.plan.clone());
                Some((fact, PlanWithdrawalRow { plan_id, code, withdrawn_on: told.withdrawn_on }))
            }
            _ => None,
        })
        .collect()
}

/// With the facts that tell them.
fn withdrawn<'a, 'b>(scope: &Scope, facts: &'a [Known<'b>]) -> Vec<(Option<&'a Known<'b>>, WithdrawalRow)> {
    facts
        .iter()
        .filter_map(|fact| match &fact.fact().body {
            Body::PromiseWithdrawn(withdrawal) => {
                let promise_id = scope.promise(&withdrawal.promise);
                let code = withdrawal.promise.clone();
                Some((Some(fact), WithdrawalRow { promise_id, code, withdrawn_on: withdrawal.withdrawn_on }))
            }
            _ => None,
        })
        .collect()
}

fn row(scope: &Scope, fact: &Known<'_>, promise: &PromiseMade) -> PromiseRow {
    PromiseRow {
        promise_id: scope.promise(&promise.promise),
        code: promise.promise.clone(),
        customer_id: scope.customer(&promise.customer),
        legal_entity_id: fact.legal_entity_id,
        invoices: Json(named(scope, fact, &promise.invoices)),
        amount: promise.amount.amount(),
        currency: promise.amount.currency().code().to_owned(),
        promised_date: promise.promised_date,
        time_zone: promise.time_zone.map(|zone| zone.name().to_owned()).unwrap_or_default(),
        made_on: promise.made_on,
        channel: promise.channel.clone(),
        replaces_promise_id: promise.replaces.as_ref().map(|code| scope.promise(code)),
        recorded_at: scope.now,
        plan: None,
    }
}

/// The zone may have been filled in from master data, so it only differs where both facts name one.
fn is_same(stored: &PromiseRow, told: &PromiseRow) -> bool {
    let zone = if told.time_zone.is_empty() { stored.time_zone.clone() } else { told.time_zone.clone() };
    let told = PromiseRow { recorded_at: stored.recorded_at, time_zone: zone, ..told.clone() };
    *stored == told
}
