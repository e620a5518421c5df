//! What scoring says about one customer at the close of a day.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::features::Subject;
use super::model::learner::{Learner, Prediction};
use super::model::statistics::{days, log_odds, probability, weighted_mean};
use super::reason::Reason;
use super::segment::{Habit, Rules, Segment, StructuralDelay};
use super::standing::{GroupHabit, Standings};

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
    pub rules_version: String,
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

/// What decides beside what was learned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ruling<'a> {
    pub rules: &'a Rules,
    /// As of the last day learned; empty when the rules read nothing but habits.
    pub standings: &'a Standings,
}

/// Everything an assessment depends on beside what was learned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// Country of everybody who is assessed, and of those of their corporate groups.
    pub groups: &'a BTreeMap<Uuid, String>,
    pub structural: StructuralDelay,
    pub ruling: Ruling<'a>,
    /// The day after the last one learned.
    pub day: NaiveDate,
}

impl Terms<'_> {
    fn habit(&self, learner: &Learner, customer_id: Uuid) -> Habit {
        learner.habit(customer_id, self.group_of(customer_id), self.structural, self.day)
    }

    fn group_of(&self, customer_id: Uuid) -> &str {
        self.groups.get(&customer_id).map_or("", String::as_str)
    }
}

/// Scores a customer for the day after the last one learned.
pub(crate) fn assess(learner: &Learner, customer_id: Uuid, terms: Terms<'_>) -> Assessment {
    let (group, day) = (terms.group_of(customer_id), terms.day);
    let habit = terms.habit(learner, customer_id);
    let next = learner.next_invoice(customer_id, group, day);
    let mean_days_late = learner.mean_days_late(customer_id, group, day);
    let standings = terms.ruling.standings;
    let subject = Subject {
        habit,
        p_late: next.p_late,
        mean_days_late: mean_days_late.unwrap_or(0.0),
        standing: standings.of(customer_id),
        group: standings.group_of(customer_id).map(|corporation| {
            let members = corporation.members.iter().map(|member| terms.habit(learner, *member));
            (corporation, group_habit(members))
        }),
    };
    let (segment, segment_reasons) = terms.ruling.rules.decide(&subject);
    Assessment {
        p_late: probability(next.p_late),
        explanation: Explanation::of(&next),
        mean_days_late: mean_days_late.map(days),
        p50_delay: next.forecast.map(|forecast| days(forecast.p50)),
        p80_delay: next.forecast.map(|forecast| days(forecast.p80)),
        structural_days: next.structural_days,
        observations: habit.observations,
        segment,
        segment_reasons,
        rules_version: terms.ruling.rules.version.clone(),
    }
}

/// Means of the members' shares, weighted by observations, in the order of their ids; plain zero when nobody has any.
fn group_habit(members: impl Iterator<Item = Habit>) -> GroupHabit {
    let habits: Vec<Habit> = members.collect();
    let mean = |share: fn(&Habit) -> f64| {
        weighted_mean(habits.iter().map(|habit| (f64::from(habit.observations), share(habit)))).unwrap_or(0.0)
    };
    GroupHabit { late_share: mean(|habit| habit.late_share), severe_share: mean(|habit| habit.severe_share) }
}
