//! Rows in, rows out: many at a time, one statement each.
#![allow(clippy::as_conversions, reason = "how sqlx is told that items of an array may be null")]

pub(crate) mod accounts;
pub(crate) mod balance;
pub(crate) mod batch_keys;
pub(crate) mod cash;
pub(crate) mod cash_rules;
pub(crate) mod claims;
pub(crate) mod context;
pub(crate) mod credits;
pub(crate) mod deductions;
pub(crate) mod deliveries;
pub(crate) mod disputes;
pub(crate) mod exchanges;
pub(crate) mod extensions;
pub(crate) mod facts;
pub(crate) mod holds;
pub(crate) mod instruments;
pub(crate) mod issues;
pub(crate) mod locks;
pub(crate) mod marks;
pub(crate) mod parties;
pub(crate) mod profiles;
pub(crate) mod promises;
pub(crate) mod proofs;
pub(crate) mod quarantine;
pub(crate) mod reach;
pub(crate) mod receivables;
pub(crate) mod references;
pub(crate) mod settings;
pub(crate) mod settlements;
pub(crate) mod snapshots;
pub(crate) mod sources;
pub(crate) mod tenants;
pub(crate) mod watermarks;
pub(crate) mod withholdings;
