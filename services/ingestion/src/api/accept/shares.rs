//! Payments that pay in several accounts: each is its payer's, with shares in the accounts of the other invoices that it names
//! ([`crate::domain::cash::shares`]), also where these are in another currency ([`super::exchanges`]). A share follows from its payment and from whose the invoices are, so that payments are
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
use super::exchanges::Exchanges;
use super::ledger::{Credited, Issued};
use super::resolve::{Known, Scope};
use super::{Trouble, cash};
use crate::domain::cash::exchange::Ratio;
use crate::domain::cash::shares::{Elsewhere, Named, Place, spread};
use crate::domain::fact::Allocation;
use crate::domain::ledger::{AccountKey, CreditKind};
use crate::store;
use crate::store::accounts::stored_currency;
use crate::store::credits::{CreditRow, ExchangeRow, PartRow};
use crate::store::receivables::{Owed, ReceivableRow};

/// A payment as it was told, without its shares; how parts were exchanged stays with them.
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
    pub(super) exchanges: Exchanges,
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
        self.exchanges.check(conn, scope).await?;
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
    let exchanges = exchanges(conn, scope, &named, credited, &payments).await?;
    let mut shares: BTreeMap<Uuid, (&'a Known<'a>, CreditRow)> = BTreeMap::new();
    for credit_id in &payments {
        let Some((fact, row)) = credited.get_mut(credit_id) else { continue };
        *row = gathered(row);
        let before = stored.get(credit_id).into_iter().flat_map(|row| row.parts.iter());
        let before: BTreeSet<Place> = before.filter_map(place_of).collect();
        for share in divide(scope, row, &named, &exchanges, before)? {
            shares.insert(share.credit_id, (*fact, share));
        }
    }
    let ids: Vec<Uuid> = shares.keys().copied().collect();
    let known = store::credits::by_ids(conn, scope.tenant_id, &ids).await?;
    let is_known: BTreeSet<Uuid> = known.iter().map(|row| row.credit_id).collect();
    shares.retain(|id, (_, share)| !share.paid_amount.unwrap_or(share.amount).is_zero() || is_known.contains(id));
    cash::join(rows, known);
    credited.extend(shares);
    let read = payments.iter().filter_map(|id| stored.get(id).cloned()).collect();
    Ok(Spread { named, read, moved, met, exchanges })
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
        let is_foreign = issued.get(&part.invoice_id).is_some_and(|invoice| invoice.currency != credit.currency);
        is_foreign
            || now.is_some_and(|invoice| part.elsewhere.unwrap_or(credit.payer_id) != invoice.payer_id)
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

/// What bears on payments that name invoices of another currency, or such as nobody knows.
async fn exchanges(
    conn: &mut PgConnection,
    scope: &Scope,
    owed: &BTreeMap<Uuid, Option<Owed>>,
    credited: &Credited<'_>,
    payments: &[Uuid],
) -> Result<Exchanges, Trouble> {
    let rows = payments.iter().filter_map(|id| credited.get(id)).map(|(_, row)| row);
    let is_elsewhere = |row: &&CreditRow| {
        let owed = |part: &PartRow| owed.get(&part.invoice_id).and_then(Option::as_ref);
        row.parts.iter().any(|part| owed(part).is_none_or(|(currency, _)| *currency != row.currency))
    };
    let rows: Vec<&CreditRow> = rows.filter(is_elsewhere).collect();
    if rows.is_empty() {
        return Ok(Exchanges::default());
    }
    Exchanges::load(conn, scope, rows.into_iter()).await
}

/// Where a part of a payment lies, when that is elsewhere.
fn place_of(part: &PartRow) -> Option<Place> {
    let exchanged = part.exchange.as_ref().and_then(|exchange| stored_currency(&exchange.currency).ok());
    part.elsewhere.map(|payer_id| Place { payer_id, exchanged })
}

