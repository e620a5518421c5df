//! The way between facts, rows and the pure ledger.

use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;

use crate::api::accept::Trouble;
use crate::api::accept::resolve::{Known, Scope};
use crate::domain::fact::{self, Body, Document};
use crate::domain::ledger::{Balance, Credit, CreditKind, Invoice, ItemKey, OpenCredit, Part, Rank, Void};
use crate::domain::standing::Standing;
use crate::store::credits::{CreditRow, PartRow, SettlesRow};
use crate::store::receivables::ReceivableRow;

/// The row of an invoice as its fact tells it, nothing settled yet. `None` for other facts.
pub(in crate::api::accept) fn invoice_row(scope: &Scope, known: &Known<'_>, invoice_id: Uuid) -> Option<ReceivableRow> {
    let Body::Invoice(told) = &known.fact().body else { return None };
    let (document, corrects) = match &told.document {
        Document::Invoice => ("invoice", None),
        Document::DebitNote { corrects } => ("debit_note", corrects.as_ref()),
    };
    Some(ReceivableRow {
        invoice_id,
        version: 0,
        legal_entity_id: known.legal_entity_id,
        customer_id: scope.customer(&told.customer),
        payer_id: scope.customer(told.payer.as_ref().unwrap_or(&told.customer)),
        currency: told.amount.currency().code().to_owned(),
        number: told.invoice.clone(),
        document: document.to_owned(),
        corrects_invoice_id: corrects.map(|number| scope.invoice(&known.legal_entity, number)),
        amount: told.amount.amount(),
        open_amount: told.amount.amount(),
        expected_withholding: told.expected_withholding.map_or(Decimal::ZERO, |amount| amount.amount()),
        withheld_amount: Decimal::ZERO,
        disputed_amount: Decimal::ZERO,
        issue_date: told.issue_date,
        due_date: told.due_date,
        effective_due_date: told.effective_due_date.unwrap_or(told.due_date),
        delivered_date: told.delivered_date,
        last_dunned_on: told.last_dunned_on,
        settled_on: None,
        standing: Json(Standing::default()),
        source: known.fact().source.clone(),
        source_order: known.fact().order.as_str().to_owned(),
    })
}

/// What a fact says about one invoice, nothing of it applied yet.
pub(in crate::api::accept) fn part_row(scope: &Scope, known: &Known<'_>, part: &fact::NamedPart) -> PartRow {
    let settles = part.settles.map(|settles| SettlesRow {
        currency: settles.currency.code().to_owned(),
        amount: settles.amount,
        rate_date: settles.rate_date,
    });
    PartRow {
        invoice: part.invoice.clone(),
        invoice_id: scope.invoice(&known.legal_entity, &part.invoice),
        amount: part.amount.map(|amount| amount.amount()),
        closes: part.closes,
        deduction: part.deduction.map(|amount| amount.amount()),
        reason: part.reason.clone(),
        settles,
        exchange: None,
        elsewhere: None,
        waiting: None,
    }
}

/// The row of a credit as its fact tells it, nothing applied yet.
pub(in crate::api::accept) fn credit_row(
    scope: &Scope,
    known: &Known<'_>,
    credit_id: Uuid,
    told: &fact::Credit,
    authority: String,
) -> CreditRow {
    CreditRow {
        credit_id,
        version: 0,
        legal_entity_id: known.legal_entity_id,
        payer_id: scope.customer(&told.payer),
        currency: told.amount.currency().code().to_owned(),
        kind: told.kind.as_str().to_owned(),
        source_id: known.source_id,
        source: known.fact().source.clone(),
        application_authority: authority,
        number: told.number.clone(),
        amount: told.amount.amount(),
        reversed: Decimal::ZERO,
        applied: Decimal::ZERO,
        on_account: Decimal::ZERO,
        waiting: Decimal::ZERO,
        held: Decimal::ZERO,
        value_date: told.value_date,
        received_date: told.received_date,
        bank_reference: told.bank_reference.clone(),
        certificate: told.certificate.clone(),
        parts: Json(told.parts.iter().map(|part| part_row(scope, known, part)).collect()),
        source_order: known.fact().order.as_str().to_owned(),
        recorded_at: scope.now,
        share_of: None,
        whole: None,
        paid_amount: None,
        paid_currency: None,
    }
}

pub(super) fn invoice_key(row: &ReceivableRow) -> ItemKey {
    ItemKey { date: row.issue_date, rank: Rank::Invoice, source: row.source.clone(), number: row.number.clone() }
}

pub(crate) fn invoice(row: &ReceivableRow) -> Invoice {
    Invoice {
        invoice_id: row.invoice_id,
        key: invoice_key(row),
        amount: row.amount,
        effective_due_date: row.effective_due_date,
        void: row.standing.voided.as_ref().map(|voided| Void { credit_id: voided.credit_id, on: voided.on }),
    }
}

fn kind_of(row: &CreditRow) -> Result<CreditKind, Trouble> {
    CreditKind::parse(&row.kind).ok_or_else(|| {
        Trouble::Sql(sqlx::Error::Decode(format!("credit {} has kind {}", row.credit_id, row.kind).into()))
    })
}

/// What a payment left of one invoice, and nobody asks for.
fn is_difference(row: &CreditRow) -> bool {
    row.parts.iter().any(|part| part.closes)
}

pub(super) fn credit_key(row: &CreditRow) -> Result<ItemKey, Trouble> {
    let kind = kind_of(row)?;
    let rank = if is_difference(row) { Rank::Difference(kind) } else { Rank::Credit(kind) };
    Ok(ItemKey { date: row.value_date, rank, source: row.source.clone(), number: row.number.clone() })
}

pub(crate) fn credit(row: &CreditRow) -> Result<Credit, Trouble> {
    let part = |part: &PartRow| Part {
        invoice_id: part.invoice_id,
        // Here it has no money: that is the share's.
        amount: part.elsewhere.map_or(part.amount, |_| Some(Decimal::ZERO)),
        closes: part.closes,
    };
    Ok(Credit {
        credit_id: row.credit_id,
        key: credit_key(row)?,
        amount: row.amount,
        whole: row.whole.unwrap_or(row.amount),
        parts: row.parts.iter().map(part).collect(),
        // A share is there for what it names; its payer's other debts are not whose money it was.
        chooses: row.application_authority == "puntual" && row.share_of.is_none() && kind_of(row)?.may_choose(),
        yields: is_difference(row) || kind_of(row)? == CreditKind::Unexplained,
        bank_reference: row.bank_reference.clone(),
    })
}

pub(super) fn open_credit(row: &CreditRow) -> Result<OpenCredit, Trouble> {
    let balance = Balance { applied: row.applied, on_account: row.on_account, waiting: row.waiting, held: row.held };
    let waiting = row.parts.iter().enumerate().filter_map(|(index, part)| Some((index, part.waiting?))).collect();
    Ok(OpenCredit { credit: credit(row)?, balance, waiting })
}
