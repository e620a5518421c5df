//! Invoices and credits: lock the accounts they touch, fold, post what differs, publish what changed.

use std::collections::{BTreeMap, BTreeSet};

use messaging::Outbox;
use sqlx::PgConnection;
use uuid::Uuid;

use super::beside::Invoices;
use super::disputes::Disputes;
use super::instruments::Instruments;
use super::resolve::{Known, Scope};
use super::{
    Notes, Trouble, beside, book, cash, exchanges, expected_credits, publish, references, shares, standings, voids,
};
use crate::domain::fact::{Body, Credit};
use crate::domain::ledger::{AccountKey, CreditKind, ItemKey, News, Plan, plan};
use crate::store::{self, credits::CreditRow, receivables::ReceivableRow, sources::Authority};
use book::Book;

/// What an account has to fold.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) invoices: BTreeSet<Uuid>,
    pub(super) credits: BTreeSet<Uuid>,
    /// An item changed or left.
    corrected: bool,
    /// A new payment has a bank reference that is in the ledger already.
    meets_reference: bool,
}

/// `locked` are the objects whose locks this transaction holds.
pub(super) async fn apply(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    locked: &BTreeSet<Uuid>,
    notes: &mut Notes,
    outbox: &mut Outbox,
) -> Result<(), Trouble> {
    let mut disputes = Disputes::load(conn, scope, facts).await?;
    let instruments = Instruments::take_in(conn, scope, facts, notes).await?;
    let mut in_question = disputes.invoices();
    let mut deducted = expected_credits::take_in(conn, scope, facts, notes).await?;
    deducted.extend(&instruments.invoices);
    in_question.extend(&deducted);
    if !in_question.is_subset(locked) {
        return Err(Trouble::Again);
    }
    let (issued, invoices) = newest_invoices(conn, scope, facts, (&in_question, &deducted), notes).await?;
    let (mut credited, mut credits) = newest_credits(conn, scope, facts, instruments, notes).await?;
    let spread = shares::apply(conn, scope, facts, (&issued, &invoices), &mut credited, &mut credits).await?;
    if issued.is_empty() && credited.is_empty() && in_question.is_empty() {
        disputes.decide(scope, &Book::default(), facts, notes);
        return disputes.save(conn, scope).await;
    }

    let accounts = touched_accounts(&invoices, &credits, &issued, &credited)?;
    let locked = store::accounts::lock(conn, scope.tenant_id, &accounts).await?;
    // Another transaction may have begun later and been first: of one account what is posted later is recorded later.
    let now = locked.posted_at.map_or(scope.now, |posted_at| posted_at.max(scope.now));
    // Only now, behind the accounts' locks, is what rows say about balances so. What was not there when its object was locked
    // is not there now.
    let mut wanted: BTreeSet<Uuid> = invoices.iter().map(|row| row.invoice_id).collect();
    let named = credited.values().flat_map(|(_, credit)| credit.parts.iter().map(|part| part.invoice_id));
    wanted.extend(named.filter(|id| !issued.contains_key(id)));
    let voids = voids::credits(&issued, &invoices);
    let mut book = Book::load(conn, scope, &wanted, credits.iter().map(|row| row.credit_id).chain(voids)).await?;
    let told: Vec<Uuid> = credited.keys().copied().collect();
    let mut work = book.take_in(scope, issued, &credited)?;
    spread.check(conn, scope, &book).await?;
    meet_references(conn, scope, &credited, &mut work).await?;
    let folded = fold(conn, scope, &mut book, &work, &locked.last).await?;

    book.touched.extend(disputes.invoices().iter().filter(|id| book.invoices.contains_key(id)));
    disputes.of_invoices(conn, scope, &book.touched).await?;
    disputes.decide(scope, &book, facts, notes);
    let settlements = book.settle(conn, scope, now, &disputes).await?;
    store::cash_rules::note_differences(conn, scope.tenant_id, scope.now, &book.left_open()).await?;
    for row in book.changed_invoices() {
        outbox.push(&publish::invoice(scope, row, settlements.get(&row.invoice_id).map_or(&[], Vec::as_slice)));
    }
    for row in book.changed_credits() {
        outbox.push(&publish::credit(scope, row));
    }
    disputes.publish(scope, &book, outbox);
    park(scope, facts, &book, notes);

    references::expect(conn, scope, &book, &told).await?;
    exchanges::expect(conn, scope, &spread.exchanges.chain, &book, &told).await?;
    book.save(conn, scope, now).await?;
    store::accounts::save(conn, scope.tenant_id, now, &folded).await?;
    disputes.save(conn, scope).await
}

