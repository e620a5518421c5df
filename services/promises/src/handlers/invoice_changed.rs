//! An invoice with the settlements in force on it.

use std::collections::BTreeMap;

use contracts::ingestion::InvoiceChanged;
use contracts::wire::{self, Malformed};
use messaging::{Delivery, HandlerError, decode_all};
use primitives::Currency;

use super::keep_newest;
use crate::domain::facts::{Invoice, by_day};
use crate::store::invoices::{InvoiceKey, VersionedInvoice};

pub(super) fn read(batch: &[Delivery]) -> Result<BTreeMap<InvoiceKey, VersionedInvoice>, HandlerError> {
    let mut newest = BTreeMap::new();
    for event in decode_all::<InvoiceChanged>(batch)? {
        let key = (wire::id("tenant_id", &event.tenant_id)?, wire::id("invoice_id", &event.invoice_id)?);
        let settlements = event
            .settlements
            .iter()
            // Nobody paid what was voided.
            .filter(|settlement| settlement.kind != "void")
            .map(|settlement| {
                let on = wire::date("settlements.value_date", &settlement.value_date)?;
                Ok((on, wire::decimal("settlements.amount", &settlement.amount)?))
            })
            .collect::<Result<Vec<_>, Malformed>>()?;
        let invoice = Invoice {
            currency: Currency::parse(&event.currency)?,
            amount: wire::decimal("amount", &event.amount)?,
            settled: by_day(settlements),
            voided_on: wire::optional_date("voided_on", &event.voided_on)?,
        };
        let version = wire::version("version", event.version)?;
        keep_newest(&mut newest, key, VersionedInvoice { version, invoice }, |row| row.version);
    }
    Ok(newest)
}
