//! One file for each thing that is measured.

pub(crate) mod bare_loop;
pub(crate) mod chain;
pub(crate) mod consumer;
pub(crate) mod copy;
pub(crate) mod intake;
pub(crate) mod raw_insert;
pub(crate) mod relay;
pub(crate) mod silence;
pub(crate) mod stages;
