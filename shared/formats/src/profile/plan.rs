//! A profile as it is followed: names are numbers of references, and everything was checked.

use chrono_tz::Tz;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

use crate::table::Dialect;

pub(super) use super::raw::{Form, Negative, ShortRows, Sign, Size, Unknown};

const SHOWN_NAMES: usize = 4;

/// Of a [`Reference`] in [`Plan::references`].
pub(super) type Ref = usize;

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) input: Input,
    pub(super) references: Vec<Reference>,
    pub(super) reading: Reading,
    pub(super) rules: Vec<Rule>,
    /// What a header line must have.
    pub(super) needs: Vec<Need>,
}

#[derive(Debug)]
pub(super) struct Input {
    pub(super) format: Format,
    pub(super) header: HeaderLine,
    pub(super) skip: Vec<Condition>,
    pub(super) trailer: Option<Trailer>,
    pub(super) unknown_columns: Unknown,
    pub(super) short_rows: ShortRows,
}

#[derive(Debug)]
pub(super) enum Format {
    Csv(Dialect),
    Xlsx { sheet: Option<String> },
    Json { values: Option<Vec<Step>> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderLine {
    /// That is not blank.
    First,
    /// With all that is needed.
    Find,
    At(u64),
}

/// A column by any of its names, or a member by any of its paths.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// As the profile writes them, the first that is there counts.
    pub(super) names: Vec<String>,
    pub(super) folded: Vec<String>,
    pub(super) paths: Vec<Vec<Step>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Index(usize),
}

/// How texts are read where a field does not say otherwise.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) numbers: Numbers,
    pub(super) dates: Vec<String>,
    pub(super) time_zone: Tz,
}

#[derive(Debug)]
pub(super) struct Numbers {
    pub(super) decimal: char,
    pub(super) group: Option<char>,
    pub(super) negative: Vec<Negative>,
    pub(super) ignore: Vec<String>,
}

/// One of several sets of references, each complete in itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) any_of: Vec<Vec<Ref>>,
}

#[derive(Debug)]
pub(super) struct Condition {
    pub(super) column: Ref,
    pub(super) test: Test,
    pub(super) not: bool,
}

#[derive(Debug)]
pub(super) enum Test {
    OneOf(Vec<String>),
    StartsWith(String),
    Contains(String),
    Empty,
    Amount(Size),
}

#[derive(Debug)]
pub(super) struct Trailer {
    pub(super) when: Vec<Condition>,
    pub(super) count: Option<Ref>,
    pub(super) sum: Option<Ref>,
    pub(super) currency: Option<Ref>,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) when: Vec<Condition>,
    pub(super) to: To,
}

#[derive(Debug)]
pub(super) enum To {
    OpenItem {
        data: Vec<(String, Field)>,
    },
    Fact(Box<Fact>),
    /// Why such rows are left out.
    Nothing(String),
}

#[derive(Debug)]
pub(super) struct Fact {
    pub(super) kind: &'static str,
    pub(super) key: Option<&'static str>,
    pub(super) id: Option<Field>,
    pub(super) time: Field,
    pub(super) source_version: Option<Field>,
    pub(super) legal_entity: Option<Field>,
    pub(super) data: Vec<(String, Field)>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) from: From,
    pub(super) trim_zeros: bool,
    pub(super) lookup: Option<Lookup>,
    pub(super) form: Form,
    pub(super) sign: Sign,
    /// Of dates and instants; the profile's own where it is empty.
    pub(super) formats: Vec<String>,
    /// Decimals of a number that comes as bytes.
    pub(super) scale: Option<u32>,
    pub(super) separator: String,
    pub(super) terms: Option<Terms>,
    pub(super) required: bool,
    pub(super) default: Option<String>,
}

#[derive(Debug)]
pub(super) enum From {
    Column(Ref),
    Constant(String),
    Template(Vec<Piece>),
    /// The first that is not empty.
    FirstOf(Vec<Field>),
}

#[derive(Debug)]
pub(super) enum Piece {
    Text(String),
    Column(Ref),
}

#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) entries: BTreeMap<String, String>,
    pub(super) otherwise: Option<String>,
}

#[derive(Debug)]
pub(super) enum Terms {
    Days(u64),
    From(Box<Field>),
}

/// What a trailer told, or the rows above it sum to.
pub(super) type Sums = BTreeMap<String, Decimal>;

/// Compared: without outer blanks, with inner ones as one, in small letters.
pub(super) fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl Reference {
    /// The first names: who misses a column needs one that is known, not all.
    pub(super) fn shown(&self) -> String {
        let shown = self.names.iter().take(SHOWN_NAMES).map(String::as_str).collect::<Vec<_>>().join(" | ");
        if self.names.len() > SHOWN_NAMES { format!("{shown} | …") } else { shown }
    }
}
