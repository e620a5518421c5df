//! `customer.changed`.

use contracts::ingestion::CustomerChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};

use crate::store::customers::MasterData;

pub(super) fn read(batch: &[Delivery]) -> Result<Vec<MasterData>, HandlerError> {
    let rows = decode_all::<CustomerChanged>(batch)?
        .into_iter()
        .map(|event| {
            Ok(MasterData {
                tenant_id: wire::id("tenant_id", &event.tenant_id)?,
                customer_id: wire::id("customer_id", &event.customer_id)?,
                version: wire::version("version", event.version)?,
                code: event.code,
                name: event.name,
                time_zone: event.time_zone,
                language: event.language,
                requires_submission: event.requires_submission,
                provisional: event.provisional,
            })
        })
        .collect::<Result<Vec<_>, HandlerError>>()?;
    Ok(super::newest(rows, |row| (row.tenant_id, row.customer_id), |row| row.version))
}
