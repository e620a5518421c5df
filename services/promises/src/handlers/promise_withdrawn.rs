//! A promise does not hold any more.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use contracts::ingestion::PromiseWithdrawn;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};

use crate::domain::promise::PromiseKey;

/// The earliest withdrawal of each promise in a batch.
pub(super) fn read(batch: &[Delivery]) -> Result<BTreeMap<PromiseKey, NaiveDate>, HandlerError> {
    let mut earliest = BTreeMap::<PromiseKey, NaiveDate>::new();
    for event in decode_all::<PromiseWithdrawn>(batch)? {
        let key = PromiseKey {
            tenant_id: wire::id("tenant_id", &event.tenant_id)?,
            promise_id: wire::id("promise_id", &event.promise_id)?,
        };
        let on = wire::date("withdrawn_on", &event.withdrawn_on)?;
        earliest.entry(key).and_modify(|known| *known = on.min(*known)).or_insert(on);
    }
    Ok(earliest)
}
