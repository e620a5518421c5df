//! What is remembered of a tenant, its groups and its customers, and how it is written down: bit by bit, in the order of
//! the members. What was written under another `MODEL_VERSION` is not read but learned again from the facts.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::super::state::{Owner, State};
use super::dispute::Disputes;
use super::forecast::{Forecaster, Foretold};
use super::inputs::OpenBook;
use super::pace::{Pace, PoolPace};
use super::record::Record;
use super::regression::Regression;
use super::shift::Watch;

/// Identifies the formulas behind every score and the layout of what is written down: a change of any is a new version.
pub(crate) const MODEL_VERSION: &str = "bayesian-logistic-1";

/// Numbers look like numbers when a byte is missing: a sum of all bytes tells.
const CHECKSUM: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// Learned numbers that this program did not write.
#[derive(Debug, thiserror::Error)]
#[error("what was learned of {owner:?} cannot be read: {error}")]
pub(crate) struct Illegible {
    owner: Owner,
    error: postcard::Error,
}

/// A tenant as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Whole {
    pub rates: State,
    pub pace: PoolPace,
    pub regression: Option<Regression>,
    pub forecaster: Forecaster,
    pub disputes: Disputes,
    pub record: Record,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pool {
    pub rates: State,
    pub pace: PoolPace,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Customer {
    pub rates: State,
    pub pace: Pace,
    pub watch: Watch,
    /// Due date and amount by invoice. A fact and nothing learned: read anew, never written down.
    #[serde(skip)]
    pub open: BTreeMap<Uuid, (NaiveDate, f64)>,
}

/// What an invoice was scored with, to be judged when its label settles and when it is cleared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scored {
    pub(super) inputs: Vec<f64>,
    pub(super) p_late: f64,
    pub(super) foretold: Foretold,
}

impl Whole {
    pub(super) fn empty() -> Self {
        Self {
            rates: State::empty(&Owner::Tenant),
            pace: PoolPace::default(),
            regression: None,
            forecaster: Forecaster::default(),
            disputes: Disputes::default(),
            record: Record::default(),
        }
    }
}

impl Pool {
    pub(super) fn empty(group: &str) -> Self {
        Self { rates: State::empty(&Owner::Group(group.to_owned())), pace: PoolPace::default() }
    }
}

impl Customer {
    pub(super) fn empty(customer_id: Uuid) -> Self {
        let rates = State::empty(&Owner::Customer(customer_id));
        Self { rates, pace: Pace::default(), watch: Watch::default(), open: BTreeMap::new() }
    }

    /// What it owes before `day` beside the invoice that is asked about, and by how many days each overdue one is late.
    pub(super) fn book_without(&self, invoice_id: Uuid, day: NaiveDate) -> (OpenBook, Vec<i32>) {
        let mut book = OpenBook::default();
        let mut overdue_days = Vec::new();
        for (due_on, amount) in self.open.iter().filter(|(id, _)| **id != invoice_id).map(|(_, open)| open) {
            let days = i32::try_from((day - *due_on).num_days()).unwrap_or(0);
            if days > 0 {
                book.overdue += 1.0;
                book.overdue_amount += amount;
                book.oldest_overdue_days = book.oldest_overdue_days.max(f64::from(days));
                overdue_days.push(days);
            } else {
                book.not_due += 1.0;
                book.not_due_amount += amount;
            }
        }
        (book, overdue_days)
    }
}

impl Scored {
    pub(crate) fn written(&self) -> Vec<u8> {
        written(self)
    }

    /// `None` when the bytes are not what an invoice was scored with.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes_crc32(bytes, CHECKSUM.digest()).ok()
    }
}

pub(super) fn written(what: &impl Serialize) -> Vec<u8> {
    // Fails for maps and sequences of unknown length only, and none of ours is one.
    postcard::to_allocvec_crc32(what, CHECKSUM.digest()).unwrap_or_default()
}

pub(super) fn read<T: DeserializeOwned>(owner: &Owner, bytes: &[u8]) -> Result<T, Illegible> {
    postcard::from_bytes_crc32(bytes, CHECKSUM.digest()).map_err(|error| Illegible { owner: owner.clone(), error })
}

/// A day as a number, a quarter as long as its text.
pub(super) mod day_number {
    use super::{Datelike, Deserialize, Deserializer, Error, NaiveDate, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(in super::super) fn serialize<S: Serializer>(day: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(day.num_days_from_ce())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
        let days = i32::deserialize(deserializer)?;
        NaiveDate::from_num_days_from_ce_opt(days).ok_or_else(|| D::Error::custom("no such day"))
    }
}
