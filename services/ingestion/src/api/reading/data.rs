//! The data of each type of fact.

use chrono_tz::Tz;
use primitives::{Currency, Money};

use super::json::Json;
use super::members::{Members, Noted, Read, Refusal, Sign};
use super::{conduct, credits, customer, exchange, instrument, plan, reach, said};
use crate::domain::fact::{
    Body, Contact, DisputeOpened, DisputeResolved, Document, Extension, Invoice, PromiseMade, PromiseWithdrawn,
};
use crate::domain::text::{self, TEXT_CHARS};

/// A remittance or a promise about more invoices than this is a file of its own.
pub(super) const MAX_INVOICES: usize = 1_000;

/// Numbers by which one invoice may be known besides its own.
const MAX_REFERENCES: usize = 10;
/// What is wrong with an invoice, in the eyes of the debtor or of whoever hears of it first.
pub(super) const DISPUTE_REASONS: [&str; 7] =
    ["pricing", "quantity", "quality", "delivery", "duplicate", "terms", "other"];

/// Through which a debtor gives a word.
pub(super) const CHANNELS: [&str; 6] = ["email", "call", "whatsapp", "visit", "portal", "other"];

/// Reads `content` as the data of a fact of `fact_type`.
pub(super) fn body(fact_type: &str, content: &Json, envelope: &mut Members<'_>) -> Read<Body> {
    let read = match fact_type {
        "customer.upserted" => customer::customer,
        "contact.upserted" => contact,
        "invoice.issued" => invoice,
        "debit_note.issued" => debit_note,
        "invoice.voided" => said::voided,
        "invoice.reinstated" => said::reinstated,
        "invoice.delivered" => said::delivered,
        "invoice.submitted" => said::submitted,
        "invoice.accepted" => said::accepted,
        "invoice.rejected" => said::rejected,
        "invoice.assigned" => said::assigned,
        "invoice.reassigned_back" => said::reassigned_back,
        "due_date.extended" => extension,
        "payment.received" => credits::payment,
        "payment.allocated" => credits::allocation,
        "payment.reversed" => credits::reversal,
        "fx_rate.published" => exchange::published,
        "credit_note.issued" => credits::credit_note,
        "withholding.recorded" => credits::withholding,
        "withholding.expected" => credits::expected_withholding,
        "settlement.recorded" => credits::settlement,
        "clearing.observed" => credits::clearing,
        "instrument.received" => instrument::received,
        "instrument.changed" => instrument::changed,
        "credit_note.expected" => instrument::expected_credit,
        "credit.observed" => credits::observed,
        "dispute.opened" => dispute_opened,
        "dispute.resolved" => dispute_resolved,
        "promise.made" => promise_made,
        "promise.withdrawn" => promise_withdrawn,
        "plan.agreed" => plan::agreed,
        "plan.withdrawn" => plan::withdrawn,
        "hold.placed" => conduct::hold_placed,
        "hold.lifted" => conduct::hold_lifted,
        "issue.raised" => conduct::issue_raised,
        "issue.resolved" => conduct::issue_resolved,
        "payment.claimed" => conduct::payment_claimed,
        "payment.scheduled" => conduct::payment_scheduled,
        "invoice.not_received" => conduct::invoice_not_received,
        "document.missing" => conduct::document_missing,
        "consent.changed" => reach::consent,
        "contact.wrong" => reach::wrong_contact,
        "complaint.received" => reach::complaint,
        "contact.logged" => reach::attempt,
        "delivery.reported" => reach::report,
        "source.covered" => covered,
        _ => {
            return Err(envelope.note("type", "unknown-type", "no such type of fact is known".to_owned()));
        }
    };
    let (today, findings) = envelope.inner();
    let mut data = Members::of(content, "#/data", today, findings)?;
    let body = read(&mut data);
    data.finish();
    body
}

