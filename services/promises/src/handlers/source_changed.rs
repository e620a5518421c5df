//! A source of facts and how far it has told everything.

use std::collections::BTreeMap;

use contracts::ingestion::SourceChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use uuid::Uuid;

use super::keep_newest;
use crate::store::sources::Source;

pub(super) fn read(batch: &[Delivery]) -> Result<BTreeMap<(Uuid, Uuid), Source>, HandlerError> {
    let mut newest = BTreeMap::new();
    for event in decode_all::<SourceChanged>(batch)? {
        let key = (wire::id("tenant_id", &event.tenant_id)?, wire::id("source_id", &event.source_id)?);
        let source = Source {
            version: wire::version("version", event.version)?,
            covers_payments: event.covers.iter().any(|family| family == "payments"),
            covered_until: wire::optional_instant("covered_until", event.covered_until.as_ref())?,
        };
        keep_newest(&mut newest, key, source, |source| source.version);
    }
    Ok(newest)
}
