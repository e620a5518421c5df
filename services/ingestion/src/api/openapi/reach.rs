//! The data of facts about who may be reached, who was, and what became of messages.
#![allow(dead_code, reason = "described here, read by `reading`")]

use serde_json::json;
use utoipa::ToSchema;

use super::catalogue::{Described, described};
use super::facts::Channel;
use super::values::{Code, Day, Key, MessageId, Text};

/// An example of each, as of [`super::catalogue`].
pub(super) fn all() -> Vec<Described> {
    vec![
        described::<ConsentChanged>(
            "consent.changed",
            "erp",
            json!({"contact": "K-001", "channel": "email", "status": "granted", "changed_on": "2026-03-02",
                   "evidence": "form on the portal"}),
        ),
        described::<ContactWrong>("contact.wrong", "erp", json!({"contact": "K-001", "told_on": "2026-04-03"})),
        described::<ComplaintReceived>(
            "complaint.received",
            "erp",
            json!({"customer": "C-001", "contact": "K-001", "channel": "whatsapp", "received_on": "2026-04-04",
                   "text": "too many messages"}),
        ),
        described::<ContactLogged>(
            "contact.logged",
            "erp",
            json!({"customer": "C-001", "contact": "K-001", "channel": "call", "outcome": "no_answer",
                   "logged_on": "2026-04-05", "by": "u-17", "note": "rang twice"}),
        ),
        described::<DeliveryReported>(
            "delivery.reported",
            "erp",
            json!({"contact": "K-001", "channel": "email", "outcome": "bounced", "permanent": false,
                   "detail": "452 mailbox full"}),
        ),
    ]
}

/// A contact allows to be reached through a channel, or does not any more. The later word counts; who has said nothing may be
/// reached.
#[derive(ToSchema)]
pub(super) struct ConsentChanged {
    contact: Key,
    channel: Channel,
    status: ConsentStatus,
    changed_on: Day,
    /// How it was said. Kept where it can be erased.
    #[schema(required = false)]
    evidence: Text,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum ConsentStatus {
    Granted,
    Withdrawn,
}

/// Whoever is written to has nothing to do with it: the contact is not reached any more, unless a later consent says so.
#[derive(ToSchema)]
pub(super) struct ContactWrong {
    contact: Key,
    told_on: Day,
}

/// A debtor complains of being reached: the channel stops at once, unless a later consent opens it.
#[derive(ToSchema)]
pub(super) struct ComplaintReceived {
    customer: Key,
    /// Every contact of the customer when absent.
    #[schema(required = false)]
    contact: Key,
    /// Every channel when absent.
    #[schema(required = false)]
    channel: Channel,
    received_on: Day,
    /// Kept where it can be erased.
    #[schema(required = false)]
    text: Text,
}

/// A person has tried to reach a debtor.
#[derive(ToSchema)]
pub(super) struct ContactLogged {
    customer: Key,
    #[schema(required = false)]
    contact: Key,
    channel: Channel,
    outcome: AttemptOutcome,
    logged_on: Day,
    /// Who tried.
    by: Code,
    /// Kept where it can be erased.
    #[schema(required = false)]
    note: Text,
}

/// `reached` is somebody who pays or decides, `other_reached` somebody else.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum AttemptOutcome {
    Reached,
    OtherReached,
    Promised,
    Refused,
    NoAnswer,
    LeftMessage,
    WrongNumber,
    Other,
}

/// What became of a message after it was handed off; `time` of the envelope says when that was known, and the later report counts. It
/// names the message, the contact, or both; a bounce of a message holds for the address that it was sent to.
#[derive(ToSchema)]
pub(super) struct DeliveryReported {
    /// Of Puntual.
    #[schema(required = false)]
    message: MessageId,
    #[schema(required = false)]
    contact: Key,
    /// `email` unless told.
    #[schema(required = false)]
    channel: ReportChannel,
    outcome: DeliveryOutcome,
    /// Of a bounce: it will bounce again. True unless told.
    #[schema(required = false)]
    permanent: bool,
    /// What the other side answered. Kept where it can be erased.
    #[schema(required = false)]
    detail: Text,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum ReportChannel {
    Email,
    Whatsapp,
    Other,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum DeliveryOutcome {
    Delivered,
    Bounced,
    Complained,
}
