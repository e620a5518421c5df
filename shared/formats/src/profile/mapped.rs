//! A file read by a profile, row by row.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value;

use super::Profile;
use super::eval::{self, Outcome};
use super::json::broken;
use super::plan::{Plan, ShortRows, Sums, Trailer};
use super::records::{Body, Found, Record, Records, is_blank};
use super::row::{Cell, Row as Line};
use super::value;
use crate::table::Broken;

/// What a row became: facts, open items, or nothing where the profile leaves it out.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub line: u64,
    /// Of text; 0 in a workbook.
    pub byte_offset: u64,
    pub facts: Vec<Value>,
}

/// What a file says of itself in its total lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Control {
    pub count: Option<u64>,
    /// By currency.
    pub sums: BTreeMap<String, Decimal>,
}

/// A file whose header line was understood.
pub struct Mapped<R> {
    records: Records<R>,
    plan: Arc<Plan>,
    source: String,
    found: Option<Found>,
    told: Option<Control>,
    counted: Counted,
    left_out: BTreeMap<String, u64>,
    readable: Vec<Value>,
    ended: bool,
}

/// What the rows above a total line come to.
#[derive(Default)]
struct Counted {
    rows: u64,
    sums: Sums,
    /// Of rows whose amount cannot be read.
    unreadable: u64,
}

impl<R: BufRead> Mapped<R> {
    /// Reads the header line. A workbook is read as a whole, everything else row by row.
    pub fn open(reader: R, profile: &Profile, source: &str) -> io::Result<Result<Self, Broken>> {
        let plan = Arc::clone(&profile.plan);
        Ok(Records::open(reader, &plan)?.map(|(records, found)| Self {
            records,
            plan,
            source: source.to_owned(),
            found,
            told: None,
            counted: Counted::default(),
            left_out: BTreeMap::new(),
            readable: Vec::new(),
            ended: false,
        }))
    }

