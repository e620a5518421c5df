//! Who pays what: the fold that applies credits to invoices (D8).
//!
//! An *account* is (tenant, legal entity, payer, currency). Its items, invoices and credits, are sorted by (value date, kind,
//! source, number) and folded one by one. The result depends on the set of items alone, never on the order in which they came:
//!
//! | arrives | then |
//! | --- | --- |
//! | voided invoice | a void settles all of it; parts that waited for it are free |
//! | invoice | parts of earlier credits that named it settle it; then what lies on account does, oldest credit first |
//! | credit | its named parts settle their invoices up to what is open; a part whose invoice has not come yet *waits*; the rest settles the oldest open invoices, or stays on account |
//!
//! An allocation counts on the date of the item that made it possible: money on account cannot settle an invoice before it is
//! issued. In each credit `amount = applied + on_account + waiting + held` (M2), in each invoice `open = amount - applied >= 0` (M1, M4).
//!
//! Amounts here are plain decimals because an account has one currency; [`primitives::Money`] guards the way in.
#![allow(clippy::struct_field_names, reason = "an id says what it identifies, wherever it is")]

mod difference;
mod duplicates;
mod fold;
mod plan;
#[cfg(test)]
mod properties;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use primitives::Currency;
use rust_decimal::Decimal;
use uuid::Uuid;

pub(crate) use difference::{Posting, difference};
pub(crate) use fold::{FoldedCredit, OpenCredit, Opening, Outcome, fold};
pub(crate) use plan::{News, Plan, plan};

/// Whose ledger it is: one payer's debts to one legal entity in one currency. The tenant is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountKey {
    pub(crate) legal_entity_id: Uuid,
    pub(crate) payer_id: Uuid,
    pub(crate) currency: Currency,
}

/// What settles a receivable (field rule L1), in the order in which one day's are folded: what is certain to be meant for one
/// invoice, then cash, then what nobody can explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum CreditKind {
    /// The invoice was voided: nothing was owed. No item of the fold, which makes it with its invoice.
    Void,
    CreditNote,
    Withholding,
    Discount,
    FxDifference,
    Rounding,
    /// What banks on the way took of a payment.
    BankCharge,
    WriteOff,
    /// Paper that was cleared.
    Instrument,
    Cash,
    /// Money that a list of open items shows beside the invoices: it settles nothing until the list says so (L3).
    OnAccount,
    /// A list of open items shows less than before, or nothing any more, and does not say why (L3).
    Unexplained,
}

impl CreditKind {
    const ALL: [Self; 12] = [
        Self::Void,
        Self::CreditNote,
        Self::Withholding,
        Self::Discount,
        Self::FxDifference,
        Self::Rounding,
        Self::BankCharge,
        Self::WriteOff,
        Self::Instrument,
        Self::Cash,
        Self::OnAccount,
        Self::Unexplained,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Void => "void",
            Self::CreditNote => "credit_note",
            Self::Withholding => "withholding",
            Self::Discount => "discount",
            Self::FxDifference => "fx_difference",
            Self::Rounding => "rounding",
            Self::BankCharge => "bank_charge",
            Self::WriteOff => "write_off",
            Self::Instrument => "instrument",
            Self::Cash => "cash",
            Self::OnAccount => "on_account",
            Self::Unexplained => "unexplained",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether a rule may choose invoices for what no remittance names.
    pub(crate) const fn may_choose(self) -> bool {
        matches!(self, Self::Cash | Self::CreditNote)
    }
}

/// Order of items of one day: receivables first, then what settles them, then what the settlements left and nobody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Rank {
    Invoice,
    Credit(CreditKind),
    Difference(CreditKind),
}

/// The numbers of differences follow those of credits, which more kinds may join.
const DIFFERENCES_FROM: i16 = 100;

