//! From bytes to a fact: strict JSON, every refusal with its reason and the place where it is.

pub(crate) mod batch;
mod canonical;
pub(crate) mod cash_rules;
pub(crate) mod cloud_event;
mod conduct;
mod credits;
mod customer;
mod data;
mod envelope;
mod exchange;
pub(crate) mod file;
mod instrument;
pub(crate) mod json;
mod members;
pub(crate) mod open_item;
mod plan;
mod reach;
mod said;

use std::borrow::Cow;

use sha2::{Digest, Sha256};

pub(crate) use envelope::{Parsed, SAFE_INTEGER, fact};

/// Why something is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Stable, for programs.
    pub(crate) code: &'static str,
    /// JSON pointer as a fragment: `#/data/amount`, `#` for the whole.
    pub(crate) pointer: String,
    pub(crate) detail: Cow<'static, str>,
}

impl Finding {
    pub(crate) fn new(code: &'static str, pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, pointer: pointer.into(), detail: detail.into() }
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
