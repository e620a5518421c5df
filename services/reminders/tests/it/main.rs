//! The role against a real database, a real nats-server and a real SMTP dialogue.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod world;

mod doors;
mod hand_off;
mod holds;
mod load;
mod plans;
mod reach;
mod stops;
