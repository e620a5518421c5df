//! The rows of a file as JSON: facts in one of the layouts, open items, or what a profile makes of them.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use serde_json::{Map, Value};

use crate::layout::{self, Layout};
use crate::profile::{Mapped, Profile};
use crate::table::{Broken, Dialect, Record, Table};

/// Members of an open item: columns of a list in CSV, members of a line in NDJSON.
pub const OPEN_ITEM: [&str; 16] = [
    "invoice",
    "customer",
    "currency",
    "open_amount",
    "due_date",
    "amount",
    "issue_date",
    "effective_due_date",
    "delivered_date",
    "expected_withholding",
    "payer",
    "legal_entity",
    "customer_name",
    "country",
    "dunning_level",
    "last_dunned_on",
];
/// So many of them, from the first, are in every list.
pub(crate) const REQUIRED_OF_OPEN_ITEM: usize = 5;

/// What the rows of a table are.
#[derive(Debug, Clone)]
pub enum Shape {
    /// Facts of a source.
    Facts {
        source: String,
    },
    OpenItems,
    /// Whatever the profile says, in whatever format it says.
    Profile {
        profile: Profile,
        source: String,
    },
}

enum Mapping {
    Layout { layout: &'static Layout, source: String },
    OpenItems,
}

/// A row that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub line: u64,
    pub byte_offset: u64,
    pub json: Value,
}

/// A file whose header line was understood.
pub struct Rows<R>(Reading<R>);

enum Reading<R> {
    Table(Fixed<R>),
    Mapped { mapped: Box<Mapped<R>>, waiting: VecDeque<Row> },
}

/// A table with columns that have our names.
struct Fixed<R> {
    table: Table<R>,
    names: Vec<String>,
    mapping: Mapping,
}

impl<R: BufRead> Rows<R> {
    /// Reads the header line. A profile knows its dialect itself.
    pub fn open(reader: R, dialect: Dialect, shape: &Shape) -> io::Result<Result<Self, Broken>> {
        Ok(match shape {
            Shape::Facts { source } => {
                Fixed::open(reader, dialect, Some(source))?.map(|fixed| Self(Reading::Table(fixed)))
            }
            Shape::OpenItems => Fixed::open(reader, dialect, None)?.map(|fixed| Self(Reading::Table(fixed))),
            Shape::Profile { profile, source } => Mapped::open(reader, profile, source)?
                .map(|mapped| Self(Reading::Mapped { mapped: Box::new(mapped), waiting: VecDeque::new() })),
        })
    }

    pub fn bytes_read(&self) -> u64 {
        match &self.0 {
            Reading::Table(fixed) => fixed.table.bytes_read(),
            Reading::Mapped { mapped, .. } => mapped.bytes_read(),
        }
    }

    /// Name of a column, from 1.
    pub fn column(&self, cell: usize) -> Option<&str> {
        match &self.0 {
            Reading::Table(fixed) => fixed.names.get(cell.checked_sub(1)?).map(String::as_str),
            Reading::Mapped { mapped, .. } => mapped.column(cell),
        }
    }

    /// What only a profile tells: totals, what was left out, what could be read of a row that was refused.
    pub fn mapped(&self) -> Option<&Mapped<R>> {
        match &self.0 {
            Reading::Table(_) => None,
            Reading::Mapped { mapped, .. } => Some(mapped),
        }
    }

    /// The next row that is not blank; `None` at the end. A row of which a profile makes several facts comes as often.
    pub fn row(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        match &mut self.0 {
            Reading::Table(fixed) => fixed.row(),
            Reading::Mapped { mapped, waiting } => loop {
                if let Some(row) = waiting.pop_front() {
                    return Ok(Some(Ok(row)));
                }
                match mapped.next()? {
                    None => return Ok(None),
                    Some(Err(broken)) => return Ok(Some(Err(broken))),
                    Some(Ok(row)) => {
                        let (line, byte_offset) = (row.line, row.byte_offset);
                        waiting.extend(row.facts.into_iter().map(|json| Row { line, byte_offset, json }));
                    }
                }
            },
        }
    }
}

impl<R: BufRead> Fixed<R> {
    /// Facts of a source, or open items.
    fn open(reader: R, dialect: Dialect, source: Option<&String>) -> io::Result<Result<Self, Broken>> {
        let mut table = Table::new(reader, dialect);
        let record = loop {
            match table.record()? {
                None => return Ok(Err(refused("empty-body", 1, 0, "a table starts with its header line"))),
                Some(Err(broken)) => return Ok(Err(broken)),
                Some(Ok(record)) if record.is_blank() => {}
                Some(Ok(record)) => break record,
            }
        };
        let mapping = match source {
            Some(source) => layout::recognise(&record.cells)
                .map(|layout| Mapping::Layout { layout, source: source.clone() })
                .map_err(|unfit| unfit.to_string()),
            None => open_items(&record.cells).map(|()| Mapping::OpenItems),
        };
        Ok(match mapping {
            Ok(mapping) => Ok(Self { table, names: record.cells, mapping }),
            Err(detail) => Err(refused("csv-header", record.line, record.byte_offset, &detail)),
        })
    }

    fn row(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        loop {
            return Ok(match self.table.record()? {
                None => None,
                Some(Err(broken)) => Some(Err(broken)),
                Some(Ok(record)) if record.is_blank() && self.names.len() > 1 => continue,
                Some(Ok(record)) => Some(self.map(record)),
            });
        }
    }

