//! Where JetStream meets PostgreSQL. PostgreSQL is the record; a stream is transport that may be lost and made again.
//!
//! | way | module | in one sentence |
//! |---|---|---|
//! | out | [`outbox`] | events are rows, written in the transaction that made them true |
//! | out | [`relay`] | one leader per service publishes those rows, as the only writer of its stream |
//! | in | [`consumer`] | a batch of events, their inbox rows and their effects are one transaction; acks come after it |
//! | in | [`dead_letter`] | what can never be applied is set aside with its reason, alone, until a person re-drives it |
//! | across | [`barrier`] | "I know everything you had accepted when I asked" |
//! | both | [`topology`] | a service ensures its own stream and durables; it refuses what differs and deletes nothing |

pub mod barrier;
pub mod batch_publish;
pub mod consumer;
pub mod dead_letter;
pub mod error;
pub mod outbox;
mod poison;
mod redrive;
pub mod relay;
pub mod topology;
mod trace;

pub use barrier::{Barrier, BarrierError};
pub use consumer::{Consumer, Delivery, Handler, Position, decode_all, decode_with_seq, decode_with_time};
pub use error::HandlerError;
pub use outbox::Outbox;
pub use relay::{Relay, Wake};
