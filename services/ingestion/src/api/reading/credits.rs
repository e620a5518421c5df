//! The data of facts that settle receivables.

use primitives::{Currency, Money};
use rust_decimal::Decimal;

use super::data::MAX_INVOICES;
use super::members::{Members, Noted, Read, Sign};
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
    let certificate = data.optional_key("certificate");
    let body = of_one_invoice(data, "withholding", Sign::Positive);
    Ok(Body::Credit(Credit { kind: CreditKind::Withholding, certificate: certificate?, ..body? }))
}

/// What settles an invoice besides cash, credit notes and withholdings.
pub(super) fn settlement(data: &mut Members<'_>) -> Read<Body> {
    let kind = data.required_choice("kind", &["discount", "fx_difference", "rounding", "write_off"]);
    let body = of_one_invoice(data, "settlement", Sign::Positive);
    let kind = CreditKind::parse(kind?).ok_or(Noted)?;
    Ok(Body::Credit(Credit { kind, ..body? }))
}

/// Less of an invoice is open than was known, and nobody says why. Told again with zero: it is open after all.
pub(super) fn clearing(data: &mut Members<'_>) -> Read<Body> {
    of_one_invoice(data, "clearing", Sign::NotNegative).map(Body::Credit)
}

/// A credit of unexplained kind that is meant for one invoice and no other.
fn of_one_invoice(data: &mut Members<'_>, number: &'static str, sign: Sign) -> Read<Credit> {
    let (number, payer, invoice) = (data.key(number), data.key("payer"), data.key("invoice"));
    let currency = data.currency();
    let amount = data.amount("amount", currency, sign);
    let value_date = data.date("value_date");
    Ok(Credit {
        kind: CreditKind::Unexplained,
        number: number?,
        payer: payer?,
        customer: None,
        amount: amount?,
        value_date: value_date?,
        received_date: None,
        bank_reference: None,
        certificate: None,
        parts: vec![NamedPart { invoice: invoice?, amount: Some(amount?) }],
    })
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
