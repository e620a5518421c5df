//! The data of words about an invoice.

use super::members::{Members, Read};
use crate::domain::fact::{Body, Said};
use crate::domain::standing::Word;
use crate::domain::text::TEXT_CHARS;

const VOIDED: [&str; 5] = ["error", "duplicate", "replaced", "not_carried_out", "other"];
/// Those of a dispute, and what a desk or a portal objects to before anybody looks at the goods.
const REJECTED: [&str; 9] =
    ["pricing", "quantity", "quality", "delivery", "duplicate", "terms", "missing_document", "wrong_data", "other"];
const CHANNELS: [&str; 6] = ["email", "portal", "edi", "post", "hand", "other"];

pub(super) fn voided(data: &mut Members<'_>) -> Read<Body> {
    let reason = data.required_choice("reason", &VOIDED).map(|reason| Some(reason.to_owned()));
    said(data, Word::Voided, "voided_on", reason, Ok(None), Ok(None))
}

pub(super) fn reinstated(data: &mut Members<'_>) -> Read<Body> {
    said(data, Word::Reinstated, "reinstated_on", Ok(None), Ok(None), Ok(None))
}

pub(super) fn delivered(data: &mut Members<'_>) -> Read<Body> {
    let channel = data.choice("channel", &CHANNELS, "other").map(|channel| Some(channel.to_owned()));
    said(data, Word::Delivered, "delivered_on", Ok(None), channel, Ok(None))
}

pub(super) fn submitted(data: &mut Members<'_>) -> Read<Body> {
    let portal = data.optional_key("portal");
    said(data, Word::Submitted, "submitted_on", Ok(None), portal, Ok(None))
}

pub(super) fn accepted(data: &mut Members<'_>) -> Read<Body> {
    said(data, Word::Accepted, "accepted_on", Ok(None), Ok(None), Ok(None))
}

pub(super) fn rejected(data: &mut Members<'_>) -> Read<Body> {
    let reason = data.required_choice("reason", &REJECTED).map(|reason| Some(reason.to_owned()));
    said(data, Word::Rejected, "rejected_on", reason, Ok(None), Ok(None))
}

pub(super) fn assigned(data: &mut Members<'_>) -> Read<Body> {
    let (factor, payee) = (data.key("factor").map(Some), data.optional_key("payee"));
    said(data, Word::Assigned, "assigned_on", Ok(None), factor, payee)
}

pub(super) fn reassigned_back(data: &mut Members<'_>) -> Read<Body> {
    said(data, Word::ReassignedBack, "reassigned_on", Ok(None), Ok(None), Ok(None))
}

fn said(
    data: &mut Members<'_>,
    word: Word,
    day: &'static str,
    reason: Read<Option<String>>,
    detail: Read<Option<String>>,
    payee: Read<Option<String>>,
) -> Read<Body> {
    let (invoice, on) = (data.key("invoice"), data.date(day));
    data.optional_text("note", TEXT_CHARS)?;
    Ok(Body::Said(Said { invoice: invoice?, word, on: on?, reason: reason?, detail: detail?, payee: payee? }))
}
