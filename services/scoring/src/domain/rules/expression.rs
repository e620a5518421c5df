//! One condition: text in the Common Expression Language, checked and turned into a tree that always ends with a boolean.
//!
//! The grammar is that of the `cel` crate; evaluation is ours, over a part of the language in which nothing can fail, wait
//! or grow: comparisons, `&&`, `||`, `!`, `? :`, `in` a list of literals, and three tests of text. No arithmetic, so no
//! overflow: whatever would be calculated is a feature. No macros, so no loops: an expression costs at most its nodes. What
//! is left means what CEL says it means (a property test asks the crate's own interpreter), save that amounts compare as
//! decimals.

use std::cmp::Ordering;

use cel::common::ast::operators;
use rust_decimal::Decimal;

use super::super::features::{Feature, Kind, Scalar, Subject};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Sign {
    pub(super) fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            operators::EQUALS => Self::Equal,
            operators::NOT_EQUALS => Self::NotEqual,
            operators::LESS => Self::Less,
            operators::LESS_EQUALS => Self::LessOrEqual,
            operators::GREATER => Self::Greater,
            operators::GREATER_EQUALS => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// What holds when this does not.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// The same with its sides exchanged.
    pub(crate) fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    fn holds(self, ordering: Option<Ordering>) -> bool {
        let Some(ordering) = ordering else { return self == Self::NotEqual };
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Flag(bool),
    Count(i64),
    Share(f64),
    Text(String),
    Money(Decimal),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// With the currency in which an amount is asked for, else empty.
    Feature(Feature, String),
    Literal(Literal),
}

impl Operand {
    pub(crate) fn value<'a>(&'a self, subject: &Subject<'a>) -> Scalar<'a> {
        match self {
            Self::Feature(feature, currency) => subject.value(*feature, currency),
            Self::Literal(literal) => literal.value(),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Feature(feature, _) => feature.kind(),
            Self::Literal(literal) => match literal {
                Literal::Flag(_) => Kind::Flag,
                Literal::Count(_) => Kind::Count,
                Literal::Share(_) => Kind::Share,
                Literal::Text(_) => Kind::Text,
                Literal::Money(_) => Kind::Money,
            },
        }
    }
}

impl Literal {
    pub(crate) fn value(&self) -> Scalar<'_> {
        match self {
            Self::Flag(flag) => Scalar::Flag(*flag),
            Self::Count(count) => Scalar::Count(*count),
            Self::Share(share) => Scalar::Share(*share),
            Self::Text(text) => Scalar::Text(text),
            Self::Money(amount) => Scalar::Money(*amount),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Flag(Operand),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    Compare(Operand, Sign, Operand),
    In(Operand, Vec<Literal>),
    Test(Operand, TextTest, String),
}

/// How two values stand to each other; `None` for values that the check does not let meet.
pub(crate) fn compare(left: Scalar<'_>, right: Scalar<'_>) -> Option<Ordering> {
    let double = |count: i64| i32::try_from(count).ok().map(f64::from);
    match (left, right) {
        (Scalar::Flag(left), Scalar::Flag(right)) => Some(left.cmp(&right)),
        (Scalar::Count(left), Scalar::Count(right)) => Some(left.cmp(&right)),
        (Scalar::Share(left), Scalar::Share(right)) => left.partial_cmp(&right),
        (Scalar::Share(left), Scalar::Count(right)) => left.partial_cmp(&double(right)?),
        (Scalar::Count(left), Scalar::Share(right)) => double(left)?.partial_cmp(&right),
        (Scalar::Text(left), Scalar::Text(right)) => Some(left.cmp(right)),
        (Scalar::Money(left), Scalar::Money(right)) => Some(left.cmp(&right)),
        (Scalar::Money(left), Scalar::Count(right)) => Some(left.cmp(&Decimal::from(right))),
        (Scalar::Count(left), Scalar::Money(right)) => Some(Decimal::from(left).cmp(&right)),
        _ => None,
    }
}

impl Node {
    pub(crate) fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Flag(operand) => operand.value(subject) == Scalar::Flag(true),
            Self::Not(node) => !node.holds(subject),
            Self::And(left, right) => left.holds(subject) && right.holds(subject),
            Self::Or(left, right) => left.holds(subject) || right.holds(subject),
            Self::If(condition, yes, no) => {
                if condition.holds(subject) {
                    yes.holds(subject)
                } else {
                    no.holds(subject)
                }
            }
            Self::Compare(left, sign, right) => sign.holds(compare(left.value(subject), right.value(subject))),
            Self::In(operand, list) => {
                let value = operand.value(subject);
                list.iter().any(|literal| compare(value, literal.value()).is_some_and(Ordering::is_eq))
            }
            Self::Test(operand, test, part) => match operand.value(subject) {
                Scalar::Text(value) => match test {
                    TextTest::StartsWith => value.starts_with(part.as_str()),
                    TextTest::EndsWith => value.ends_with(part.as_str()),
                    TextTest::Contains => value.contains(part.as_str()),
                },
                _ => false,
            },
        }
    }

    /// Hands every feature that is read to `read`, which may put something else in its place.
    pub(crate) fn features(&mut self, read: &mut impl FnMut(Feature) -> Option<Literal>) {
        let mut operand = |operand: &mut Operand| {
            if let Operand::Feature(feature, _) = operand
                && let Some(literal) = read(*feature)
            {
                *operand = Operand::Literal(literal);
            }
        };
        match self {
            Self::Flag(of) | Self::In(of, _) | Self::Test(of, ..) => operand(of),
            Self::Compare(left, _, right) => {
                operand(left);
                operand(right);
            }
            Self::Not(node) => node.features(read),
            Self::And(left, right) | Self::Or(left, right) => {
                left.features(read);
                right.features(read);
            }
            Self::If(condition, yes, no) => {
                condition.features(read);
                yes.features(read);
                no.features(read);
            }
        }
    }
}
