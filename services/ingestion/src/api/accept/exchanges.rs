//! Payments of invoices in another currency: which pairs are agreed, at which ratio, and what becomes of payments when a rate
//! comes or changes. The shares that come of it are made where all shares are ([`super::shares`]).
//!
//! Rates may come before and after the payments that they bear on; a corrected one exchanges these anew. Rules bear on what
//! comes after them: what was exchanged keeps its ratio while its payment, its invoice's currency and its rate stay as they are.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use primitives::Currency;
use primitives::ids::{self, Kind};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::cash_rules;
use super::super::reading::Finding;
use super::book::Book;
use super::ledger::Credited;
use super::resolve::{Known, Scope};
use super::{Notes, Trouble, cash};
use crate::domain::cash::chain::Chain;
use crate::domain::cash::exchange::{Pair, Published, Ratio};
use crate::domain::fact::{Body, NamedPart};
use crate::domain::ledger::CreditKind;
use crate::domain::order::{ChangeOrder, newest};
use crate::store;
use crate::store::credits::{CreditRow, ExchangeRow, PartRow};
use crate::store::exchanges::RateRow;

/// The pairs that a tenant has agreed, and the rates that bear on the payments of a transaction.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    pub(super) chain: Chain,
    /// As they were read; `None`: nobody has published it.
    pub(super) rates: BTreeMap<Uuid, Option<RateRow>>,
}

/// The id of a day's rate.
pub(super) fn rate_id(tenant_id: Uuid, rates: &str, base: Currency, quote: Currency, day: NaiveDate) -> Uuid {
    ids::derive(tenant_id, Kind::FxRate, &[rates, base.code(), quote.code(), &day.to_string()])
}

/// The ids of the days on which a published rate holds.
pub(super) fn rate_ids(scope: &Scope, told: &Published) -> Vec<Uuid> {
    told.days().map(|day| rate_id(scope.tenant_id, &told.rates, told.base, told.quote, day)).collect()
}

/// The rates that would exchange a payment of a day by a pair: of the one direction, and of the other.
fn of_pair(tenant_id: Uuid, pair: &Pair, day: NaiveDate) -> Vec<Uuid> {
    let both = [(pair.owed, pair.paid), (pair.paid, pair.owed)];
    let rates = pair.rates.iter();
    rates.flat_map(|rates| both.map(|(base, quote)| rate_id(tenant_id, rates, base, quote, day))).collect()
}

impl Exchanges {
    /// What bears on payments, each with the currency it is owed in where that is known.
    pub(super) async fn load<'a>(
        conn: &mut PgConnection,
        scope: &Scope,
        payments: impl Iterator<Item = &'a CreditRow>,
    ) -> Result<Self, Trouble> {
        let chain = cash_rules::in_force(conn, scope.tenant_id, scope.now.date_naive()).await?;
        let mut wanted: BTreeSet<Uuid> = BTreeSet::new();
        for row in payments {
            for pair in chain.pairs().filter(|pair| pair.paid.code() == row.currency) {
                wanted.extend(of_pair(scope.tenant_id, pair, row.value_date));
            }
            let before = row.parts.iter().filter_map(|part| part.exchange.as_ref());
            wanted.extend(before.filter_map(|exchange| exchange.rate_id));
        }
        let wanted: Vec<Uuid> = wanted.into_iter().collect();
        let mut found = store::exchanges::rates(conn, scope.tenant_id, &wanted).await?;
        let rates = wanted.into_iter().map(|id| (id, found.remove(&id))).collect();
        Ok(Self { chain, rates })
    }

    fn pair(&self, paid: &str, owed: Currency) -> Option<&Pair> {
        self.chain.pairs().find(|pair| pair.paid.code() == paid && pair.owed == owed)
    }

    /// At which ratio a part of a payment settles what is owed in another currency; `None` while nobody can say.
    pub(super) fn ratio(&self, scope: &Scope, row: &CreditRow, part: &PartRow, owed: Currency) -> Option<ExchangeRow> {
        let unit = Decimal::new(1, owed.scale());
        let before = part.exchange.as_ref().filter(|before| before.currency == owed.code());
        let exchange = |ratio: Ratio| ExchangeRow {
            currency: owed.code().to_owned(),
            paid: Decimal::ZERO,
            amount: Decimal::ZERO,
            times: ratio.times,
            over: ratio.over,
            unit,
            rates: None,
            rate_id: None,
            rate_date: None,
            rules: self.chain.version,
        };
        // By the same rules it is found anew; what others have allowed is kept, at what its rate is now.
        if let Some(before) = before.filter(|before| before.rules != self.chain.version) {
            let rate = before.rate_id.and_then(|id| self.rates.get(&id)).and_then(Option::as_ref);
            return Some(match rate {
                Some(rate) => {
                    let ratio = ratio_of(rate, owed);
                    ExchangeRow { times: ratio.times, over: ratio.over, ..before.clone() }
                }
                None => before.clone(),
            });
        }
        let agreed = self.pair(&row.currency, owed)?;
        let Some(rates) = &agreed.rates else {
            let settles = part.settles.as_ref().filter(|settles| settles.currency == owed.code())?;
            let told = exchange(Ratio::told(part.amount?, settles.amount));
            return Some(ExchangeRow { rate_date: settles.rate_date, ..told });
        };
        let ids = of_pair(scope.tenant_id, agreed, row.value_date);
        let rate = ids.iter().find_map(|id| self.rates.get(id)?.as_ref())?;
        Some(ExchangeRow {
            rates: Some(rates.clone()),
            rate_id: Some(rate.rate_id),
            rate_date: Some(rate.rate_date),
            ..exchange(ratio_of(rate, owed))
        })
    }

    /// Fails where rates have changed since they were read: the next attempt sees it.
    pub(super) async fn check(&self, conn: &mut PgConnection, scope: &Scope) -> Result<(), Trouble> {
        let ids: Vec<Uuid> = self.rates.keys().copied().collect();
        let now = store::exchanges::rates(conn, scope.tenant_id, &ids).await?;
        let is_as_read = |(id, read): (&Uuid, &Option<RateRow>)| now.get(id) == read.as_ref();
        if self.rates.iter().all(is_as_read) { Ok(()) } else { Err(Trouble::Again) }
    }
}

