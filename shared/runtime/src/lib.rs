//! The frame of a process: configuration, telemetry, databases, the clock, doors, and the order in which all that starts
//! and stops. It decides nothing about receivables.

pub mod access;
mod caller;
mod clock;
mod commands;
pub mod config;
pub mod database;
mod dead_letters;
mod document;
mod door;
mod extract;
mod frame;
mod health;
pub mod key;
mod problem;
pub mod reemit;
mod server;
mod sweep;
pub mod telemetry;
mod unread;

pub use caller::{Caller, SESSION_COOKIE};
pub use clock::Clock;
pub use config::{FrameConfig, load_config};
pub use document::document;
pub use door::Door;
pub use extract::{Named, SmallBody, json_object};
pub use frame::{Boxed, Frame, Running};
pub use problem::{FieldError, Problem};
pub use sweep::Sweep;
