//! Who may be reached, who was, and what became of messages.

use chrono::NaiveDate;
use uuid::Uuid;

/// Every way to reach somebody: what is said of no channel in particular is said of each of them.
pub(crate) const CHANNELS: [&str; 6] = ["email", "call", "whatsapp", "visit", "portal", "other"];

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reach {
    Consent(Consent),
    WrongContact(WrongContact),
    Complaint(Complaint),
    Attempt(Attempt),
    Report(Report),
}

/// A contact says whether it may be reached through a channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Consent {
    pub(crate) contact: String,
    pub(crate) channel: &'static str,
    pub(crate) status: &'static str,
    pub(crate) changed_on: NaiveDate,
}

/// Whoever was written to has nothing to do with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WrongContact {
    pub(crate) contact: String,
    pub(crate) told_on: NaiveDate,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Complaint {
    pub(crate) customer: String,
    /// `None`: the customer as a whole.
    pub(crate) contact: Option<String>,
    /// `None`: all of them.
    pub(crate) channel: Option<&'static str>,
    pub(crate) received_on: NaiveDate,
}

/// A person has tried to reach a debtor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) customer: String,
    pub(crate) contact: Option<String>,
    pub(crate) channel: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) logged_on: NaiveDate,
    /// Code of a colleague.
    pub(crate) by: String,
}

/// What became of a message after it was handed off. It names the message, the contact, or both.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) message: Option<Uuid>,
    pub(crate) contact: Option<String>,
    pub(crate) channel: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) permanent: bool,
}

impl Reach {
    /// The name under which the fact came.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Consent(_) => "consent.changed",
            Self::WrongContact(_) => "contact.wrong",
            Self::Complaint(_) => "complaint.received",
            Self::Attempt(_) => "contact.logged",
            Self::Report(_) => "delivery.reported",
        }
    }

    /// Members of the data that are written freely (L5).
    pub(crate) const fn personal(&self) -> &'static [&'static str] {
        match self {
            Self::Consent(_) => &["evidence"],
            Self::Complaint(_) => &["text"],
            Self::Attempt(_) => &["note"],
            Self::Report(_) => &["detail"],
            Self::WrongContact(_) => &[],
        }
    }

    pub(crate) fn customer(&self) -> Option<&str> {
        match self {
            Self::Complaint(fact) => Some(&fact.customer),
            Self::Attempt(fact) => Some(&fact.customer),
            Self::Consent(_) | Self::WrongContact(_) | Self::Report(_) => None,
        }
    }
}
