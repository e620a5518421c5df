//! Every NATS subject, built here and nowhere else.
//!
//! Events have five tokens, `puntual.<service>.<noun>.<verb>.v<major>`; commands have six, so that no stream stores them.
//! Tenant and customer never appear in a subject of ours (feeds are others'): filtered consumers slow down on subjects of high cardinality.

/// Command: raise a barrier in the service's stream (D11).
pub fn barrier_raise(service: &str) -> String {
    format!("puntual.{service}.cmd.barrier.raise.v1")
}

/// Command: move the virtual clock and do nothing yet (D17).
pub fn clock_set(service: &str) -> String {
    format!("puntual.{service}.cmd.clock.set.v1")
}

/// Command: move the virtual clock, apply what is upstream, and do what is due (D17).
pub fn clock_tick(service: &str) -> String {
    format!("puntual.{service}.cmd.clock.tick.v1")
}

/// Command: accept a fact that another role or the console was told.
pub const FACT_ACCEPT: &str = "puntual.ingestion.cmd.fact.accept.v1";

/// Event: a mark without content in the service's stream.
pub fn fence_raised(service: &str) -> String {
    format!("puntual.{service}.fence.raised.v1")
}

/// Where a source publishes its facts: slug of the tenant, code of the source.
pub fn feed(tenant: &str, source: &str) -> String {
    format!("puntual.feed.{tenant}.{source}")
}

/// Tenant and source of a feed's subject.
pub fn of_feed(subject: &str) -> Option<(&str, &str)> {
    subject.strip_prefix("puntual.feed.")?.split_once('.').filter(|(_, source)| !source.contains('.'))
}

/// Dead letters of a service, for whoever wants to be told; the record is its `dead_letter` table.
pub fn dead_letter(service: &str) -> String {
    format!("puntual.dlq.{service}")
}
