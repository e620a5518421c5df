//! Segmentation rules: an ordered list of conditions over features, the first that holds decides (R04, R08).
//!
//! A customer is in exactly one segment, because a list without a match has a fallback. What is decided is a function of
//! the features alone, and it takes at most `MOST_RULES` times `MOST_NODES` steps. The house's own rules are a document
//! like any other.

mod check;
mod expression;
mod why;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use self::expression::{Literal, Node};
use self::why::Reasons;
use super::features::{Family, Feature, Scalar, Subject};
use super::segment::{Segment, StructuralDelay};

pub(crate) const MOST_RULES: usize = 40;
/// Characters of a reason's code.
const LONGEST_REASON: usize = 40;
/// Reasons that a decision carries.
const MOST_REASONS: usize = 12;
/// The version of the house's own rules.
pub(crate) const STANDARD: &str = "default-1";

/// Rules as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// Tried in this order.
    pub rules: Vec<Rule>,
    pub fallback: Fallback,
    /// Names of features that read as if nothing were known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub off: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub segment: String,
    /// In the Common Expression Language.
    pub when: String,
    /// Code that stands before the figures in a segment's reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fallback {
    pub segment: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// JSON pointer: `/rules/2/when`.
    pub pointer: String,
    /// Stable, for programs.
    pub code: &'static str,
    /// For people; of an expression it begins with the column.
    pub detail: String,
}

/// Rules that decide.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rules {
    pub version: String,
    conditions: Vec<Condition>,
    fallback: Segment,
    fallback_reason: Option<String>,
    reads: BTreeSet<Feature>,
}

#[derive(Debug, Clone, PartialEq)]
struct Condition {
    segment: Segment,
    reason: Option<String>,
    node: Node,
}

static STANDARD_RULES: LazyLock<Rules> = LazyLock::new(|| {
    // That it compiles is a test's to say.
    Document::standard().compile(STANDARD).unwrap_or_else(|_| Rules {
        version: STANDARD.into(),
        conditions: Vec::new(),
        fallback: Segment::New,
        fallback_reason: None,
        reads: BTreeSet::new(),
    })
});

impl Document {
    /// The house's own rules (scoring.md §3, 7). A change of any of them is a new version.
    pub(crate) fn standard() -> Self {
        let rule =
            |segment: Segment, when: &str| Rule { segment: segment.as_str().into(), when: when.into(), reason: None };
        Self {
            rules: vec![
                rule(Segment::New, "observations < 3"),
                rule(Segment::HighRisk, "severe_share >= 0.10"),
                rule(Segment::OftenLate, "late_share >= 0.50"),
                rule(Segment::Regular, "late_share < 0.20"),
            ],
            fallback: Fallback { segment: Segment::OccasionalLate.as_str().into(), reason: None },
            off: Vec::new(),
        }
    }

    /// Checks everything and says all that is wrong.
    pub(crate) fn compile(&self, version: &str) -> Result<Rules, Vec<Finding>> {
        let mut findings = Vec::new();
        if self.rules.len() > MOST_RULES {
            findings.push(finding("/rules", "too-many-rules", format!("at most {MOST_RULES} rules are expected")));
        }
        let mut off = BTreeSet::new();
        for (position, name) in self.off.iter().enumerate() {
            match Feature::named(name) {
                Some(feature) => _ = off.insert(feature),
                None => findings.push(finding(
                    &format!("/off/{position}"),
                    "feature-unknown",
                    "the name of a feature is expected",
                )),
            }
        }
        let mut reads = BTreeSet::new();
        let mut conditions = Vec::new();
        for (position, rule) in self.rules.iter().take(MOST_RULES).enumerate() {
            let at = format!("/rules/{position}");
            let segment = segment_of(&rule.segment, &at, &mut findings);
            check_reason(rule.reason.as_deref(), &at, &mut findings);
            match check::compile(&rule.when) {
                Ok(mut node) => {
                    node.features(&mut |feature| {
                        if off.contains(&feature) {
                            return Some(neutral(feature));
                        }
                        reads.insert(feature);
                        None
                    });
                    conditions.extend(segment.map(|segment| Condition { segment, reason: rule.reason.clone(), node }));
                }
                Err(wrong) => findings.push(finding(&format!("{at}/when"), wrong.code, wrong.detail)),
            }
        }
        let fallback = segment_of(&self.fallback.segment, "/fallback", &mut findings);
        check_reason(self.fallback.reason.as_deref(), "/fallback", &mut findings);
        match fallback {
            Some(fallback) if findings.is_empty() => Ok(Rules {
                version: version.to_owned(),
                conditions,
                fallback,
                fallback_reason: self.fallback.reason.clone(),
                reads,
            }),
            _ => Err(findings),
        }
    }
}

