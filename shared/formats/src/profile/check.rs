//! What a profile would make of a file, as data for whoever writes the profile.

use std::collections::BTreeMap;

use serde_json::Value;

use super::mapped::{Control, Mapped};
use super::{Profile, Yields};
use crate::table::Broken;

/// Problems that are kept; all are counted.
const MAX_PROBLEMS: usize = 100;

#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// The first rows with what they become.
    pub rows: Vec<CheckedRow>,
    pub read: u64,
    /// By type of fact; open items are of the type `open_item`.
    pub counts: BTreeMap<String, u64>,
    /// Rows that the profile leaves out, by its reason.
    pub left_out: BTreeMap<String, u64>,
    pub unused_columns: Vec<String>,
    /// Known to the profile, not needed, and not there.
    pub absent_columns: Vec<String>,
    /// Every one of the header line, and the first of the rows.
    pub problems: Vec<Problem>,
    pub problem_count: u64,
    pub totals: Option<Control>,
}

#[derive(Debug, Clone)]
pub struct CheckedRow {
    pub line: u64,
    pub facts: Vec<Value>,
}

#[derive(Debug, Clone)]
pub struct Problem {
    pub broken: Broken,
    /// That is to blame, where one is.
    pub column: Option<String>,
}

/// Reads all of `bytes` and shows what the first `rows` rows become.
pub fn check(profile: &Profile, bytes: &[u8], rows: usize) -> Checked {
    let mut checked = Checked::default();
    let mut mapped = match Mapped::open(bytes, profile, "check") {
        Ok(Ok(mapped)) => mapped,
        Ok(Err(broken)) => {
            checked.note(broken, None);
            return checked;
        }
        // Memory does not fail to be read.
        Err(_) => return checked,
    };
    checked.unused_columns = mapped.unused_columns().to_vec();
    checked.absent_columns = mapped.absent_columns();
    while let Ok(Some(row)) = mapped.next() {
        match row {
            Ok(row) => {
                checked.read += 1;
                for fact in &row.facts {
                    let open_item = profile.yields() == Yields::OpenItems;
                    let kind = if open_item { None } else { fact.get("type").and_then(Value::as_str) };
                    *checked.counts.entry(kind.unwrap_or("open_item").to_owned()).or_default() += 1;
                }
                if checked.rows.len() < rows {
                    checked.rows.push(CheckedRow { line: row.line, facts: row.facts });
                }
            }
            Err(broken) => {
                checked.read += u64::from(!broken.is_fatal);
                let column = broken.cell.and_then(|cell| mapped.column(cell)).map(str::to_owned);
                checked.note(broken, column);
            }
        }
    }
    checked.left_out = mapped.left_out().clone();
    checked.totals = mapped.totals().cloned();
    checked
}

impl Checked {
    fn note(&mut self, broken: Broken, column: Option<String>) {
        self.problem_count += 1;
        if self.problems.len() < MAX_PROBLEMS || broken.is_fatal {
            self.problems.push(Problem { broken, column });
        }
    }
}
