//! Work that becomes due with time, claimed with `SKIP LOCKED`.

pub(crate) mod deadlines;
pub(crate) mod zone_rules;
