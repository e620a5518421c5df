//! Tables. Every statement loads or saves many rows at once; rows become domain values here, and nowhere else.
#![allow(clippy::as_conversions, reason = "`as` names the type of an array with nulls for sqlx; nothing is converted")]

pub(crate) mod assessments;
pub(crate) mod calibrations;
pub(crate) mod customers;
pub(crate) mod disputes;
pub(crate) mod foretold;
pub(crate) mod invoices;
pub(crate) mod learners;
pub(crate) mod learning;
pub(crate) mod outlooks;
pub(crate) mod previews;
pub(crate) mod published;
pub(crate) mod rules;
pub(crate) mod scores;
pub(crate) mod shifts;
pub(crate) mod sources;
pub(crate) mod standings;
pub(crate) mod states;

/// Something in the tables that this program did not write.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(pub String);

impl From<Unreadable> for sqlx::Error {
    fn from(unreadable: Unreadable) -> Self {
        Self::Decode(Box::new(unreadable))
    }
}

/// Texts without spaces as one, to travel beside others of different number.
fn joined(texts: &[impl ToString]) -> String {
    texts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
