//! The decision about the due steps of one invoice (D10, G1): a pure function of a snapshot, so that the record of a
//! decision can be decided again, to the same outcome.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::hold::Hold;
use super::plan::{Anchor, LATE_DELIVERY_DAYS};
use super::reach::Bar;
use super::strategy::Strategy;

/// What is known of an invoice; amounts in its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, side by side in the record")]
pub(crate) struct InvoiceFacts {
    pub(crate) invoice_id: Uuid,
    pub(crate) version: i64,
    pub(crate) issue_date: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) due_date: Option<NaiveDate>,
    pub(crate) effective_due_date: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delivered_date: Option<NaiveDate>,
    /// Days from issue to delivery after which that was late; in records from before a tenant could choose as Puntual has it.
    #[serde(default = "usual_late_delivery_days", skip_serializing_if = "is_usual")]
    pub(crate) late_delivery_days: i32,
    /// Through which another system has dunned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_dunned_on: Option<NaiveDate>,
    /// ISO 4217.
    pub(crate) currency: String,
    pub(crate) open_amount: Decimal,
    /// What is owed net of withholdings and credits still expected, and of instruments in hand (L1).
    pub(crate) expected_net: Decimal,
    pub(crate) disputed_amount: Decimal,
    pub(crate) settled: bool,
    /// Nothing was owed; settled as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) voided: bool,
    /// The buyer does not take it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rejected: bool,
    /// The debtor is to pay somebody else (L15).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) assigned: bool,
    /// For which an instrument is in hand; not in `expected_net` (L14).
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub(crate) covered_amount: Decimal,
}

const fn usual_late_delivery_days() -> i32 {
    LATE_DELIVERY_DAYS
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
const fn is_usual(days: &i32) -> bool {
    *days == LATE_DELIVERY_DAYS
}

impl InvoiceFacts {
    fn anchor(&self, decided_through: Option<i32>, closed: bool) -> Anchor {
        Anchor {
            issue_date: self.issue_date,
            due_date: self.due_date,
            effective_due_date: self.effective_due_date,
            delivered_date: self.delivered_date,
            late_delivery_days: self.late_delivery_days,
            last_dunned_on: self.last_dunned_on,
            settled: self.settled,
            decided_through,
            closed,
        }
    }

    /// The day for which it is asked: the agreed one, or later where it was delivered late.
    pub(crate) fn asked_for_on(&self) -> NaiveDate {
        self.anchor(None, false).due()
    }

    /// What may be asked for: never more than is expected, never what is disputed.
    pub(crate) fn asked(&self) -> Decimal {
        // What is disputed and what an instrument is in hand for are taken to be two parts of it.
        let undisputed = self.open_amount - self.disputed_amount - self.covered_amount;
        undisputed.min(self.expected_net).max(Decimal::ZERO)
    }
}

/// Everything a decision reads. Without personal data: it is kept as long as the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, side by side in the record")]
pub(crate) struct Snapshot {
    /// The last civil day of the debtor whose steps have fallen due.
    pub(crate) through: NaiveDate,
    pub(crate) segment: String,
    /// Version of the segment's assignment; 0 when scoring has not spoken.
    pub(crate) segment_version: i64,
    pub(crate) strategy: Strategy,
    /// Highest offset decided before.
    pub(crate) decided_through: Option<i32>,
    /// The last decision before said `paid` or `voided`.
    pub(crate) closed: bool,
    pub(crate) invoice: InvoiceFacts,
    /// Promises that stop reminders for this invoice, in order of id.
    pub(crate) promises: Vec<Uuid>,
    /// The buyer takes invoices through its portal or desk only, and we have not brought it there: our delay (L13).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unsubmitted: bool,
    /// Holds that pause this invoice or its customer that day, in order of id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) holds: Vec<Hold>,
    /// An event of this customer could not be applied (D11): what is known of it may be wrong.
    pub(crate) dead_letter: bool,
    /// No master data of the customer has come.
    pub(crate) provisional: bool,
    /// There is an active contact with an address that may be written to.
    pub(crate) reachable: bool,
    /// Where there is none: why the nearest contact with an address may not be written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) barred: Option<Bar>,
    /// Why the message could not be written; set after trying.
    pub(crate) template_error: Option<String>,
}

/// Why a due step is not carried by a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Reason {
    DeadLetter,
    Voided,
    Paid,
    Assigned,
    Unsubmitted,
    Rejected,
    OnHold,
    Promised,
    Disputed,
    Instrument,
    NothingToAsk,
    CustomerProvisional,
    NoContact,
    ConsentWithdrawn,
    Complained,
    WrongContact,
    Bounced,
    TemplateError,
}

