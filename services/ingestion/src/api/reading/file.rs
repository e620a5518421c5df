//! Files of ERPs and banks as lines of a batch: CSV in one of the layouts, whatever a profile reads, UBL, CFDI, camt and MT940.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::http::StatusCode;
use encoding_rs::Encoding;
use formats::profile::{Profile, Yields};
use formats::rows::{Rows, Shape};
use formats::table::{Broken, Dialect};
use formats::{Draft, Reading};
use runtime::Problem;
use serde_json::{Value, json};

use super::Finding;
use super::batch::{Line, MAX_LINES};
use crate::api::report::Warning;

/// Whose file it is.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// Code.
    pub(crate) source: String,
    /// Code; the tenant's first when absent.
    pub(crate) legal_entity: Option<String>,
}

/// The rows of a table, each as one fact or with what is wrong with it; `None` when there are more than [`MAX_LINES`].
/// `profile` reads the table, whatever it is; without one it is CSV in one of the layouts.
pub(crate) fn table(
    body: &Bytes,
    encoding: &'static Encoding,
    profile: Option<Profile>,
    origin: &Origin,
) -> Result<Option<Vec<Line>>, Problem> {
    let dialect = Dialect { encoding, ..Dialect::default() };
    let source = origin.source.clone();
    let shape = match profile {
        Some(profile) if profile.yields() == Yields::OpenItems => {
            return Err(Problem::parameter("profile", "it reads lists of open items: send the file to /v1/snapshots"));
        }
        Some(profile) => Shape::Profile { profile, source },
        None => Shape::Facts { source },
    };
    // Reading from memory cannot fail.
    let opened = Rows::open(&body[..], dialect, &shape).map_err(|_| Problem::unavailable())?;
    let mut rows = opened.map_err(|broken| unreadable_table(&broken))?;
    let mut lines = Vec::new();
    while let Some(row) = rows.row().map_err(|_| Problem::unavailable())? {
        if lines.len() == MAX_LINES {
            return Ok(None);
        }
        lines.push(match row {
            Ok(row) => Line {
                number: number(row.line),
                byte_offset: number(row.byte_offset),
                bytes: with_entity(row.json, origin).to_string().into(),
                unreadable: None,
            },
            Err(broken) if broken.is_fatal => return Err(unreadable_table(&broken)),
            Err(broken) => {
                let end = number(rows.bytes_read());
                let start = number(broken.byte_offset);
                // Rows of a workbook have no bytes of their own.
                let has_bytes = start > 0 || broken.line <= 1;
                let raw = if has_bytes { body.slice(start.min(end)..end) } else { refused(&broken).to_string().into() };
                let column = broken.cell.and_then(|cell| rows.column(cell));
                Line {
                    number: number(broken.line),
                    byte_offset: start,
                    bytes: raw,
                    unreadable: Some(finding_of_row(&broken, column)),
                }
            }
        });
    }
    Ok(Some(lines))
}

fn refused(broken: &Broken) -> Value {
    json!({ "line": broken.line, "refused": broken.detail })
}

/// What is wrong with one row of a table.
pub(crate) fn finding_of_row(broken: &Broken, column: Option<&str>) -> Finding {
    let pointer = column.map_or_else(|| "#".to_owned(), |name| format!("#/{name}"));
    Finding { code: broken.code, pointer, detail: Cow::Owned(broken.detail.clone()) }
}

/// The facts of a document, and what it says against itself.
type Told = (Vec<Line>, Vec<Warning>);

/// What an invoice, a credit note or a statement of an account tells; `None` when there are more facts than [`MAX_LINES`].
pub(crate) fn document(body: &Bytes, options: &formats::Options) -> Result<Option<Reading>, Problem> {
    let reading = formats::read(body, options).map_err(|finding| unreadable_document(&finding))?;
    Ok(Some(reading).filter(|reading| reading.drafts.len() <= MAX_LINES))
}

/// The same as lines.
pub(crate) fn told(reading: Reading, origin: &Origin) -> Told {
    let warnings = reading.warnings.into_iter().map(Warning::from).collect();
    (reading.drafts.into_iter().map(|told| line(told, origin)).collect(), warnings)
}

fn line(told: Result<Draft, formats::Finding>, origin: &Origin) -> Line {
    match told {
        Ok(draft) => {
            let fact = draft.envelope(&origin.source, origin.legal_entity.as_deref());
            Line { number: number(draft.place.line), byte_offset: 0, bytes: fact.to_string().into(), unreadable: None }
        }
        Err(finding) => {
            let formats::Finding { code, place, detail } = finding;
            let raw = json!({ "at": place.path, "line": place.line, "refused": detail });
            let pointer = format!("#{}", place.path);
            Line {
                number: number(place.line),
                byte_offset: 0,
                bytes: raw.to_string().into(),
                unreadable: Some(Finding { code, pointer, detail: Cow::Owned(detail) }),
            }
        }
    }
}

/// What the file does not say itself.
fn with_entity(mut fact: Value, origin: &Origin) -> Value {
    if let (Some(members), Some(entity)) = (fact.as_object_mut(), &origin.legal_entity) {
        members.entry("legal_entity").or_insert_with(|| json!(entity));
    }
    fact
}

/// The table cannot be read, or no further.
pub(crate) fn unreadable_table(broken: &Broken) -> Problem {
    let (status, title) = match broken.code {
        "encoding" => (StatusCode::BAD_REQUEST, "The file is not the text that it says"),
        "empty-body" => (StatusCode::UNPROCESSABLE_ENTITY, "There is nothing to read"),
        "csv-header" => (StatusCode::UNPROCESSABLE_ENTITY, "The header line is not understood"),
        "csv-too-wide" => (StatusCode::PAYLOAD_TOO_LARGE, "The table is too wide"),
        _ => (StatusCode::UNPROCESSABLE_ENTITY, "The table cannot be read"),
    };
    Problem::new(status, broken.code, title).detail(format!("line {}: {}", broken.line, broken.detail))
}

fn unreadable_document(finding: &formats::Finding) -> Problem {
    let status = match finding.code {
        "xml-doctype" | "xml-attributes" | "xml-character" | "malformed-xml" | "too-deep" | "encoding"
        | "empty-body" => StatusCode::BAD_REQUEST,
        "too-large" => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let place = format!("line {} {}", finding.place.line, finding.place.path);
    Problem::new(status, finding.code, "The document cannot be read").detail(format!("{place}: {}", finding.detail))
}

fn number(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
