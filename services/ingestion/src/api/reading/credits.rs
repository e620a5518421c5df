//! The data of facts that settle receivables.

use primitives::{Currency, Money};
use rust_decimal::Decimal;

use super::data::MAX_INVOICES;
use super::json::Json;
use super::members::{Members, Noted, Read, Sign};
use super::{Finding, exchange};
use crate::domain::cash::{Clues, Remitted};
use crate::domain::fact::{Allocation, Body, Credit, ExpectedWithholding, NamedPart, Reversal, Unidentified};
use crate::domain::ledger::CreditKind;
use crate::domain::text::{self, TEXT_CHARS};

/// More are no clue any more.
const MAX_REFERENCES: usize = 100;

/// Who paid is a payer, or clues by which one may be found.
pub(super) fn payment(data: &mut Members<'_>) -> Read<Body> {
    let (number, payer) = (data.key("payment"), data.optional_key("payer"));
    let currency = data.currency();
    let amount = data.amount("amount", currency, Sign::Positive);
    let (value_date, received_date) = (data.date("value_date"), data.optional_date("received_date"));
    let bank_reference = data.optional_key("bank_reference");
    let parts = paid_parts(data, "remittance", currency, amount);
    let clues = clues(data);
    let (payer, clues, parts) = (payer?, clues?, parts?);
    let Some(payer) = payer else {
        let Some(mut clues) = clues else { return Err(data.missing("payer")) };
        // What a remittance names is as good as a reference.
        clues.references.extend(parts.iter().map(|part| part.invoice.clone()));
        clues.remittance = parts.into_iter().map(remitted).collect();
        return Ok(Body::Unidentified(Unidentified {
            number: number?,
            amount: amount?,
            value_date: value_date?,
            received_date: received_date?,
            bank_reference: bank_reference?,
            clues,
        }));
    };
    if clues.is_some() {
        return Err(data.note("clues", "unknown-field", "where the payer is known no clues are needed".to_owned()));
    }
    Ok(Body::Credit(Credit {
        kind: CreditKind::Cash,
        number: number?,
        payer,
        customer: None,
        amount: amount?,
        value_date: value_date?,
        received_date: received_date?,
        bank_reference: bank_reference?,
        certificate: None,
        parts,
    }))
}

fn clues(data: &mut Members<'_>) -> Read<Option<Clues>> {
    let Some(told) = data.raw("clues") else { return Ok(None) };
    let (today, findings) = data.inner();
    let mut clues = Members::of(told, "#/data/clues", today, findings)?;
    let (account, name) = (clues.optional_text("account", TEXT_CHARS), clues.optional_text("name", TEXT_CHARS));
    let text = clues.optional_text("text", TEXT_CHARS);
    let items = clues.items("references", MAX_REFERENCES);
    clues.finish();
    let mut references = Vec::new();
    for (pointer, item) in items? {
        let Json::Text(reference) = item else {
            let detail = format!("a string is expected, not {}", item.kind());
            findings.push(Finding::new("wrong-type", pointer, detail));
            return Err(Noted);
        };
        if let Err(error) = text::text(reference, TEXT_CHARS) {
            findings.push(Finding::new(error.code(), pointer, error.to_string()));
            return Err(Noted);
        }
        references.push(reference.clone());
    }
    Ok(Some(Clues { account: account?, name: name?, references, text: text?, remittance: Vec::new() }))
}

fn remitted(part: NamedPart) -> Remitted {
    let plain = |amount: Money| amount.amount();
    Remitted {
        invoice: part.invoice,
        amount: part.amount.map(plain),
        deduction: part.deduction.map(plain),
        reason: part.reason,
    }
}

/// Whose a payment is, said by a rule or a person. Told anew, the later word counts.
pub(super) fn allocation(data: &mut Members<'_>) -> Read<Body> {
    let (payment, payer) = (data.key("payment"), data.key("payer"));
    let currency = data.currency();
    let parts = paid_parts(data, "invoices", currency, Err(Noted));
    let rule = data.choice("rule", &["remittance", "reference", "account", "name", "person"], "person");
    Ok(Body::Allocated(Allocation {
        payment: payment?,
        payer: payer?,
        currency: currency?,
        parts: parts?,
        rule: rule?.to_owned(),
    }))
}

