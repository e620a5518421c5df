//! Scoring put a customer into its segment.

use contracts::scoring::SegmentAssigned;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::store::scores::{self, SegmentRow};

pub(super) async fn handle(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let events: Vec<SegmentAssigned> = decode_all(batch)?;
    let rows = events.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(scores::save_segments(conn, rows).await?)
}

fn row(event: SegmentAssigned) -> Result<SegmentRow, HandlerError> {
    Ok(SegmentRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        version: wire::version("version", event.version)?,
        segment: event.segment,
        reasons: event.reasons,
        assigned_at: wire::instant("assigned_at", event.assigned_at.as_ref())?,
    })
}
