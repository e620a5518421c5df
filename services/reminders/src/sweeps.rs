//! Work that becomes due with time.

mod decide;
mod dispatch;
pub(crate) mod events;
mod leases;

pub(crate) use dispatch::Dispatch;
pub(crate) use leases::Leases;
