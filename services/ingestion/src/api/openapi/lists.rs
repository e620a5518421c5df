//! What became of a list.
#![allow(dead_code, reason = "described here, written by `snapshots`")]

use utoipa::ToSchema;
use uuid::Uuid;

use super::values::{Moment, Text};
use crate::api::snapshots::apply::{Counts, LineProblem};
use crate::api::snapshots::control::Totals;

/// What became of a list of open items.
#[derive(ToSchema)]
pub(crate) struct ListReport {
    snapshot_id: Uuid,
    /// Code of the source.
    source: String,
    as_of: Moment,
    /// `applied` or `held`.
    status: String,
    items: Counts,
    /// What the list shows as open.
    listed: Totals,
    /// What was open before.
    open_before: Totals,
    /// What of it the list does not show any more.
    absent: Totals,
    /// What is closed because of it.
    closes: String,
    accepted_by: Option<Text>,
    /// The first hundred lines that could not be used.
    problems: Vec<LineProblem>,
}
