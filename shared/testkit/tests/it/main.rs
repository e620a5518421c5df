//! The frame against real servers: what leaves through an outbox arrives once, in order, and poison stays alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod dead_letters;
mod frame;
mod recovery;
