//! From a case to a verdict: the decisions about a customer's due steps, and the letter that carries those to be sent.

use chrono::{DateTime, NaiveDate, Utc};
use primitives::ids::{self, Kind};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::decide::{Decision, Outcome, decide};
use crate::domain::message::{Carried, Status, leading};
use crate::domain::recipient::{self, Contact, Language};
use crate::mail::letter::{self, Sender};
use crate::mail::{Item, Letter, Renderer, TEMPLATE_VERSION, Vars};
use crate::store::decisions::{Decided, Evidence};
use crate::store::keys::Key;
use crate::store::messages::DecidedMessage;
use crate::store::snapshots::{Case, DueInvoice};

/// What was decided about one customer's day.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) message: DecidedMessage,
    pub(super) decisions: Vec<(Decided, Evidence)>,
    pub(super) letter: Option<Written>,
}

/// A letter and what of it is kept.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) letter: Letter,
    pub(super) rendered: (Key, String, String, String),
    contact_id: Uuid,
    language: Language,
    template: String,
}

/// The message of a customer's civil day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occasion {
    pub(super) message_id: Uuid,
    pub(super) day: NaiveDate,
    /// Business time of the decision.
    pub(super) now: DateTime<Utc>,
}

/// The id of a customer's message of a day: the same again after every retry and replay (D3).
pub(super) fn message_id(tenant_id: Uuid, customer_id: Uuid, day: NaiveDate) -> Uuid {
    ids::derive(tenant_id, Kind::Message, &[&customer_id.to_string(), &day.to_string(), "email"])
}

pub(super) fn verdict(mut case: Case, on: Occasion, renderer: &Renderer, sender: &Sender) -> anyhow::Result<Verdict> {
    let writable: Vec<Contact> =
        case.contacts.iter().filter(|contact| letter::address(&contact.email).is_ok()).cloned().collect();
    let allowed: Vec<Contact> =
        writable.iter().filter(|contact| !case.bars.contains_key(&contact.id)).cloned().collect();
    let contact = recipient::choose(&allowed);
    let nearest = recipient::choose(&writable).filter(|_| contact.is_none());
    let barred = nearest.and_then(|nearest| case.bars.get(&nearest.id).copied());
    for invoice in &mut case.invoices {
        invoice.snapshot.reachable = contact.is_some();
        invoice.snapshot.barred = barred;
    }
    let mut carried = decide_all(&case.invoices);
    let mut written = None;
    if let (Some(lead), Some(contact)) = (leading(&carried).copied(), contact) {
        match write(&case, &carried, lead, contact, on, renderer, sender) {
            Ok(letter) => written = Some(letter),
            Err(why) => {
                // The steps that wanted to be sent are decided again, knowing that they cannot be.
                for invoice in &mut case.invoices {
                    invoice.snapshot.template_error = Some(why.clone());
                }
                carried = decide_all(&case.invoices);
            }
        }
    }
    let message = message(&case, &carried, written.as_ref(), contact, on);
    let decisions = records(&case, &carried, on)?;
    Ok(Verdict { message, decisions, letter: written })
}

fn decide_all(invoices: &[DueInvoice]) -> Vec<Carried> {
    let of_invoice = |invoice: &DueInvoice| {
        let invoice_id = invoice.snapshot.invoice.invoice_id;
        decide(&invoice.snapshot).into_iter().map(move |decision| Carried { invoice_id, decision })
    };
    invoices.iter().flat_map(of_invoice).collect()
}

fn write(
    case: &Case,
    carried: &[Carried],
    lead: Carried,
    contact: &Contact,
    on: Occasion,
    renderer: &Renderer,
    sender: &Sender,
) -> Result<Written, String> {
    let sent: Vec<&DueInvoice> = case
        .invoices
        .iter()
        .filter(|invoice| {
            let id = invoice.snapshot.invoice.invoice_id;
            carried.iter().any(|item| item.invoice_id == id && item.decision.outcome == Outcome::Send)
        })
        .collect();
    let step = case
        .invoices
        .iter()
        .find(|invoice| invoice.snapshot.invoice.invoice_id == lead.invoice_id)
        .and_then(|invoice| invoice.snapshot.strategy.steps.get(lead.decision.step))
        .ok_or("the leading step is gone")?;
    let vars = Vars {
        tenant: case.tenant_name.clone(),
        name: contact.name.clone(),
        reply_to: sender.reply_to.as_ref().map(ToString::to_string).unwrap_or_default(),
        today: on.day,
        items: sent.into_iter().map(item).collect(),
    };
    let language =
        Language::first_of([contact.language.as_str(), case.language.as_str(), case.tenant_language.as_str()]);
    let text = renderer.render(&step.template, step.tone, language, &vars).map_err(|error| error.to_string())?;
    let address = letter::address(&contact.email).map_err(|error| error.to_string())?;
    let to = (contact.name.as_str(), address);
    let letter = letter::write(sender, &case.tenant_name, to, on.message_id, on.now, &text)
        .map_err(|error| error.to_string())?;
    Ok(Written {
        letter,
        rendered: ((case.tenant_id, on.message_id), contact.email.clone(), text.subject, text.body),
        contact_id: contact.id,
        language,
        template: step.template.clone(),
    })
}

