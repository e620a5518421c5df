//! The role against a real database and a real nats-server.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests live outside test functions, where the lint's own exemption does not reach"
)]

mod books;

mod dashboard;
mod figures;
mod order;
mod parameters;
mod tenants;
