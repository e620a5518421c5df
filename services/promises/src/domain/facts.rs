//! What is known about a promise besides its own words.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use primitives::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What settled an invoice on one day, whatever its kind: cash, a withholding, a credit note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DaySettled {
    /// Value date.
    pub on: NaiveDate,
    pub amount: Decimal,
}

/// One of the named invoices, as far as it has come. An invoice that has not come at all is not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invoice {
    pub currency: Currency,
    /// Gross, taxes included.
    pub amount: Decimal,
    /// In force, oldest first, one entry for each value date.
    pub settled: Vec<DaySettled>,
    /// When it was voided: nothing of it was ever owed.
    pub voided_on: Option<NaiveDate>,
}

/// Everything outside the promise that decides its state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub invoices: Vec<Invoice>,
    /// Whether every named invoice is among `invoices`.
    pub all_invoices_known: bool,
    /// The earliest day on which it was withdrawn.
    pub withdrawn_on: Option<NaiveDate>,
    /// The earliest day on which another promise took its place: one that was said to replace it, or one about the same
    /// invoice that was made on a later day. Two that were made on one day are instalments and stand side by side.
    pub replaced_on: Option<NaiveDate>,
    /// Of an instalment: the last day of the first one before it that was broken, or kept in part.
    pub defaulted_on: Option<NaiveDate>,
}

impl Facts {
    /// The day since which nothing that it names is owed, because all of it was voided.
    pub(crate) fn void_since(&self) -> Option<NaiveDate> {
        let all = self.all_invoices_known && self.invoices.iter().all(|invoice| invoice.voided_on.is_some());
        self.invoices.iter().filter_map(|invoice| invoice.voided_on).max().filter(|_| all)
    }
}

/// One entry for each value date, oldest first.
pub(crate) fn by_day(settlements: impl IntoIterator<Item = (NaiveDate, Decimal)>) -> Vec<DaySettled> {
    let mut days = BTreeMap::<NaiveDate, Decimal>::new();
    for (on, amount) in settlements {
        *days.entry(on).or_default() += amount;
    }
    days.into_iter().map(|(on, amount)| DaySettled { on, amount: amount.normalize() }).collect()
}
