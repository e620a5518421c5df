//! From text to a condition: the grammar is the `cel` crate's, what is let through is ours, and neither can be made to hang
//! or to fall.

use std::thread;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::parser::Parser;
use primitives::Currency;
use rust_decimal::Decimal;

use super::super::features::{Feature, Kind};
use super::expression::{Literal, Node, Operand, Sign, TextTest};

/// Characters of one expression.
pub(crate) const LONGEST: usize = 1_000;
/// Operators, values and calls of one expression.
pub(crate) const MOST_NODES: usize = 200;
/// Parentheses, brackets and `? :` inside one another. The parser descends some fifteen calls for each.
const DEEPEST: usize = 24;
/// Dots, and characters of operators: the parser nests what they join.
const MOST_JOINTS: usize = 2 * MOST_NODES;
/// Measured without optimisation: the deepest and longest expressions take less than an eighth of it.
const STACK_BYTES: usize = 64 << 20;
/// Numbers of the language are 64 bits wide; where one meets a `double`, it must be exact as one.
const LARGEST_BESIDE_DOUBLE: i64 = 1 << 31;

/// Why an expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Stable, for programs.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

/// Reads and checks an expression.
pub(crate) fn compile(text: &str) -> Result<Node, Wrong> {
    if text.chars().count() > LONGEST {
        return Err(Wrong {
            code: "expression-too-long",
            detail: format!("at most {LONGEST} characters are expected"),
        });
    }
    let (tree, source) = parse(text)?;
    Checker { source, text, left: MOST_NODES }.node(&tree)
}

/// A parser that gives up in the middle of nonsense must not take the service with it.
fn parse(text: &str) -> Result<(IdedExpr, SourceInfo), Wrong> {
    let syntax = |detail| Wrong { code: "expression-syntax", detail };
    // Its own limit is kept only after it has descended, and the stack has an end.
    if depth(text) > DEEPEST {
        return Err(Wrong {
            code: "expression-too-deep",
            detail: format!("at most {DEEPEST} levels are expected inside one another"),
        });
    }
    if text.chars().filter(|it| ".!-+*/%<>=&|".contains(*it)).count() > MOST_JOINTS {
        return Err(too_large());
    }
    // A thread of its own: the generated parser needs more stack for each level than a request has for all of them.
    let descend = || {
        Parser::new().parse_with_source_info(text).map_err(|errors| {
            let first = errors.errors.first();
            let at = first.map_or(0, |error| error.pos.1);
            let message = first.map_or("", |error| error.msg.as_str());
            let message: String = message.lines().next().unwrap_or_default().chars().take(200).collect();
            syntax(format!("column {at}: {message}"))
        })
    };
    thread::scope(|scope| {
        let parser = thread::Builder::new().name("rules".into()).stack_size(STACK_BYTES).spawn_scoped(scope, descend);
        let unparsed = || syntax("an expression is expected".into());
        parser.map_err(|_| unparsed())?.join().map_err(|_| unparsed())?
    })
}

fn too_large() -> Wrong {
    Wrong { code: "expression-too-large", detail: format!("at most {MOST_NODES} operators and values are expected") }
}

