//! The product from outside: stories over real processes, and what must hold across all packages and databases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod architecture;
mod catalogue;
mod main_life;
mod operations;
mod world;
