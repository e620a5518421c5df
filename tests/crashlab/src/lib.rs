//! crashlab: lives seeded schedules of facts and faults over real processes and judges what is left.
//!
//! A seed decides what is told, when, in which batches, and what goes wrong meanwhile. Servers and roles are real and are
//! killed, stopped, wiped and rewound; then everything is healed, and an oracle that has folded the same facts in memory
//! says what must be there. A schedule that fails is kept and shrunk to the faults that it needs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a harness: what cannot be set up, or is not as it was made, ends the run"
)]

mod broker;
mod client;
mod clock;
mod cluster;
mod counters;
mod dice;
mod env;
mod fault;
mod judge;
mod metrics;
mod oracle;
pub mod recovery;
mod run;
mod schedule;
mod series;
mod shrink;
mod signal;
mod strike;
mod told;
mod troupe;
mod workload;
mod world;

pub use counters::{Counters, must_happen};
pub use env::puntual_beside;
pub use fault::KINDS;
pub use run::{Options, Verdict, run};
pub use schedule::Schedule;
pub use series::{Caught, Series, bug};
pub use shrink::shrink;
pub use world::Mould;
