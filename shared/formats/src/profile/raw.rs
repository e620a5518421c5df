//! A profile as it is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProfile {
    pub(super) name: String,
    #[serde(default)]
    pub(super) about: String,
    pub(super) input: RawInput,
    #[serde(default)]
    pub(super) columns: BTreeMap<String, Names>,
    #[serde(default)]
    pub(super) numbers: RawNumbers,
    #[serde(default)]
    pub(super) dates: Option<Names>,
    pub(super) time_zone: Option<String>,
    pub(super) rules: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInput {
    pub(super) format: RawFormat,
    pub(super) delimiter: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) quotes: Option<Quotes>,
    pub(super) sheet: Option<String>,
    pub(super) header_line: Option<String>,
    #[serde(default)]
    pub(super) skip: Vec<RawCondition>,
    pub(super) trailer: Option<RawTrailer>,
    #[serde(default)]
    pub(super) unknown_columns: Unknown,
    #[serde(default)]
    pub(super) short_rows: ShortRows,
    pub(super) values: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawFormat {
    Csv,
    Xlsx,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Quotes {
    Double,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unknown {
    #[default]
    Ignore,
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ShortRows {
    #[default]
    Refuse,
    Pad,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTrailer {
    pub(super) when: Vec<RawCondition>,
    pub(super) count: Option<Names>,
    pub(super) sum: Option<Names>,
    pub(super) currency: Option<Names>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNumbers {
    pub(super) decimal: Option<String>,
    pub(super) group: Option<String>,
    pub(super) negative: Option<Vec<Negative>>,
    #[serde(default)]
    pub(super) ignore: Vec<String>,
}

/// How a file writes that an amount is below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Negative {
    Leading,
    Trailing,
    Parentheses,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCondition {
    pub(super) column: Names,
    pub(super) equals: Option<String>,
    pub(super) one_of: Option<Vec<String>>,
    pub(super) starts_with: Option<String>,
    pub(super) contains: Option<String>,
    pub(super) empty: Option<bool>,
    pub(super) amount: Option<Size>,
    #[serde(default)]
    pub(super) not: bool,
    /// The column may be absent from a file; it is empty then.
    #[serde(default)]
    pub(super) optional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Size {
    Negative,
    Zero,
    Positive,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    #[serde(default)]
    pub(super) when: Vec<RawCondition>,
    pub(super) to: String,
    pub(super) why: Option<String>,
    pub(super) id: Option<RawField>,
    pub(super) time: Option<RawField>,
    pub(super) source_version: Option<RawField>,
    pub(super) legal_entity: Option<RawField>,
    #[serde(default)]
    pub(super) data: BTreeMap<String, RawField>,
}

/// A column's name or a template alone, or a field with all that can be said of it.
pub(super) enum RawField {
    Short(String),
    Long(Box<RawLong>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLong {
    pub(super) column: Option<Names>,
    pub(super) path: Option<Names>,
    pub(super) constant: Option<String>,
    pub(super) template: Option<String>,
    pub(super) first_of: Option<Vec<RawField>>,
    pub(super) lookup: Option<BTreeMap<String, String>>,
    pub(super) otherwise: Option<String>,
    #[serde(default)]
    pub(super) trim_zeros: bool,
    #[serde(rename = "as")]
    pub(super) form: Option<Form>,
    pub(super) sign: Option<Sign>,
    pub(super) formats: Option<Names>,
    pub(super) scale: Option<u32>,
    pub(super) separator: Option<String>,
    pub(super) terms: Option<RawTerms>,
    #[serde(default)]
    pub(super) required: bool,
    pub(super) default: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTerms {
    pub(super) days: RawField,
}

/// What a field's text is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    Text,
    Amount,
    Date,
    Instant,
    Flag,
    List,
    Parts,
    DebeziumDate,
    DebeziumDecimal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sign {
    #[default]
    Keep,
    Negate,
    Absolute,
}

/// One name, or several of which the first that is there counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Of;
        impl<'de> Visitor<'de> for Of {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Names, E> {
                Ok(Names(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element::<String>()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_any(Of)
    }
}

impl<'de> Deserialize<'de> for RawField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Of;
        impl<'de> Visitor<'de> for Of {
            type Value = RawField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a column (quoted if it looks like a number), or column:, constant:, …")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawField, E> {
                Ok(RawField::Short(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawField, A::Error> {
                let long = RawLong::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawField::Long(Box::new(long)))
            }
        }
        deserializer.deserialize_any(Of)
    }
}
