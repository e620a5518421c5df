//! Payments that pay in several accounts: each is its payer's, with shares in the accounts of the other invoices that it names
//! ([`crate::domain::cash::shares`]). A share follows from its payment and from whose the invoices are, so that payments are
//! spread anew when either changes.
//!
//! Whose an invoice is was read before the accounts were locked; behind their locks it is looked at again ([`Spread::check`]).

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::reading::Finding;
use super::book::Book;
use super::ledger::{Credited, Issued};
use super::resolve::{Known, Scope};
use super::{Trouble, cash};
use crate::domain::cash::shares::{Named, spread};
use crate::domain::fact::Allocation;
use crate::domain::ledger::{AccountKey, CreditKind};
use crate::store;
use crate::store::credits::{CreditRow, PartRow};
use crate::store::receivables::{Owed, ReceivableRow};

/// A payment as it was told, without its shares.
pub(super) fn gathered(row: &CreditRow) -> CreditRow {
    let mut row = row.clone();
    if let Some(whole) = row.whole.take() {
        row.amount = whole;
    }
    for part in row.parts.iter_mut() {
        part.elsewhere = None;
    }
    row
}

/// An allocation that names invoices of several accounts and does not say how much of each it pays.
pub(super) fn undecided(scope: &Scope, fact: &Known<'_>, allocation: &Allocation) -> Option<Finding> {
    let open_ended = allocation.parts.iter().filter(|part| part.amount.is_none());
    let ids = open_ended.map(|part| scope.invoice(&fact.legal_entity, &part.invoice));
    let payers: BTreeSet<Uuid> = ids.filter_map(|id| scope.accounts.get(&id)).map(|(_, payer_id)| *payer_id).collect();
    (payers.len() > 1).then(|| {
        let detail = "invoices of several payers: say how much of each is paid";
        Finding::new("amount-required", "#/data/invoices", detail)
    })
}

/// What the spreading of a transaction's payments took for granted.
#[derive(Debug, Default)]
pub(super) struct Spread {
    /// Every invoice that they name, with its currency and payer where it is known.
    named: BTreeMap<Uuid, Option<Owed>>,
    /// The payments that there were, as they were read.
    read: Vec<CreditRow>,
    /// Invoices that move, each with the account that it leaves, and the payments that named them.
    moved: Vec<(AccountKey, Uuid)>,
    met: BTreeSet<Uuid>,
}

impl Spread {
    /// Fails where something has changed before the accounts were locked; the next attempt sees it.
    pub(super) async fn check(&self, conn: &mut PgConnection, scope: &Scope, book: &Book) -> Result<(), Trouble> {
        let is_same = |(id, owed): (&Uuid, &Option<Owed>)| {
            let known = book.invoices.get(id);
            known.map(|row| (&row.currency, row.payer_id)) == owed.as_ref().map(|(currency, payer)| (currency, *payer))
        };
        let is_as_read = |row: &CreditRow| {
            let told = |row: &CreditRow| (row.payer_id, row.amount, row.reversed, row.whole, row.source_order.clone());
            book.credits_before.get(&row.credit_id).is_some_and(|now| told(now) == told(row))
        };
        if !self.named.iter().all(is_same) || !self.read.iter().all(is_as_read) {
            return Err(Trouble::Again);
        }
        // A payment that names a new invoice waits for that one's lock; one that names an old invoice only for its account's.
        if !self.moved.is_empty() && self.met != naming(conn, scope, &self.moved).await? {
            return Err(Trouble::Again);
        }
        Ok(())
    }
}

