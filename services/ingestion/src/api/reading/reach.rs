//! The data of facts about who may be reached, who was, and what became of messages.

use uuid::Uuid;

use super::conduct::colleague;
use super::members::{Members, Read, Refusal};
use crate::domain::fact::Body;
use crate::domain::fact::reach::{Attempt, CHANNELS, Complaint, Consent, Reach, Report, WrongContact};
use crate::domain::text::TEXT_CHARS;

pub(super) fn consent(data: &mut Members<'_>) -> Read<Body> {
    let (contact, channel) = (data.key("contact"), data.required_choice("channel", &CHANNELS));
    let status = data.required_choice("status", &["granted", "withdrawn"]);
    let changed_on = data.date("changed_on");
    // Kept with the fact, where it can be erased.
    data.optional_text("evidence", TEXT_CHARS)?;
    Ok(Body::Reach(Reach::Consent(Consent {
        contact: contact?,
        channel: channel?,
        status: status?,
        changed_on: changed_on?,
    })))
}

pub(super) fn wrong_contact(data: &mut Members<'_>) -> Read<Body> {
    let (contact, told_on) = (data.key("contact"), data.date("told_on"));
    Ok(Body::Reach(Reach::WrongContact(WrongContact { contact: contact?, told_on: told_on? })))
}

pub(super) fn complaint(data: &mut Members<'_>) -> Read<Body> {
    let (customer, contact) = (data.key("customer"), data.optional_key("contact"));
    let channel = if data.has("channel") { data.required_choice("channel", &CHANNELS).map(Some) } else { Ok(None) };
    let received_on = data.date("received_on");
    data.optional_text("text", TEXT_CHARS)?;
    Ok(Body::Reach(Reach::Complaint(Complaint {
        customer: customer?,
        contact: contact?,
        channel: channel?,
        received_on: received_on?,
    })))
}

pub(super) fn attempt(data: &mut Members<'_>) -> Read<Body> {
    let (customer, contact) = (data.key("customer"), data.optional_key("contact"));
    let channel = data.required_choice("channel", &CHANNELS);
    let outcomes =
        ["reached", "other_reached", "promised", "refused", "no_answer", "left_message", "wrong_number", "other"];
    let outcome = data.required_choice("outcome", &outcomes);
    let (logged_on, by) = (data.date("logged_on"), data.required("by", colleague));
    data.optional_text("note", TEXT_CHARS)?;
    Ok(Body::Reach(Reach::Attempt(Attempt {
        customer: customer?,
        contact: contact?,
        channel: channel?,
        outcome: outcome?,
        logged_on: logged_on?,
        by: by?,
    })))
}

pub(super) fn report(data: &mut Members<'_>) -> Read<Body> {
    let (message, contact) = (data.optional("message", message_id), data.optional_key("contact"));
    let channel = data.choice("channel", &["email", "whatsapp", "other"], "email");
    let outcome = data.required_choice("outcome", &["delivered", "bounced", "complained"]);
    let permanent = data.flag("permanent", true);
    data.optional_text("detail", TEXT_CHARS)?;
    let (message, contact, outcome) = (message?, contact?, outcome?);
    if message.is_none() && contact.is_none() {
        let detail = "what was delivered? a message or a contact is expected";
        return Err(data.note("message", "missing-member", detail.to_owned()));
    }
    Ok(Body::Reach(Reach::Report(Report {
        message,
        contact,
        channel: channel?,
        outcome,
        // Nothing else can be.
        permanent: permanent? && outcome == "bounced",
    })))
}

fn message_id(value: &str) -> Result<Uuid, Refusal> {
    Uuid::try_parse(value).ok().filter(|id| value.eq_ignore_ascii_case(&id.to_string())).ok_or_else(|| Refusal {
        code: "unknown-value",
        detail: "the id of a message is expected: the UUID before the @ of its Message-ID".to_owned(),
    })
}
