//! Expected days (scoring.md §3, 6): what was seen of the customer, most of it lately and on the same weekday, filled up
//! with its group; the late side weighs as much as the probability says.

use serde::{Deserialize, Serialize};

use super::super::state::LONGEST_DAYS_LATE;
use super::inputs::Known;
use super::pace::{EARLIEST, Settled, weekday};
use super::statistics::HalfLife;

/// One way to weigh what was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Setting {
    half_life: HalfLife,
    /// Weight of what was due on the same weekday against other days.
    same_weekday: f64,
    /// Weight of the group as a whole.
    group: f64,
    /// A delay that was seen stands for so many days before and after it: none where everybody pays in a weekly run, many
    /// where nobody means the very day.
    blur_days: i32,
}

/// From "a customer does what it always did, give or take a week" to "it pays on the day it paid last Friday's".
const SETTINGS: [Setting; 6] = [
    Setting { half_life: HalfLife::Never, same_weekday: 1.0, group: 2.0, blur_days: 8 },
    Setting { half_life: HalfLife::Days365, same_weekday: 3.0, group: 3.0, blur_days: 8 },
    Setting { half_life: HalfLife::Days365, same_weekday: 1.0, group: 3.0, blur_days: 4 },
    Setting { half_life: HalfLife::Days90, same_weekday: 4.0, group: 0.3, blur_days: 2 },
    Setting { half_life: HalfLife::Days365, same_weekday: 12.0, group: 1.0, blur_days: 1 },
    Setting { half_life: HalfLife::Days365, same_weekday: 12.0, group: 1.0, blur_days: 0 },
];
/// The record of a setting fades by this with every settled invoice.
const FADING: f64 = 0.995;
/// Spread over three weeks around the due date, so that no side is empty.
const UNSEEN: f64 = 0.05;
/// However long somebody waits, a payment in time stays possible while there is time.
const LEAST_PATIENCE: f64 = 1e-3;
/// The shares that are foretold.
const TARGETS: [f64; 3] = [0.5, 0.8, 0.9];
/// By how much one settled invoice moves a level (adaptive conformal inference, Gibbs and Candès 2021): some two hundred
/// of them undo a bias.
const STEP: f64 = 0.005;
/// No level moves further from its share …
const FARTHEST: f64 = 0.15;
/// … nor closer to certainty.
const HIGHEST: f64 = 0.98;

/// Days from due to cleared that an invoice stays below with probability 50, 80 and 90 %; negative when early.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Forecast {
    pub p50: f64,
    pub p80: f64,
    pub p90: f64,
}

/// What was foretold at the issue of an invoice, to be judged when it is settled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Foretold {
    /// The median of every setting.
    medians: [f64; SETTINGS.len()],
    /// Of the setting in force, by share.
    days: [f64; TARGETS.len()],
}

impl Foretold {
    /// p50, p80 and p90.
    pub(super) fn days(&self) -> [f64; TARGETS.len()] {
        self.days
    }
}

/// How well each setting has foretold a tenant's days, and how far the shares were missed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Forecaster {
    /// Σ 0.995^age · |median − delay|
    errors: [f64; SETTINGS.len()],
    /// What is added to each share so that so many invoices do stay below.
    shifts: [f64; TARGETS.len()],
}

impl Forecaster {
    /// `delay` within [−30, 60].
    pub(super) fn learn(&mut self, foretold: &Foretold, delay: f64) {
        for (error, median) in self.errors.iter_mut().zip(foretold.medians) {
            *error = *error * FADING + (median - delay).abs();
        }
        for ((shift, target), days) in self.shifts.iter_mut().zip(TARGETS).zip(foretold.days) {
            let below = if delay <= days { 1.0 } else { 0.0 };
            *shift = (*shift + STEP * (target - below)).clamp(-FARTHEST, FARTHEST.min(HIGHEST - target));
        }
    }

    /// The forecast of the setting with the smallest error, the first of equals.
    pub(super) fn forecast(&self, known: &Known<'_>, overdue_days: &[i32], p_late: f64) -> (Forecast, Foretold) {
        let histograms = SETTINGS.map(|setting| Histogram::of(known, overdue_days, setting));
        let [half, _, _] = self.levels();
        let medians = histograms.each_ref().map(|histogram| histogram.quantile(half, p_late));
        let ranked = histograms.iter().zip(&self.errors);
        let best = ranked.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(histogram, _)| histogram);
        let days = self.levels().map(|level| best.map_or(0.0, |histogram| histogram.quantile(level, p_late)));
        let [p50, p80, p90] = days;
        (Forecast { p50, p80, p90 }, Foretold { medians, days })
    }

    /// Of an invoice that was issued `issued` and is still unpaid `waited` days after its due date (both before it when
    /// negative): the share of those paid in time that waited as long, and what comes of it.
    pub(super) fn outlook(&self, known: &Known<'_>, overdue_days: &[i32], (issued, waited): (i32, i32)) -> Outlook<'_> {
        let ranked = SETTINGS.iter().zip(&self.errors);
        let best = ranked.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(setting, _)| *setting);
        let [first, ..] = SETTINGS;
        let mut histogram = Histogram::of(known, overdue_days, best.unwrap_or(first));
        let at_issue = histogram.on_time_after(issued);
        let now = histogram.on_time_after(waited);
        histogram.forget_through(waited);
        let patience = if at_issue > 0.0 { (now / at_issue).max(LEAST_PATIENCE) } else { 1.0 };
        Outlook { forecaster: self, histogram, patience }
    }

    /// Ascending.
    fn levels(&self) -> [f64; TARGETS.len()] {
        let mut least = 0.0_f64;
        let mut shifts = self.shifts.iter();
        TARGETS.map(|target| {
            least = least.max(target + shifts.next().copied().unwrap_or(0.0));
            least
        })
    }
}

