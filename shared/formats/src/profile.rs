//! Profiles: what a file of whatever shape means, written down instead of programmed.
//!
//! A profile is YAML (`profiles/README.md` tells how to write one). It is checked as a whole when it is read, so that
//! what is wrong with it is told once and not with every row; then [`Mapped`] makes facts or open items of the rows of a
//! CSV, XLSX or JSON file, in the very form that [`crate::rows`] gives.
//!
//! What a value means is still checked by ingestion. Here only its form is read: a decimal comma, a date of the local
//! kind, and the damage that spreadsheets do (`excel-coerced`), which later would be a wrong number instead of an error.

mod check;
mod compile;
mod eval;
mod fields;
mod json;
mod mapped;
mod members;
mod plan;
mod raw;
mod records;
mod row;
mod sheet;
mod shipped;
mod strict;
mod value;

use std::fmt;
use std::sync::Arc;

pub use check::{Checked, CheckedRow, Problem, check};
pub use mapped::{Control, Mapped, Row};
pub use shipped::shipped;

use plan::{Plan, To};
use raw::RawProfile;

/// Of a profile's text.
const MAX_PROFILE_BYTES: usize = 256 * 1024;

/// A profile that can be followed. Clones share it.
#[derive(Clone)]
pub struct Profile {
    plan: Arc<Plan>,
}

/// What is wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// From 1, where the text itself is not understood.
    pub line: Option<u64>,
    pub column: Option<u64>,
    /// Where in the profile (`rules[0].data.amount`), where what it says is wrong.
    pub path: String,
    /// For people.
    pub detail: String,
}

/// What the rows of a profile's files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Yields {
    Facts,
    OpenItems,
}

impl Profile {
    /// Reads a profile, or says all that is wrong with it.
    pub fn parse(yaml: &str) -> Result<Self, Vec<Wrong>> {
        let refuse = |detail: &str| Wrong { line: None, column: None, path: String::new(), detail: detail.to_owned() };
        if yaml.len() > MAX_PROFILE_BYTES {
            return Err(vec![refuse("a profile longer than 256 KiB")]);
        }
        let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
        let raw: RawProfile = serde_saphyr::from_str_with_options(yaml, options).map_err(|error| {
            let place = error.location();
            let message = error.without_snippet().to_string();
            // The place is told beside it, and what to set in the parser is no concern of who writes a profile.
            let message = message.split(" at line ").next().unwrap_or_default();
            let message = message.split(", set ").next().unwrap_or_default();
            vec![Wrong {
                line: place.map(|place| place.line()),
                column: place.map(|place| place.column()),
                ..refuse(message)
            }]
        })?;
        compile::compile(raw).map(|plan| Self { plan: Arc::new(plan) })
    }

    pub fn name(&self) -> &str {
        &self.plan.name
    }

    pub fn about(&self) -> &str {
        &self.plan.about
    }

    pub fn yields(&self) -> Yields {
        let lists = self.plan.rules.iter().any(|rule| matches!(rule.to, To::OpenItem { .. }));
        if lists { Yields::OpenItems } else { Yields::Facts }
    }

    /// Its files end with totals: whether their rows count is known at the end only, so read such a file to its end
    /// before anything of it counts.
    pub fn has_totals(&self) -> bool {
        self.plan.input.trailer.is_some()
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").field("name", &self.plan.name).finish_non_exhaustive()
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}")?;
            if let Some(column) = self.column {
                write!(f, ", column {column}")?;
            }
            f.write_str(": ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.detail)
    }
}
