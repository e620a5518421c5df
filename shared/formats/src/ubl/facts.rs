//! From a bill to facts.

use serde_json::{Value, json};

use super::{Bill, Kind};
use crate::draft::{self, data, put};
use crate::{Draft, Finding, Options};

/// Room for `/customer` behind an id.
const ID_BYTES: usize = 100;

/// The customer, and the invoice, credit note or debit note.
pub fn drafts(bill: &Bill, options: &Options) -> Result<Vec<Draft>, Finding> {
    let refuse = |code, detail: String| Err(Finding::new(code, bill.place.clone(), detail));
    let is_credit = bill.kind == Kind::CreditNote || bill.is_credit_in_disguise();
    if bill.payable.is_negative() && !bill.is_credit_in_disguise() {
        let detail = format!("a {} over {}", if is_credit { "credit note" } else { "debit note" }, bill.payable);
        return refuse("negative-amount", detail);
    }
    if bill.payable.is_zero() {
        return refuse("not-a-receivable", "nothing is left to pay".to_owned());
    }
    let Some(code) = &bill.buyer.code else {
        let detail =
            "the buyer has no number: neither SupplierAssignedAccountID, PartyIdentification, CompanyID nor EndpointID";
        return Err(Finding::new("customer-unknown", bill.buyer.place.clone(), detail));
    };
    let customer = draft::key(code, &bill.buyer.place)?;
    let Some(name) = &bill.buyer.name else {
        return Err(Finding::new("missing-member", bill.buyer.place.clone(), "the buyer has no name"));
    };
    let id = id(bill);
    let time = draft::instant(bill.issue_date, bill.issue_time.as_deref(), options.time_zone);
    let mut about = data([("customer", json!(customer)), ("name", json!(name))]);
    put(&mut about, "country", bill.buyer.country.clone());
    put(&mut about, "tax_id", bill.buyer.tax_id.as_deref().and_then(|id| draft::key(id, &bill.buyer.place).ok()));
    put(&mut about, "party_kind", bill.buyer.natural_person.then_some("natural_person"));
    let customer_draft = Draft {
        place: bill.buyer.place.clone(),
        fact_type: "customer.upserted",
        id: format!("{id}/customer"),
        time: time.clone(),
        source_version: None,
        data: about,
    };
    let common = [
        ("customer", json!(customer)),
        ("currency", json!(bill.currency.code())),
        ("amount", json!(bill.payable.to_string().trim_start_matches('-'))),
        ("issue_date", json!(bill.issue_date.to_string())),
    ];
    let mut data = data(common);
    let fact_type = if is_credit {
        put(&mut data, "credit_note", Some(bill.number.clone()));
        let invoices: Vec<Value> = bill.references.iter().map(|number| json!({ "invoice": number })).collect();
        put(&mut data, "invoices", (!invoices.is_empty()).then_some(invoices));
        "credit_note.issued"
    } else {
        let terms = options.terms_days.map(|days| draft::after(bill.issue_date, days));
        let Some(due) = bill.due_date.or(terms) else {
            return refuse(
                "due-date-unknown",
                "neither the document nor the configuration tells when it is due".to_owned(),
            );
        };
        put(&mut data, "due_date", Some(due.to_string()));
        if bill.kind == Kind::DebitNote {
            put(&mut data, "debit_note", Some(bill.number.clone()));
            // One that corrects several invoices is about none of them alone.
            let corrected = if let [number] = bill.references.as_slice() { Some(number.clone()) } else { None };
            put(&mut data, "invoice", corrected);
            "debit_note.issued"
        } else {
            put(&mut data, "invoice", Some(bill.number.clone()));
            "invoice.issued"
        }
    };
    let draft = Draft { place: bill.place.clone(), fact_type, id, time, source_version: None, data };
    Ok(vec![customer_draft, draft])
}

/// The fiscal id, else what makes a document one of its kind.
fn id(bill: &Bill) -> String {
    let fiscal = bill.uuid.as_ref().filter(|uuid| uuid.len() <= ID_BYTES && uuid.chars().all(|c| c.is_ascii_graphic()));
    fiscal.cloned().unwrap_or_else(|| {
        let kind = match bill.kind {
            Kind::Invoice => "invoice",
            Kind::CreditNote => "credit_note",
            Kind::DebitNote => "debit_note",
        };
        let seller = bill.seller.as_deref().unwrap_or_default();
        draft::digest(&["ubl", kind, seller, &bill.number, &bill.issue_date.to_string()])
    })
}
