//! Rows: what events say is kept set-based, newest version first served; what pages ask is answered in one statement each.
#![allow(clippy::as_conversions, reason = "`as` names the type of an array with nulls for sqlx; nothing is converted")]

pub(crate) mod aging;
pub(crate) mod alerts;
pub(crate) mod credits;
pub(crate) mod customers;
pub(crate) mod decisions;
pub(crate) mod disputes;
pub(crate) mod invoices;
pub(crate) mod ledger;
pub(crate) mod messages;
mod newest;
pub(crate) mod promises;
pub(crate) mod recovery;
pub(crate) mod scores;
pub(crate) mod tenant;
