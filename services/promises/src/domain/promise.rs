//! A promise: the words that were given, the terms they are held to, and where it stands.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use primitives::{Deadline, Money};
use rust_decimal::Decimal;
use uuid::Uuid;

/// Identifies a promise. The order is the order in which rows are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PromiseKey {
    pub tenant_id: Uuid,
    pub promise_id: Uuid,
}

/// What the debtor said. Never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Promise {
    pub key: PromiseKey,
    pub code: String,
    pub customer_id: Uuid,
    pub legal_entity_id: Uuid,
    /// Sorted, without duplicates.
    pub invoice_ids: Vec<Uuid>,
    pub amount: Money,
    pub promised_date: NaiveDate,
    /// The zone of `promised_date`, as the fact gave it: a tenant or a customer that moves later does not move a promise.
    pub zone: Tz,
    pub made_on: NaiveDate,
    pub channel: String,
    pub replaces: Option<Uuid>,
    pub instalment: Option<Instalment>,
}

/// Where a promise stands in a payment plan. The instalments of a plan name the same invoices, were made on one day, and fall due one
/// after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instalment {
    pub plan_id: Uuid,
    /// The source's own number of the plan.
    pub plan_code: String,
    /// From 1.
    pub number: i32,
    pub of: i32,
    /// What the instalments before it come to: what is paid goes to them first.
    pub before: Decimal,
}

impl Promise {
    /// What is paid for the instalments before this one, and none of it for this one.
    pub(crate) fn before(&self) -> Decimal {
        self.instalment.as_ref().map_or(Decimal::ZERO, |instalment| instalment.before)
    }
}

/// What the promise is held to, fixed when it was made: a tolerance changed later judges later promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The last civil day on which a payment counts: the promised one, rolled and with the days of grace.
    pub last_day: NaiveDate,
    /// From which sum on it is kept, at most the promised amount. Not rounded: a percentage need not end on a cent.
    pub required: Decimal,
}

impl Terms {
    /// The first instant that is too late.
    pub(crate) fn deadline(&self, zone: Tz) -> DateTime<Utc> {
        Deadline::end_of_day(self.last_day, zone).instant()
    }
}

/// The states of field-rules.md §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Status {
    Open,
    /// Past its deadline, but a source that could know of a payment has not told everything yet (L4).
    DueUnconfirmed,
    Kept,
    PartiallyKept,
    Broken,
    Withdrawn,
    Replaced,
}

impl Status {
    pub(crate) const ALL: [Self; 7] = [
        Self::Open,
        Self::DueUnconfirmed,
        Self::Kept,
        Self::PartiallyKept,
        Self::Broken,
        Self::Withdrawn,
        Self::Replaced,
    ];

    /// The wire and database form.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::DueUnconfirmed => "due_unconfirmed",
            Self::Kept => "kept",
            Self::PartiallyKept => "partially_kept",
            Self::Broken => "broken",
            Self::Withdrawn => "withdrawn",
            Self::Replaced => "replaced",
        }
    }

    /// Nothing but late information changes it any more (P1, P5).
    pub(crate) const fn is_terminal(self) -> bool {
        !matches!(self, Self::Open | Self::DueUnconfirmed)
    }

    /// Less was paid than was promised, or nothing: of an instalment, its plan is broken.
    pub(crate) const fn is_default(self) -> bool {
        matches!(self, Self::PartiallyKept | Self::Broken)
    }

    /// Concluded from the passing of time, and therefore only ever behind a barrier.
    pub(crate) const fn needs_the_clock(self) -> bool {
        matches!(self, Self::DueUnconfirmed | Self::PartiallyKept | Self::Broken)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a state of a promise")]
pub(crate) struct UnknownStatus(pub String);

impl FromStr for Status {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// Where a promise stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub status: Status,
    /// Settled on the named invoices within the promise's days, at most the promised amount.
    pub paid: Money,
    /// The state was changed after its deadline was confirmed (P5). Stays once it is set.
    pub late_information: bool,
    /// When the deadline was found to be covered (or waited for long enough). From then on neither a clock that goes back
    /// nor a source that is declared later reopens the question.
    pub confirmed_at: Option<DateTime<Utc>>,
}

impl State {
    /// Whether anybody else would see a difference.
    pub(crate) fn looks_like(&self, other: &Self) -> bool {
        (self.status, self.paid, self.late_information) == (other.status, other.paid, other.late_information)
    }
}

#[cfg(test)]
impl State {
    pub(crate) fn new(amount: Money) -> Self {
        Self { status: Status::Open, paid: Money::zero(amount.currency()), late_information: false, confirmed_at: None }
    }
}