    fn map(&self, record: Record) -> Result<Row, Broken> {
        let Record { line, byte_offset, cells } = record;
        if cells.len() != self.names.len() {
            return Err(misfit(line, byte_offset, cells.len(), self.names.len()));
        }
        let json = match &self.mapping {
            Mapping::Layout { layout, source } => layout::fact(layout, source, &self.names, &cells),
            Mapping::OpenItems => members(&self.names, cells),
        };
        Ok(Row { line, byte_offset, json })
    }
}

/// A record with other cells than its header has.
pub(crate) fn misfit(line: u64, byte_offset: u64, cells: usize, names: usize) -> Broken {
    let detail = format!("{cells} cells where the header has {names}");
    let cell = Some(cells + 1).filter(|cell| *cell <= names);
    Broken { cell, ..refused("csv-field-count", line, byte_offset, &detail) }
}

fn refused(code: &'static str, line: u64, byte_offset: u64, detail: &str) -> Broken {
    Broken { code, line, byte_offset, cell: None, detail: detail.to_owned(), is_fatal: code != "csv-field-count" }
}

fn open_items(names: &[String]) -> Result<(), String> {
    let mut wrong = Vec::new();
    let absent = OPEN_ITEM.iter().take(REQUIRED_OF_OPEN_ITEM).filter(|name| !names.iter().any(|known| known == *name));
    wrong.extend(absent.map(|name| format!("missing column: {name}")));
    for (position, name) in names.iter().enumerate() {
        if !OPEN_ITEM.contains(&name.as_str()) {
            wrong.push(format!("unknown column: {name}"));
        }
        if names.iter().take(position).any(|earlier| earlier == name) {
            wrong.push(format!("column twice: {name}"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// Texts, without the empty ones: what a value means is checked where every door has it checked.
fn members(names: &[String], cells: Vec<String>) -> Value {
    let filled = names.iter().cloned().zip(cells).filter(|(_, cell)| !cell.is_empty());
    Value::Object(filled.map(|(name, cell)| (name, Value::String(cell))).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(text: &str, shape: &Shape) -> Result<Vec<Result<Value, &'static str>>, String> {
        let opened = Rows::open(text.as_bytes(), Dialect::default(), shape).unwrap();
        let mut rows = opened.map_err(|broken| format!("{}: {}", broken.code, broken.detail))?;
        let mut read = Vec::new();
        while let Some(row) = rows.row().unwrap() {
            read.push(row.map(|row| row.json).map_err(|broken| broken.code));
        }
        Ok(read)
    }

    #[test]
    fn a_list_of_open_items_is_read_by_its_header() {
        let list =
            "invoice,customer,currency,open_amount,due_date,customer_name\nF-1,C-1,COP,100.00,2026-03-01,\nF-2,C-1\n";
        let item = json!({"invoice": "F-1", "customer": "C-1", "currency": "COP", "open_amount": "100.00", "due_date": "2026-03-01"});
        assert_eq!(rows(list, &Shape::OpenItems).unwrap(), [Ok(item), Err("csv-field-count")]);
    }

    #[test]
    fn a_header_that_is_not_understood_says_why() {
        let wrong = rows("invoice,customer,currency,colour,invoice,due_date\n", &Shape::OpenItems).unwrap_err();
        assert_eq!(wrong, "csv-header: missing column: open_amount; unknown column: colour; column twice: invoice");
        assert!(rows("\n\n", &Shape::OpenItems).unwrap_err().starts_with("empty-body"));
        let facts = Shape::Facts { source: "erp".into() };
        assert!(rows("a;b\n", &facts).unwrap_err().starts_with("csv-header"));
    }

    #[test]
    fn a_profile_is_one_more_shape() {
        let yaml = "name: p\ninput: {format: csv, delimiter: ;}\nnumbers: {decimal: ','}\nrules:\n\
            - {to: customer.upserted, time: T, data: {customer: C, name: N}}\n\
            - {to: promise.withdrawn, time: T, data: {promise: P, withdrawn_on: D}}\n";
        let shape = Shape::Profile { profile: Profile::parse(yaml).unwrap(), source: "erp".into() };
        let text =
            "C;N;P;D;T\nC-1;Uno;P-1;2026-03-01;2026-03-01T12:00:00Z\nC-2;Dos;P-2;1.3.2026;2026-03-01T12:00:00Z\n";
        let read = rows(text, &shape).unwrap();
        assert_eq!(read.len(), 3);
        assert_eq!(read[0].as_ref().unwrap()["data"], json!({"customer": "C-1", "name": "Uno"}));
        assert_eq!(read[1].as_ref().unwrap()["data"], json!({"promise": "P-1", "withdrawn_on": "2026-03-01"}));
        assert_eq!(read[2], Err("date-format"));
    }

    #[test]
    fn facts_need_only_the_columns_that_they_cannot_do_without() {
        let facts = Shape::Facts { source: "erp".into() };
        let read = rows("time,promise,withdrawn_on\n2026-03-01T12:00:00Z,P-1,2026-03-01\n", &facts).unwrap();
        assert_eq!(read[0].as_ref().unwrap()["data"], json!({"promise": "P-1", "withdrawn_on": "2026-03-01"}));
    }
}