fn item(invoice: &DueInvoice) -> Item {
    let facts = &invoice.snapshot.invoice;
    Item {
        number: invoice.number.clone(),
        issue_date: facts.issue_date,
        due_date: facts.asked_for_on(),
        currency: invoice.currency,
        asked: facts.asked(),
        total: invoice.amount,
        disputed: !facts.disputed_amount.is_zero(),
    }
}

fn message(
    case: &Case,
    carried: &[Carried],
    written: Option<&Written>,
    contact: Option<&Contact>,
    on: Occasion,
) -> DecidedMessage {
    let base = DecidedMessage {
        tenant_id: case.tenant_id,
        message_id: on.message_id,
        status: Status::Suppressed,
        reason: String::new(),
        contact_id: contact.map(|contact| contact.id),
        level: 0,
        invoice_ids: carried.iter().map(|item| item.invoice_id).collect(),
        template: String::new(),
        template_version: TEMPLATE_VERSION,
        language: String::new(),
        rendered_sha256: None,
    };
    if let (Some(written), Some(lead)) = (written, leading(carried)) {
        let sent = carried.iter().filter(|item| item.decision.outcome == Outcome::Send);
        return DecidedMessage {
            status: Status::Sending,
            contact_id: Some(written.contact_id),
            level: level(lead.decision),
            invoice_ids: sent.map(|item| item.invoice_id).collect(),
            template: written.template.clone(),
            language: written.language.code().to_owned(),
            rendered_sha256: Some(Sha256::digest(written.letter.octets.as_bytes()).to_vec()),
            ..base
        };
    }
    // The highest step says why nothing was sent.
    let highest = carried
        .iter()
        .filter(|item| item.decision.outcome != Outcome::Superseded)
        .min_by_key(|item| std::cmp::Reverse(item.decision.offset_days));
    match highest {
        Some(item) => {
            DecidedMessage { reason: item.decision.outcome.reason().to_owned(), level: level(item.decision), ..base }
        }
        // The plan moved between the claim and the last check.
        None => DecidedMessage { reason: "nothing_due".to_owned(), ..base },
    }
}

fn level(decision: Decision) -> i32 {
    i32::try_from(decision.step).unwrap_or(i32::MAX)
}

/// The record of each decision, with all that it takes to decide it again (G1).
fn records(case: &Case, carried: &[Carried], on: Occasion) -> anyhow::Result<Vec<(Decided, Evidence)>> {
    let mut records = Vec::with_capacity(carried.len());
    for invoice in &case.invoices {
        let snapshot = &invoice.snapshot;
        let text = serde_json::to_string(snapshot)?;
        let value = serde_json::to_value(snapshot)?;
        let hash = Sha256::digest(text.as_bytes()).to_vec();
        let of_invoice = carried.iter().filter(|item| item.invoice_id == snapshot.invoice.invoice_id);
        for Carried { invoice_id, decision } in of_invoice.copied() {
            let offset = decision.offset_days.to_string();
            let key = ["decision", &invoice_id.to_string(), &offset];
            let template = snapshot.strategy.steps.get(decision.step).map(|step| step.template.clone());
            records.push((
                Decided {
                    tenant_id: case.tenant_id,
                    decision_id: ids::derive(case.tenant_id, Kind::Message, &key),
                    customer_id: case.customer_id,
                    invoice_id,
                    step: level(decision),
                    offset_days: decision.offset_days,
                    strategy: snapshot.strategy.name.clone(),
                    strategy_version: snapshot.strategy.version,
                    outcome: decision.outcome,
                    message_id: on.message_id,
                    day: on.day,
                    at: on.now,
                },
                Evidence {
                    template: template.unwrap_or_default(),
                    template_version: TEMPLATE_VERSION,
                    segment: snapshot.segment.clone(),
                    segment_version: snapshot.segment_version,
                    snapshot: value.clone(),
                    snapshot_sha256: hash.clone(),
                },
            ));
        }
    }
    Ok(records)
}
