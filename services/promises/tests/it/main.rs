//! The role against a real database and a real nats-server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod neighbourhood;

mod coverage;
mod deadlines;
mod doors;
mod order;
mod plans;
mod real_time;
