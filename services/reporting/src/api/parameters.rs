//! Query parameters, read strictly: what is unknown, repeated or malformed is refused by name.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use chrono::NaiveDate;
use runtime::Problem;

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::parameter("", format!("the query cannot be read: {}", error.body_text())))?;
        let mut read = BTreeMap::new();
        for (name, value) in pairs {
            if read.insert(name.clone(), value).is_some() {
                return Err(Problem::parameter(&name, "is given twice"));
            }
        }
        Ok(Self(read))
    }
}

impl Parameters {
    /// Refuses any parameter that is not among `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Problem::parameter(name, format!("is not known; known are {}", known.join(", ")))),
            None => Ok(()),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A date written `YYYY-MM-DD`.
    pub(super) fn date(&self, name: &str) -> Result<Option<NaiveDate>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let date: Option<NaiveDate> = text.parse().ok();
        // The parser is more forgiving than the format: `2026-5-1` is read too, and years that no table holds, as
        // `-9999-01-01`.
        match date.filter(|date| text.len() == 10 && date.to_string() == text) {
            Some(date) => Ok(Some(date)),
            None => Err(Problem::parameter(name, "is not a date that exists, written YYYY-MM-DD")),
        }
    }

    /// One of the words given; `None` when absent.
    pub(super) fn one_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(Some(*value));
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Err(Problem::parameter(name, format!("is not one of {}", known.join(", "))))
    }
}