/// In which account the invoice of a part is, and at which ratio that is paid where it is in another currency.
fn destination(
    scope: &Scope,
    payment: &CreditRow,
    part: &PartRow,
    owed: Option<&Owed>,
    exchanges: &Exchanges,
) -> Result<Option<(Place, Option<ExchangeRow>)>, Trouble> {
    let Some((currency, payer_id)) = owed else { return Ok(None) };
    if *currency == payment.currency {
        return Ok(Some((Place::of(*payer_id), None)));
    }
    let currency = stored_currency(currency)?;
    let exchange = exchanges.ratio(scope, payment, part, currency);
    // What no decimal holds nobody has paid.
    let holds = |exchange: &ExchangeRow| ratio(exchange).settled(payment.amount, currency).is_some();
    let place = Place { payer_id: *payer_id, exchanged: Some(currency) };
    Ok(exchange.filter(holds).map(|exchange| (place, Some(exchange))))
}

const fn ratio(exchange: &ExchangeRow) -> Ratio {
    Ratio { times: exchange.times, over: exchange.over }
}

/// What of a payment lies in another account.
#[derive(Default)]
struct Share {
    /// In the account's currency, and in the payment's.
    amount: Decimal,
    paid: Decimal,
    parts: Vec<PartRow>,
}

impl Share {
    /// Takes a part of the payment in; returns how it was exchanged.
    fn take(&mut self, part: &PartRow, elsewhere: Elsewhere, exchange: Option<ExchangeRow>) -> Option<ExchangeRow> {
        self.paid += elsewhere.amount;
        let exchanged = exchange.zip(elsewhere.place.exchanged).map(|(exchange, currency)| {
            let amount = ratio(&exchange).settled(elsewhere.amount, currency).unwrap_or_default();
            ExchangeRow { paid: elsewhere.amount, amount, ..exchange }
        });
        let mut there = PartRow { waiting: None, ..part.clone() };
        if let Some(exchange) = &exchanged {
            // What the payer says of its own currency is said of the payment.
            there = PartRow { amount: Some(exchange.amount), deduction: None, reason: None, settles: None, ..there };
        }
        self.amount += exchanged.as_ref().map_or(elsewhere.amount, |exchange| exchange.amount);
        there.exchange.clone_from(&exchanged);
        self.parts.push(there);
        exchanged
    }
}

/// Leaves in a payment what is its payer's and returns its shares, also those that have nothing any more of the places `before`.
fn divide(
    scope: &Scope,
    payment: &mut CreditRow,
    owed: &BTreeMap<Uuid, Option<Owed>>,
    exchanges: &Exchanges,
    before: BTreeSet<Place>,
) -> Result<Vec<CreditRow>, Trouble> {
    let mut named = Vec::with_capacity(payment.parts.len());
    let mut ratios = Vec::with_capacity(payment.parts.len());
    for part in payment.parts.iter() {
        let owed = owed.get(&part.invoice_id).and_then(Option::as_ref);
        let (place, ratio) = destination(scope, payment, part, owed, exchanges)?.unzip();
        named.push(Named { place, amount: part.amount });
        ratios.push(ratio.flatten());
    }
    let whole = payment.amount;
    let mut shares: BTreeMap<Place, Share> = before.into_iter().map(|place| (place, Share::default())).collect();
    let spread = spread(whole, payment.payer_id, &named);
    for ((part, elsewhere), ratio) in payment.parts.iter_mut().zip(spread).zip(ratios) {
        part.exchange = None;
        let Some(elsewhere) = elsewhere else { continue };
        part.exchange = shares.entry(elsewhere.place).or_default().take(part, elsewhere, ratio);
        part.elsewhere = Some(elsewhere.place.payer_id);
        payment.amount -= elsewhere.amount;
    }
    if payment.parts.iter().any(|part| part.elsewhere.is_some()) {
        payment.whole = Some(whole);
    }
    let share = |(place, Share { amount, paid, parts }): (Place, Share)| CreditRow {
        credit_id: scope.share(payment.credit_id, &place),
        version: 0,
        payer_id: place.payer_id,
        currency: place.exchanged.map_or_else(|| payment.currency.clone(), |currency| currency.code().to_owned()),
        amount,
        reversed: Decimal::ZERO,
        // What is nobody's any more is like no other payment.
        bank_reference: payment.bank_reference.clone().filter(|_| !paid.is_zero()),
        parts: Json(parts),
        share_of: Some(payment.credit_id),
        whole: Some(whole),
        paid_amount: place.exchanged.map(|_| paid),
        paid_currency: place.exchanged.map(|_| payment.currency.clone()),
        ..payment.clone()
    };
    Ok(shares.into_iter().map(share).collect())
}
