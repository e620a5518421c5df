//! `invoice.changed`.

use contracts::ingestion::InvoiceChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use primitives::Currency;

use crate::store::invoices::Row;

pub(super) fn read(batch: &[Delivery]) -> Result<Vec<Row>, HandlerError> {
    let rows = decode_all::<InvoiceChanged>(batch)?.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
    Ok(super::newest(rows, |row| (row.tenant_id, row.invoice_id), |row| row.version))
}

fn row(event: InvoiceChanged) -> Result<Row, HandlerError> {
    let currency = Currency::parse(&event.currency)?;
    Ok(Row {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        invoice_id: wire::id("invoice_id", &event.invoice_id)?,
        version: wire::version("version", event.version)?,
        legal_entity_id: wire::id("legal_entity_id", &event.legal_entity_id)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        number: event.number,
        currency: currency.code().to_owned(),
        amount: wire::decimal("amount", &event.amount)?,
        open_amount: wire::decimal("open_amount", &event.open_amount)?,
        expected_net: wire::decimal("expected_net", &event.expected_net)?,
        disputed_amount: wire::optional_decimal("disputed_amount", &event.disputed_amount)?.unwrap_or_default(),
        issue_date: wire::date("issue_date", &event.issue_date)?,
        due_date: wire::date("due_date", &event.due_date)?,
        effective_due_date: wire::date("effective_due_date", &event.effective_due_date)?,
        last_dunned_on: wire::optional_date("last_dunned_on", &event.last_dunned_on)?,
        delivered_date: wire::optional_date("delivered_date", &event.delivered_date)?,
        voided: !event.voided_on.is_empty(),
        acceptance: event.acceptance,
        assigned: !event.factor.is_empty(),
        covered_amount: wire::optional_decimal("covered_amount", &event.covered_amount)?.unwrap_or_default(),
        status: event.status,
    })
}