/// A credit of this transaction, with its row as the fact tells it.
pub(super) type Credited<'a> = BTreeMap<Uuid, (&'a Known<'a>, CreditRow)>;
/// The row of each invoice of this transaction, as its fact tells it.
pub(super) type Issued = BTreeMap<Uuid, ReceivableRow>;

/// Also returns the rows that there are of these invoices and of those `in_question`; of these, what is not asked for of those
/// `deducted` is new.
async fn newest_invoices(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    (in_question, deducted): (&BTreeSet<Uuid>, &BTreeSet<Uuid>),
    notes: &mut Notes,
) -> Result<(Issued, Vec<ReceivableRow>), Trouble> {
    let told: Vec<(Uuid, &Known<'_>, ())> = facts
        .iter()
        .filter_map(|fact| match &fact.fact().body {
            Body::Invoice(invoice) => Some((scope.invoice(&fact.legal_entity, &invoice.invoice), fact, ())),
            _ => None,
        })
        .collect();
    let spoken_of = beside::invoices(scope, facts).chain(standings::invoices(scope, facts));
    let ids: BTreeSet<Uuid> =
        told.iter().map(|(id, ..)| *id).chain(in_question.iter().copied()).chain(spoken_of).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut rows = store::receivables::by_ids(conn, scope.tenant_id, &ids).await?;
    let newest = notes.newest(told, rows.iter().map(|row| (row.invoice_id, &*row.source_order)));
    let mut issued: Issued =
        newest.into_iter().filter_map(|(id, (fact, ()))| Some((id, book::invoice_row(scope, fact, id)?))).collect();
    let stored = rows.iter().map(|row| (row.invoice_id, row)).collect();
    beside::extend(conn, scope, facts, Invoices { issued: &mut issued, stored: &stored }, notes).await?;
    standings::apply(conn, scope, facts, (Invoices { issued: &mut issued, stored: &stored }, deducted), notes).await?;
    beside::withhold(conn, scope, facts, Invoices { issued: &mut issued, stored: &stored }, notes).await?;
    rows.retain(|row| issued.contains_key(&row.invoice_id) || in_question.contains(&row.invoice_id));
    Ok((issued, rows))
}

/// Also returns the rows that there are of these credits.
async fn newest_credits<'a>(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &'a [Known<'a>],
    instruments: Instruments<'a>,
    notes: &mut Notes,
) -> Result<(Credited<'a>, Vec<CreditRow>), Trouble> {
    let credits = facts.iter().filter(|fact| matches!(fact.fact().body, Body::Credit(_) | Body::Instrument(_)));
    let authorities = authorities(conn, scope, credits.map(|fact| fact.source_id)).await?;
    let mut told: Vec<(Uuid, &Known<'_>, &Credit)> = Vec::new();
    for fact in facts {
        let Body::Credit(credit) = &fact.fact().body else { continue };
        let listed_until = authorities.get(&fact.source_id).and_then(|authority| authority.snapshot_until);
        let is_listed = listed_until.is_some_and(|until| fact.fact().occurred_at <= until);
        if is_listed && !matches!(credit.kind, CreditKind::Unexplained | CreditKind::OnAccount) {
            // What is open after it is what the source's list of open items has shown since.
            notes.stale.insert(fact.line);
        } else {
            told.push((scope.credit(credit.kind, &fact.fact().source, &credit.number), fact, credit));
        }
    }
    let ids: BTreeSet<Uuid> = told.iter().map(|(id, ..)| *id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut rows = store::credits::by_ids(conn, scope.tenant_id, &ids).await?;
    let newest = notes.newest(told, rows.iter().map(|row| (row.credit_id, &*row.source_order)));
    let credited = newest.into_iter().map(|(credit_id, (fact, credit))| {
        let authority = authorities.get(&fact.source_id).map(|authority| authority.applies_cash.clone());
        let authority = authority.unwrap_or_default();
        (credit_id, (fact, book::credit_row(scope, fact, credit_id, credit, authority)))
    });
    let mut credited: Credited<'a> = credited.collect();
    cash::allocate(conn, scope, facts, &mut credited, &mut rows, notes).await?;
    cash::reverse(conn, scope, facts, &mut credited, &mut rows, notes).await?;
    instruments.credit(conn, scope, &authorities, &mut credited, &mut rows).await?;
    references::learn(conn, scope, facts, &mut credited, &mut rows).await?;
    exchanges::learn(conn, scope, facts, (&mut credited, &mut rows), notes).await?;
    rows.retain(|row| credited.contains_key(&row.credit_id));
    Ok((credited, rows))
}

async fn authorities(
    conn: &mut PgConnection,
    scope: &Scope,
    sources: impl Iterator<Item = Uuid>,
) -> Result<BTreeMap<Uuid, Authority>, Trouble> {
    let ids: Vec<Uuid> = sources.collect::<BTreeSet<_>>().into_iter().collect();
    let rows = store::sources::authorities(conn, scope.tenant_id, &ids).await?;
    Ok(rows.into_iter().map(|row| (row.source_id, row)).collect())
}

/// The accounts in which items arrive, change, or from which they leave, and those of disputed invoices.
fn touched_accounts(
    invoices: &[ReceivableRow],
    credits: &[CreditRow],
    issued: &Issued,
    credited: &Credited<'_>,
) -> Result<BTreeSet<AccountKey>, Trouble> {
    let of_invoices = invoices.iter().chain(issued.values()).map(ReceivableRow::account);
    let of_credits = credits.iter().chain(credited.values().map(|(_, row)| row)).map(CreditRow::account);
    Ok(of_invoices.chain(of_credits).collect::<Result<_, _>>()?)
}

async fn meet_references(
    conn: &mut PgConnection,
    scope: &Scope,
    credited: &Credited<'_>,
    work: &mut BTreeMap<AccountKey, Work>,
) -> Result<(), Trouble> {
    let (payers, references): (Vec<Uuid>, Vec<String>) =
        credited.values().filter_map(|(_, row)| Some((row.payer_id, row.bank_reference.clone()?))).unzip();
    for account in store::credits::meeting_references(conn, scope.tenant_id, &payers, &references).await? {
        if let Some(work) = work.get_mut(&account) {
            work.meets_reference = true;
        }
    }
    Ok(())
}

/// Folds every account that has work; returns the last key of each.
async fn fold(
    conn: &mut PgConnection,
    scope: &Scope,
    book: &mut Book,
    work: &BTreeMap<AccountKey, Work>,
    last: &BTreeMap<AccountKey, Option<ItemKey>>,
) -> Result<Vec<(AccountKey, Option<ItemKey>)>, Trouble> {
    // Accounts of late invoices, which matter only where there are credits: that is asked for these alone.
    let (mut plans, mut late) = (BTreeMap::new(), Vec::new());
    for (account, work) in work {
        let keys = book.keys(work)?;
        let last = last.get(account).and_then(Option::as_ref);
        let (corrected, meets_reference) = (work.corrected, work.meets_reference);
        let planned = |has_credits| plan(last, &keys, News { corrected, meets_reference, has_credits });
        if work.credits.is_empty() && planned(true) != planned(false) {
            late.push(*account);
        }
        plans.insert(*account, planned(true));
    }
    let with_credits = store::credits::accounts_with_some(conn, scope.tenant_id, &late).await?;
    plans.extend(late.into_iter().filter(|account| !with_credits.contains(account)).map(|it| (it, Plan::Resume)));
    let of = |wanted: Plan| plans.iter().filter(move |(_, plan)| **plan == wanted).map(|(account, _)| account);
    let unapplied = store::credits::unapplied(conn, scope.tenant_id, of(Plan::Resume)).await?;
    // Other open invoices matter where money may be left that chooses among them.
    let mut chooses: BTreeSet<AccountKey> = unapplied.iter().map(CreditRow::account).collect::<Result<_, _>>()?;
    chooses.extend(of(Plan::Resume).filter(|account| work.get(*account).is_some_and(|work| !book.is_exact(work))));
    book.add_credits(unapplied);
    book.add_invoices(store::receivables::open(conn, scope.tenant_id, &chooses).await?);
    book.add_invoices(store::receivables::all(conn, scope.tenant_id, of(Plan::Refold)).await?);
    book.add_credits(store::credits::all(conn, scope.tenant_id, of(Plan::Refold)).await?);
    let in_force = store::settlements::in_force(conn, scope.tenant_id, of(Plan::Refold)).await?;
    let resumed = metrics::counter!("puntual_ingestion_accounts_folded_total", "plan" => "resume");
    let refolded = metrics::counter!("puntual_ingestion_accounts_folded_total", "plan" => "refold");

    let mut by_account = book.by_account()?;
    let mut folded = Vec::with_capacity(plans.len());
    for (account, plan) in &plans {
        let items = by_account.remove(account).unwrap_or_default();
        let last = last.get(account).cloned().flatten();
        let last = if let (Plan::Resume, Some(work)) = (plan, work.get(account)) {
            resumed.increment(1);
            book.resume(*account, &items, work, last)?
        } else {
            refolded.increment(1);
            book.refold(*account, &items, in_force.get(account))?
        };
        folded.push((*account, last));
    }
    Ok(folded)
}

/// Notes on credits what they wait for.
fn park(scope: &Scope, facts: &[Known<'_>], book: &Book, notes: &mut Notes) {
    for fact in facts {
        let (kind, number) = match &fact.fact().body {
            Body::Credit(credit) => (credit.kind, &credit.number),
            Body::Instrument(instrument) => (CreditKind::Instrument, &instrument.instrument),
            _ => continue,
        };
        if notes.stale.contains(&fact.line) {
            continue;
        }
        let row = book.credits.get(&scope.credit(kind, &fact.fact().source, number));
        let Some(row) = row.filter(|row| row.source_order == fact.fact().order.as_str()) else { continue };
        for part in row.parts.iter().filter(|part| part.waiting.is_some()) {
            let foreign = book.invoices.get(&part.invoice_id).filter(|invoice| invoice.currency != row.currency);
            let what_for = foreign.map_or_else(
                || format!("invoice {}", part.invoice),
                |invoice| format!("rate {}/{} {}", invoice.currency, row.currency, row.value_date),
            );
            notes.park(fact.line, what_for);
        }
        if !row.held.is_zero() && kind == CreditKind::Cash {
            notes.park(fact.line, "decision: suspected duplicate".to_owned());
        }
    }
}

impl Work {
    pub(super) const fn correct(&mut self) {
        self.corrected = true;
    }
}

/// Whether the fold can tell two rows of one invoice apart.
pub(super) fn is_same_item(old: &ReceivableRow, new: &ReceivableRow) -> bool {
    old.payer_id == new.payer_id
        && old.currency == new.currency
        && old.amount == new.amount
        && old.issue_date == new.issue_date
        && old.effective_due_date == new.effective_due_date
        && old.source == new.source
        && old.standing.voided == new.standing.voided
}
