//! `puntual why`: what reminders decided for a customer on a day, in words.

use anyhow::Context;
use chrono::NaiveDate;
use clap::ValueEnum;
use reqwest::{StatusCode, Url};
use serde::Deserialize;

use crate::terminal;

/// Steps ahead that are told.
const SHOWN_NEXT: usize = 5;

/// Whom to ask, about whom, about when.
#[derive(Debug, clap::Args)]
pub(crate) struct Why {
    /// The customer, by the code that the source gave it
    #[arg(long, value_name = "CODE")]
    customer: String,
    /// The day, in the customer's zone: 2026-03-02; today when absent
    #[arg(long, value_name = "DATE")]
    day: Option<NaiveDate>,
    /// Where reminders listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8103")]
    url: String,
    /// API key with the scope read (puntual key create)
    #[arg(long, env = "PUNTUAL_KEY", hide_env_values = true)]
    key: String,
    /// Language of the sentences
    #[arg(long, value_enum, default_value_t = Language::En)]
    language: Language,
    /// Tell also the versions of everything that a decision rests on
    #[arg(long)]
    details: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    En,
    Es,
}

/// The part of `GET /v1/decisions` that is told.
#[derive(Debug, Deserialize)]
struct Answer {
    customer: Customer,
    day: NaiveDate,
    decisions: Vec<Decision>,
    waiting: Vec<Step>,
    next: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Customer {
    code: String,
    segment: String,
    time_zone: String,
}

#[derive(Debug, Deserialize)]
struct Decision {
    words: Words,
    strategy: Version,
    template: Version,
    segment: Version,
    decided_at: String,
    inputs: Inputs,
}

#[derive(Debug, Deserialize)]
struct Version {
    name: String,
    version: i64,
}

#[derive(Debug, Deserialize)]
struct Inputs {
    ingestion_seq: i64,
    promises_seq: i64,
    snapshot_sha256: String,
}

#[derive(Debug, Deserialize)]
struct Step {
    words: Words,
}

#[derive(Debug, Deserialize)]
struct Words {
    es: String,
    en: String,
}

impl Words {
    fn r#in(&self, language: Language) -> &str {
        match language {
            Language::En => &self.en,
            Language::Es => &self.es,
        }
    }
}

pub(crate) async fn why(options: Why) -> anyhow::Result<()> {
    let answer = ask(&options).await?;
    for line in tell(&answer, options.language, options.details) {
        terminal::say(line);
    }
    Ok(())
}

async fn ask(options: &Why) -> anyhow::Result<Answer> {
    let base = format!("{}/v1/decisions", options.url.trim_end_matches('/'));
    let mut url = Url::parse_with_params(&base, [("customer", &options.customer)])?;
    if let Some(day) = options.day {
        url.query_pairs_mut().append_pair("day", &day.to_string());
    }
    let request = reqwest::Client::new().get(url).bearer_auth(&options.key);
    let response = request.send().await.with_context(|| format!("cannot reach {}", options.url))?;
    let status = response.status();
    let text = response.text().await.with_context(|| format!("cannot read the answer of {}", options.url))?;
    anyhow::ensure!(status != StatusCode::NOT_FOUND, "there is no customer {}", options.customer);
    anyhow::ensure!(status.is_success(), "{} answers {status}: {text}", options.url);
    serde_json::from_str(&text).with_context(|| format!("answer of {}", options.url))
}

fn tell(answer: &Answer, language: Language, details: bool) -> Vec<String> {
    let customer = &answer.customer;
    let code = &customer.code;
    let segment = if customer.segment.is_empty() { "unknown".into() } else { customer.segment.replace('_', " ") };
    let mut lines = vec![format!("{code} on {} ({}, segment {segment} now)", answer.day, customer.time_zone)];
    if answer.decisions.is_empty() {
        lines.push("  No step of any invoice was decided on that day.".to_owned());
    }
    for decision in &answer.decisions {
        lines.push(format!("  {}", decision.words.r#in(language)));
        if details {
            lines.extend(rests_on(decision));
        }
    }
    for (heading, steps) in [("Waiting now", &answer.waiting), ("Next", &answer.next)] {
        if !steps.is_empty() {
            lines.push(heading.to_owned());
            lines.extend(steps.iter().take(SHOWN_NEXT).map(|step| format!("  {}", step.words.r#in(language))));
        }
        if steps.len() > SHOWN_NEXT {
            lines.push(format!("  … and {} more", steps.len() - SHOWN_NEXT));
        }
    }
    lines
}

fn rests_on(decision: &Decision) -> [String; 2] {
    let version = |version: &Version| format!("{} v{}", version.name, version.version);
    [
        format!(
            "    decided {} by strategy {}, template {}, segment {}",
            decision.decided_at,
            version(&decision.strategy),
            version(&decision.template),
            version(&decision.segment),
        ),
        format!(
            "    knowing ingestion up to {}, promises up to {}; snapshot sha256 {}",
            decision.inputs.ingestion_seq, decision.inputs.promises_seq, decision.inputs.snapshot_sha256
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{
        "customer": {"customer_id": "x", "code": "C0001", "segment": "often_late", "time_zone": "America/Bogota"},
        "day": "2026-03-02",
        "decisions": [{
            "decision_id": "x", "number": "F-1", "outcome": "suppressed", "reason": "promised",
            "words": {"es": "Hay una promesa.", "en": "A promise stands."},
            "strategy": {"name": "default", "version": 1}, "template": {"name": "", "version": 0},
            "segment": {"name": "often_late", "version": 4}, "decided_at": "2026-03-02T16:00:00Z",
            "inputs": {"ingestion_seq": 7, "promises_seq": 3, "snapshot": {}, "snapshot_sha256": "ab"}
        }],
        "waiting": [],
        "next": [{"words": {"es": "Mañana.", "en": "Tomorrow."}}]
    }"#;

    #[test]
    fn a_decision_is_told_in_words() {
        let answer: Answer = serde_json::from_str(ANSWER).unwrap();
        assert_eq!(
            tell(&answer, Language::En, false),
            [
                "C0001 on 2026-03-02 (America/Bogota, segment often late now)",
                "  A promise stands.",
                "Next",
                "  Tomorrow."
            ]
        );
        assert!(tell(&answer, Language::Es, true).contains(&"  Hay una promesa.".to_owned()));
    }
}
