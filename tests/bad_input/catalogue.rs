//! The shape of `cases.toml`, `files.toml` and `life.toml`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::Value;

const FILES: [(&str, &str); 3] = [
    ("cases.toml", include_str!("cases.toml")),
    ("files.toml", include_str!("files.toml")),
    ("life.toml", include_str!("life.toml")),
];
/// Of the catalogue that was planned, and of what has come since.
const NUMBERS: [RangeInclusive<u32>; 2] = [1..=94, 201..=219];

/// All cases, each of them once and none forgotten.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, text) in FILES {
        let catalogue: Catalogue = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        cases.extend(catalogue.cases);
    }
    let numbers: Vec<u32> = cases.iter().map(|case| case.number).collect();
    let expected: Vec<u32> = NUMBERS.into_iter().flatten().collect();
    assert_eq!(numbers, expected, "numbers of the cases");
    cases
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    #[serde(rename = "case")]
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) number: u32,
    pub(crate) what: String,
    /// Where the answer is not the one first planned, and why.
    #[serde(rename = "changed")]
    _changed: Option<String>,
    #[serde(default)]
    step: Vec<Step>,
    #[serde(flatten)]
    only: Step,
}

impl Case {
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        let only = self.step.is_empty().then_some(&self.only);
        self.step.iter().chain(only)
    }
}

/// What is sent, and what must come back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Step {
    pub(crate) base: Option<String>,
    pub(crate) set: BTreeMap<String, Value>,
    pub(crate) replace: BTreeMap<String, String>,
    pub(crate) body: Option<String>,
    pub(crate) body_hex: Option<String>,
    pub(crate) repeat: Option<Repeat>,
    pub(crate) raw: Option<String>,
    /// Of `raw`: the client goes away without waiting.
    pub(crate) hang_up: bool,
    pub(crate) get: Option<String>,
    /// Where it is sent, with its query; `/v1/facts` unless told.
    pub(crate) path: Option<String>,
    /// POST unless told.
    pub(crate) method: Option<String>,
    pub(crate) media: Option<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) gzip: bool,
    pub(crate) tenant: Option<String>,
    pub(crate) times: Option<usize>,

    pub(crate) status: Option<u16>,
    pub(crate) statuses: BTreeMap<String, usize>,
    pub(crate) code: Option<String>,
    pub(crate) pointer: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) answer: BTreeMap<String, Value>,
    pub(crate) replayed: Option<bool>,
    /// Of `raw`: the connection ends, answered or not.
    pub(crate) closes: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repeat {
    #[serde(default)]
    pub(crate) head: String,
    pub(crate) text: String,
    pub(crate) times: usize,
    /// After each.
    #[serde(default)]
    pub(crate) end: String,
    #[serde(default)]
    pub(crate) tail: String,
}