fn contact(data: &mut Members<'_>) -> Read<Body> {
    let (contact, customer) = (data.key("contact"), data.key("customer"));
    let name = data.required("name", |value| Ok(text::text(value, TEXT_CHARS)?.to_owned()));
    let email = data.required("email", |value| Ok(text::email(value)?.to_owned()));
    let role = data.choice("role", &["payables", "buyer", "approver", "other"], "payables");
    let language = data.optional("language", language);
    let active = data.flag("active", true);
    Ok(Body::Contact(Contact {
        contact: contact?,
        customer: customer?,
        name: name?,
        email: email?,
        role: role?.to_owned(),
        language: language?,
        active: active?,
    }))
}

fn invoice(data: &mut Members<'_>) -> Read<Body> {
    receivable(data, "invoice", Ok(Document::Invoice))
}

fn debit_note(data: &mut Members<'_>) -> Read<Body> {
    let corrects = data.optional_key("invoice");
    receivable(data, "debit_note", corrects.map(|corrects| Document::DebitNote { corrects }))
}

/// What is owed; `number` is the name of the member that numbers it.
fn receivable(data: &mut Members<'_>, number: &'static str, document: Read<Document>) -> Read<Body> {
    let (invoice, customer, payer) = (data.key(number), data.key("customer"), data.optional_key("payer"));
    let references = keys(data, "references", MAX_REFERENCES);
    let currency = data.currency();
    let amount = data.amount("amount", currency, Sign::Positive);
    let expected_withholding = data.optional_amount("expected_withholding", currency, Sign::NotNegative);
    let (issue_date, due_date) = (data.date("issue_date"), data.date("due_date"));
    let delivered_date = data.optional_date("delivered_date");
    let last_dunned_on = data.optional_date("last_dunned_on");
    let effective_due_date = data.optional_date("effective_due_date");
    if let (Ok(issued), Ok(due)) = (issue_date, due_date)
        && due < issued
    {
        return Err(data.note("due_date", "date-order", format!("due before it is issued on {issued}")));
    }
    if let (Ok(due), Ok(Some(effective))) = (due_date, effective_due_date)
        && effective < due
    {
        return Err(data.note("effective_due_date", "date-order", format!("earlier than the due date {due}")));
    }
    if let (Ok(amount), Ok(Some(withheld))) = (amount, expected_withholding)
        && withheld.amount() > amount.amount()
    {
        return Err(data.note("expected_withholding", "amount-range", format!("more than the invoice's {amount}")));
    }
    let (invoice, references) = (invoice?, references?);
    if references.contains(&invoice) {
        let detail = format!("{invoice} is the invoice's own number");
        return Err(data.note("references", "reference-conflict", detail));
    }
    Ok(Body::Invoice(Invoice {
        document: document?,
        invoice,
        references,
        customer: customer?,
        payer: payer?,
        amount: amount?,
        issue_date: issue_date?,
        due_date: due_date?,
        delivered_date: delivered_date?,
        last_dunned_on: last_dunned_on?,
        effective_due_date: effective_due_date?,
        expected_withholding: expected_withholding?,
    }))
}

fn extension(data: &mut Members<'_>) -> Read<Body> {
    let (invoice, effective_due_date) = (data.key("invoice"), data.date("effective_due_date"));
    let reason = data.required("reason", |value| Ok(text::text(value, TEXT_CHARS)?.to_owned()));
    Ok(Body::Extended(Extension { invoice: invoice?, effective_due_date: effective_due_date?, reason: reason? }))
}

fn dispute_opened(data: &mut Members<'_>) -> Read<Body> {
    let (dispute, invoice) = (data.key("dispute"), data.key("invoice"));
    let reason = data.required_choice("reason", &DISPUTE_REASONS);
    // The invoice's currency is not told here: four decimals are the most that any currency has.
    let widest = Currency::parse("CLF").map_err(|_| Noted);
    let amount = data.optional_amount("amount", widest, Sign::Positive);
    let opened_on = data.date("opened_on");
    Ok(Body::DisputeOpened(DisputeOpened {
        dispute: dispute?,
        invoice: invoice?,
        reason: reason?.to_owned(),
        amount: amount?.map(|amount| Money::amount(&amount).normalize()),
        opened_on: opened_on?,
    }))
}

