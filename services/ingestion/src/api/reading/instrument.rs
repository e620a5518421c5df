//! The data of facts about instruments, and about credits that are on their way.

use super::Finding;
use super::credits::named_parts;
use super::members::{Members, Noted, Read, Sign};
use crate::domain::fact::{Body, ExpectedCredit, Instrument, InstrumentChanged, InstrumentState, NamedPart};
use crate::domain::text::TEXT_CHARS;

pub(super) fn received(data: &mut Members<'_>) -> Read<Body> {
    let (instrument, payer) = (data.key("instrument"), data.key("payer"));
    let form = data.required_choice("kind", &["cheque", "echeq", "letra", "pagare"]);
    let currency = data.currency();
    let amount = data.amount("amount", currency, Sign::Positive);
    let (received_on, matures_on) = (data.date("received_on"), data.date("matures_on"));
    let parts = named_parts(data, "invoices", currency, amount);
    let (amount, mut parts) = (amount?, parts?);
    // One invoice without an amount is meant with all of it; of several nobody could say how much each is covered.
    if let [part] = parts.as_mut_slice() {
        part.amount.get_or_insert(amount);
    }
    for (index, NamedPart { amount, invoice, .. }) in parts.iter().enumerate() {
        let refused = if amount.is_none() {
            Some(("missing-member", "amount", "of several invoices each needs an amount".to_owned()))
        } else if parts.iter().take(index).any(|earlier| earlier.invoice == *invoice) {
            Some(("duplicate-member", "invoice", format!("{invoice} is named before")))
        } else {
            None
        };
        if let Some((code, member, detail)) = refused {
            let (_, findings) = data.inner();
            findings.push(Finding::new(code, format!("#/data/invoices/{index}/{member}"), detail));
            return Err(Noted);
        }
    }
    Ok(Body::Instrument(Instrument {
        instrument: instrument?,
        form: form?.to_owned(),
        payer: payer?,
        amount,
        received_on: received_on?,
        matures_on: matures_on?,
        parts,
    }))
}

pub(super) fn changed(data: &mut Members<'_>) -> Read<Body> {
    let (instrument, on) = (data.key("instrument"), data.date("on"));
    let state = data.required_choice("state", &["portfolio", "deposited", "endorsed", "cleared", "rejected"]);
    let state = InstrumentState::parse(state?).ok_or(Noted)?;
    Ok(Body::InstrumentChanged(InstrumentChanged { instrument: instrument?, state, on: on? }))
}

/// Told with zero, it is not expected any more.
pub(super) fn expected_credit(data: &mut Members<'_>) -> Read<Body> {
    let (expected, invoice) = (data.key("expected"), data.key("invoice"));
    let currency = data.currency();
    let amount = data.amount("amount", currency, Sign::NotNegative);
    let expected_on = data.date("expected_on");
    let reasons = ["rebate", "return", "price_adjustment", "promotion", "other"];
    let reason = data.required_choice("reason", &reasons);
    data.optional_text("note", TEXT_CHARS)?;
    Ok(Body::ExpectedCredit(ExpectedCredit {
        expected: expected?,
        invoice: invoice?,
        amount: amount?,
        expected_on: expected_on?,
        reason: reason?.to_owned(),
    }))
}
