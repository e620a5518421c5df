//! The lines of a list, whichever form it has, each as one JSON object.

use axum::body::Bytes;
use axum::http::HeaderValue;
use encoding_rs::{Encoding, UTF_8};
use formats::profile::{Profile, Yields};
use formats::rows::{Rows, Shape};
use formats::table::Dialect;
use runtime::Problem;

use crate::api::media_type::MediaType;
use crate::api::reading::Finding;
use crate::api::reading::batch::{self, Line};
use crate::api::reading::file::{finding_of_row, unreadable_table};
use crate::api::reading::open_item::Mentioned;

#[derive(Clone)]
pub(super) enum Form {
    Csv(&'static Encoding),
    Ndjson,
    /// Whatever the profile reads.
    Profiled {
        profile: Profile,
        source: String,
    },
}

impl Form {
    /// As a profile reads it.
    pub(super) fn profiled(profile: Profile, source: &str) -> Result<Self, Problem> {
        if profile.yields() == Yields::Facts {
            return Err(Problem::parameter("profile", "it reads facts and no open items: send the file to /v1/facts"));
        }
        Ok(Self::Profiled { profile, source: source.to_owned() })
    }

    /// From `Content-Type`; none when it is not read.
    pub(super) fn of(header: Option<&HeaderValue>) -> Option<Self> {
        let media = MediaType::of(header)?;
        match &*media.essence {
            "text/csv" => Some(Self::Csv(media.encoding)),
            "application/x-ndjson" if media.encoding == UTF_8 => Some(Self::Ndjson),
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
    /// The invoice that it is about all the same.
    pub(super) mentioned: Option<Mentioned>,
}

impl<'a> Lines<'a> {
    pub(super) fn open(form: &Form, list: &'a Bytes) -> Result<Self, Problem> {
        let (encoding, shape) = match form {
            Form::Ndjson => return Ok(Self::Ndjson(batch::pieces(list))),
            Form::Csv(encoding) => (*encoding, Shape::OpenItems),
            Form::Profiled { profile, source } => {
                (UTF_8, Shape::Profile { profile: profile.clone(), source: source.clone() })
            }
        };
        let dialect = Dialect { encoding, ..Dialect::default() };
        let opened = Rows::open(&list[..], dialect, &shape).map_err(|_| Problem::unavailable())?;
        opened.map(|rows| Self::Csv(Box::new(rows))).map_err(|broken| unreadable_table(&broken))
    }

    /// The next line that is not blank; `Err` when nothing after it can be read.
    pub(super) fn next(&mut self) -> Result<Option<Result<Line, Unreadable>>, Problem> {
        match self {
            Self::Ndjson(pieces) => Ok(pieces.next().map(Ok)),
            Self::Csv(rows) => match rows.row().map_err(|_| Problem::unavailable())? {
                None => Ok(None),
                Some(Ok(row)) => {
                    Ok(Some(Ok(Line::new(number(row.line), number(row.byte_offset), row.json.to_string().into()))))
                }
                Some(Err(broken)) if broken.is_fatal => Err(unreadable_table(&broken)),
                Some(Err(broken)) => Ok(Some(Err(Unreadable {
                    line: number(broken.line),
                    byte_offset: number(broken.byte_offset),
                    finding: finding_of_row(&broken, broken.cell.and_then(|cell| rows.column(cell))),
                    mentioned: rows.mapped().and_then(|mapped| mapped.readable().iter().find_map(Mentioned::of)),
                }))),
            },
        }
    }
}

fn number(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
