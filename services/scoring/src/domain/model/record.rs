//! How well the model has foretold: every settled label is compared with what was said on the issue date of its invoice.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::arithmetic::ln;
use super::statistics::{Cell, HalfLife};

/// Probabilities are compared with outcomes by tenths.
const BINS: usize = 10;
/// No label costs more: ln of one in a million.
const LEAST_PROBABILITY: f64 = 1e-6;

/// One tenth of the probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Bin {
    /// What was said of its invoices.
    said: Cell,
    /// Those that were late.
    late: Cell,
}

/// Decayed over ninety days, by the day on which labels settled.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    bins: [Bin; BINS],
    brier: Cell,
    log_loss: Cell,
    /// Days between the median that was foretold and the day it was cleared.
    days_off: Cell,
    below_p80: Cell,
    /// The same probabilities over a year: against them the last ninety days have drifted or not.
    year: [Cell; BINS],
}

/// A tenth of the probabilities: labels, the mean of what was said and the share that was late.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tenth {
    pub labels: f64,
    pub said: f64,
    pub late: f64,
}

/// The record as of a day; `None` where nothing was settled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// Settled labels of the last ninety days, decayed.
    pub labels: f64,
    /// Mean squared difference between probability and outcome.
    pub brier: f64,
    pub log_loss: f64,
    /// Brier score of saying the share of late invoices of everyone.
    pub brier_of_base_rate: f64,
    /// Σ over tenths of their share of labels · |said − late|.
    pub calibration_error: f64,
    pub tenths: Vec<Tenth>,
    /// Mean absolute error of the median, in days; `None` before the first was cleared.
    pub days_off: Option<f64>,
    /// Share of cleared invoices that stayed below their p80.
    pub p80_coverage: Option<f64>,
    /// Population stability index of the probabilities, the last ninety days against the last year.
    pub drift: f64,
}

impl Record {
    /// A label settled of an invoice of which `p_late` was said.
    pub(super) fn settled(&mut self, day: NaiveDate, p_late: f64, late: bool) {
        let outcome = if late { 1.0 } else { 0.0 };
        if let Some(bin) = self.bins.get_mut(bin_of(p_late)) {
            bin.said.add(day, p_late, 1.0, HalfLife::Days90);
            bin.late.add(day, outcome, 1.0, HalfLife::Days90);
        }
        if let Some(cell) = self.year.get_mut(bin_of(p_late)) {
            cell.add(day, 1.0, 1.0, HalfLife::Days365);
        }
        self.brier.add(day, (p_late - outcome) * (p_late - outcome), 1.0, HalfLife::Days90);
        let p = p_late.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY);
        self.log_loss.add(day, -ln(if late { p } else { 1.0 - p }), 1.0, HalfLife::Days90);
    }

    /// An invoice was cleared `delay` days after its due date, of which p50 and p80 were said.
    pub(super) fn cleared(&mut self, day: NaiveDate, delay: f64, p50: f64, p80: f64) {
        self.days_off.add(day, (delay - p50).abs(), 1.0, HalfLife::Days90);
        self.below_p80.add(day, if delay <= p80 { 1.0 } else { 0.0 }, 1.0, HalfLife::Days90);
    }

    pub(crate) fn standing(&self, day: NaiveDate) -> Option<Standing> {
        let mean = |cell: Cell| super::statistics::mean(cell.at(day, HalfLife::Days90));
        let tenths: Vec<Tenth> = self.bins.iter().map(|bin| Tenth::of(*bin, day)).collect();
        let labels = tenths.iter().fold(0.0, |sum, tenth| sum + tenth.labels);
        let late = tenths.iter().fold(0.0, |sum, tenth| sum + tenth.labels * tenth.late) / labels;
        let off = |tenth: &Tenth| tenth.labels / labels * (tenth.said - tenth.late).abs();
        let year = self.year.map(|cell| cell.at(day, HalfLife::Days365).n);
        Some(Standing {
            labels,
            brier: mean(self.brier)?,
            log_loss: mean(self.log_loss)?,
            brier_of_base_rate: late * (1.0 - late),
            calibration_error: tenths.iter().fold(0.0, |sum, tenth| sum + off(tenth)),
            drift: stability_index(&tenths, &year),
            tenths,
            days_off: mean(self.days_off),
            p80_coverage: mean(self.below_p80),
        })
    }
}

impl Tenth {
    fn of(bin: Bin, day: NaiveDate) -> Self {
        let (said, late) = (bin.said.at(day, HalfLife::Days90), bin.late.at(day, HalfLife::Days90));
        let mean = |cell| super::statistics::mean(cell).unwrap_or(0.0);
        Self { labels: said.n, said: mean(said), late: mean(late) }
    }
}

fn bin_of(p_late: f64) -> usize {
    let tenths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
    tenths.iter().filter(|limit| p_late >= **limit).count()
}

/// Σ (now − then) · ln(now / then) over the shares of the tenths, each with half a label more so that none is empty. Below
/// 0.1 nothing has moved, above 0.25 much has: the rule of thumb of credit scoring.
fn stability_index(now: &[Tenth], then: &[f64]) -> f64 {
    let whole = |labels: f64| labels + 0.5 * f64::from(u8::try_from(BINS).unwrap_or(u8::MAX));
    let labels_now = whole(now.iter().fold(0.0, |sum, tenth| sum + tenth.labels));
    let labels_then = whole(then.iter().fold(0.0, |sum, labels| sum + labels));
    now.iter().zip(then).fold(0.0, |sum, (now, then)| {
        let (now, then) = ((now.labels + 0.5) / labels_now, (then + 0.5) / labels_then);
        sum + (now - then) * ln(now / then)
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::evidence::tests::date;
    use super::*;

    #[test]
    fn a_record_is_what_was_said_against_what_came() {
        let day = date("2026-01-01");
        let mut record = Record::default();
        assert_eq!(record.standing(day), None);
        // 0.25 is said of eight of which two are late, 0.75 of two of which both are.
        for (p_late, late, times) in [(0.25, true, 2), (0.25, false, 6), (0.75, true, 2)] {
            for _ in 0..times {
                record.settled(day, p_late, late);
            }
        }
        record.cleared(day, 5.0, 2.0, 6.0);
        record.cleared(day, 9.0, 8.0, 8.0);
        let standing = record.standing(day).unwrap();
        let close = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-12, "{value} {expected}");
        close(standing.labels, 10.0);
        close(standing.brier, (2.0 * 0.5625 + 6.0 * 0.0625 + 2.0 * 0.0625) / 10.0);
        close(standing.brier_of_base_rate, 0.24);
        close(standing.calibration_error, 0.2 * 0.25);
        close(standing.days_off.unwrap(), 2.0);
        close(standing.p80_coverage.unwrap(), 0.5);
        close(standing.drift, 0.0);
    }

    #[test]
    fn other_probabilities_than_usual_are_a_drift() {
        let mut record = Record::default();
        let first = date("2025-01-01");
        for number in 0..300 {
            record.settled(first + chrono::Days::new(number), 0.15, number % 7 == 0);
        }
        let then = record.standing(date("2025-10-28")).unwrap().drift;
        for number in 300..400 {
            record.settled(first + chrono::Days::new(number), 0.85, true);
        }
        let now = record.standing(date("2026-02-05")).unwrap().drift;
        assert!(then < 0.02 && now > 0.2, "{then} {now}");
    }
}
