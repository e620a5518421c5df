//! The credits that settle voided invoices. No fact tells of them: each follows from its invoice, and goes where that goes.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;

use super::ledger::Issued;
use super::resolve::Scope;
use crate::domain::ledger::CreditKind;
use crate::store::credits::CreditRow;
use crate::store::receivables::ReceivableRow;

/// Of the invoices of a transaction that are voided, or were.
pub(super) fn credits(issued: &Issued, before: &[ReceivableRow]) -> Vec<Uuid> {
    let rows = issued.values().chain(before.iter().filter(|row| issued.contains_key(&row.invoice_id)));
    rows.filter_map(|row| Some(row.standing.voided.as_ref()?.credit_id)).collect()
}

/// The row of the credit of a voided invoice; with nothing in it when the void was taken back.
pub(super) fn credit(
    scope: &Scope,
    row: &ReceivableRow,
    before: Option<&ReceivableRow>,
    known: &BTreeMap<Uuid, CreditRow>,
) -> Option<CreditRow> {
    let voided = row.standing.voided.as_ref();
    let told = voided.or_else(|| before?.standing.voided.as_ref())?;
    let amount = voided.map_or(Decimal::ZERO, |_| row.amount);
    let known = known.get(&told.credit_id);
    Some(CreditRow {
        credit_id: told.credit_id,
        version: known.map_or(0, |known| known.version),
        legal_entity_id: row.legal_entity_id,
        payer_id: row.payer_id,
        currency: row.currency.clone(),
        kind: CreditKind::Void.as_str().to_owned(),
        source_id: told.source_id,
        // Of a credit that is in no fold neither is asked for; those of the row are kept, so that nothing seems to change.
        source: known.map(|known| known.source.clone()).unwrap_or_default(),
        application_authority: known.map(|known| known.application_authority.clone()).unwrap_or_default(),
        number: row.number.clone(),
        amount,
        reversed: Decimal::ZERO,
        applied: amount,
        on_account: Decimal::ZERO,
        waiting: Decimal::ZERO,
        held: Decimal::ZERO,
        value_date: told.on.max(row.issue_date),
        received_date: None,
        bank_reference: None,
        certificate: None,
        parts: Json(Vec::new()),
        source_order: String::new(),
        recorded_at: known.map_or(scope.now, |known| known.recorded_at),
        share_of: None,
        whole: None,
        paid_amount: None,
        paid_currency: None,
    })
}
