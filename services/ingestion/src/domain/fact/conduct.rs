//! What happens between an invoice and its payment besides money: pauses, problems, answers, and who may be written to.

use chrono::NaiveDate;
use primitives::{Currency, Money};

use crate::domain::hold::{Answer, HoldKind};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Conduct {
    HoldPlaced(HoldPlaced),
    HoldLifted(HoldLifted),
    IssueRaised(IssueRaised),
    IssueResolved(IssueResolved),
    Claimed(Claimed),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HoldPlaced {
    pub(crate) hold: String,
    pub(crate) customer: String,
    /// Sorted; empty: the whole customer.
    pub(crate) invoices: Vec<String>,
    pub(crate) kind: HoldKind,
    pub(crate) placed_on: NaiveDate,
    /// The last day of the pause; `None`: until it is lifted.
    pub(crate) until: Option<NaiveDate>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HoldLifted {
    pub(crate) hold: String,
    /// The first day without it.
    pub(crate) lifted_on: NaiveDate,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IssueRaised {
    pub(crate) issue: String,
    pub(crate) customer: String,
    /// Sorted; empty: the whole customer.
    pub(crate) invoices: Vec<String>,
    pub(crate) reason: &'static str,
    pub(crate) raised_on: NaiveDate,
    /// Codes of colleagues.
    pub(crate) owner: Option<String>,
    pub(crate) raised_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IssueResolved {
    pub(crate) issue: String,
    pub(crate) resolved_on: NaiveDate,
    pub(crate) outcome: &'static str,
    /// Number of the dispute that it has become.
    pub(crate) dispute: Option<String>,
}

/// A debtor's answer. What proves it stays with the fact.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claimed {
    pub(crate) claim: String,
    pub(crate) answer: Answer,
    pub(crate) customer: String,
    /// Sorted; empty: the whole customer.
    pub(crate) invoices: Vec<String>,
    pub(crate) amount: Option<Money>,
    pub(crate) claimed_on: NaiveDate,
    pub(crate) paid_on: Option<NaiveDate>,
}

impl Conduct {
    /// The name under which the fact came.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::HoldPlaced(_) => "hold.placed",
            Self::HoldLifted(_) => "hold.lifted",
            Self::IssueRaised(_) => "issue.raised",
            Self::IssueResolved(_) => "issue.resolved",
            Self::Claimed(fact) => match fact.answer {
                Answer::Paid => "payment.claimed",
                Answer::Scheduled { .. } => "payment.scheduled",
                Answer::InvoiceNotReceived => "invoice.not_received",
                Answer::DocumentMissing { .. } => "document.missing",
            },
        }
    }

    /// Members of the data that are written freely, or lead to what a person has written (L5).
    pub(crate) const fn personal(&self) -> &'static [&'static str] {
        match self {
            Self::HoldPlaced(_) => &["reason"],
            Self::IssueRaised(_) => &["description", "raised_by"],
            Self::Claimed(_) => &["proof"],
            Self::HoldLifted(_) | Self::IssueResolved(_) => &[],
        }
    }

    pub(crate) fn customer(&self) -> Option<&str> {
        match self {
            Self::HoldPlaced(fact) => Some(&fact.customer),
            Self::IssueRaised(fact) => Some(&fact.customer),
            Self::Claimed(fact) => Some(&fact.customer),
            Self::HoldLifted(_) | Self::IssueResolved(_) => None,
        }
    }

    pub(crate) const fn amount(&self) -> Option<Money> {
        match self {
            Self::Claimed(fact) => fact.amount,
            _ => None,
        }
    }

    /// The invoices it names, and the currency in which it speaks of them.
    pub(crate) fn named_invoices(&self) -> Option<(Currency, Vec<&str>)> {
        match self {
            Self::Claimed(fact) => Some((fact.amount?.currency(), fact.invoices.iter().map(String::as_str).collect())),
            _ => None,
        }
    }
}
