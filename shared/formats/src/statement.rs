//! Statements of accounts, in whichever format the bank sent them.

mod facts;

pub use facts::reading;

use chrono::NaiveDate;
use primitives::{Currency, Money};
use rust_decimal::Decimal;

use crate::{Finding, Place};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A booked day (camt.053, MT940).
    Statement,
    /// What has happened so far (camt.052, MT942).
    Report,
    /// Single movements (camt.054).
    Notification,
}

#[derive(Debug, Clone)]
pub struct Statement {
    pub place: Place,
    pub kind: Kind,
    pub id: String,
    pub sequence: Option<String>,
    /// IBAN, or the bank's own number.
    pub account: String,
    pub opening: Option<Balance>,
    pub closing: Option<Balance>,
    pub entries: Vec<Result<Entry, Finding>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Negative when the account is overdrawn.
    pub amount: Money,
    pub date: NaiveDate,
}

/// Which way money moved on the account, whatever it took back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Credit,
    Debit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Booked,
    Pending,
    /// Told for information, or in a word that nobody agreed on.
    Other,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub place: Place,
    /// Not negative.
    pub amount: Money,
    pub direction: Direction,
    /// It takes back an earlier entry of the other direction.
    pub reversal: bool,
    pub status: Status,
    pub booked_on: NaiveDate,
    pub value_on: NaiveDate,
    /// Local or with an offset, where the bank tells the time of booking.
    pub booked_at: Option<String>,
    pub bank_reference: Option<String>,
    /// At least one; several for a batch that was booked as one sum.
    pub transactions: Vec<Transaction>,
}

/// One payment of those that an entry sums up.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    /// `None`: the entry's.
    pub place: Option<Place>,
    /// In the currency of the account; `None`: the entry's.
    pub amount: Option<Money>,
    pub direction: Option<Direction>,
    pub bank_reference: Option<String>,
    pub end_to_end: Option<String>,
    pub transaction: Option<String>,
    pub message: Option<String>,
    /// Creditor references and numbers of documents that the remitter named.
    pub references: Vec<String>,
    /// Documents with what is paid of each, where the remitter told it.
    pub remitted: Vec<Remitted>,
    pub text: Option<String>,
    /// Of the other side.
    pub name: Option<String>,
    pub account: Option<String>,
    pub charges: Option<Decimal>,
    /// What the file says, blanks left out, where it is not taken apart reliably: payments without a reference are
    /// numbered by it, and shall keep their number when the reader learns.
    pub contents: Option<String>,
    /// Money comes back: why, or an empty text when the bank does not say.
    pub returned: Option<String>,
}

/// What a remitter says of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remitted {
    pub number: String,
    pub amount: Money,
    /// What is kept back of it, and why: the code, or words.
    pub deduction: Option<(Money, Option<String>)>,
}

impl Statement {
    /// Whether opening balance and entries make the closing balance; `None` when one of them is not told.
    pub fn balances(&self) -> Option<Result<(), Finding>> {
        let (opening, closing) = (self.opening?, self.closing?);
        let currency: Currency = opening.amount.currency();
        let mut sum = opening.amount;
        if closing.amount.currency() != currency {
            return Some(
                Err(self.unbalanced(format!("opened in {currency}, closed in {}", closing.amount.currency()))),
            );
        }
        for entry in &self.entries {
            let entry = entry.as_ref().ok()?;
            if entry.status != Status::Booked {
                continue;
            }
            sum = match entry.direction {
                Direction::Credit => sum.plus(entry.amount),
                Direction::Debit => sum.minus(entry.amount),
            }
            .ok()?;
        }
        if sum == closing.amount {
            return Some(Ok(()));
        }
        Some(Err(self.unbalanced(format!("{} is the closing balance, the entries make {sum}", closing.amount))))
    }

    fn unbalanced(&self, detail: String) -> Finding {
        Finding::new("balance", self.place.clone(), detail)
    }
}

/// A reference that means something: banks write several words for "none".
pub(crate) fn meaningful(text: &str) -> Option<String> {
    let text = text.trim();
    let none = ["NONREF", "NOTPROVIDED", "NOT PROVIDED", "NOTAVAILABLE", "UNKNOWN", "EREF", "KREF+", "KREF"];
    let nothing = text.is_empty() || none.contains(&text.to_ascii_uppercase().as_str());
    (!nothing && text.chars().all(|c| !c.is_control())).then(|| text.to_owned())
}
