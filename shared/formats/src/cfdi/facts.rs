//! From a CFDI to facts.

use serde_json::{Value, json};

use super::{Comprobante, Kind, Payment, Receiver, terms};
use crate::draft::{self, data, put};
use crate::{Draft, Finding, InvoiceNumber, Options};

/// The RFCs of everybody: the public, and foreigners.
const PUBLIC: &str = "XAXX010101000";
const FOREIGN: &str = "XEXX010101000";
/// The RFC of a natural person has a letter more than a company's.
const PERSON_RFC: usize = 13;

/// The customer and the invoice or credit note, or a payment for each `Pago`.
pub fn drafts(document: &Comprobante, options: &Options) -> Result<Vec<Result<Draft, Finding>>, Finding> {
    let refuse = |code, detail: &str| Err(Finding::new(code, document.place.clone(), detail));
    if matches!(document.kind, Kind::Transfer | Kind::Payroll) {
        return refuse("not-a-receivable", "a transfer of goods or a payroll (TipoDeComprobante T, N)");
    }
    let Some(uuid) = &document.uuid else {
        return refuse("not-stamped", "a document without TimbreFiscalDigital has not been issued");
    };
    let customer = customer_code(&document.receiver)?;
    let time = draft::instant(document.issue_date, document.issue_time.as_deref(), options.time_zone);
    let draft = |fact_type, id, data| Draft {
        place: document.place.clone(),
        fact_type,
        id,
        time: time.clone(),
        source_version: None,
        data,
    };
    let Some(total) = document.total else {
        let payments = document.payments.iter().map(|payment| {
            let payment = payment.as_ref().map_err(Clone::clone)?;
            let number = format!("{uuid}/{}", payment.ordinal);
            let data = received(payment, &number, &customer)?;
            Ok(Draft { place: payment.place.clone(), ..draft("payment.received", number, data) })
        });
        let payments: Vec<_> = payments.collect();
        if payments.is_empty() {
            return refuse("missing-member", "a document of type P without a payment (pagos 2.0)");
        }
        return Ok(payments);
    };
    if total.is_negative() || total.is_zero() {
        return refuse("not-a-receivable", "nothing is left to pay");
    }
    let number = number(document, uuid, options)?;
    let mut data = data([
        ("customer", json!(customer)),
        ("currency", json!(total.currency().code())),
        ("amount", json!(total.to_string())),
        ("issue_date", json!(document.issue_date.to_string())),
    ]);
    let fact_type = if document.kind == Kind::Credit {
        put(&mut data, "credit_note", Some(number));
        let mut uuids: Vec<&String> = document.relations.iter().flat_map(|relation| &relation.uuids).collect();
        uuids.sort();
        uuids.dedup();
        let invoices: Vec<Value> = uuids.into_iter().map(|uuid| json!({ "invoice": uuid })).collect();
        put(&mut data, "invoices", (!invoices.is_empty()).then_some(invoices));
        "credit_note.issued"
    } else {
        let Some(days) = document.terms.as_deref().and_then(terms::days).or(options.terms_days) else {
            return refuse(
                "due-date-unknown",
                "a CFDI has no due date, and neither it nor the configuration tells terms",
            );
        };
        // Payments and credit notes name the UUID.
        put(&mut data, "references", (number != *uuid).then(|| vec![uuid.clone()]));
        put(&mut data, "invoice", Some(number));
        put(&mut data, "due_date", Some(draft::after(document.issue_date, days).to_string()));
        "invoice.issued"
    };
    let about = customer_draft(document, &customer);
    let about = Draft {
        place: document.receiver.place.clone(),
        ..draft("customer.upserted", format!("{uuid}/customer"), about)
    };
    Ok(vec![Ok(about), Ok(draft(fact_type, uuid.clone(), data))])
}

fn customer_draft(document: &Comprobante, customer: &str) -> draft::Data {
    let receiver = &document.receiver;
    let mut about =
        data([("customer", json!(customer)), ("name", json!(receiver.name.as_deref().unwrap_or(customer)))]);
    if receiver.rfc != FOREIGN {
        put(&mut about, "country", Some("MX"));
        let person = receiver.rfc != PUBLIC && receiver.rfc.chars().count() == PERSON_RFC;
        put(&mut about, "party_kind", person.then_some("natural_person"));
    }
    about
}

/// The RFC; behind one that is everybody's, the number at home or the name.
fn customer_code(receiver: &Receiver) -> Result<String, Finding> {
    if ![PUBLIC, FOREIGN].contains(&receiver.rfc.as_str()) {
        return Ok(receiver.rfc.clone());
    }
    let name = receiver.name.as_ref().filter(|name| {
        let name = name.to_uppercase().replace('Ú', "U");
        name != "PUBLICO EN GENERAL"
    });
    if let Some(code) = receiver.foreign_id.as_ref().or(name) {
        return draft::key(code, &receiver.place);
    }
    let detail = format!("the RFC {} is everybody's, and nothing else names the customer", receiver.rfc);
    Err(Finding::new("customer-unknown", receiver.place.clone(), detail))
}

fn number(document: &Comprobante, uuid: &str, options: &Options) -> Result<String, Finding> {
    let parts: Vec<&str> = [&document.series, &document.folio].into_iter().flatten().map(String::as_str).collect();
    if options.invoice_number == InvoiceNumber::Fiscal || document.folio.is_none() {
        return Ok(uuid.to_owned());
    }
    draft::key(&parts.join("-"), &document.place)
}

fn received(payment: &Payment, number: &str, payer: &str) -> Result<draft::Data, Finding> {
    let mut data = data([
        ("payment", json!(number)),
        ("payer", json!(payer)),
        ("currency", json!(payment.amount.currency().code())),
        ("amount", json!(payment.amount.to_string())),
        ("value_date", json!(payment.date.to_string())),
    ]);
    if let Some(operation) = &payment.operation {
        put(&mut data, "bank_reference", Some(draft::key(operation, &payment.place)?));
    }
    let parts = payment.settled.iter();
    let parts: Vec<Value> = parts
        .map(|part| {
            let settles = json!({ "currency": part.paid.currency().code(), "amount": part.paid.to_string() });
            if part.paid.currency() == part.amount.currency() {
                json!({ "invoice": part.document, "amount": part.amount.to_string() })
            } else {
                json!({ "invoice": part.document, "amount": part.amount.to_string(), "settles": settles })
            }
        })
        .collect();
    put(&mut data, "remittance", (!parts.is_empty()).then_some(parts));
    Ok(data)
}
