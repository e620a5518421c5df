//! The contract between services: message types, subjects, streams, headers. No I/O.
//!
//! The schemas and the rules by which they may change are in `proto-schemas/README.md`.

mod event;
mod generated;
pub mod header;
pub mod stream;
pub mod subject;
pub mod wire;

pub use event::Event;
pub use generated::puntual::{
    common::v1 as common, ingestion::v1 as ingestion, promises::v1 as promises, reminders::v1 as reminders,
    scoring::v1 as scoring,
};
pub use stream::Stream;

/// The revision of the schemas that this build writes. Within a major version readers accept every revision.
pub const SCHEMA_REV: u32 = 3;
