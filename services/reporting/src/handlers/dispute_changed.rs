//! A debtor objected to an invoice, or the objection was settled.

use contracts::ingestion::DisputeChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::store::disputes::{self, DisputeRow};

pub(super) async fn handle(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let events: Vec<DisputeChanged> = decode_all(batch)?;
    let rows = events.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(disputes::save(conn, rows).await?)
}

fn row(event: DisputeChanged) -> Result<DisputeRow, HandlerError> {
    Ok(DisputeRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        dispute_id: wire::id("dispute_id", &event.dispute_id)?,
        version: wire::version("version", event.version)?,
        invoice_id: wire::id("invoice_id", &event.invoice_id)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        reason: event.reason,
        status: event.status,
        opened_on: wire::date("opened_on", &event.opened_on)?,
        resolved_on: wire::optional_date("resolved_on", &event.resolved_on)?,
    })
}