fn ratio_of(rate: &RateRow, owed: Currency) -> Ratio {
    if rate.base == owed.code() { Ratio::per_owed(rate.rate) } else { Ratio::per_paid(rate.rate) }
}

/// Why a payment cannot settle an invoice of another currency; `None`: it can, now or once the rate is known.
pub(super) fn misfit(chain: &Chain, paid: Currency, owed: &str, part: &NamedPart) -> Option<Finding> {
    let number = &part.invoice;
    let Some(agreed) = chain.pairs().find(|agreed| agreed.paid == paid && agreed.owed.code() == owed) else {
        let detail = format!("invoice {number} is in {owed}, the fact in {paid}");
        return Some(Finding::new("currency-mismatch", "#/data/currency", detail));
    };
    if agreed.rates.is_some() {
        return None;
    }
    match &part.settles {
        None => {
            let detail = format!("invoice {number} is in {owed}: say what the payment settles of it, in {owed}");
            Some(Finding::new("currency-mismatch", "#/data/currency", detail))
        }
        Some(settles) if settles.currency.code() != owed => {
            let detail = format!("invoice {number} is in {owed}, and not in {}", settles.currency);
            Some(Finding::new("currency-mismatch", "#/data/currency", detail))
        }
        Some(_) => None,
    }
}

/// Whether a fact may settle invoices of another currency than its own.
pub(super) fn exchanged_parts(body: &Body) -> Option<&[NamedPart]> {
    match body {
        Body::Credit(credit) if credit.kind == CreditKind::Cash => Some(&credit.parts),
        Body::Allocated(allocation) => Some(&allocation.parts),
        _ => None,
    }
}

