//! The doors: why a customer was or was not written to, and what was sent. Read only.

mod decisions;
mod messages;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::routing::get;
use chrono::NaiveDate;
use runtime::{Door, Problem};
use serde::Serialize;

use crate::domain::recipient::Language;

pub(crate) fn router() -> Router<Door> {
    Router::new().route("/v1/decisions", get(decisions::list)).route("/v1/messages", get(messages::list))
}

/// A sentence in both languages of the product.
#[derive(Debug, Serialize)]
struct Words {
    es: String,
    en: String,
}

impl Words {
    fn of(sentence: impl Fn(Language) -> String) -> Self {
        Self { es: sentence(Language::Spanish), en: sentence(Language::English) }
    }
}

fn unreadable(rejection: &QueryRejection) -> Problem {
    Problem::parameter("query", rejection.body_text())
}

fn day(text: &str) -> Result<NaiveDate, Problem> {
    // The parser reads more than the format has, as years that no table holds.
    let day: Option<NaiveDate> = text.parse().ok().filter(|_| text.len() == 10);
    day.ok_or_else(|| Problem::parameter("day", "not an ISO 8601 date"))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