/// Without an amount all of the payment is taken back; without a number of its own there is one reversal.
pub(super) fn reversal(data: &mut Members<'_>) -> Read<Body> {
    let (payment, number) = (data.optional_key("payment"), data.optional_key("reversal"));
    let currency = data.optional("currency", |code| Ok(Currency::parse(code)?));
    let currency = match currency {
        Ok(Some(currency)) => Ok(currency),
        Ok(None) if data.has("amount") => Err(data.missing("currency")),
        Ok(None) | Err(_) => Err(Noted),
    };
    let amount = data.optional_amount("amount", currency, Sign::Positive);
    let reversed_on = data.date("reversed_on");
    let reason = data.optional_text("reason", TEXT_CHARS);
    clues(data)?;
    let Some(payment) = payment? else {
        let detail = "which payment the bank took back is not said: complete it and send it again";
        return Err(data.note("payment", "missing-member", detail.to_owned()));
    };
    Ok(Body::Reversed(Reversal {
        reversal: number?.unwrap_or_else(|| payment.clone()),
        payment,
        amount: amount?,
        reversed_on: reversed_on?,
        reason: reason?,
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

/// Tax that the payer is known to keep back, before its certificate comes.
pub(super) fn expected_withholding(data: &mut Members<'_>) -> Read<Body> {
    let invoice = data.key("invoice");
    let currency = data.currency();
    let amount = data.amount("amount", currency, Sign::NotNegative);
    let regime = data.optional_text("regime", TEXT_CHARS);
    Ok(Body::WithholdingExpected(ExpectedWithholding { invoice: invoice?, amount: amount?, regime: regime? }))
}

pub(super) fn withholding(data: &mut Members<'_>) -> Read<Body> {
    let certificate = data.optional_key("certificate");
    let body = of_one_invoice(data, "withholding", Sign::Positive);
    Ok(Body::Credit(Credit { kind: CreditKind::Withholding, certificate: certificate?, ..body? }))
}

/// What settles an invoice besides cash, credit notes and withholdings.
pub(super) fn settlement(data: &mut Members<'_>) -> Read<Body> {
    let kinds = ["discount", "fx_difference", "rounding", "bank_charge", "write_off"];
    let kind = data.required_choice("kind", &kinds);
    let closes = data.flag("closes", false);
    let body = of_one_invoice(data, "settlement", Sign::Positive);
    let kind = CreditKind::parse(kind?).ok_or(Noted)?;
    let (mut body, closes) = (body?, closes?);
    body.parts.iter_mut().for_each(|part| part.closes = closes);
    Ok(Body::Credit(Credit { kind, ..body }))
}

/// Less of an invoice is open than was known, and nobody says why. Told again with zero: it is open after all.
pub(super) fn clearing(data: &mut Members<'_>) -> Read<Body> {
    of_one_invoice(data, "clearing", Sign::NotNegative).map(Body::Credit)
}

/// Money of a payer that lies on account where the source applies cash. Told again with zero: it is gone.
pub(super) fn observed(data: &mut Members<'_>) -> Read<Body> {
    let (number, payer) = (data.key("credit"), data.key("payer"));
    let currency = data.currency();
    let amount = data.amount("amount", currency, Sign::NotNegative);
    let value_date = data.date("value_date");
    Ok(Body::Credit(Credit {
        kind: CreditKind::OnAccount,
        number: number?,
        payer: payer?,
        customer: None,
        amount: amount?,
        value_date: value_date?,
        received_date: None,
        bank_reference: None,
        certificate: None,
        parts: Vec::new(),
    }))
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
        parts: vec![NamedPart { amount: Some(amount?), ..NamedPart::whole(invoice?) }],
    })
}

/// Parts of what is in the currency of its invoices.
pub(super) fn named_parts(
    data: &mut Members<'_>,
    name: &'static str,
    currency: Read<Currency>,
    whole: Read<Money>,
) -> Read<Vec<NamedPart>> {
    parts_of(data, name, currency, (whole, false))
}

/// Parts of a payment, whose invoices may be in another currency.
fn paid_parts(
    data: &mut Members<'_>,
    name: &'static str,
    currency: Read<Currency>,
    whole: Read<Money>,
) -> Read<Vec<NamedPart>> {
    parts_of(data, name, currency, (whole, true))
}

/// Parts may name less than the whole, never more.
fn parts_of(
    data: &mut Members<'_>,
    name: &'static str,
    currency: Read<Currency>,
    (whole, may_settle): (Read<Money>, bool),
) -> Read<Vec<NamedPart>> {
    let items = data.items(name, MAX_INVOICES)?;
    let (today, findings) = data.inner();
    let mut parts = Vec::with_capacity(items.len());
    let mut sum = Decimal::ZERO;
    for (pointer, item) in items {
        let mut part = Members::of(item, &pointer, today, findings)?;
        let invoice = part.key("invoice");
        let amount = part.optional_amount("amount", currency, Sign::Positive);
        let deduction = part.optional_amount("deduction", currency, Sign::Positive);
        let reason = part.optional_text("reason", TEXT_CHARS);
        if let (Ok(None), Ok(Some(_))) = (&deduction, &reason) {
            part.missing("deduction");
        }
        let settles = match part.raw("settles") {
            None => Ok(None),
            Some(_) if !may_settle => Err(part.unknown("settles")),
            Some(told) => match amount {
                Ok(Some(paid)) => exchange::settles(told, (&pointer, paid), &mut part).map(Some),
                // How much of the payment settles it has to be said then.
                Ok(None) => Err(part.missing("amount")),
                Err(noted) => Err(noted),
            },
        };
        part.finish();
        let (amount, deduction) = (amount?, deduction?);
        sum += amount.map_or(Decimal::ZERO, |amount| amount.amount());
        parts.push(NamedPart { amount, deduction, reason: reason?, settles: settles?, ..NamedPart::whole(invoice?) });
    }
    if let Ok(whole) = whole
        && sum > whole.amount()
    {
        return Err(data.note(name, "parts-exceed-amount", format!("the parts sum to {sum}, the whole is {whole}")));
    }
    Ok(parts)
}
