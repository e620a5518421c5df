//! What is remembered of how somebody pays beside the late rates: signed delays, habits by weekday, amounts.

use std::collections::VecDeque;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::super::evidence::{Evidence, Invoice, Observation, Threshold};
use super::super::state::{LONGEST_DAYS_LATE, weight_of};
use super::memory::day_number;
use super::payment_run::PaymentDays;
use super::statistics::{Cell, HalfLife, mean};

/// Paid earlier than that is paid early, no more.
pub(super) const EARLIEST: i32 = -30;
/// Settled invoices of a customer that are remembered one by one.
const REMEMBERED: usize = 40;
/// The same of a group.
const REMEMBERED_OF_GROUP: usize = 60;
/// Days from issue to due that are told apart.
const LONGEST_TERM: i32 = 365;
/// Weight of the newest in a moving average.
const NEWEST: f64 = 0.3;

/// A settled invoice as it is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settled {
    #[serde(with = "day_number")]
    pub on: NaiveDate,
    /// Days from due to cleared, within [−30, 60].
    pub delay: i32,
    /// Of the due date, Monday = 0.
    pub weekday: usize,
    /// A rule and not a remittance chose the invoice.
    pub inferred: bool,
}

impl Settled {
    pub(super) fn weight(&self) -> f64 {
        weight_of(self.inferred)
    }
}

/// Mean of the last ones, each newer one weighing 0.3; and how many there were.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Moving {
    value: f64,
    pub count: u32,
}

impl Moving {
    fn add(&mut self, value: f64) {
        self.value = if self.count == 0 { value } else { self.value + NEWEST * (value - self.value) };
        self.count = self.count.saturating_add(1);
    }

    /// `otherwise` to the degree that too few were seen for an average: 0.7^count of it.
    pub(super) fn or(self, otherwise: f64) -> f64 {
        let unseen = (0..self.count.min(30)).fold(1.0, |left, _| left * (1.0 - NEWEST));
        unseen * otherwise + (1.0 - unseen) * self.value
    }
}

/// How a customer pays.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Pace {
    /// Was it late? Not decayed.
    pub labels: Cell,
    pub late: Moving,
    pub late_by_weekday: [Moving; 7],
    /// Signed delays, half-life a year; and all of them.
    pub delays: Cell,
    pub all_delays: Cell,
    pub moving_delay: Moving,
    pub delays_by_weekday: [Cell; 7],
    pub last_by_weekday: [Option<f64>; 7],
    /// The last ones settled, newest last.
    pub recent: VecDeque<Settled>,
    pub payment_days: PaymentDays,
    /// Logarithms of amounts.
    pub amounts: Cell,
    /// Days from issue to due.
    pub terms: Cell,
    /// Was it disputed? Known once it is cleared.
    pub disputes: Cell,
    pub first_issued_on: Option<NaiveDate>,
    pub last_paid_on: Option<NaiveDate>,
}

/// How the customers of a group or of the whole tenant pay.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct PoolPace {
    pub delays: Cell,
    /// Signed delays, half-life a year: how they spread over the whole pool …
    pub spread: Cell,
    /// … and around the mean of each customer: s/n is the variance within customers.
    pub within: Cell,
    pub recent: VecDeque<Settled>,
    pub amounts: Cell,
}

/// Monday = 0.
pub(super) fn weekday(day: NaiveDate) -> usize {
    usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0)
}

fn settled(invoice: &Invoice, on: NaiveDate, delay_days: i32, inferred: bool) -> Settled {
    let delay = delay_days.clamp(EARLIEST, LONGEST_DAYS_LATE);
    Settled { on, delay, weekday: weekday(invoice.due_on), inferred }
}

fn remember(recent: &mut VecDeque<Settled>, settled: Settled, at_most: usize) {
    recent.push_back(settled);
    while recent.len() > at_most {
        recent.pop_front();
    }
}

impl Pace {
    pub(super) fn issued(&mut self, day: NaiveDate, log_amount: f64, due_on: NaiveDate) {
        self.first_issued_on.get_or_insert(day);
        self.amounts.add(day, log_amount, 1.0, HalfLife::Never);
        let term = i32::try_from((due_on - day).num_days()).unwrap_or(0);
        self.terms.add(day, f64::from(term.clamp(0, LONGEST_TERM)), 1.0, HalfLife::Days365);
    }

    /// Takes in one piece of evidence. Days must not go back.
    pub(super) fn learn(&mut self, invoice: &Invoice, Evidence { day, observation }: Evidence, disputed: bool) {
        match observation {
            Observation::Over { threshold: Threshold::LATE, late } => {
                let value = if late { 1.0 } else { 0.0 };
                self.labels.add(day, value, 1.0, HalfLife::Never);
                self.late.add(value);
                if let Some(moving) = self.late_by_weekday.get_mut(weekday(invoice.due_on)) {
                    moving.add(value);
                }
            }
            Observation::Over { .. } => {}
            Observation::Cleared { delay_days, inferred } => {
                let settled = settled(invoice, day, delay_days, inferred);
                let delay = f64::from(settled.delay);
                self.delays.add(day, delay, settled.weight(), HalfLife::Days365);
                self.all_delays.add(day, delay, settled.weight(), HalfLife::Never);
                self.moving_delay.add(delay);
                if let Some(cell) = self.delays_by_weekday.get_mut(settled.weekday) {
                    cell.add(day, delay, settled.weight(), HalfLife::Days365);
                }
                if let Some(last) = self.last_by_weekday.get_mut(settled.weekday) {
                    *last = Some(delay);
                }
                remember(&mut self.recent, settled, REMEMBERED);
                self.disputes.add(day, if disputed { 1.0 } else { 0.0 }, 1.0, HalfLife::Never);
                self.payment_days.paid(day);
                self.last_paid_on = Some(day);
            }
        }
    }

    /// Median of the last nine delays, the earlier one of two; `None` before the first.
    pub(super) fn median_of_recent_days(&self) -> Option<i32> {
        let mut delays: Vec<i32> = self.recent.iter().rev().take(9).map(|settled| settled.delay).collect();
        delays.sort_unstable();
        delays.get(delays.len().saturating_sub(1) / 2).copied()
    }

    pub(super) fn median_of_recent(&self) -> Option<f64> {
        self.median_of_recent_days().map(f64::from)
    }
}

impl PoolPace {
    pub(super) fn issued(&mut self, day: NaiveDate, log_amount: f64) {
        self.amounts.add(day, log_amount, 1.0, HalfLife::Days365);
    }

    /// Takes in a delay of a customer whose pace is `before` it.
    pub(super) fn learn(
        &mut self,
        invoice: &Invoice,
        Evidence { day, observation }: Evidence,
        half_life: HalfLife,
        before: &Pace,
    ) {
        let Observation::Cleared { delay_days, inferred } = observation else { return };
        let settled = settled(invoice, day, delay_days, inferred);
        let delay = f64::from(settled.delay);
        self.delays.add(day, delay, settled.weight(), half_life);
        self.spread.add(day, delay, settled.weight(), HalfLife::Days365);
        if let Some(mean) = mean(before.all_delays) {
            // Welford: the sum of squares around a mean of n grows by (x − mean)² · n / (n + 1) with one more.
            let n = before.all_delays.n;
            self.within.add(day, (delay - mean) * (delay - mean) * n / (n + 1.0), settled.weight(), HalfLife::Days365);
        }
        remember(&mut self.recent, settled, REMEMBERED_OF_GROUP);
    }
}