/// Spreads the payments of a transaction, and those that named what its invoices turn out to be; `rows` are the credits as they
/// are, `invoices` those of `issued` that were known.
pub(super) async fn apply<'a>(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &'a [Known<'a>],
    (issued, invoices): (&Issued, &[ReceivableRow]),
    credited: &mut Credited<'a>,
    rows: &mut Vec<CreditRow>,
) -> Result<Spread, Trouble> {
    let (moved, met) = meet(conn, scope, facts, (issued, invoices), credited, rows).await?;
    let payments: Vec<Uuid> =
        credited.iter().filter(|(_, (_, row))| row.kind == CreditKind::Cash.as_str()).map(|(id, _)| *id).collect();
    if payments.is_empty() {
        return Ok(Spread { moved, met, ..Spread::default() });
    }
    let named = owed(conn, scope, issued, credited, &payments).await?;
    let stored: BTreeMap<Uuid, CreditRow> = rows.iter().map(|row| (row.credit_id, row.clone())).collect();
    let mut shares: BTreeMap<Uuid, (&'a Known<'a>, CreditRow)> = BTreeMap::new();
    for credit_id in &payments {
        let Some((fact, row)) = credited.get_mut(credit_id) else { continue };
        *row = gathered(row);
        let before = stored.get(credit_id).into_iter().flat_map(|row| row.parts.iter());
        let before: BTreeSet<Uuid> = before.filter_map(|part| part.elsewhere).collect();
        for share in divide(scope, row, &named, before) {
            shares.insert(share.credit_id, (*fact, share));
        }
    }
    let ids: Vec<Uuid> = shares.keys().copied().collect();
    let known = store::credits::by_ids(conn, scope.tenant_id, &ids).await?;
    let is_known: BTreeSet<Uuid> = known.iter().map(|row| row.credit_id).collect();
    shares.retain(|id, (_, share)| !share.amount.is_zero() || is_known.contains(id));
    cash::join(rows, known);
    credited.extend(shares);
    let read = payments.iter().filter_map(|id| stored.get(id).cloned()).collect();
    Ok(Spread { named, read, moved, met })
}

/// Payments that name invoices: those of the account that an invoice is in, and those of others.
async fn naming(
    conn: &mut PgConnection,
    scope: &Scope,
    invoices: &[(AccountKey, Uuid)],
) -> Result<BTreeSet<Uuid>, sqlx::Error> {
    let ids: Vec<Uuid> = invoices.iter().map(|(_, invoice_id)| *invoice_id).collect();
    let mut credits = store::references::expecting(conn, scope.tenant_id, &ids).await?;
    credits.extend(store::credits::naming(conn, scope.tenant_id, invoices).await?);
    Ok(credits.into_iter().collect())
}

/// Adds the payments that named invoices of this transaction when these were unknown or somebody else's; returns the invoices that
/// move, and who named these.
async fn meet<'a>(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &'a [Known<'a>],
    (issued, invoices): (&Issued, &[ReceivableRow]),
    credited: &mut Credited<'a>,
    rows: &mut Vec<CreditRow>,
) -> Result<(Vec<(AccountKey, Uuid)>, BTreeSet<Uuid>), Trouble> {
    let before: BTreeMap<Uuid, &ReceivableRow> = invoices.iter().map(|row| (row.invoice_id, row)).collect();
    let (mut new, mut moved) = (Vec::new(), Vec::new());
    for row in issued.values() {
        match before.get(&row.invoice_id) {
            None => new.push(row.invoice_id),
            Some(old) if old.account()? != row.account()? => moved.push((old.account()?, row.invoice_id)),
            Some(_) => {}
        }
    }
    let met = naming(conn, scope, &moved).await?;
    let named = store::references::expecting(conn, scope.tenant_id, &new).await?;
    let ids: BTreeSet<Uuid> = met.iter().copied().chain(named).filter(|id| !credited.contains_key(id)).collect();
    let (Some(fact), false) = (facts.first(), ids.is_empty()) else { return Ok((moved, met)) };
    let mut found = store::credits::by_ids(conn, scope.tenant_id, &ids.into_iter().collect::<Vec<_>>()).await?;
    let lies_elsewhere = |credit: &CreditRow, part: &PartRow| {
        let now = issued.get(&part.invoice_id).filter(|invoice| invoice.currency == credit.currency);
        now.is_some_and(|invoice| part.elsewhere.unwrap_or(credit.payer_id) != invoice.payer_id)
            || (issued.contains_key(&part.invoice_id) && part.elsewhere.is_some())
    };
    found.retain(|row| row.kind == CreditKind::Cash.as_str() && row.parts.iter().any(|part| lies_elsewhere(row, part)));
    // Any of the facts stands for why older payments change.
    credited.extend(found.iter().map(|row| (row.credit_id, (fact, row.clone()))));
    cash::join(rows, found);
    Ok((moved, met))
}

