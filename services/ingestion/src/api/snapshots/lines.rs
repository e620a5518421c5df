//! The lines of a list, whichever form it has, each as one JSON object.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use formats::rows::{Rows, Shape};
use formats::table::{Broken, Dialect};
use runtime::Problem;

use crate::api::reading::Finding;
use crate::api::reading::batch::{self, Line};

#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Csv(&'static Encoding),
    Ndjson,
}

impl Form {
    /// From `Content-Type`; none when it is not read.
    pub(super) fn of(header: Option<&HeaderValue>) -> Option<Self> {
        let text = header?.to_str().ok()?.to_ascii_lowercase();
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next()?;
        let charset = parts.find_map(|part| part.strip_prefix("charset=")).map(|name| name.trim_matches('"'));
        let encoding = match charset {
            None | Some("utf-8" | "us-ascii") => UTF_8,
            Some("windows-1252" | "iso-8859-1") => WINDOWS_1252,
            Some(_) => return None,
        };
        match essence {
            "text/csv" => Some(Self::Csv(encoding)),
            "application/x-ndjson" if encoding == UTF_8 => Some(Self::Ndjson),
            _ => None,
        }
    }
}

/// A list being read.
pub(super) enum Lines<'a> {
    Csv(Box<Rows<&'a [u8]>>),
    Ndjson(batch::Pieces<'a>),
}

/// A line that could not be made out.
pub(super) struct Unreadable {
    pub(super) line: usize,
    pub(super) byte_offset: usize,
    pub(super) finding: Finding,
}

impl<'a> Lines<'a> {
    pub(super) fn open(form: Form, list: &'a Bytes) -> Result<Self, Problem> {
        match form {
            Form::Ndjson => Ok(Self::Ndjson(batch::pieces(list))),
            Form::Csv(encoding) => {
                let dialect = Dialect { encoding, ..Dialect::default() };
                let opened = Rows::open(&list[..], dialect, &Shape::OpenItems).map_err(|_| Problem::unavailable())?;
                opened.map(|rows| Self::Csv(Box::new(rows))).map_err(|broken| problem(&broken))
            }
        }
    }

    /// The next line that is not blank; `Err` when nothing after it can be read.
    pub(super) fn next(&mut self) -> Result<Option<Result<Line, Unreadable>>, Problem> {
        match self {
            Self::Ndjson(pieces) => Ok(pieces.next().map(Ok)),
            Self::Csv(rows) => match rows.row().map_err(|_| Problem::unavailable())? {
                None => Ok(None),
                Some(Ok(row)) => Ok(Some(Ok(Line {
                    number: number(row.line),
                    byte_offset: number(row.byte_offset),
                    bytes: row.json.to_string().into(),
                }))),
                Some(Err(broken)) if broken.is_fatal => Err(problem(&broken)),
                Some(Err(broken)) => Ok(Some(Err(Unreadable {
                    line: number(broken.line),
                    byte_offset: number(broken.byte_offset),
                    finding: Finding {
                        code: broken.code,
                        pointer: column(rows, &broken).map_or_else(|| "#".to_owned(), |name| format!("#/{name}")),
                        detail: Cow::Owned(broken.detail),
                    },
                }))),
            },
        }
    }
}

fn column<'a>(rows: &'a Rows<&[u8]>, broken: &Broken) -> Option<&'a str> {
    broken.cell.and_then(|cell| rows.column(cell))
}

fn number(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The table cannot be read, or no further.
pub(super) fn problem(broken: &Broken) -> Problem {
    let (status, title) = match broken.code {
        "encoding" => (StatusCode::BAD_REQUEST, "The file is not the text that it says"),
        "empty-body" => (StatusCode::UNPROCESSABLE_ENTITY, "There is nothing to read"),
        "csv-header" => (StatusCode::UNPROCESSABLE_ENTITY, "The header line is not understood"),
        "csv-too-wide" => (StatusCode::PAYLOAD_TOO_LARGE, "The table is too wide"),
        _ => (StatusCode::UNPROCESSABLE_ENTITY, "The table cannot be read"),
    };
    Problem::new(status, broken.code, title).detail(format!("line {}: {}", broken.line, broken.detail))
}
