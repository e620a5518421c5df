//! Payments without a payer are kept apart; an allocation brings them into the ledger, or takes one in the ledger elsewhere;
//! a reversal takes back what had come in.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::reading::Finding;
use super::ledger::Credited;
use super::resolve::{Known, Scope};
use super::{Notes, Trouble, book, shares};
use crate::domain::fact::{Allocation, Body, Reversal, Unidentified};
use crate::domain::ledger::CreditKind;
use crate::store;
use crate::store::cash::{Identified, UnidentifiedRow};
use crate::store::credits::CreditRow;

/// Keeps payments that nobody is known to have paid.
pub(super) async fn apply(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    notes: &mut Notes,
) -> Result<(), Trouble> {
    let told: Vec<(Uuid, &Known<'_>, &Unidentified)> = facts
        .iter()
        .filter_map(|fact| match &fact.fact().body {
            Body::Unidentified(payment) => Some((credit_id(scope, fact, &payment.number), fact, payment)),
            _ => None,
        })
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<Uuid> = told.iter().map(|(id, ..)| *id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let stored = store::cash::by_ids(conn, scope.tenant_id, &ids).await?;
    let identified = store::credits::by_ids(conn, scope.tenant_id, &ids).await?;
    let in_ledger: BTreeSet<Uuid> = identified.into_iter().map(|row| row.credit_id).collect();
    let orders = stored.iter().map(|row| (row.credit_id, &*row.source_order));
    let mut rows = Vec::new();
    for (credit_id, (fact, payment)) in notes.newest(told, orders) {
        if in_ledger.contains(&credit_id) {
            notes.stale.insert(fact.line);
            continue;
        }
        notes.park(fact.line, "payer".to_owned());
        rows.push(UnidentifiedRow {
            credit_id,
            source_id: fact.source_id,
            source: fact.fact().source.clone(),
            application_authority: String::new(),
            legal_entity_id: fact.legal_entity_id,
            legal_entity: fact.legal_entity.clone(),
            number: payment.number.clone(),
            currency: payment.amount.currency().code().to_owned(),
            amount: payment.amount.amount(),
            value_date: payment.value_date,
            received_date: payment.received_date,
            bank_reference: payment.bank_reference.clone(),
            clues: Some(Json(payment.clues.clone())),
            suggestions: serde_json::Value::Null,
            refused_state: None,
            refusal: None,
            source_order: fact.fact().order.as_str().to_owned(),
            recorded_at: scope.now,
        });
    }
    store::cash::save(conn, scope.tenant_id, &rows).await?;
    store::cash::close_reversed(conn, scope.tenant_id, &ids).await?;
    Ok(())
}

/// Allocations of payments that are not known, or that they do not fit.
pub(super) async fn misfits(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
) -> Result<BTreeMap<usize, Finding>, Trouble> {
    let told = allocations(scope, facts);
    if told.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<Uuid> = told.iter().map(|(id, _, _)| *id).collect::<BTreeSet<_>>().into_iter().collect();
    let unidentified = store::cash::by_ids(conn, scope.tenant_id, &ids).await?;
    let credits = store::credits::by_ids(conn, scope.tenant_id, &ids).await?;
    let mut known: BTreeMap<Uuid, (String, Decimal)> =
        unidentified.into_iter().map(|row| (row.credit_id, (row.currency, row.amount))).collect();
    let told_amount = |row: &CreditRow| row.whole.unwrap_or(row.amount) + row.reversed;
    known.extend(credits.into_iter().map(|row| (row.credit_id, (row.currency.clone(), told_amount(&row)))));
    let mut misfits = BTreeMap::new();
    for (credit_id, fact, allocation) in told {
        let finding = match known.get(&credit_id) {
            None => Some(Finding::new("unknown-payment", "#/data/payment", "the source has told of no such payment")),
            Some((currency, _)) if currency != allocation.currency.code() => {
                let detail = format!("the payment is in {currency}, the allocation in {}", allocation.currency);
                Some(Finding::new("currency-mismatch", "#/data/currency", detail))
            }
            Some((_, amount)) if allocation.named() > *amount => {
                let detail = format!("the parts sum to {}, the payment is {amount}", allocation.named());
                Some(Finding::new("parts-exceed-amount", "#/data/invoices", detail))
            }
            Some(_) => shares::undecided(scope, fact, allocation),
        };
        if let Some(finding) = finding {
            misfits.insert(fact.line, finding);
        }
    }
    Ok(misfits)
}

/// Adds to the credits of a transaction those that its allocations make or change; `rows` are the credits as they are.
pub(super) async fn allocate<'a>(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &'a [Known<'a>],
    credited: &mut Credited<'a>,
    rows: &mut Vec<CreditRow>,
    notes: &mut Notes,
) -> Result<(), Trouble> {
    let mut told = allocations(scope, facts);
    if told.is_empty() {
        return Ok(());
    }
    told.sort_by(|(_, one, _), (_, other, _)| one.fact().order.cmp(&other.fact().order));
    let ids: Vec<Uuid> = told.iter().map(|(id, _, _)| *id).collect::<BTreeSet<_>>().into_iter().collect();
    let unidentified = store::cash::by_ids(conn, scope.tenant_id, &ids).await?;
    let unidentified: BTreeMap<Uuid, UnidentifiedRow> =
        unidentified.into_iter().map(|row| (row.credit_id, row)).collect();
    join(rows, store::credits::by_ids(conn, scope.tenant_id, &ids).await?);
    let stored: BTreeMap<Uuid, &CreditRow> = rows.iter().map(|row| (row.credit_id, row)).collect();
    // Of several words about one payment the last counts here too.
    let mut done: BTreeMap<Uuid, Identified<'_>> = BTreeMap::new();
    for (credit_id, fact, allocation) in told {
        done.remove(&credit_id);
        let stored = stored.get(&credit_id).map(|row| shares::gathered(row));
        let base = credited.get(&credit_id).map(|(_, row)| row.clone()).or(stored);
        let base = base.or_else(|| unidentified.get(&credit_id).map(identified));
        // Whoever took the payment away meanwhile is seen by the next attempt.
        let Some(mut row) = base else { return Err(Trouble::Again) };
        if *row.source_order >= *fact.fact().order.as_str() {
            notes.stale.insert(fact.line);
            continue;
        }
        row.payer_id = scope.customer(&allocation.payer);
        row.parts = Json(allocation.parts.iter().map(|part| book::part_row(scope, fact, part)).collect());
        row.legal_entity_id = fact.legal_entity_id;
        fact.fact().order.as_str().clone_into(&mut row.source_order);
        if unidentified.contains_key(&credit_id) {
            done.insert(credit_id, Identified { credit_id, payer_id: row.payer_id, rule: &allocation.rule });
        }
        credited.insert(credit_id, (fact, row));
    }
    let done: Vec<Identified<'_>> = done.into_values().collect();
    store::cash::allocated(conn, scope.tenant_id, &done).await?;
    Ok(())
}

/// Takes from the credits of a transaction what the bank took back of them, now or before they came.
pub(super) async fn reverse<'a>(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &'a [Known<'a>],
    credited: &mut Credited<'a>,
    rows: &mut Vec<CreditRow>,
    notes: &mut Notes,
) -> Result<(), Trouble> {
    let told: Vec<(Uuid, &Known<'_>, &Reversal)> = facts
        .iter()
        .filter_map(|fact| match &fact.fact().body {
            Body::Reversed(reversal) => Some((credit_id(scope, fact, &reversal.payment), fact, reversal)),
            _ => None,
        })
        .collect();
    let reversals: Vec<(Uuid, &Reversal)> = told.iter().map(|(id, _, reversal)| (*id, *reversal)).collect();
    let mut new = store::cash::reversed(conn, scope.tenant_id, &reversals, scope.now).await?;
    for (credit_id, fact, reversal) in &told {
        if !new.remove(&(*credit_id, reversal.reversal.clone())) {
            notes.stale.insert(fact.line);
        }
    }
    let ids: Vec<Uuid> = told.iter().map(|(id, _, _)| *id).collect::<BTreeSet<_>>().into_iter().collect();
    join(rows, store::credits::by_ids(conn, scope.tenant_id, &ids).await?);
    let stored: BTreeMap<Uuid, &CreditRow> = rows.iter().map(|row| (row.credit_id, row)).collect();
    for (credit_id, fact, reversal) in &told {
        if credited.contains_key(credit_id) {
            continue;
        }
        match stored.get(credit_id) {
            Some(row) => drop(credited.insert(*credit_id, (fact, shares::gathered(row)))),
            None => notes.park(fact.line, format!("payment {}", reversal.payment)),
        }
    }
    store::cash::close_reversed(conn, scope.tenant_id, &ids).await?;
    let ids: Vec<Uuid> = credited.keys().copied().collect();
    let mut reversals = store::cash::reversals(conn, scope.tenant_id, &ids).await?;
    for (credit_id, (_, row)) in credited {
        let Some(sums) = reversals.remove(credit_id) else { continue };
        let whole = row.amount + row.reversed;
        row.reversed = if sums.has_whole { whole } else { sums.amount.min(whole) };
        row.amount = whole - row.reversed;
    }
    Ok(())
}

/// Adds rows that are not there.
pub(super) fn join(rows: &mut Vec<CreditRow>, more: Vec<CreditRow>) {
    let known: BTreeSet<Uuid> = rows.iter().map(|row| row.credit_id).collect();
    rows.extend(more.into_iter().filter(|row| !known.contains(&row.credit_id)));
}

fn allocations<'a>(scope: &Scope, facts: &'a [Known<'a>]) -> Vec<(Uuid, &'a Known<'a>, &'a Allocation)> {
    let told = facts.iter().filter_map(|fact| match &fact.fact().body {
        Body::Allocated(allocation) => Some((credit_id(scope, fact, &allocation.payment), fact, allocation)),
        _ => None,
    });
    told.collect()
}

pub(super) fn credit_id(scope: &Scope, fact: &Known<'_>, number: &str) -> Uuid {
    scope.credit(CreditKind::Cash, &fact.fact().source, number)
}

/// The credit that a payment becomes; whose it is, the allocation says.
fn identified(row: &UnidentifiedRow) -> CreditRow {
    CreditRow {
        credit_id: row.credit_id,
        version: 0,
        legal_entity_id: row.legal_entity_id,
        payer_id: Uuid::nil(),
        currency: row.currency.clone(),
        kind: CreditKind::Cash.as_str().to_owned(),
        source_id: row.source_id,
        source: row.source.clone(),
        application_authority: row.application_authority.clone(),
        number: row.number.clone(),
        amount: row.amount,
        reversed: Decimal::ZERO,
        applied: Decimal::ZERO,
        on_account: Decimal::ZERO,
        waiting: Decimal::ZERO,
        held: Decimal::ZERO,
        value_date: row.value_date,
        received_date: row.received_date,
        bank_reference: row.bank_reference.clone(),
        certificate: None,
        parts: Json(Vec::new()),
        source_order: row.source_order.clone(),
        recorded_at: row.recorded_at,
        share_of: None,
        whole: None,
        paid_amount: None,
        paid_currency: None,
    }
}