/// What can still come of an invoice that is open.
pub(super) struct Outlook<'a> {
    forecaster: &'a Forecaster,
    histogram: Histogram,
    /// Share of invoices paid in time that are still unpaid by now: the less it is, the likelier this one is late.
    pub patience: f64,
}

impl Outlook<'_> {
    /// `None` when it waits longer than delays are told apart.
    pub(super) fn forecast(&self, p_late: f64) -> Option<Forecast> {
        let [p50, p80, p90] = self.forecaster.levels().map(|level| self.histogram.quantile(level, p_late));
        (self.histogram.bins.iter().any(|bin| *bin > 0.0)).then_some(Forecast { p50, p80, p90 })
    }
}

/// Weight by days from due to cleared, −30 first.
struct Histogram {
    bins: Vec<f64>,
    blur_days: i32,
}

impl Histogram {
    fn of(known: &Known<'_>, overdue_days: &[i32], setting: Setting) -> Self {
        let days = usize::try_from(LONGEST_DAYS_LATE - EARLIEST + 1).unwrap_or(0);
        let mut histogram = Self { bins: vec![0.0; days], blur_days: setting.blur_days };
        let on = weekday(known.due_on);
        for settled in &known.pace.recent {
            let same = if settled.weekday == on { setting.same_weekday } else { 1.0 };
            histogram.add(settled.delay, weight(settled, known, setting.half_life) * same);
        }
        // What is open and overdue will be at least that late: leaving it out would forget the slowest.
        for days in overdue_days {
            histogram.add((*days).min(LONGEST_DAYS_LATE), 1.0);
        }
        let pool = if known.group.recent.is_empty() { &known.tenant.recent } else { &known.group.recent };
        let whole = pool.iter().fold(0.0, |sum, settled| sum + settled.weight());
        for settled in pool {
            histogram.add(settled.delay, setting.group * settled.weight() / whole);
        }
        for delay in -7..=14 {
            histogram.add(delay, UNSEEN / 22.0);
        }
        histogram
    }

    fn add(&mut self, delay: i32, weight: f64) {
        let delay = delay.clamp(EARLIEST, LONGEST_DAYS_LATE);
        let share = weight / f64::from(2 * self.blur_days + 1);
        for offset in -self.blur_days..=self.blur_days {
            // A delay keeps to its side of the due date: which side it is, is the probability's business.
            let shifted = delay + offset;
            let shifted = if (shifted > 0) == (delay > 0) { shifted } else { delay };
            let shifted = shifted.clamp(EARLIEST, LONGEST_DAYS_LATE);
            let index = usize::try_from(shifted - EARLIEST).ok();
            if let Some(bin) = index.and_then(|index| self.bins.get_mut(index)) {
                *bin += share;
            }
        }
    }

    /// Weight of those paid in time, later than `days` after the due date.
    fn on_time_after(&self, days: i32) -> f64 {
        let from = usize::try_from((days + 1 - EARLIEST).max(0)).unwrap_or(0);
        let on_time = usize::try_from(1 - EARLIEST).unwrap_or(0);
        self.bins.iter().take(on_time).skip(from).fold(0.0, |sum, weight| sum + weight)
    }

    /// Nothing was paid by `days` after the due date.
    fn forget_through(&mut self, days: i32) {
        let gone = usize::try_from((days + 1 - EARLIEST).max(0)).unwrap_or(0);
        for weight in self.bins.iter_mut().take(gone) {
            *weight = 0.0;
        }
    }

    /// Days that the share `q` of invoices stays below, when the late side weighs `p_late` of the whole.
    fn quantile(&self, q: f64, p_late: f64) -> f64 {
        let on_time = usize::try_from(1 - EARLIEST).unwrap_or(0);
        let p_on_time = 1.0 - p_late;
        let (side, from, q) = if q <= p_on_time {
            (self.bins.iter().take(on_time), EARLIEST, q / p_on_time)
        } else {
            return within(self.bins.iter().skip(on_time), 1, (q - p_on_time) / p_late);
        };
        within(side, from, q)
    }
}

/// The share `q` of the weights, each spread evenly over its day; days start at `from`.
fn within<'a>(side: impl Iterator<Item = &'a f64> + Clone, from: i32, q: f64) -> f64 {
    let mut left = side.clone().fold(0.0, |sum, weight| sum + weight) * q;
    let mut day = f64::from(from) - 0.5;
    for weight in side {
        if left <= *weight && *weight > 0.0 {
            return day + left / weight;
        }
        left -= weight;
        day += 1.0;
    }
    day
}

fn weight(settled: &Settled, known: &Known<'_>, half_life: HalfLife) -> f64 {
    let age = u32::try_from((known.day - settled.on).num_days()).unwrap_or(0);
    settled.weight() * half_life.decay(age)
}
