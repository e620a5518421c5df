//! `dispute.changed`: since when an invoice is objected to. That it was resolved does not undo that.

use std::collections::BTreeMap;

use contracts::ingestion::DisputeChanged;
use contracts::wire::{self, Malformed};
use messaging::HandlerError;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Dirty;
use crate::store::customers;
use crate::store::disputes::{self, DisputeRow};

pub(super) type Newest = BTreeMap<(Uuid, Uuid), DisputeRow>;

/// The newest version of every dispute in the batch.
pub(super) fn read(events: &[DisputeChanged]) -> Result<Newest, HandlerError> {
    let mut newest = Newest::new();
    for event in events {
        let row = row(event)?;
        let key = (row.tenant_id, row.dispute_id);
        if newest.get(&key).is_none_or(|known| known.version < row.version) {
            newest.insert(key, row);
        }
    }
    Ok(newest)
}

pub(super) async fn apply(conn: &mut PgConnection, newest: &Newest, dirty: &mut Dirty) -> Result<(), HandlerError> {
    if newest.is_empty() {
        return Ok(());
    }
    let customers = newest.values().map(|row| (row.tenant_id, row.customer_id)).collect();
    customers::ensure(conn, &customers).await?;
    for (tenant_id, day) in disputes::save(conn, &newest.values().cloned().collect::<Vec<_>>()).await? {
        dirty.from(tenant_id, day);
    }
    Ok(())
}

fn row(event: &DisputeChanged) -> Result<DisputeRow, Malformed> {
    Ok(DisputeRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        dispute_id: wire::id("dispute_id", &event.dispute_id)?,
        version: wire::version("version", event.version)?,
        invoice_id: wire::id("invoice_id", &event.invoice_id)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        opened_on: wire::date("opened_on", &event.opened_on)?,
    })
}
