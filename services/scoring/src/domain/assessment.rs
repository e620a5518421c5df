//! What scoring says about one customer at the close of a day.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::model::learner::{Learner, Prediction};
use super::model::statistics::{days, log_odds, probability};
use super::reason::Reason;
use super::segment::{Rules, Segment, StructuralDelay, decide};

/// A probability taken apart: what adds up to its log-odds, in the order of `Family::ALL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// Nine digits each; empty when there is nothing to foretell any more.
    pub contributions: Vec<Decimal>,
    /// Their sum, exactly.
    pub log_odds: Option<Decimal>,
    /// The weightiest first.
    pub reasons: Vec<Reason>,
}

/// What scoring says about one customer at the close of a day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assessment {
    /// That the next invoice is paid late if it is like those before; six digits, inside (0, 1).
    pub p_late: Decimal,
    pub explanation: Explanation,
    /// Two digits.
    pub mean_days_late: Option<Decimal>,
    /// Days from due to cleared that the next invoice stays below with probability 50 and 80 %; two digits.
    pub p50_delay: Option<Decimal>,
    pub p80_delay: Option<Decimal>,
    /// Days of that delay that are the payer's payment run.
    pub structural_days: u32,
    pub observations: u32,
    pub segment: Segment,
    /// The deciding one first.
    pub segment_reasons: Vec<String>,
}

/// What of a score a person would call different: it is told when this changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gist {
    /// Hundredths.
    p_late: Decimal,
    mean_days_late: Option<Decimal>,
    /// Whether it rests on anything.
    has_history: bool,
}

impl Explanation {
    pub(crate) fn of(prediction: &Prediction) -> Self {
        let contributions: Vec<Decimal> =
            prediction.contributions.iter().map(|(_, contribution)| log_odds(*contribution)).collect();
        Self {
            log_odds: prediction.log_odds.map(|_| contributions.iter().sum()),
            contributions,
            reasons: prediction.reasons.clone(),
        }
    }
}

impl Gist {
    pub(crate) fn of(p_late: Decimal, mean_days_late: Option<Decimal>, observations: u32) -> Self {
        Self {
            p_late: p_late.round_dp(2),
            mean_days_late: mean_days_late.map(|days| days.round()),
            has_history: observations > 0,
        }
    }
}

/// Everything an assessment depends on beside what was learned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub structural: StructuralDelay,
    pub rules: &'a Rules,
    /// The day after the last one learned.
    pub day: NaiveDate,
}

/// Scores a customer for the day after the last one learned.
pub(crate) fn assess(learner: &Learner, customer_id: Uuid, group: &str, terms: Terms<'_>) -> Assessment {
    let Terms { structural, rules, day } = terms;
    let habit = learner.habit(customer_id, group, structural, day);
    let next = learner.next_invoice(customer_id, group, day);
    let (segment, segment_reasons) = decide(habit, rules);
    Assessment {
        p_late: probability(next.p_late),
        explanation: Explanation::of(&next),
        mean_days_late: learner.mean_days_late(customer_id, group, day).map(days),
        p50_delay: next.forecast.map(|forecast| days(forecast.p50)),
        p80_delay: next.forecast.map(|forecast| days(forecast.p80)),
        structural_days: next.structural_days,
        observations: habit.observations,
        segment,
        segment_reasons,
    }
}
