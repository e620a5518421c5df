//! Why an expression is what it is: the comparisons it rests on, with their figures.

use rust_decimal::Decimal;

use super::super::features::{Feature, Kind, Scalar, Subject};
use super::super::model::statistics;
use super::expression::{Node, Operand, Sign, compare};

/// Characters of a value of the tenant's own in a reason.
const LONGEST_TEXT: usize = 40;

/// Comparisons that are true, each once, and none that another already says.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    lines: Vec<String>,
    bounds: Vec<(Feature, String, bool, Bound)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    Count(i64),
    Share(f64),
    Money(Decimal),
}

impl Bound {
    fn of(value: Scalar<'_>) -> Option<Self> {
        Some(match value {
            Scalar::Count(count) => Self::Count(count),
            Scalar::Share(share) => Self::Share(share),
            Scalar::Money(amount) => Self::Money(amount),
            Scalar::Flag(_) | Scalar::Text(_) => return None,
        })
    }

    fn value(self) -> Scalar<'static> {
        match self {
            Self::Count(count) => Scalar::Count(count),
            Self::Share(share) => Scalar::Share(share),
            Self::Money(amount) => Scalar::Money(amount),
        }
    }
}

impl Reasons {
    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    /// Adds what makes `node` be `wanted`, which it is.
    pub(super) fn add(&mut self, node: &Node, subject: &Subject<'_>, wanted: bool) {
        match node {
            Node::Not(node) => self.add(node, subject, !wanted),
            Node::And(left, right) | Node::Or(left, right) => {
                // Both sides where both are needed; else the first that is enough.
                let both = matches!(node, Node::And(..)) == wanted;
                let left_does = left.holds(subject) == wanted;
                if left_does {
                    self.add(left, subject, wanted);
                }
                if both || !left_does {
                    self.add(right, subject, wanted);
                }
            }
            Node::If(condition, yes, no) => {
                let holds = condition.holds(subject);
                self.add(condition, subject, holds);
                self.add(if holds { yes } else { no }, subject, wanted);
            }
            Node::Compare(left, sign, right) => {
                let sign = if wanted { *sign } else { sign.negated() };
                match (left, right) {
                    (Operand::Literal(_), Operand::Feature(..)) => {
                        self.comparison(right, sign.mirrored(), left, subject);
                    }
                    _ => self.comparison(left, sign, right, subject),
                }
            }
            Node::Flag(operand) | Node::In(operand, _) | Node::Test(operand, ..) => {
                if let Operand::Feature(feature, currency) = operand {
                    let line = named(*feature, currency, &shown(operand.value(subject), None));
                    self.push(line);
                }
            }
        }
    }

    fn comparison(&mut self, left: &Operand, sign: Sign, right: &Operand, subject: &Subject<'_>) {
        let Operand::Feature(feature, currency) = left else { return };
        let (value, limit) = (left.value(subject), right.value(subject));
        if feature.kind() == Kind::Text || feature.kind() == Kind::Flag {
            return self.push(named(*feature, currency, &shown(value, None)));
        }
        if self.is_implied(*feature, currency, sign, limit) {
            return;
        }
        let limit_text = match right {
            Operand::Feature(feature, currency) => format!("{}:{}", name(*feature, currency), shown(limit, None)),
            Operand::Literal(_) => shown(limit, None),
        };
        let line = format!("{}{}{}", named(*feature, currency, &shown(value, Some(limit))), sign.as_str(), limit_text);
        self.push(line);
    }

    /// True when a bound at least as narrow is there; else it is one now.
    fn is_implied(&mut self, feature: Feature, currency: &str, sign: Sign, limit: Scalar<'_>) -> bool {
        let is_upper = match sign {
            Sign::Less | Sign::LessOrEqual => true,
            Sign::Greater | Sign::GreaterOrEqual => false,
            Sign::Equal | Sign::NotEqual => return false,
        };
        let Some(bound) = Bound::of(limit) else { return false };
        let narrower = |known: &Bound| {
            let ordering = compare(known.value(), bound.value());
            ordering.is_some_and(|it| if is_upper { it.is_le() } else { it.is_ge() })
        };
        let implied = self.bounds.iter().any(|(of, in_currency, upper, known)| {
            *of == feature && in_currency == currency && *upper == is_upper && narrower(known)
        });
        self.bounds.push((feature, currency.to_owned(), is_upper, bound));
        implied
    }

    fn push(&mut self, line: String) {
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }
}

fn name(feature: Feature, currency: &str) -> String {
    if currency.is_empty() { feature.name().to_owned() } else { format!("{}({currency})", feature.name()) }
}

fn named(feature: Feature, currency: &str, value: &str) -> String {
    format!("{}={value}", name(feature, currency))
}

/// Two digits are enough to compare with.
fn is_in_cents(share: f64) -> bool {
    format!("{share:.2}").parse::<f64>().is_ok_and(|parsed| parsed.to_bits() == share.to_bits())
}

/// A value without spaces: reasons travel as words. Shares are cut off like the limit they are held against.
fn shown(value: Scalar<'_>, limit: Option<Scalar<'_>>) -> String {
    match value {
        Scalar::Flag(flag) => flag.to_string(),
        Scalar::Count(count) => count.to_string(),
        Scalar::Money(amount) => amount.to_string(),
        Scalar::Share(share) => match limit {
            Some(Scalar::Share(limit)) if !is_in_cents(limit) => format!("{share:.6}"),
            Some(_) => statistics::share(share).to_string(),
            None if is_in_cents(share) => format!("{share:.2}"),
            None => share.to_string(),
        },
        Scalar::Text(text) => {
            let word = |it: char| if it.is_whitespace() || it.is_control() { '_' } else { it };
            text.chars().take(LONGEST_TEXT).map(word).collect()
        }
    }
}