/// How deep the parser may have to descend: never less than it is. What closes counts only where it cannot stand in a string
/// or a comment.
fn depth(text: &str) -> usize {
    let ambiguous = ["\\", "//", "\n", "\r", "\"\"\"", "'''"].iter().any(|it| text.contains(it));
    let (mut open, mut deepest, mut conditionals) = (0_usize, 0_usize, 0_usize);
    let mut quote = None;
    for character in text.chars() {
        match (character, quote) {
            ('(' | '[' | '{', _) => open = open.saturating_add(1),
            (')' | ']' | '}', None) if !ambiguous => open = open.saturating_sub(1),
            ('?', _) => conditionals = conditionals.saturating_add(1),
            ('"' | '\'', None) => quote = Some(character),
            (_, Some(opening)) if character == opening => quote = None,
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest.saturating_add(conditionals)
}

struct Checker<'a> {
    source: SourceInfo,
    text: &'a str,
    /// Nodes that it may still have.
    left: usize,
}

impl Checker<'_> {
    fn wrong(&self, at: &IdedExpr, code: &'static str, detail: impl std::fmt::Display) -> Wrong {
        let column = self.source.offset_for(at.id).and_then(|(start, _)| usize::try_from(start).ok());
        match column {
            Some(column) if column <= self.text.len() => {
                Wrong { code, detail: format!("column {}: {detail}", column.saturating_add(1)) }
            }
            _ => Wrong { code, detail: detail.to_string() },
        }
    }

    fn count(&mut self, at: &IdedExpr) -> Result<(), Wrong> {
        let larger = too_large();
        self.left = self.left.checked_sub(1).ok_or_else(|| self.wrong(at, larger.code, larger.detail))?;
        Ok(())
    }

    /// An expression that is true or false.
    fn node(&mut self, expr: &IdedExpr) -> Result<Node, Wrong> {
        self.count(expr)?;
        if let Expr::Call(call) = &expr.expr
            && let Some(node) = self.logic(expr, call)?
        {
            return Ok(node);
        }
        let operand = self.operand(expr)?;
        if operand.kind() != Kind::Flag {
            let detail = format!("a condition is expected, not a value of type {}", operand.kind().as_str());
            return Err(self.wrong(expr, "expression-not-boolean", detail));
        }
        Ok(Node::Flag(operand))
    }

    fn logic(&mut self, expr: &IdedExpr, call: &CallExpr) -> Result<Option<Node>, Wrong> {
        let name = call.func_name.as_str();
        Ok(Some(match (name, call.target.as_deref(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, None, [of]) => Node::Not(Box::new(self.node(of)?)),
            (operators::LOGICAL_AND, None, [left, right]) => {
                Node::And(Box::new(self.node(left)?), Box::new(self.node(right)?))
            }
            (operators::LOGICAL_OR, None, [left, right]) => {
                Node::Or(Box::new(self.node(left)?), Box::new(self.node(right)?))
            }
            (operators::CONDITIONAL, None, [condition, yes, no]) => {
                Node::If(Box::new(self.node(condition)?), Box::new(self.node(yes)?), Box::new(self.node(no)?))
            }
            (operators::IN, None, [of, list]) => self.membership(expr, of, list)?,
            ("startsWith", Some(of), [text]) => self.test(of, TextTest::StartsWith, text)?,
            ("endsWith", Some(of), [text]) => self.test(of, TextTest::EndsWith, text)?,
            ("contains", Some(of), [text]) => self.test(of, TextTest::Contains, text)?,
            (operator, None, [left, right]) => {
                let Some(sign) = Sign::of(operator) else { return Ok(None) };
                let (left, right) = (self.counted(left)?, self.counted(right)?);
                self.comparable(expr, &left, sign, &right)?;
                Node::Compare(left, sign, right)
            }
            _ => return Ok(None),
        }))
    }

    fn counted(&mut self, expr: &IdedExpr) -> Result<Operand, Wrong> {
        self.count(expr)?;
        self.operand(expr)
    }

    /// A feature or a literal.
    fn operand(&self, expr: &IdedExpr) -> Result<Operand, Wrong> {
        match &expr.expr {
            Expr::Ident(name) => match Feature::named(name) {
                Some(feature) if feature.kind() == Kind::Money => {
                    let detail = format!("an amount is asked for in a currency, as {name}(\"COP\")");
                    Err(self.wrong(expr, "currency-missing", detail))
                }
                Some(feature) => Ok(Operand::Feature(feature, String::new())),
                None => Err(self.wrong(expr, "feature-unknown", format!("there is no feature {name}"))),
            },
            Expr::Literal(_) => self.literal(expr).map(Operand::Literal),
            Expr::Call(call) => self.call(expr, call),
            _ => Err(self.unsupported(expr, "this")),
        }
    }

    fn unsupported(&self, expr: &IdedExpr, what: &str) -> Wrong {
        let known = "&& || ! ?: == != < <= > >= in, startsWith, endsWith, contains, decimal";
        self.wrong(expr, "expression-unsupported", format!("{what} is not in the language of rules; there are {known}"))
    }

    fn call(&self, expr: &IdedExpr, call: &CallExpr) -> Result<Operand, Wrong> {
        let text = |argument: &IdedExpr| match &argument.expr {
            Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
            _ => None,
        };
        let name = call.func_name.as_str();
        match (name, call.target.as_deref(), call.args.as_slice()) {
            (operators::NEGATE, None, [of]) => match self.literal(of)? {
                Literal::Count(count) => Ok(Operand::Literal(Literal::Count(count.saturating_neg()))),
                Literal::Share(share) => Ok(Operand::Literal(Literal::Share(std::ops::Neg::neg(share)))),
                _ => Err(self.unsupported(expr, "a minus before anything but a number")),
            },
            ("decimal", None, [argument]) => {
                let amount = text(argument).and_then(|text| Decimal::from_str_exact(&text).ok());
                let wrong = || {
                    self.wrong(argument, "decimal-invalid", "a decimal in quotes is expected, as decimal(\"1000.50\")")
                };
                Ok(Operand::Literal(Literal::Money(amount.ok_or_else(wrong)?)))
            }
            (_, None, [argument]) => match Feature::named(name).filter(|feature| feature.kind() == Kind::Money) {
                Some(feature) => {
                    let currency = text(argument).and_then(|code| Currency::parse(&code).ok());
                    let wrong =
                        || self.wrong(argument, "currency-unknown", "an ISO 4217 currency in quotes is expected");
                    Ok(Operand::Feature(feature, currency.ok_or_else(wrong)?.code().to_owned()))
                }
                None => Err(self.unsupported(expr, &format!("{name}()"))),
            },
            _ => Err(self.unsupported(expr, name.trim_matches('_'))),
        }
    }

    fn literal(&self, expr: &IdedExpr) -> Result<Literal, Wrong> {
        let Expr::Literal(literal) = &expr.expr else { return Err(self.unsupported(expr, "this")) };
        Ok(match literal {
            LiteralValue::Boolean(flag) => Literal::Flag(*flag.inner()),
            LiteralValue::Int(count) => Literal::Count(*count.inner()),
            LiteralValue::UInt(count) => Literal::Count(i64::try_from(*count.inner()).unwrap_or(i64::MAX)),
            LiteralValue::Double(share) if share.inner().is_finite() => Literal::Share(*share.inner()),
            LiteralValue::String(text) => Literal::Text(text.inner().to_owned()),
            LiteralValue::Double(_) | LiteralValue::Bytes(_) | LiteralValue::Null => {
                return Err(self.unsupported(expr, "such a literal"));
            }
        })
    }

    fn comparable(&self, at: &IdedExpr, left: &Operand, sign: Sign, right: &Operand) -> Result<(), Wrong> {
        let beside_double = |operand: &Operand| match operand {
            Operand::Literal(Literal::Count(count)) => (-LARGEST_BESIDE_DOUBLE..LARGEST_BESIDE_DOUBLE).contains(count),
            _ => true,
        };
        let fits = match (left.kind(), right.kind()) {
            (Kind::Flag, Kind::Flag) => matches!(sign, Sign::Equal | Sign::NotEqual),
            (Kind::Share, Kind::Count) | (Kind::Count, Kind::Share) => beside_double(left) && beside_double(right),
            (Kind::Money, Kind::Count) | (Kind::Count, Kind::Money) => true,
            (left, right) => left == right,
        };
        let one_currency = match (left, right) {
            (Operand::Feature(_, left), Operand::Feature(_, right)) => left == right,
            _ => true,
        };
        if !one_currency {
            return Err(self.wrong(at, "currencies-differ", "amounts are compared in one currency"));
        }
        if fits {
            return Ok(());
        }
        let (left, right) = (left.kind(), right.kind());
        let hint = match (left, right) {
            (Kind::Money, Kind::Share) | (Kind::Share, Kind::Money) => {
                "; amounts are compared with decimal(\"…\") or whole numbers"
            }
            _ => "",
        };
        let detail = format!("{} {} {} cannot be compared{hint}", left.as_str(), sign.as_str(), right.as_str());
        Err(self.wrong(at, "expression-types", detail))
    }

    fn membership(&mut self, at: &IdedExpr, of: &IdedExpr, list: &IdedExpr) -> Result<Node, Wrong> {
        let operand = self.counted(of)?;
        let Expr::List(elements) = &list.expr else {
            return Err(self.wrong(list, "expression-types", "a list of literals is expected after in"));
        };
        if !elements.optional_indices.is_empty() {
            return Err(self.unsupported(list, "an optional element"));
        }
        let mut literals = Vec::new();
        for element in &elements.elements {
            let Operand::Literal(literal) = self.counted(element)? else {
                return Err(self.wrong(element, "expression-types", "a literal is expected in a list"));
            };
            self.comparable(at, &operand, Sign::Equal, &Operand::Literal(literal.clone()))?;
            literals.push(literal);
        }
        Ok(Node::In(operand, literals))
    }

    fn test(&mut self, of: &IdedExpr, test: TextTest, part: &IdedExpr) -> Result<Node, Wrong> {
        let operand = self.counted(of)?;
        match self.counted(part)? {
            Operand::Literal(Literal::Text(part)) if operand.kind() == Kind::Text => {
                Ok(Node::Test(operand, test, part))
            }
            _ => Err(self.wrong(of, "expression-types", "a string and a string in quotes are expected")),
        }
    }
}
