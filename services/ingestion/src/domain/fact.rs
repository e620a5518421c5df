//! Facts as ingestion understands them: each member checked, nothing resolved yet.
#![allow(clippy::struct_field_names, reason = "members are named as in the contract")]

pub(crate) mod conduct;
mod credit;
mod customer_file;
mod instrument;
mod promise;
pub(crate) mod reach;
mod said;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use primitives::{Currency, Money};
use rust_decimal::Decimal;

use conduct::Conduct;
use reach::Reach;

use super::cash::exchange::Published;
use super::ledger::CreditKind;
use super::order::ChangeOrder;
pub(crate) use credit::{Allocation, Credit, ExpectedWithholding, NamedPart, Reversal, Unidentified};
pub(crate) use customer_file::{BuyerCalendar, CustomerFile};
pub(crate) use instrument::{ExpectedCredit, Instrument, InstrumentChanged, InstrumentState};
pub(crate) use promise::{Instalment, PlanAgreed, PlanWithdrawn, PromiseMade, PromiseWithdrawn};
pub(crate) use said::Said;

/// Something that happened outside, with its envelope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fact {
    /// Code of the registered source that tells it.
    pub(crate) source: String,
    /// The source's id of the fact: with the source, the idempotency key.
    pub(crate) id: String,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) source_version: Option<String>,
    pub(crate) order: ChangeOrder,
    pub(crate) actor: Option<String>,
    pub(crate) approval: Option<String>,
    /// Slug of the tenant the caller believes to speak for.
    pub(crate) tenant: Option<String>,
    /// Code; the tenant's first legal entity when absent.
    pub(crate) legal_entity: Option<String>,
    pub(crate) body: Body,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    /// Boxed: a customer's file is far larger than any other fact.
    Customer(Box<Customer>),
    Contact(Contact),
    Invoice(Invoice),
    Extended(Extension),
    Said(Said),
    WithholdingExpected(ExpectedWithholding),
    Credit(Credit),
    Instrument(Instrument),
    InstrumentChanged(InstrumentChanged),
    ExpectedCredit(ExpectedCredit),
    /// A payment of which the source does not know who paid.
    Unidentified(Unidentified),
    Allocated(Allocation),
    Reversed(Reversal),
    RatePublished(Published),
    DisputeOpened(DisputeOpened),
    DisputeResolved(DisputeResolved),
    PromiseMade(PromiseMade),
    PromiseWithdrawn(PromiseWithdrawn),
    PlanAgreed(PlanAgreed),
    PlanWithdrawn(PlanWithdrawn),
    Conduct(Conduct),
    Reach(Reach),
    Covered {
        until: DateTime<Utc>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartyKind {
    Company,
    NaturalPerson,
}

impl PartyKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::NaturalPerson => "natural_person",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Customer {
    pub(crate) customer: String,
    pub(crate) name: String,
    pub(crate) party_kind: PartyKind,
    pub(crate) country: Option<String>,
    pub(crate) time_zone: Option<Tz>,
    pub(crate) language: Option<String>,
    pub(crate) tier: Option<String>,
    pub(crate) payer: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) file: CustomerFile,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contact {
    pub(crate) contact: String,
    pub(crate) customer: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) language: Option<String>,
    pub(crate) active: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Invoice {
    pub(crate) document: Document,
    pub(crate) invoice: String,
    /// Other numbers by which facts may name it: a fiscal UUID.
    pub(crate) references: Vec<String>,
    pub(crate) customer: String,
    pub(crate) payer: Option<String>,
    pub(crate) amount: Money,
    pub(crate) issue_date: NaiveDate,
    pub(crate) due_date: NaiveDate,
    pub(crate) delivered_date: Option<NaiveDate>,
    /// Through which another system has dunned it (L8).
    pub(crate) last_dunned_on: Option<NaiveDate>,
    pub(crate) effective_due_date: Option<NaiveDate>,
    pub(crate) expected_withholding: Option<Money>,
}

/// What says that something is owed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Document {
    Invoice,
    /// More is owed than was invoiced: a receivable of its own. The invoice that it is about, where it is about one.
    DebitNote {
        corrects: Option<String>,
    },
}