    /// The next row; `None` at the end, or after what is fatal. Rows that the profile leaves out have no facts.
    ///
    /// A file whose total line does not agree with its rows ends with `control-total`.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator could not tell a disk that fails from a row that is wrong"
    )]
    pub fn next(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        self.readable.clear();
        while !self.ended {
            let record = match self.records.next()? {
                None => {
                    self.ended = true;
                    return Ok(self.disagreement().map(Err));
                }
                Some(Err(broken)) => {
                    self.ended = broken.is_fatal;
                    self.counted.rows += 1;
                    self.counted.unreadable += 1;
                    return Ok(Some(Err(broken)));
                }
                Some(Ok(record)) => record,
            };
            if let Some(row) = self.row(record) {
                self.ended = row.as_ref().is_err_and(|broken| broken.is_fatal);
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// What could be read of the row that was refused last: a list still mentions its invoice.
    pub fn readable(&self) -> &[Value] {
        &self.readable
    }

    /// After the end: what the total lines told.
    pub fn totals(&self) -> Option<&Control> {
        self.told.as_ref()
    }

    /// How many rows were left out so far, by the profile's reason.
    pub fn left_out(&self) -> &BTreeMap<String, u64> {
        &self.left_out
    }

    /// Name of a column, from 1.
    pub fn column(&self, cell: usize) -> Option<&str> {
        let names = &self.found.as_ref()?.names;
        names.get(cell.checked_sub(1)?).map(|cell| cell.text.trim())
    }

    /// Columns of the header line that nothing uses.
    pub fn unused_columns(&self) -> &[String] {
        self.found.as_ref().map(|found| found.header.unused.as_slice()).unwrap_or_default()
    }

    /// Columns that the profile would use and the header line does not have.
    pub fn absent_columns(&self) -> Vec<String> {
        let columns = self.found.iter().flat_map(|found| &found.header.columns);
        let absent = self.plan.references.iter().zip(columns).filter(|(_, column)| column.is_none());
        absent.map(|(reference, _)| reference.shown()).collect()
    }

    pub fn bytes_read(&self) -> u64 {
        match &self.records {
            Records::Csv(table) => table.bytes_read(),
            Records::Json(super::json::Values::Lines { offset, .. }) => *offset,
            Records::Json(_) | Records::Sheet(_) => 0,
        }
    }

    /// None for what is no row: blank and total lines, the header line again, what the profile skips.
    fn row(&mut self, record: Record) -> Option<Result<Row, Broken>> {
        let Record { line, byte_offset, body } = record;
        let plan = Arc::clone(&self.plan);
        let outcome = match body {
            Body::Value(Value::Null) => return None,
            Body::Value(value) if value.is_object() => {
                let row = Line::Value(&value);
                if plan.input.skip.iter().any(|condition| eval::holds(condition, &plan, row)) {
                    return None;
                }
                eval::outcome(&plan, &self.source, row)
            }
            Body::Value(_) => {
                let wrong = broken("wrong-type", line, byte_offset, "an object is expected");
                return Some(Err(Broken { is_fatal: false, ..wrong }));
            }
            Body::Cells(mut cells) => {
                let found = self.found.as_ref()?;
                if is_blank(&cells) || is_again(&found.names, &cells) {
                    return None;
                }
                let row = Line::Cells { columns: &found.header.columns, cells: &cells };
                if plan.input.skip.iter().any(|condition| eval::holds(condition, &plan, row)) {
                    return None;
                }
                if let Some(trailer) = &plan.input.trailer
                    && eval::all(&trailer.when, &plan, row)
                {
                    let told = self.told.get_or_insert_default();
                    return read_trailer(told, trailer, &plan, row)
                        .err()
                        .map(|detail| Err(broken("control-total", line, byte_offset, &detail)));
                }
                self.counted.add(&plan, row);
                let width = found.names.len();
                let may_be_short = plan.input.short_rows == ShortRows::Pad || matches!(self.records, Records::Sheet(_));
                if may_be_short && cells.len() < width {
                    cells.resize(width, Cell::text(String::new()));
                }
                if cells.len() != width {
                    return Some(Err(crate::rows::misfit(line, byte_offset, cells.len(), width)));
                }
                eval::outcome(&plan, &self.source, Line::Cells { columns: &found.header.columns, cells: &cells })
            }
        };
        Some(self.told(outcome, line, byte_offset))
    }

    fn told(&mut self, outcome: Outcome, line: u64, byte_offset: u64) -> Result<Row, Broken> {
        let Outcome { facts, mut faults, nothing } = outcome;
        if faults.is_empty() {
            if let Some(why) = nothing {
                *self.left_out.entry(why).or_default() += 1;
            }
            return Ok(Row { line, byte_offset, facts });
        }
        self.readable = facts;
        let first = faults.remove(0);
        let rest = faults.iter().map(|fault| format!("; {}", fault.detail));
        let detail = std::iter::once(first.detail).chain(rest).collect();
        Err(Broken { code: first.code, line, byte_offset, cell: first.cell, detail, is_fatal: false })
    }

    fn disagreement(&self) -> Option<Broken> {
        let told = self.told.as_ref()?;
        let trailer = self.plan.input.trailer.as_ref()?;
        let refuse = |detail: &str| Some(broken("control-total", 1, 0, detail));
        if let Some(count) = told.count.filter(|count| *count != self.counted.rows) {
            return refuse(&format!("the total line tells of {count} rows, the file has {}", self.counted.rows));
        }
        trailer.sum?;
        if self.counted.unreadable > 0 {
            return refuse(&format!(
                "the amount of {} rows cannot be read, so the total is not known",
                self.counted.unreadable
            ));
        }
        let mut sums = self.counted.sums.clone();
        // A total without a currency is of the only one.
        if told.sums.keys().any(String::is_empty) {
            let only = (sums.len() <= 1).then(|| sums.values().sum());
            sums = only.into_iter().map(|sum| (String::new(), sum)).collect();
        }
        let currencies = told.sums.keys().chain(sums.keys());
        let of = |sums: &Sums, currency: &str| sums.get(currency).copied().unwrap_or_default();
        let wrong = currencies.into_iter().find(|currency| of(&told.sums, currency) != of(&sums, currency))?;
        let (said, is) = (of(&told.sums, wrong), of(&sums, wrong));
        refuse(&format!("the total line tells of {said} {wrong}, the rows sum to {is}"))
    }
}

impl Counted {
    /// Every row counts, also one that the rules leave out: the total line knows no rules.
    fn add(&mut self, plan: &Plan, row: Line<'_>) {
        self.rows += 1;
        let Some(trailer) = &plan.input.trailer else { return };
        let Some(sum) = trailer.sum else { return };
        let currency = trailer.currency.map(|column| row.text(column, plan).into_owned()).unwrap_or_default();
        let sum = match row.see(sum, plan) {
            super::row::Seen::Text(text, kind) => value::amount(&text, kind, &plan.reading.numbers).ok(),
            _ => None,
        };
        let entry = self.sums.entry(currency).or_default();
        match sum.and_then(|amount| entry.checked_add(amount)) {
            Some(total) => *entry = total,
            None => self.unreadable += 1,
        }
    }
}

fn read_trailer(told: &mut Control, trailer: &Trailer, plan: &Plan, row: Line<'_>) -> Result<(), String> {
    if let Some(column) = trailer.count {
        let text = row.text(column, plan);
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let count = digits.parse().map_err(|_| format!("\"{text}\" is no number of rows"))?;
        if told.count.replace(count).is_some_and(|earlier| earlier != count) {
            return Err("two total lines tell different numbers of rows".to_owned());
        }
    }
    if let Some(column) = trailer.sum {
        let super::row::Seen::Text(text, kind) = row.see(column, plan) else {
            return Err("the total line has no total".to_owned());
        };
        let sum = value::amount(&text, kind, &plan.reading.numbers).map_err(|(_, detail)| detail)?;
        let currency = trailer.currency.map(|column| row.text(column, plan).into_owned()).unwrap_or_default();
        if told.sums.insert(currency, sum).is_some_and(|earlier| earlier != sum) {
            return Err("two total lines of one currency tell different totals".to_owned());
        }
    }
    Ok(())
}

/// Printed lists show their header on every page.
fn is_again(names: &[Cell], cells: &[Cell]) -> bool {
    names.len() == cells.len() && names.iter().zip(cells).all(|(name, cell)| name.text.trim() == cell.text.trim())
}
