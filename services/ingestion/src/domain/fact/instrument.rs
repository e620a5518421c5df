//! Paper that is given for invoices: cheques, echeqs, letras, pagarés (L14).

use chrono::NaiveDate;
use primitives::Money;

use super::{Credit, NamedPart};
use crate::domain::ledger::CreditKind;

/// An instrument came in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Instrument {
    /// The source's own number.
    pub(crate) instrument: String,
    /// `cheque`, `echeq`, `letra`, `pagare`.
    pub(crate) form: String,
    pub(crate) payer: String,
    pub(crate) amount: Money,
    pub(crate) received_on: NaiveDate,
    pub(crate) matures_on: NaiveDate,
    /// Each with an amount, each invoice once.
    pub(crate) parts: Vec<NamedPart>,
}

impl Instrument {
    /// What it settles once it is cleared.
    pub(crate) fn credit(&self) -> Credit {
        Credit {
            kind: CreditKind::Instrument,
            number: self.instrument.clone(),
            payer: self.payer.clone(),
            customer: None,
            amount: self.amount,
            value_date: self.received_on,
            received_date: Some(self.received_on),
            bank_reference: None,
            certificate: None,
            parts: self.parts.clone(),
        }
    }
}

/// It went on its way: the newest word says where it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InstrumentChanged {
    pub(crate) instrument: String,
    pub(crate) state: InstrumentState,
    pub(crate) on: NaiveDate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InstrumentState {
    Portfolio,
    Deposited,
    /// Passed on to a third party: it covers its invoices until that one has cashed it, or comes back with it.
    Endorsed,
    Cleared,
    Rejected,
}

impl InstrumentState {
    const ALL: [Self; 5] = [Self::Portfolio, Self::Deposited, Self::Endorsed, Self::Cleared, Self::Rejected];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Portfolio => "portfolio",
            Self::Deposited => "deposited",
            Self::Endorsed => "endorsed",
            Self::Cleared => "cleared",
            Self::Rejected => "rejected",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A credit note is on its way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExpectedCredit {
    /// The source's own number of the expectation: told again it is corrected.
    pub(crate) expected: String,
    pub(crate) invoice: String,
    /// Zero: not expected any more.
    pub(crate) amount: Money,
    pub(crate) expected_on: NaiveDate,
    pub(crate) reason: String,
}
