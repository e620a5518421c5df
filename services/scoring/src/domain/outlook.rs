//! What is foretold of an open invoice, and when that is news.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::assessment::Explanation;
use super::model::learner::{Bill, Learner};
use super::model::statistics::{days, probability};

/// Probabilities that differ by less are the same to a person …
const MATERIAL: Decimal = Decimal::from_parts(5, 0, 0, false, 2);
/// … and so are medians that differ by less days.
const MATERIAL_DAYS: Decimal = Decimal::ONE;
/// A risk that was raised stays until the probability is so much below the threshold, lest it come and go every day.
const RELIEF: Decimal = Decimal::from_parts(5, 0, 0, false, 2);

/// One, with the digits of a probability.
const CERTAIN: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 6);

/// When an open invoice will be paid.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outlook {
    /// Six digits, inside (0, 1); 1 once the due date has passed.
    pub p_late: Decimal,
    /// Days from due to cleared that it stays below with probability 50, 80 and 90 %; two digits. `None` when it waits
    /// longer than delays are told apart.
    pub p50_delay: Option<Decimal>,
    pub p80_delay: Option<Decimal>,
    pub p90_delay: Option<Decimal>,
    pub structural_days: u32,
    pub explanation: Explanation,
}

impl Outlook {
    /// From what was learned and what is owed, on `day` of the tenant.
    pub(crate) fn of(learner: &Learner, bill: &Bill, day: NaiveDate) -> Self {
        let prediction = learner.outlook(bill, day);
        let forecast = prediction.forecast;
        Self {
            p_late: if prediction.log_odds.is_some() { probability(prediction.p_late) } else { CERTAIN },
            p50_delay: forecast.map(|forecast| days(forecast.p50)),
            p80_delay: forecast.map(|forecast| days(forecast.p80)),
            p90_delay: forecast.map(|forecast| days(forecast.p90)),
            structural_days: prediction.structural_days,
            explanation: Explanation::of(&prediction),
        }
    }

    pub(crate) fn is_past_due(&self) -> bool {
        self.explanation.log_odds.is_none()
    }

    /// Would a person call it different from what was told?
    pub(crate) fn is_news_after(&self, p_late: Decimal, p50_delay: Option<Decimal>) -> bool {
        let days_differ = match (self.p50_delay, p50_delay) {
            (Some(now), Some(then)) => (now - then).abs() >= MATERIAL_DAYS,
            (now, then) => now.is_some() != then.is_some(),
        };
        let fell_due = self.is_past_due() != (p_late == Decimal::ONE);
        fell_due || days_differ || (self.p_late - p_late).abs() >= MATERIAL
    }

    /// Is there time to act, and reason to (R15)?
    pub(crate) fn is_at_risk(&self, threshold: Decimal, was_at_risk: bool) -> bool {
        let limit = if was_at_risk { threshold - RELIEF } else { threshold };
        !self.is_past_due() && self.p_late >= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlook(p_late: &str, p50: Option<&str>) -> Outlook {
        let p_late: Decimal = p_late.parse().unwrap();
        Outlook {
            p_late,
            p50_delay: p50.map(|days| days.parse().unwrap()),
            p80_delay: None,
            p90_delay: None,
            structural_days: 0,
            explanation: Explanation {
                contributions: Vec::new(),
                log_odds: (p_late < Decimal::ONE).then_some(Decimal::ZERO),
                reasons: Vec::new(),
            },
        }
    }

    #[test]
    fn news_is_what_a_person_would_call_different() {
        let cases = [
            (("0.50", Some("3.00")), ("0.50", Some("3.00")), false),
            (("0.549", Some("3.99")), ("0.50", Some("3.00")), false),
            (("0.55", Some("3.00")), ("0.50", Some("3.00")), true),
            (("0.50", Some("2.00")), ("0.50", Some("3.00")), true),
            (("0.999", Some("3.00")), ("1", Some("3.00")), true),
            (("1", Some("3.00")), ("0.99", Some("3.00")), true),
            (("1", None), ("1", Some("60.00")), true),
            (("1", None), ("1", None), false),
        ];
        for ((p_late, p50), (told, told_p50), expected) in cases {
            let is_news =
                outlook(p_late, p50).is_news_after(told.parse().unwrap(), told_p50.map(|days| days.parse().unwrap()));
            assert_eq!(is_news, expected, "{p_late} {p50:?} after {told} {told_p50:?}");
        }
    }

    #[test]
    fn a_risk_is_raised_at_the_threshold_and_cleared_well_below() {
        let threshold = Decimal::new(7, 1);
        let cases = [
            ("0.699", false, false),
            ("0.70", false, true),
            ("0.66", true, true),
            ("0.649", true, false),
            ("1", true, false),
        ];
        for (p_late, was, is) in cases {
            assert_eq!(outlook(p_late, None).is_at_risk(threshold, was), is, "{p_late} {was}");
        }
    }
}
