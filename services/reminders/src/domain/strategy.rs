//! Strategies: ordered steps at signed offsets from the effective due date. Data with versions; the ones here are what a
//! new tenant starts with.

use serde::{Deserialize, Serialize};

/// How the closing words of a message sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tone {
    Gentle,
    Friendly,
    Firm,
}

impl Tone {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Gentle => "gentle",
            Self::Friendly => "friendly",
            Self::Firm => "firm",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Gentle, Self::Friendly, Self::Firm].into_iter().find(|tone| tone.as_str() == text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Days from the effective due date; negative is before it.
    pub(crate) offset_days: i32,
    /// Name of the template that opens the message.
    pub(crate) template: String,
    pub(crate) tone: Tone,
}

/// One version of a strategy. The steps ascend by offset; a step's position is its dunning level (L10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Strategy {
    pub(crate) name: String,
    pub(crate) version: i32,
    pub(crate) steps: Vec<Step>,
}

/// The segment of a customer that scoring has not spoken about.
pub(crate) const UNKNOWN_SEGMENT: &str = "new";

/// Which strategy a segment gets, until the tenant says otherwise.
pub(crate) const SEGMENTS: [(&str, &str); 5] = [
    ("regular", "gentle"),
    ("occasional_late", "default"),
    ("often_late", "default"),
    ("high_risk", "firm"),
    (UNKNOWN_SEGMENT, "default"),
];

/// The strategies every tenant starts with. Regular customers hear least, and never more often than those at high risk (R09).
pub(crate) fn built_in() -> Vec<Strategy> {
    use Tone::{Firm, Friendly, Gentle};
    let strategy = |name: &str, steps: &[(i32, &str, Tone)]| Strategy {
        name: name.to_owned(),
        version: 1,
        steps: steps
            .iter()
            .map(|&(offset_days, template, tone)| Step { offset_days, template: template.to_owned(), tone })
            .collect(),
    };
    vec![
        strategy(
            "default",
            &[
                (-7, "before_due", Gentle),
                (0, "due_today", Gentle),
                (3, "overdue", Friendly),
                (10, "overdue", Firm),
                (20, "last_notice", Firm),
            ],
        ),
        strategy("gentle", &[(0, "due_today", Gentle), (5, "overdue", Gentle), (15, "overdue", Friendly)]),
        strategy(
            "firm",
            &[
                (-7, "before_due", Friendly),
                (-2, "before_due", Friendly),
                (0, "due_today", Friendly),
                (3, "overdue", Firm),
                (7, "overdue", Firm),
                (14, "overdue", Firm),
                (20, "last_notice", Firm),
            ],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strategy_of(segment: &str) -> Strategy {
        let name = SEGMENTS.iter().find(|(known, _)| *known == segment).unwrap().1;
        built_in().into_iter().find(|strategy| strategy.name == name).unwrap()
    }

    #[test]
    fn steps_ascend_and_none_is_twice() {
        for strategy in built_in() {
            assert!(strategy.steps.is_sorted_by(|a, b| a.offset_days < b.offset_days), "{}", strategy.name);
        }
    }

    #[test]
    fn regular_customers_hear_least() {
        let [regular, default, high_risk] = ["regular", "new", "high_risk"].map(strategy_of);
        assert!(regular.steps.len() < default.steps.len() && default.steps.len() < high_risk.steps.len());
        let tone = |strategy: &Strategy| strategy.steps.iter().map(|step| step.tone).max();
        assert!(tone(&regular) < tone(&high_risk));
    }

    #[test]
    fn the_default_is_what_the_seeds_ask_for() {
        let offsets: Vec<i32> = strategy_of("new").steps.iter().map(|step| step.offset_days).collect();
        assert_eq!(offsets, [-7, 0, 3, 10, 20]);
    }
}
