//! The rules that a tenant chose.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::exchange::Pair;
use crate::domain::ledger::CreditKind;

/// Rules in the order in which they are tried.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chain {
    /// Zero: nobody has chosen, these are Puntual's.
    pub(crate) version: i64,
    pub(crate) rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    Remittance,
    Reference {
        in_text: bool,
    },
    Account,
    Name,
    Amount {
        /// Invoices that may make up the amount together.
        up_to: usize,
    },
    OldestFirst,
    Withholding {
        /// Of the payers; empty: those that the table knows.
        countries: BTreeSet<String>,
        /// Whether usual rates explain what no invoice has announced.
        usual_rates: bool,
    },
    Deduction {
        /// What payers call a reason -> the reason of a dispute.
        reasons: BTreeMap<String, String>,
    },
    Tolerance(Tolerance),
    Exchange {
        /// Each pair of currencies once.
        pairs: Vec<Pair>,
    },
}

/// How much may be missing without anybody asking for it, and what it is then. Both bounds hold where both are told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tolerance {
    pub(crate) kind: CreditKind,
    /// By currency; one that is not among them is not tolerated, unless none is.
    pub(crate) limits: BTreeMap<String, Decimal>,
    /// Of the invoice.
    pub(crate) per_cent: Option<Decimal>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            version: 0,
            rules: vec![
                Rule::Remittance,
                Rule::Reference { in_text: true },
                Rule::Account,
                Rule::Name,
                Rule::Amount { up_to: 1 },
                Rule::OldestFirst,
            ],
        }
    }
}

impl Rule {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Remittance => "remittance",
            Self::Reference { .. } => "reference",
            Self::Account => "account",
            Self::Name => "name",
            Self::Amount { .. } => "amount",
            Self::OldestFirst => "oldest_first",
            Self::Withholding { .. } => "withholding",
            Self::Deduction { .. } => "deduction",
            Self::Tolerance(_) => "tolerance",
            Self::Exchange { .. } => "exchange",
        }
    }

    /// Whether it says why less came than was owed, and not whose money it is.
    pub(crate) fn explains(&self) -> bool {
        match self {
            Self::Withholding { .. } | Self::Deduction { .. } | Self::Tolerance(_) => true,
            Self::Exchange { pairs } => pairs.iter().any(|pair| pair.tolerance.is_some()),
            _ => false,
        }
    }
}

impl Chain {
    /// How many invoices may make up an amount; `None` where amounts say nothing.
    pub(crate) fn amounts(&self) -> Option<usize> {
        self.rules.iter().find_map(|rule| if let Rule::Amount { up_to } = rule { Some(*up_to) } else { None })
    }

    pub(crate) fn chooses_oldest(&self) -> bool {
        self.rules.contains(&Rule::OldestFirst)
    }

    /// The pairs of currencies that were agreed.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.rules.iter().flat_map(|rule| if let Rule::Exchange { pairs } = rule { pairs.as_slice() } else { &[] })
    }

    pub(crate) fn explains(&self) -> bool {
        self.rules.iter().any(Rule::explains)
    }
}