/// Whose the invoices are that the payments name.
async fn owed(
    conn: &mut PgConnection,
    scope: &Scope,
    issued: &Issued,
    credited: &Credited<'_>,
    payments: &[Uuid],
) -> Result<BTreeMap<Uuid, Option<Owed>>, Trouble> {
    let rows = payments.iter().filter_map(|id| credited.get(id));
    let ids: BTreeSet<Uuid> = rows.flat_map(|(_, row)| row.parts.iter().map(|part| part.invoice_id)).collect();
    let is_read = |id: &&Uuid| issued.contains_key(id) || scope.accounts.contains_key(id);
    let missing: Vec<Uuid> = ids.iter().filter(|id| !is_read(id)).copied().collect();
    let mut read = store::receivables::accounts(conn, scope.tenant_id, &missing).await?;
    let mut owed = |id: &Uuid| {
        let told = issued.get(id).map(|row| (row.currency.clone(), row.payer_id));
        told.or_else(|| scope.accounts.get(id).cloned()).or_else(|| read.remove(id))
    };
    Ok(ids.iter().map(|id| (*id, owed(id))).collect())
}

/// Leaves in a payment what is its payer's and returns its shares, also those that have nothing any more of the payers `before`.
fn divide(
    scope: &Scope,
    payment: &mut CreditRow,
    owed: &BTreeMap<Uuid, Option<Owed>>,
    before: BTreeSet<Uuid>,
) -> Vec<CreditRow> {
    let named: Vec<Named> = payment
        .parts
        .iter()
        .map(|part| {
            let owed = owed.get(&part.invoice_id).and_then(Option::as_ref);
            let payer_id = owed.filter(|(currency, _)| *currency == payment.currency).map(|(_, payer_id)| *payer_id);
            Named { payer_id, amount: part.amount }
        })
        .collect();
    let whole = payment.amount;
    let mut shares: BTreeMap<Uuid, (Decimal, Vec<PartRow>)> =
        before.into_iter().map(|payer_id| (payer_id, (Decimal::ZERO, Vec::new()))).collect();
    for (part, elsewhere) in payment.parts.iter_mut().zip(spread(whole, payment.payer_id, &named)) {
        let Some(elsewhere) = elsewhere else { continue };
        let (amount, parts) = shares.entry(elsewhere.payer_id).or_default();
        *amount += elsewhere.amount;
        parts.push(PartRow { waiting: None, ..part.clone() });
        part.elsewhere = Some(elsewhere.payer_id);
        payment.amount -= elsewhere.amount;
    }
    if payment.parts.iter().any(|part| part.elsewhere.is_some()) {
        payment.whole = Some(whole);
    }
    let share = |(payer_id, (amount, parts)): (Uuid, (Decimal, Vec<PartRow>))| CreditRow {
        credit_id: scope.share(payment.credit_id, payer_id),
        version: 0,
        payer_id,
        amount,
        reversed: Decimal::ZERO,
        // What is nobody's any more is like no other payment.
        bank_reference: payment.bank_reference.clone().filter(|_| !amount.is_zero()),
        parts: Json(parts),
        share_of: Some(payment.credit_id),
        whole: Some(whole),
        ..payment.clone()
    };
    shares.into_iter().map(share).collect()
}
