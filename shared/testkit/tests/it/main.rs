//! The frame against real servers: what leaves through an outbox arrives once, in order, and poison stays alone.

mod frame;
