//! SQL, a statement for many rows at a time.

pub(crate) mod claims;
pub(crate) mod contacts;
pub(crate) mod customers;
pub(crate) mod decisions;
pub(crate) mod holds;
pub(crate) mod invoices;
pub(crate) mod keys;
pub(crate) mod messages;
pub(crate) mod plan;
pub(crate) mod promises;
pub(crate) mod reach;
pub(crate) mod snapshots;
pub(crate) mod sources;
pub(crate) mod strategies;
pub(crate) mod tenant_settings;
pub(crate) mod why;

pub(crate) use keys::Keys;
