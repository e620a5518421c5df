//! The learned state: decayed cells per tenant, group and customer (scoring.md §3, 1 and 2).
//!
//! A *group* is known before anything is learned of a customer; today it is the customer's country.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::evidence::{Evidence, Invoice, Observation, THRESHOLDS, Threshold};
use super::model::statistics::{Cell, HalfLife};

/// Days late above which one invoice tells no more: delays are clipped (scoring.md §3, 3).
pub(super) const LONGEST_DAYS_LATE: i32 = 60;
/// Weight of a delay where a rule, not a remittance, chose the invoice (lump-sum payers, field-rules.md §2).
const WEIGHT_OF_INFERRED: f64 = 0.5;

const CELLS_OF_POOL: usize = THRESHOLDS.len() + 1;
const CELLS_OF_CUSTOMER: usize = CELLS_OF_POOL + 7 + 4 + 1;

/// What a delay counts, by whether a rule chose the invoice for the payment.
pub(super) fn weight_of(inferred: bool) -> f64 {
    if inferred { WEIGHT_OF_INFERRED } else { 1.0 }
}

/// Whose habit a state describes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Tenant,
    /// ISO 3166-1 alpha-2 country, empty while unknown.
    Group(String),
    Customer(Uuid),
}

/// One cell of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Share of invoices more than the threshold late.
    Over(Threshold),
    /// Days late of late invoices.
    DaysLate,
    /// Share late by weekday of the due date, Monday = 0: many debtors pay in weekly runs.
    Weekday(usize),
    /// Share late by week of the month of the due date, 0 to 3.
    WeekOfMonth(usize),
    /// Share late of the last weeks.
    Fast,
}

impl Slot {
    fn index(self) -> usize {
        match self {
            Self::Over(threshold) => threshold.weeks(),
            Self::DaysLate => THRESHOLDS.len(),
            Self::Weekday(day) => CELLS_OF_POOL + day % 7,
            Self::WeekOfMonth(week) => CELLS_OF_POOL + 7 + week % 4,
            Self::Fast => CELLS_OF_POOL + 11,
        }
    }

    pub(crate) fn weekday_of(due_on: NaiveDate) -> Self {
        Self::Weekday(usize::try_from(due_on.weekday().num_days_from_monday()).unwrap_or(0))
    }

    pub(crate) fn week_of_month_of(due_on: NaiveDate) -> Self {
        Self::WeekOfMonth(usize::try_from(due_on.day0() / 8).unwrap_or(0).min(3))
    }
}

/// Everything learned about one owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    half_life: HalfLife,
    /// Labels settled, not decayed.
    pub observations: u32,
    cells: Vec<Cell>,
}

impl State {
    pub(crate) fn empty(owner: &Owner) -> Self {
        let (half_life, cells) = Self::shape(owner);
        Self { half_life, observations: 0, cells: vec![Cell::default(); cells] }
    }

    const fn shape(owner: &Owner) -> (HalfLife, usize) {
        match owner {
            Owner::Tenant => (HalfLife::Days60, CELLS_OF_POOL),
            Owner::Group(_) => (HalfLife::Days90, CELLS_OF_POOL),
            Owner::Customer(_) => (HalfLife::Days365, CELLS_OF_CUSTOMER),
        }
    }

    fn half_life_of(&self, slot: Slot) -> HalfLife {
        if slot == Slot::Fast { HalfLife::Days30 } else { self.half_life }
    }

    /// The cell as of `day`; empty where this owner does not keep it.
    pub(crate) fn cell(&self, slot: Slot, day: NaiveDate) -> Cell {
        self.cells.get(slot.index()).copied().unwrap_or_default().at(day, self.half_life_of(slot))
    }

    fn add(&mut self, slot: Slot, day: NaiveDate, value: f64, weight: f64) {
        let half_life = self.half_life_of(slot);
        if let Some(cell) = self.cells.get_mut(slot.index()) {
            cell.add(day, value, weight, half_life);
        }
    }

    /// Takes in one piece of evidence. Days must not go back.
    pub(crate) fn learn(&mut self, invoice: &Invoice, Evidence { day, observation }: Evidence) {
        match observation {
            Observation::Over { threshold, late } => {
                let value = if late { 1.0 } else { 0.0 };
                self.add(Slot::Over(threshold), day, value, 1.0);
                if threshold == Threshold::LATE {
                    self.observations = self.observations.saturating_add(1);
                    for slot in [Slot::weekday_of(invoice.due_on), Slot::week_of_month_of(invoice.due_on), Slot::Fast] {
                        self.add(slot, day, value, 1.0);
                    }
                }
            }
            Observation::Cleared { delay_days, inferred } if delay_days > 0 => {
                self.add(Slot::DaysLate, day, f64::from(delay_days.min(LONGEST_DAYS_LATE)), weight_of(inferred));
            }
            Observation::Cleared { .. } => {}
        }
    }

    /// What was learned of several as if they were one, as of `day`; all of the same kind of owner.
    pub(crate) fn together<'a>(states: impl Iterator<Item = &'a Self>, day: NaiveDate) -> Option<Self> {
        states.fold(None, |whole: Option<Self>, state| {
            let Some(mut whole) = whole else { return Some(state.clone()) };
            whole.observations = whole.observations.saturating_add(state.observations);
            let half_life = whole.half_life;
            for (index, (cell, other)) in whole.cells.iter_mut().zip(&state.cells).enumerate() {
                let half_life = if index == Slot::Fast.index() { HalfLife::Days30 } else { half_life };
                *cell = cell.plus(*other, day, half_life);
            }
            Some(whole)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::{date, invoice};
    use super::*;

    #[test]
    fn an_inferred_delay_weighs_half() {
        let owner = Owner::Customer(Uuid::from_u128(1));
        let mut state = State::empty(&owner);
        for (number, inferred, settled) in [(1, false, "2026-01-20"), (2, true, "2026-01-20")] {
            let invoice = Invoice { inferred, ..invoice(number, "2026-01-01", "2026-01-10", Some(settled)) };
            invoice.evidence().into_iter().for_each(|evidence| state.learn(&invoice, evidence));
        }
        let cell = state.cell(Slot::DaysLate, date("2026-01-20"));
        assert_eq!([cell.n, cell.s].map(f64::to_bits), [1.5, 15.0_f64].map(f64::to_bits));
    }

    #[test]
    fn every_slot_has_its_own_cell() {
        let slots = THRESHOLDS.map(Slot::Over).into_iter().chain([Slot::DaysLate, Slot::Fast]);
        let slots = slots.chain((0..7).map(Slot::Weekday)).chain((0..4).map(Slot::WeekOfMonth));
        let mut indexes: Vec<usize> = slots.map(Slot::index).collect();
        indexes.sort_unstable();
        assert_eq!(indexes, (0..CELLS_OF_CUSTOMER).collect::<Vec<_>>());
        let weeks = [("2026-03-01", 0), ("2026-03-08", 0), ("2026-03-09", 1), ("2026-03-24", 2), ("2026-03-31", 3)];
        for (due, week) in weeks {
            assert_eq!(Slot::week_of_month_of(date(due)), Slot::WeekOfMonth(week), "{due}");
        }
    }
}