impl Rank {
    pub(crate) const fn number(self) -> i16 {
        match self {
            Self::Invoice => 0,
            Self::Credit(CreditKind::CreditNote) => 1,
            Self::Credit(CreditKind::Withholding) => 2,
            Self::Credit(CreditKind::Discount) => 3,
            Self::Credit(CreditKind::FxDifference) => 4,
            Self::Credit(CreditKind::Rounding) => 5,
            Self::Credit(CreditKind::WriteOff) => 6,
            Self::Credit(CreditKind::Cash) => 7,
            Self::Credit(CreditKind::Unexplained) => 8,
            // Numbers are stored: what is new takes the next one, wherever it stands in the order.
            Self::Credit(CreditKind::BankCharge) => 9,
            Self::Credit(CreditKind::OnAccount) => 10,
            Self::Credit(CreditKind::Instrument) => 11,
            // Never the rank of an item; here because every kind has one.
            Self::Credit(CreditKind::Void) => 12,
            Self::Difference(kind) => DIFFERENCES_FROM + Self::Credit(kind).number(),
        }
    }

    pub(crate) fn from_number(number: i16) -> Option<Self> {
        let credits = CreditKind::ALL.into_iter().flat_map(|kind| [Self::Credit(kind), Self::Difference(kind)]);
        [Self::Invoice].into_iter().chain(credits).find(|rank| rank.number() == number)
    }
}

/// Where an item stands in its account's fold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ItemKey {
    /// Value date of a credit, issue date of an invoice or credit note.
    pub(crate) date: NaiveDate,
    pub(crate) rank: Rank,
    pub(crate) source: String,
    pub(crate) number: String,
}

/// An invoice as the fold sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Invoice {
    pub(crate) invoice_id: Uuid,
    pub(crate) key: ItemKey,
    pub(crate) amount: Decimal,
    /// What "oldest" means when a rule chooses: effective due date, then number.
    pub(crate) effective_due_date: NaiveDate,
    pub(crate) void: Option<Void>,
}

/// An invoice that is not owed any more, as if it never had been: what paid it pays something else.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Void {
    /// The credit that settles all of it.
    pub(crate) credit_id: Uuid,
    pub(crate) on: NaiveDate,
}

/// A credit as the fold sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Credit {
    pub(crate) credit_id: Uuid,
    pub(crate) key: ItemKey,
    pub(crate) amount: Decimal,
    /// Of a payment that lies in several accounts what all of them have of it; else the amount.
    pub(crate) whole: Decimal,
    pub(crate) parts: Vec<Part>,
    /// Whether Puntual may choose invoices for what no part names: not where the ERP applies cash (L3), and only for kinds that
    /// may ([`CreditKind::may_choose`]).
    pub(crate) chooses: bool,
    /// What its invoice does not need is held and nobody's money: another credit has explained it meanwhile.
    pub(crate) yields: bool,
    pub(crate) bank_reference: Option<String>,
}

/// What a credit says about one invoice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) invoice_id: Uuid,
    /// `None`: whatever is open.
    pub(crate) amount: Option<Decimal>,
    /// It counts only where it closes the invoice: a difference that turns out not to be all is none.
    pub(crate) closes: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    Invoice(Invoice),
    Credit(Credit),
}

impl Item {
    pub(crate) const fn key(&self) -> &ItemKey {
        match self {
            Self::Invoice(invoice) => &invoice.key,
            Self::Credit(credit) => &credit.key,
        }
    }
}

/// Where the amount of a credit lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Balance {
    pub(crate) applied: Decimal,
    pub(crate) on_account: Decimal,
    pub(crate) waiting: Decimal,
    pub(crate) held: Decimal,
}

/// One settlement in force.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AllocationKey {
    pub(crate) invoice_id: Uuid,
    pub(crate) value_date: NaiveDate,
    pub(crate) credit_id: Uuid,
    /// No part named the invoice: a rule chose it.
    pub(crate) inferred: bool,
}

pub(crate) type Allocations = BTreeMap<AllocationKey, Decimal>;
