//! What `build.rs` generates from `proto-schemas/`.
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::as_conversions,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    reason = "generated code has its own style"
)]

include!(concat!(env!("OUT_DIR"), "/puntual.rs"));
