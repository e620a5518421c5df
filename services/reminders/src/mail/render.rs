//! Rendering: total and bounded. A variable that is missing or empty refuses the message; data is never read as a template.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use primitives::Currency;
use rust_decimal::Decimal;
use serde::Serialize;

use super::templates::{TEMPLATES, closing, frame};
use crate::domain::amounts;
use crate::domain::recipient::Language;
use crate::domain::strategy::Tone;

/// Instructions per template; a message of a hundred items takes a few thousand.
const FUEL: u64 = 200_000;
/// Longest text taken from data, in characters.
const MAX_TEXT: usize = 200;

/// One invoice in a message.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) number: String,
    pub(crate) issue_date: NaiveDate,
    pub(crate) due_date: NaiveDate,
    pub(crate) currency: Currency,
    /// What is asked for now, and the invoice's gross amount.
    pub(crate) asked: Decimal,
    pub(crate) total: Decimal,
    pub(crate) disputed: bool,
}

/// What a message is about.
#[derive(Debug, Clone)]
pub(crate) struct Vars {
    pub(crate) tenant: String,
    /// Empty: an impersonal salutation.
    pub(crate) name: String,
    /// Empty: answers go to the sender.
    pub(crate) reply_to: String,
    /// Civil day of the debtor.
    pub(crate) today: NaiveDate,
    pub(crate) items: Vec<Item>,
}

/// A message as the debtor reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) subject: String,
    pub(crate) body: String,
}

/// Why a message was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RenderError {
    #[error("template {0} is not known")]
    UnknownTemplate(String),
    #[error("{0} is empty")]
    Empty(&'static str),
    #[error("sums are out of range")]
    Range,
    #[error("template {template}: {cause}")]
    Template { template: String, cause: String },
}

/// The compiled templates.
#[derive(Debug)]
pub(crate) struct Renderer {
    environment: Environment<'static>,
}

#[derive(Serialize)]
struct Line {
    number: String,
    issued: String,
    due: String,
    /// Days past due; negative before.
    days: i64,
    away: u64,
    away_unit: &'static str,
    asked: String,
    total: String,
    part: bool,
    disputed: bool,
}

impl Renderer {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None); // plain text
        environment.set_fuel(Some(FUEL));
        for template in &TEMPLATES {
            let named = |part: &str| name(template.name, template.language, part);
            environment.add_template_owned(named("subject"), template.subject)?;
            environment.add_template_owned(named("opening"), template.opening)?;
        }
        for language in [Language::Spanish, Language::English] {
            environment.add_template_owned(name("frame", language, "body"), frame(language))?;
        }
        Ok(Self { environment })
    }

    /// The message of `template` in a language and a tone.
    pub(crate) fn render(
        &self,
        template: &str,
        tone: Tone,
        language: Language,
        vars: &Vars,
    ) -> Result<Rendered, RenderError> {
        if !TEMPLATES.iter().any(|known| known.name == template) {
            return Err(RenderError::UnknownTemplate(template.to_owned()));
        }
        let tenant = required("tenant", &vars.tenant)?;
        let items =
            vars.items.iter().map(|item| line(item, vars.today, language)).collect::<Result<Vec<_>, RenderError>>()?;
        if items.is_empty() {
            return Err(RenderError::Empty("items"));
        }
        let about = context! { tenant => tenant, items => Serde(items) };
        let subject = self.part(&name(template, language, "subject"), &about)?;
        let opening = self.part(&name(template, language, "opening"), &about)?;
        let whole = context! {
            name => clean(&vars.name),
            reply_to => clean(&vars.reply_to),
            opening => opening,
            closing => closing(tone, language),
            totals => totals(&vars.items, language)?,
            ..about
        };
        let mut body = self.part(&name("frame", language, "body"), &whole)?;
        body.push('\n'); // the engine takes a template's last line end away
        Ok(Rendered { subject, body })
    }

    fn part(&self, template: &str, vars: &minijinja::Value) -> Result<String, RenderError> {
        let failed = |error: minijinja::Error| RenderError::Template {
            template: template.to_owned(),
            cause: error.kind().to_string(), // the error's own text may quote data
        };
        self.environment.get_template(template).and_then(|found| found.render(vars.clone())).map_err(failed)
    }
}

fn name(template: &str, language: Language, part: &str) -> String {
    format!("{}/{template}.{part}", language.code())
}

fn line(item: &Item, today: NaiveDate, language: Language) -> Result<Line, RenderError> {
    let days = (today - item.due_date).num_days();
    let away_unit = match (language, days.abs()) {
        (Language::Spanish, 1) => "día",
        (Language::Spanish, _) => "días",
        (Language::English, 1) => "day",
        (Language::English, _) => "days",
    };
    Ok(Line {
        number: required("number", &item.number)?,
        issued: amounts::date(item.issue_date, language),
        due: amounts::date(item.due_date, language),
        days,
        away: days.unsigned_abs(),
        away_unit,
        asked: amounts::amount(item.asked, item.currency, language),
        total: amounts::amount(item.total, item.currency, language),
        part: item.asked != item.total,
        disputed: item.disputed,
    })
}

/// One sum per currency, in order of code: no sum mixes currencies (M5).
fn totals(items: &[Item], language: Language) -> Result<String, RenderError> {
    let mut sums = BTreeMap::<Currency, Decimal>::new();
    for item in items {
        let sum = sums.entry(item.currency).or_default();
        *sum = sum.checked_add(item.asked).ok_or(RenderError::Range)?;
    }
    let parts: Vec<String> = sums.into_iter().map(|(currency, sum)| amounts::amount(sum, currency, language)).collect();
    Ok(parts.join(" + "))
}

fn required(what: &'static str, text: &str) -> Result<String, RenderError> {
    let text = clean(text);
    if text.is_empty() { Err(RenderError::Empty(what)) } else { Ok(text) }
}

/// Text from data as one harmless line: no control characters (a line end in a name must not start a header or a
/// paragraph of ours), nothing that turns the direction of reading, not longer than a name may be.
pub(crate) fn clean(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let spaced: String = text
        .chars()
        .filter(|c| !turns(*c))
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests;
