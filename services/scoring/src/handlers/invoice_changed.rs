//! `invoice.changed`: when a receivable was issued, due and settled.

use std::collections::BTreeMap;

use contracts::ingestion::{InvoiceChanged, Settlement};
use contracts::wire::{self, Malformed};
use messaging::HandlerError;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Dirty, standing};
use crate::domain::evidence::{Invoice, first_difference};
use crate::store::customers;
use crate::store::invoices::{self, InvoiceRow};

pub(super) type Newest = BTreeMap<(Uuid, Uuid), InvoiceRow>;

/// The newest version of every invoice in the batch.
pub(super) fn read(events: &[InvoiceChanged]) -> Result<Newest, HandlerError> {
    let mut newest = Newest::new();
    for event in events {
        let row = row(event)?;
        let key = (row.tenant_id, row.invoice.invoice_id);
        if newest.get(&key).is_none_or(|known| known.version < row.version) {
            newest.insert(key, row);
        }
    }
    Ok(newest)
}

pub(super) async fn apply(conn: &mut PgConnection, newest: &Newest, dirty: &mut Dirty) -> Result<(), HandlerError> {
    let known = invoices::known(conn, newest.keys().copied()).await?;
    let newer = |key: &(Uuid, Uuid), row: &InvoiceRow| known.get(key).is_none_or(|known| known.version < row.version);
    let rows: Vec<InvoiceRow> =
        newest.iter().filter(|(key, row)| newer(key, row)).map(|(_, row)| row.clone()).collect();
    if rows.is_empty() {
        return Ok(());
    }
    for row in &rows {
        let before = known.get(&(row.tenant_id, row.invoice.invoice_id));
        let before = before.map(|known| (&known.invoice, known.amount));
        if let Some(day) = first_difference(before, (&row.invoice, row.amount)) {
            dirty.from(row.tenant_id, day);
        }
    }
    standing::book_changes(conn, &rows, dirty).await?;
    invoices::save(conn, &rows).await?;
    // What another customer owed before is not its debt any more.
    let before = known.iter().map(|((tenant_id, _), known)| (*tenant_id, known.invoice.customer_id));
    let customers = rows.iter().map(|row| (row.tenant_id, row.invoice.customer_id)).chain(before).collect();
    Ok(customers::ensure(conn, &customers).await?)
}

fn row(event: &InvoiceChanged) -> Result<InvoiceRow, Malformed> {
    let settled_on = match event.status.as_str() {
        "open" => None,
        "settled" => Some(wire::date("settled_on", &event.settled_on)?),
        _ => return Err(Malformed { field: "status", expected: "open or settled" }),
    };
    // What a list of open items does not show any more was most likely paid; like a choice of ours, it is inferred.
    // A cheque that was cleared is money; a void is nobody's payment, no more than a credit note.
    let is_payment = |kind: &str| matches!(kind, "cash" | "instrument" | "unexplained");
    let cash = || event.settlements.iter().filter(|settlement| is_payment(&settlement.kind));
    let settlement =
        |it: &Settlement| Ok((wire::date("value_date", &it.value_date)?, wire::decimal("amount", &it.amount)?));
    Ok(InvoiceRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        settlements: event.settlements.iter().map(settlement).collect::<Result<_, Malformed>>()?,
        version: wire::version("version", event.version)?,
        legal_entity_id: wire::id("legal_entity_id", &event.legal_entity_id)?,
        payer_id: wire::id("payer_id", &event.payer_id)?,
        currency: event.currency.clone(),
        amount: wire::decimal("amount", &event.amount)?,
        open_amount: wire::decimal("open_amount", &event.open_amount)?,
        invoice: Invoice {
            invoice_id: wire::id("invoice_id", &event.invoice_id)?,
            customer_id: wire::id("customer_id", &event.customer_id)?,
            issued_on: wire::date("issue_date", &event.issue_date)?,
            due_on: wire::date("due_date", &event.due_date)?,
            settled_on,
            paid: settled_on.is_some() && cash().next().is_some(),
            inferred: settled_on.is_some()
                && cash().any(|settlement| settlement.inferred || settlement.kind == "unexplained"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_voided_or_credited_away_was_not_paid() {
        let cases =
            [("cash", true), ("instrument", true), ("unexplained", true), ("credit_note", false), ("void", false)];
        for (kind, paid) in cases {
            let id = Uuid::nil().to_string();
            let value_date = "2026-02-05".into();
            let settlement =
                Settlement { kind: kind.into(), amount: "100.00".into(), value_date, ..Settlement::default() };
            let event = InvoiceChanged {
                tenant_id: id.clone(),
                invoice_id: id.clone(),
                version: 1,
                legal_entity_id: id.clone(),
                customer_id: id.clone(),
                payer_id: id,
                currency: "COP".into(),
                amount: "100.00".into(),
                open_amount: "0.00".into(),
                issue_date: "2026-01-01".into(),
                due_date: "2026-01-31".into(),
                status: "settled".into(),
                settled_on: "2026-02-05".into(),
                settlements: vec![settlement],
                ..InvoiceChanged::default()
            };
            assert_eq!(row(&event).unwrap().invoice.paid, paid, "{kind}");
        }
    }
}