fn dispute_resolved(data: &mut Members<'_>) -> Read<Body> {
    let (dispute, resolved_on) = (data.key("dispute"), data.date("resolved_on"));
    let outcome = data.optional_text("outcome", TEXT_CHARS);
    Ok(Body::DisputeResolved(DisputeResolved { dispute: dispute?, resolved_on: resolved_on?, outcome: outcome? }))
}

fn promise_made(data: &mut Members<'_>) -> Read<Body> {
    let (promise, customer) = (data.key("promise"), data.key("customer"));
    let currency = data.currency();
    let amount = data.amount("amount", currency, Sign::Positive);
    let (promised_date, made_on) = (data.date("promised_date"), data.date("made_on"));
    let channel = data.choice("channel", &CHANNELS, "other");
    let (replaces, time_zone) = (data.optional_key("replaces"), data.optional("time_zone", time_zone));
    let invoices = invoice_list(data);
    if matches!(&invoices, Ok(invoices) if invoices.is_empty()) {
        return Err(data.note("invoices", "missing-member", "a promise names at least one invoice".to_owned()));
    }
    if let (Ok(made), Ok(promised)) = (made_on, promised_date)
        && promised < made
    {
        return Err(data.note(
            "promised_date",
            "date-order",
            format!("promised for a day before {made}, when it was made"),
        ));
    }
    Ok(Body::PromiseMade(PromiseMade {
        promise: promise?,
        customer: customer?,
        invoices: invoices?,
        amount: amount?,
        promised_date: promised_date?,
        made_on: made_on?,
        channel: channel?.to_owned(),
        replaces: replaces?,
        time_zone: time_zone?,
    }))
}

/// The numbers under `invoices`, sorted; named twice counts once.
pub(super) fn invoice_list(data: &mut Members<'_>) -> Read<Vec<String>> {
    keys(data, "invoices", MAX_INVOICES)
}

/// The numbers of a list, sorted; one that stands twice counts once.
fn keys(data: &mut Members<'_>, name: &'static str, max: usize) -> Read<Vec<String>> {
    let items = data.items(name, max)?;
    let (_, findings) = data.inner();
    let mut keys = Vec::with_capacity(items.len());
    for (pointer, item) in items {
        let Json::Text(number) = item else {
            findings.push(super::Finding::new(
                "wrong-type",
                pointer,
                format!("a string is expected, not {}", item.kind()),
            ));
            return Err(Noted);
        };
        if let Err(error) = text::natural_key(number) {
            findings.push(super::Finding::new(error.code(), pointer, error.to_string()));
            return Err(Noted);
        }
        keys.push(number.clone());
    }
    keys.sort();
    keys.dedup();
    Ok(keys)
}

fn promise_withdrawn(data: &mut Members<'_>) -> Read<Body> {
    let (promise, withdrawn_on) = (data.key("promise"), data.date("withdrawn_on"));
    Ok(Body::PromiseWithdrawn(PromiseWithdrawn { promise: promise?, withdrawn_on: withdrawn_on? }))
}

fn covered(data: &mut Members<'_>) -> Read<Body> {
    data.instant("covered_until").map(|until| Body::Covered { until })
}

pub(super) fn country(value: &str) -> Result<String, Refusal> {
    if value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(value.to_owned());
    }
    Err(Refusal { code: "country", detail: "two capital letters (ISO 3166-1) are expected".to_owned() })
}

pub(super) fn language(value: &str) -> Result<String, Refusal> {
    if value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Ok(value.to_owned());
    }
    Err(Refusal { code: "language", detail: "two small letters (ISO 639-1) are expected".to_owned() })
}

pub(super) fn time_zone(value: &str) -> Result<Tz, Refusal> {
    value
        .parse()
        .map_err(|_| Refusal { code: "time-zone", detail: "the name of an IANA time zone is expected".to_owned() })
}
