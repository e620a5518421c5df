//! The records of a file, whichever format it has, with their header line found.

use std::io::{self, BufRead};

use serde_json::Value;

use super::json::{self, Values, broken};
use super::plan::{Format, HeaderLine, Plan, Unknown};
use super::row::{Cell, Header};
use super::sheet::{self, SheetRow};
use crate::table::{Broken, Table};

/// A header that is to be found stands among the first so many records.
const FIND_WITHIN: usize = 20;

pub(super) enum Records<R> {
    Csv(Table<R>),
    Sheet(std::vec::IntoIter<SheetRow>),
    Json(Values<R>),
}

pub(super) struct Record {
    pub(super) line: u64,
    pub(super) byte_offset: u64,
    pub(super) body: Body,
}

pub(super) enum Body {
    Cells(Vec<Cell>),
    Value(Value),
}

/// A header line that was understood.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) names: Vec<Cell>,
    pub(super) header: Header,
}

impl<R: BufRead> Records<R> {
    /// Without a header for formats that have none.
    pub(super) fn open(mut reader: R, plan: &Plan) -> io::Result<Result<(Self, Option<Found>), Broken>> {
        let mut records = match &plan.input.format {
            Format::Csv(dialect) => Self::Csv(Table::new(reader, *dialect)),
            Format::Xlsx { sheet } => {
                let Some(bytes) = json::whole(&mut reader)? else {
                    return Ok(Err(broken("too-large", 1, 0, "a workbook of more than 64 MiB")));
                };
                match sheet::rows(bytes, sheet.as_deref()) {
                    Ok(rows) => Self::Sheet(rows.into_iter()),
                    Err(broken) => return Ok(Err(broken)),
                }
            }
            Format::Json { values } => {
                let values = Values::open(reader, values.as_deref())?;
                return Ok(values.map(|values| (Self::Json(values), None)));
            }
        };
        Ok(records.header(plan)?.map(|found| (records, Some(found))))
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Record, Broken>>> {
        Ok(match self {
            Self::Csv(table) => table.record()?.map(|record| {
                record.map(|record| {
                    let cells = record.cells.into_iter().map(Cell::text).collect();
                    Record { line: record.line, byte_offset: record.byte_offset, body: Body::Cells(cells) }
                })
            }),
            Self::Sheet(rows) => {
                rows.next().map(|row| Ok(Record { line: row.line, byte_offset: 0, body: Body::Cells(row.cells) }))
            }
            Self::Json(values) => values.next()?.map(|told| {
                told.map(|(line, byte_offset, value)| Record { line, byte_offset, body: Body::Value(value) })
            }),
        })
    }

    fn header(&mut self, plan: &Plan) -> io::Result<Result<Found, Broken>> {
        // The line that comes nearest, with how much it lacks.
        let mut nearest: Option<(usize, u64, u64, Found)> = None;
        let mut tried = 0;
        while tried < FIND_WITHIN || matches!(plan.input.header, HeaderLine::At(_)) {
            let record = match self.next()? {
                None => break,
                Some(Err(broken)) if broken.is_fatal || plan.input.header == HeaderLine::First => {
                    return Ok(Err(broken));
                }
                Some(Err(_)) => {
                    tried += 1;
                    continue;
                }
                Some(Ok(record)) => record,
            };
            let Body::Cells(names) = record.body else { break };
            let is_before = matches!(plan.input.header, HeaderLine::At(line) if record.line < line);
            if is_before || is_blank(&names) {
                continue;
            }
            tried += 1;
            let header = Header::of(plan, &names);
            let (lacks, found) = (header.missing.len(), Found { names, header });
            if nearest.as_ref().is_none_or(|(least, ..)| lacks < *least) {
                nearest = Some((lacks, record.line, record.byte_offset, found));
            }
            if lacks == 0 || plan.input.header != HeaderLine::Find {
                break;
            }
        }
        let Some((_, line, byte_offset, found)) = nearest else {
            return Ok(Err(broken("empty-body", 1, 0, "a table starts with its header line")));
        };
        let mut wrong: Vec<String> = Vec::new();
        wrong.extend(found.header.missing.iter().map(|name| format!("missing column: {name}")));
        wrong.extend(found.header.twice.iter().map(|name| format!("column twice: {name}")));
        if plan.input.unknown_columns == Unknown::Refuse {
            wrong.extend(found.header.unused.iter().map(|name| format!("unknown column: {name}")));
        }
        Ok(if wrong.is_empty() { Ok(found) } else { Err(broken("csv-header", line, byte_offset, &wrong.join("; "))) })
    }
}

/// Nothing, or the lines that lists are drawn with.
pub(super) fn is_blank(cells: &[Cell]) -> bool {
    let is_rule = |text: &str| text.len() > 1 && text.chars().all(|c| c == '-' || c == '=');
    cells.iter().all(|cell| cell.text.trim().is_empty())
        || (cells.iter().filter(|cell| !cell.text.trim().is_empty()).all(|cell| is_rule(cell.text.trim())))
}
