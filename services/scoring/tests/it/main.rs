//! The role against its own database and its own nats-server.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod close;
mod confluence;
mod door;
mod house;
mod measure;
mod outlooks;
mod rules;
mod standing;