impl Reason {
    pub(crate) const ALL: [Self; 18] = [
        Self::DeadLetter,
        Self::Voided,
        Self::Paid,
        Self::Assigned,
        Self::Unsubmitted,
        Self::Rejected,
        Self::OnHold,
        Self::Promised,
        Self::Disputed,
        Self::Instrument,
        Self::NothingToAsk,
        Self::CustomerProvisional,
        Self::NoContact,
        Self::ConsentWithdrawn,
        Self::Complained,
        Self::WrongContact,
        Self::Bounced,
        Self::TemplateError,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::DeadLetter => "dead_letter",
            Self::Voided => "voided",
            Self::Paid => "paid",
            Self::Assigned => "assigned",
            Self::Unsubmitted => "unsubmitted",
            Self::Rejected => "rejected",
            Self::OnHold => "on_hold",
            Self::Promised => "promised",
            Self::Disputed => "disputed",
            Self::Instrument => "instrument",
            Self::NothingToAsk => "nothing_to_ask",
            Self::CustomerProvisional => "customer_provisional",
            Self::NoContact => "no_contact",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::Complained => "complained",
            Self::WrongContact => "wrong_contact",
            Self::Bounced => "bounced",
            Self::TemplateError => "template_error",
        }
    }

    const fn barred(bar: Bar) -> Self {
        match bar {
            Bar::ConsentWithdrawn => Self::ConsentWithdrawn,
            Bar::Complained => Self::Complained,
            Bar::WrongContact => Self::WrongContact,
            Bar::Bounced => Self::Bounced,
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A message carries the step.
    Send,
    Suppressed(Reason),
    /// A later step of the same invoice was due as well.
    Superseded,
}

impl Outcome {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Suppressed(_) => "suppressed",
            Self::Superseded => "superseded",
        }
    }

    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Suppressed(reason) => reason.as_str(),
            Self::Send | Self::Superseded => "",
        }
    }

    pub(crate) fn parse(outcome: &str, reason: &str) -> Option<Self> {
        match outcome {
            "send" => Some(Self::Send),
            "superseded" => Some(Self::Superseded),
            "suppressed" => Reason::parse(reason).map(Self::Suppressed),
            _ => None,
        }
    }
}

/// What was decided about one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Position in the strategy, from 0: the dunning level (L10).
    pub(crate) step: usize,
    pub(crate) offset_days: i32,
    pub(crate) outcome: Outcome,
}

/// Decides every step that is due, in order of offset. Empty when none is.
pub(crate) fn decide(snapshot: &Snapshot) -> Vec<Decision> {
    let invoice = &snapshot.invoice;
    let anchor = invoice.anchor(snapshot.decided_through, snapshot.closed);
    let mut due: Vec<_> =
        anchor.pending(&snapshot.strategy).take_while(|(_, _, day)| *day <= snapshot.through).collect();
    if invoice.settled {
        due.truncate(1); // one word about it, and the plan ends
    }
    let last = due.len().saturating_sub(1);
    due.into_iter()
        .enumerate()
        .map(|(index, (step, due_step, _))| Decision {
            step,
            offset_days: due_step.offset_days,
            outcome: if index == last { outcome(snapshot) } else { Outcome::Superseded },
        })
        .collect()
}

/// The first reason that holds is the one recorded: doubts about the facts first, then whether it is ours to ask for, then what
/// the debtor did, then what we lack.
fn outcome(snapshot: &Snapshot) -> Outcome {
    let invoice = &snapshot.invoice;
    let nothing_asked = invoice.asked().is_zero();
    let reasons = [
        (Reason::DeadLetter, snapshot.dead_letter),
        (Reason::Voided, invoice.voided && invoice.settled),
        (Reason::Paid, invoice.settled),
        (Reason::Assigned, invoice.assigned),
        (Reason::Unsubmitted, snapshot.unsubmitted),
        (Reason::Rejected, invoice.rejected),
        (Reason::OnHold, !snapshot.holds.is_empty()),
        (Reason::Promised, !snapshot.promises.is_empty()),
        (Reason::Disputed, nothing_asked && !invoice.disputed_amount.is_zero()),
        (Reason::Instrument, nothing_asked && !invoice.covered_amount.is_zero()),
        (Reason::NothingToAsk, nothing_asked),
        (Reason::CustomerProvisional, snapshot.provisional),
        (snapshot.barred.map_or(Reason::NoContact, Reason::barred), !snapshot.reachable),
        (Reason::TemplateError, snapshot.template_error.is_some()),
    ];
    reasons
        .into_iter()
        .find_map(|(reason, holds)| holds.then_some(Outcome::Suppressed(reason)))
        .unwrap_or(Outcome::Send)
}

#[cfg(test)]
mod tests;
