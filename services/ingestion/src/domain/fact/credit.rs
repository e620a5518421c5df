//! Facts about money that settles what is owed.

use chrono::NaiveDate;
use primitives::{Currency, Money};
use rust_decimal::Decimal;

use crate::domain::cash::Clues;
use crate::domain::cash::exchange::Settles;
use crate::domain::ledger::CreditKind;

/// Tax that the payer is known to keep back, of which no certificate has come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExpectedWithholding {
    pub(crate) invoice: String,
    pub(crate) amount: Money,
    /// Which taxes, in words.
    pub(crate) regime: Option<String>,
}

/// A payment, a credit note, a withholding or another settlement: what settles receivables.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Credit {
    pub(crate) kind: CreditKind,
    pub(crate) number: String,
    /// Whose account it belongs to: the fact's payer, else its customer.
    pub(crate) payer: String,
    /// Customer named beside the payer (credit notes).
    pub(crate) customer: Option<String>,
    pub(crate) amount: Money,
    /// Value date of a payment or withholding, issue date of a credit note.
    pub(crate) value_date: NaiveDate,
    pub(crate) received_date: Option<NaiveDate>,
    pub(crate) bank_reference: Option<String>,
    pub(crate) certificate: Option<String>,
    pub(crate) parts: Vec<NamedPart>,
}

/// An invoice that a credit names, with the amount meant for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedPart {
    pub(crate) invoice: String,
    /// `None`: whatever is open.
    pub(crate) amount: Option<Money>,
    /// It counts only where it closes the invoice.
    pub(crate) closes: bool,
    /// What the payer keeps back of it, and why in the payer's words.
    pub(crate) deduction: Option<Money>,
    pub(crate) reason: Option<String>,
    /// What the payer says that it settles, where the invoice is in another currency.
    pub(crate) settles: Option<Settles>,
}

impl NamedPart {
    /// Whatever is open of an invoice.
    pub(crate) const fn whole(invoice: String) -> Self {
        Self { invoice, amount: None, closes: false, deduction: None, reason: None, settles: None }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unidentified {
    pub(crate) number: String,
    pub(crate) amount: Money,
    pub(crate) value_date: NaiveDate,
    pub(crate) received_date: Option<NaiveDate>,
    pub(crate) bank_reference: Option<String>,
    pub(crate) clues: Clues,
}

/// Whose a payment is, and what it pays.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Allocation {
    /// The source's own number.
    pub(crate) payment: String,
    pub(crate) payer: String,
    pub(crate) currency: Currency,
    pub(crate) parts: Vec<NamedPart>,
    /// Which rule found it; `person` where somebody did.
    pub(crate) rule: String,
}

/// The bank takes back a payment, or a part of it: it bounced, or was charged back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reversal {
    /// The source's own number of the payment.
    pub(crate) payment: String,
    /// And of the reversal: told twice it counts once.
    pub(crate) reversal: String,
    /// `None`: all of it.
    pub(crate) amount: Option<Money>,
    pub(crate) reversed_on: NaiveDate,
    pub(crate) reason: Option<String>,
}

impl Allocation {
    /// Sum of the amounts that parts name.
    pub(crate) fn named(&self) -> Decimal {
        self.parts.iter().filter_map(|part| part.amount).map(|amount| amount.amount()).sum()
    }
}
