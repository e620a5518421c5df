//! The data of facts that settle receivables.

use primitives::{Currency, Money};
use rust_decimal::Decimal;

use super::data::MAX_INVOICES;
use super::members::{Members, Read, Sign};
use crate::domain::fact::{Body, Credit, NamedPart};
use crate::domain::ledger::CreditKind;

pub(super) fn payment(data: &mut Members<'_>) -> Read<Body> {
    let (number, payer) = (data.key("payment"), data.key("payer"));
    let currency = data.currency();
    let amount = data.amount("amount", currency, Sign::Positive);
    let (value_date, received_date) = (data.date("value_date"), data.optional_date("received_date"));
    let bank_reference = data.optional_key("bank_reference");
    let parts = named_parts(data, "remittance", currency, amount);
    Ok(Body::Credit(Credit {
        kind: CreditKind::Cash,
        number: number?,
        payer: payer?,
        customer: None,
        amount: amount?,
        value_date: value_date?,
        received_date: received_date?,
        bank_reference: bank_reference?,
        certificate: None,
        parts: parts?,
    }))
}

pub(super) fn credit_note(data: &mut Members<'_>) -> Read<Body> {
    let (number, customer, payer) = (data.key("credit_note"), data.key("customer"), data.optional_key("payer"));
    let currency = data.currency();
    let amount = data.amount("amount", currency, Sign::Positive);
    let issue_date = data.date("issue_date");
    let parts = named_parts(data, "invoices", currency, amount);
    let (customer, payer) = (customer?, payer?);
    Ok(Body::Credit(Credit {
        kind: CreditKind::CreditNote,
        number: number?,
        payer: payer.unwrap_or_else(|| customer.clone()),
        customer: Some(customer),
        amount: amount?,
        value_date: issue_date?,
        received_date: None,
        bank_reference: None,
        certificate: None,
        parts: parts?,
    }))
}

pub(super) fn withholding(data: &mut Members<'_>) -> Read<Body> {
    let (number, payer, invoice) = (data.key("withholding"), data.key("payer"), data.key("invoice"));
    let currency = data.currency();
    let amount = data.amount("amount", currency, Sign::Positive);
    let (value_date, certificate) = (data.date("value_date"), data.optional_key("certificate"));
    Ok(Body::Credit(Credit {
        kind: CreditKind::Withholding,
        number: number?,
        payer: payer?,
        customer: None,
        amount: amount?,
        value_date: value_date?,
        received_date: None,
        bank_reference: None,
        certificate: certificate?,
        parts: vec![NamedPart { invoice: invoice?, amount: Some(amount?) }],
    }))
}

/// Parts may name less than the whole, never more.
fn named_parts(
    data: &mut Members<'_>,
    name: &'static str,
    currency: Read<Currency>,
    whole: Read<Money>,
) -> Read<Vec<NamedPart>> {
    let items = data.items(name, MAX_INVOICES)?;
    let (today, findings) = data.inner();
    let mut parts = Vec::with_capacity(items.len());
    let mut sum = Decimal::ZERO;
    for (pointer, item) in items {
        let mut part = Members::of(item, &pointer, today, findings)?;
        let invoice = part.key("invoice");
        let amount = part.optional_amount("amount", currency, Sign::Positive);
        part.finish();
        let amount = amount?;
        sum += amount.map_or(Decimal::ZERO, |amount| amount.amount());
        parts.push(NamedPart { invoice: invoice?, amount });
    }
    if let Ok(whole) = whole
        && sum > whole.amount()
    {
        return Err(data.note(name, "parts-exceed-amount", format!("the parts sum to {sum}, the whole is {whole}")));
    }
    Ok(parts)
}