fn finding(pointer: &str, code: &'static str, detail: impl Into<String>) -> Finding {
    Finding { pointer: pointer.to_owned(), code, detail: detail.into() }
}

fn segment_of(name: &str, at: &str, findings: &mut Vec<Finding>) -> Option<Segment> {
    let segment = Segment::parse(name);
    if segment.is_none() {
        let names = Segment::ALL.map(Segment::as_str).join(", ");
        findings.push(finding(&format!("{at}/segment"), "segment-unknown", format!("one of {names} is expected")));
    }
    segment
}

fn check_reason(reason: Option<&str>, at: &str, findings: &mut Vec<Finding>) {
    let fits = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    let is_code = |code: &str| !code.is_empty() && code.len() <= LONGEST_REASON && code.chars().all(fits);
    if reason.is_some_and(|code| !is_code(code)) {
        let detail = format!("1 to {LONGEST_REASON} small letters, digits and _ are expected");
        findings.push(finding(&format!("{at}/reason"), "reason-invalid", detail));
    }
}

fn neutral(feature: Feature) -> Literal {
    match feature.kind().neutral() {
        Scalar::Flag(flag) => Literal::Flag(flag),
        Scalar::Count(count) => Literal::Count(count),
        Scalar::Share(share) => Literal::Share(share),
        Scalar::Text(text) => Literal::Text(text.to_owned()),
        Scalar::Money(amount) => Literal::Money(amount),
    }
}

impl Rules {
    /// The house's own.
    pub(crate) fn standard() -> &'static Self {
        &STANDARD_RULES
    }

    /// Families of the features that can move a customer, and the families that those rest on.
    pub(crate) fn families(&self) -> BTreeSet<Family> {
        let mut families: BTreeSet<Family> = self.reads.iter().map(|feature| feature.family()).collect();
        if families.contains(&Family::Group) {
            // Who is in the group, what its members owe and have promised.
            families.extend([Family::Master, Family::Book, Family::Conduct]);
        }
        families
    }

    /// The segment with its reasons, the deciding one first.
    pub(crate) fn decide(&self, subject: &Subject<'_>) -> (Segment, Vec<String>) {
        let deciding = self.conditions.iter().position(|condition| condition.node.holds(subject));
        let condition = deciding.and_then(|position| self.conditions.get(position));
        let mut reasons = Reasons::default();
        let (segment, code) = match condition {
            Some(condition) => {
                reasons.add(&condition.node, subject, true);
                (condition.segment, condition.reason.as_ref())
            }
            None => (self.fallback, self.fallback_reason.as_ref()),
        };
        // The nearest first. That there is enough history is no reason for anything.
        let passed = self.conditions.iter().take(deciding.unwrap_or(self.conditions.len())).rev();
        for passed in passed.filter(|passed| passed.segment != Segment::New) {
            reasons.add(&passed.node, subject, false);
        }
        let mut lines: Vec<String> = code.cloned().into_iter().chain(reasons.into_lines()).collect();
        lines.truncate(MOST_REASONS);
        if segment != Segment::New && self.is_net() && subject.habit.structural != StructuralDelay::NONE {
            lines.push(format!("net_of_structural_days={}", subject.habit.structural.days()));
        }
        (segment, lines)
    }

    fn is_net(&self) -> bool {
        let net = [Feature::LateShare, Feature::SevereShare, Feature::GroupLateShare, Feature::GroupSevereShare];
        net.iter().any(|feature| self.reads.contains(feature))
    }
}

#[cfg(test)]
mod tests;