/// The rates that bear on the payments of facts: locked, so that a payment and a rate that it waits for meet.
pub(super) async fn awaited(conn: &mut PgConnection, scope: &Scope, facts: &[Known<'_>]) -> Result<Vec<Uuid>, Trouble> {
    let mut days: BTreeSet<(Currency, NaiveDate)> = BTreeSet::new();
    let mut allocated = Vec::new();
    for fact in facts {
        match &fact.fact().body {
            Body::Credit(credit) if credit.kind == CreditKind::Cash => {
                days.insert((credit.amount.currency(), credit.value_date));
            }
            Body::Allocated(allocation) => allocated.push(cash::credit_id(scope, fact, &allocation.payment)),
            _ => {}
        }
    }
    let Some(chain) = scope.exchanging.as_ref().filter(|chain| chain.pairs().next().is_some()) else {
        return Ok(Vec::new());
    };
    for row in store::cash::by_ids(conn, scope.tenant_id, &allocated).await? {
        days.insert((store::accounts::stored_currency(&row.currency)?, row.value_date));
    }
    for row in store::credits::by_ids(conn, scope.tenant_id, &allocated).await? {
        days.insert((store::accounts::stored_currency(&row.currency)?, row.value_date));
    }
    let of_day = |(paid, day): &(Currency, NaiveDate)| {
        let pairs = chain.pairs().filter(|pair| pair.paid == *paid);
        pairs.flat_map(|pair| of_pair(scope.tenant_id, pair, *day)).collect::<Vec<_>>()
    };
    Ok(days.iter().flat_map(of_day).collect())
}

/// Keeps the rates that facts publish, and adds to the credits of the transaction the payments that they bear on.
pub(super) async fn learn<'a>(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &'a [Known<'a>],
    (credited, rows): (&mut Credited<'a>, &mut Vec<CreditRow>),
    notes: &mut Notes,
) -> Result<(), Trouble> {
    let mut told: Vec<(Uuid, &'a Known<'a>, RateRow)> = Vec::new();
    for fact in facts {
        let Body::RatePublished(published) = &fact.fact().body else { continue };
        for (rate_id, rate_date) in rate_ids(scope, published).into_iter().zip(published.days()) {
            let row = RateRow {
                rate_id,
                rates: published.rates.clone(),
                base: published.base.code().to_owned(),
                quote: published.quote.code().to_owned(),
                rate: published.rate,
                rate_date,
                source_order: fact.fact().order.as_str().to_owned(),
            };
            told.push((rate_id, fact, row));
        }
    }
    let Some((_, first, _)) = told.first() else { return Ok(()) };
    let ids: BTreeSet<Uuid> = told.iter().map(|(id, ..)| *id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let stored = store::exchanges::rates(conn, scope.tenant_id, &ids).await?;
    let orders = stored.iter().map(|(id, row)| (*id, ChangeOrder::stored(row.source_order.clone()))).collect();
    let decided = newest(told.iter().map(|(id, fact, row)| (*id, &fact.fact().order, (*fact, row))), &orders);
    // Of a rate of several days some may have been told anew: it is stale where none of its days is its own.
    let in_force: BTreeSet<usize> = decided.winners.values().map(|(fact, _)| fact.line).collect();
    let late = decided.stale.iter().map(|(fact, _)| fact.line);
    notes.stale.extend(late.filter(|line| !in_force.contains(line)));
    let changed: Vec<RateRow> = decided.winners.into_values().map(|(_, row)| row.clone()).collect();
    store::exchanges::save(conn, scope.tenant_id, scope.now, &changed).await?;
    let ids: Vec<Uuid> = changed.iter().map(|row| row.rate_id).collect();
    let expecting = store::exchanges::expecting(conn, scope.tenant_id, &ids).await?;
    let missing: Vec<Uuid> = expecting.into_iter().filter(|id| !credited.contains_key(id)).collect();
    let found = store::credits::by_ids(conn, scope.tenant_id, &missing).await?;
    // Any of the facts stands for why older payments change.
    credited.extend(found.iter().map(|row| (row.credit_id, (*first, row.clone()))));
    cash::join(rows, found);
    Ok(())
}

/// Notes which rates bear on the payments of a transaction.
pub(super) async fn expect(
    conn: &mut PgConnection,
    scope: &Scope,
    chain: &Chain,
    book: &Book,
    credited: &[Uuid],
) -> Result<(), Trouble> {
    let mut awaited: BTreeSet<(Uuid, Uuid)> = BTreeSet::new();
    for row in credited.iter().filter_map(|id| book.credits.get(id)) {
        if row.kind != CreditKind::Cash.as_str() || row.share_of.is_some() {
            continue;
        }
        for pair in chain.pairs().filter(|pair| pair.paid.code() == row.currency) {
            let may_be = |part: &PartRow| {
                let invoice = book.invoices.get(&part.invoice_id);
                invoice.is_none_or(|invoice| invoice.currency == pair.owed.code())
            };
            if row.parts.iter().any(may_be) {
                let ids = of_pair(scope.tenant_id, pair, row.value_date);
                awaited.extend(ids.into_iter().map(|id| (id, row.credit_id)));
            }
        }
        let kept = row.parts.iter().filter_map(|part| part.exchange.as_ref()?.rate_id);
        awaited.extend(kept.map(|id| (id, row.credit_id)));
    }
    Ok(store::exchanges::expect(conn, scope.tenant_id, &awaited.into_iter().collect::<Vec<_>>()).await?)
}