/// A later day was agreed for an invoice. Who approved it the envelope says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Extension {
    pub(crate) invoice: String,
    pub(crate) effective_due_date: NaiveDate,
    pub(crate) reason: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DisputeOpened {
    pub(crate) dispute: String,
    pub(crate) invoice: String,
    pub(crate) reason: String,
    /// In the invoice's currency; `None`: the whole open amount.
    pub(crate) amount: Option<Decimal>,
    pub(crate) opened_on: NaiveDate,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DisputeResolved {
    pub(crate) dispute: String,
    pub(crate) resolved_on: NaiveDate,
    pub(crate) outcome: Option<String>,
}

impl Body {
    /// The name under which the fact came.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Customer(_) => "customer.upserted",
            Self::Contact(_) => "contact.upserted",
            Self::Invoice(invoice) => match invoice.document {
                Document::Invoice => "invoice.issued",
                Document::DebitNote { .. } => "debit_note.issued",
            },
            Self::Extended(_) => "due_date.extended",
            Self::Said(said) => said.word.fact_type(),
            Self::WithholdingExpected(_) => "withholding.expected",
            Self::Credit(credit) => match credit.kind {
                CreditKind::Cash => "payment.received",
                CreditKind::CreditNote => "credit_note.issued",
                CreditKind::Withholding => "withholding.recorded",
                CreditKind::Discount
                | CreditKind::FxDifference
                | CreditKind::Rounding
                | CreditKind::BankCharge
                | CreditKind::WriteOff => "settlement.recorded",
                CreditKind::OnAccount => "credit.observed",
                CreditKind::Unexplained => "clearing.observed",
                CreditKind::Instrument => "instrument.received",
                CreditKind::Void => "invoice.voided",
            },
            Self::Instrument(_) => "instrument.received",
            Self::InstrumentChanged(_) => "instrument.changed",
            Self::ExpectedCredit(_) => "credit_note.expected",
            Self::Unidentified(_) => "payment.received",
            Self::Allocated(_) => "payment.allocated",
            Self::Reversed(_) => "payment.reversed",
            Self::RatePublished(_) => "fx_rate.published",
            Self::DisputeOpened(_) => "dispute.opened",
            Self::DisputeResolved(_) => "dispute.resolved",
            Self::PromiseMade(_) => "promise.made",
            Self::PromiseWithdrawn(_) => "promise.withdrawn",
            Self::PlanAgreed(_) => "plan.agreed",
            Self::PlanWithdrawn(_) => "plan.withdrawn",
            Self::Conduct(fact) => fact.type_name(),
            Self::Reach(fact) => fact.type_name(),
            Self::Covered { .. } => "source.covered",
        }
    }

    /// What it is about in money.
    pub(crate) const fn amount(&self) -> Option<Money> {
        match self {
            Self::Invoice(fact) => Some(fact.amount),
            Self::WithholdingExpected(fact) => Some(fact.amount),
            Self::Credit(fact) => Some(fact.amount),
            Self::Unidentified(fact) => Some(fact.amount),
            Self::Instrument(fact) => Some(fact.amount),
            Self::ExpectedCredit(fact) => Some(fact.amount),
            Self::PromiseMade(fact) => Some(fact.amount),
            Self::PlanAgreed(fact) => Some(fact.amount),
            Self::Reversed(fact) => fact.amount,
            Self::Conduct(fact) => fact.amount(),
            _ => None,
        }
    }

    /// Members of the data that may name a person: they are kept apart, where they can be erased (L5).
    pub(crate) fn personal(&self) -> &'static [&'static str] {
        match self {
            Self::Contact(_) => &["name", "email"],
            Self::Unidentified(_) | Self::Reversed(_) => &["clues"],
            Self::Customer(customer) if customer.party_kind == PartyKind::NaturalPerson => &["name", "tax_id"],
            Self::Said(_) | Self::ExpectedCredit(_) => &["note"],
            Self::Conduct(fact) => fact.personal(),
            Self::Reach(fact) => fact.personal(),
            _ => &[],
        }
    }

    /// The customers it mentions, each of which exists from now on, be it provisionally.
    pub(crate) fn customers(&self) -> Vec<&str> {
        match self {
            Self::Customer(fact) => {
                [Some(&fact.customer), fact.payer.as_ref()].into_iter().flatten().map(String::as_str).collect()
            }
            Self::Contact(fact) => vec![&fact.customer],
            Self::Invoice(fact) => {
                [Some(&fact.customer), fact.payer.as_ref()].into_iter().flatten().map(String::as_str).collect()
            }
            Self::Credit(fact) => {
                [Some(&fact.payer), fact.customer.as_ref()].into_iter().flatten().map(String::as_str).collect()
            }
            Self::PromiseMade(fact) => vec![&fact.customer],
            Self::PlanAgreed(fact) => vec![&fact.customer],
            Self::Instrument(fact) => vec![&fact.payer],
            Self::Allocated(fact) => vec![&fact.payer],
            Self::Conduct(fact) => fact.customer().into_iter().collect(),
            Self::Reach(fact) => fact.customer().into_iter().collect(),
            Self::Extended(_)
            | Self::Said(_)
            | Self::InstrumentChanged(_)
            | Self::ExpectedCredit(_)
            | Self::WithholdingExpected(_)
            | Self::Unidentified(_)
            | Self::Reversed(_)
            | Self::RatePublished(_)
            | Self::DisputeOpened(_)
            | Self::DisputeResolved(_)
            | Self::PromiseWithdrawn(_)
            | Self::PlanWithdrawn(_)
            | Self::Covered { .. } => Vec::new(),
        }
    }

    /// The numbers of invoices in it, whatever it says of them.
    pub(crate) fn invoice_numbers(&self) -> Vec<&str> {
        match self {
            Self::Invoice(fact) => [&fact.invoice].into_iter().chain(&fact.references).map(String::as_str).collect(),
            Self::Extended(fact) => vec![&fact.invoice],
            Self::DisputeOpened(fact) => vec![&fact.invoice],
            _ => self.named_invoices().map(|(_, numbers)| numbers).unwrap_or_default(),
        }
    }

    /// The invoices it names, and the currency in which it speaks of them.
    pub(crate) fn named_invoices(&self) -> Option<(Currency, Vec<&str>)> {
        match self {
            Self::Credit(fact) => {
                Some((fact.amount.currency(), fact.parts.iter().map(|part| part.invoice.as_str()).collect()))
            }
            Self::Instrument(fact) => {
                Some((fact.amount.currency(), fact.parts.iter().map(|part| part.invoice.as_str()).collect()))
            }
            Self::ExpectedCredit(fact) => Some((fact.amount.currency(), vec![fact.invoice.as_str()])),
            Self::Allocated(fact) => {
                Some((fact.currency, fact.parts.iter().map(|part| part.invoice.as_str()).collect()))
            }
            Self::WithholdingExpected(fact) => Some((fact.amount.currency(), vec![&fact.invoice])),
            Self::PromiseMade(fact) => {
                Some((fact.amount.currency(), fact.invoices.iter().map(String::as_str).collect()))
            }
            Self::PlanAgreed(fact) => {
                Some((fact.amount.currency(), fact.invoices.iter().map(String::as_str).collect()))
            }
            Self::Conduct(fact) => fact.named_invoices(),
            _ => None,
        }
    }
}
