//! The role against its own PostgreSQL and nats-server, spoken to over HTTP as an ERP would.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]
#![allow(clippy::needless_pass_by_value, reason = "facts are written where they are told")]

mod bad_input;
mod balance;
mod batch_keys;
mod cash;
mod commands;
mod conduct;
mod confluence;
mod deliveries;
mod doors;
mod events;
mod exchanges;
mod feed;
mod files;
mod instruments;
mod ledger;
mod openapi;
mod operator;
mod plans;
mod profiles;
mod quarantine;
mod reach;
mod receipts;
mod reemit;
mod references;
mod settings;
mod shares;
mod snapshots;
mod standing;
mod tenants;
mod world;
