//! Work that becomes due with time.

mod decide;
mod dispatch;
mod events;
mod leases;

pub(crate) use dispatch::Dispatch;
pub(crate) use leases::Leases;
