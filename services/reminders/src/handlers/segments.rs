//! `segment.assigned`: the strategy goes on from the highest offset decided so far.

use contracts::scoring::SegmentAssigned;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::store::customers::{self, Assigned};
use crate::store::{Keys, plan};

pub(super) async fn apply(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let rows = decode_all::<SegmentAssigned>(batch)?
        .into_iter()
        .map(|event| {
            Ok(Assigned {
                tenant_id: wire::id("tenant_id", &event.tenant_id)?,
                customer_id: wire::id("customer_id", &event.customer_id)?,
                version: wire::version("version", event.version)?,
                segment: event.segment,
            })
        })
        .collect::<Result<Vec<_>, HandlerError>>()?;
    let rows = super::newest(rows, |row| (row.tenant_id, row.customer_id), |row| row.version);
    let key = |row: &Assigned| (row.tenant_id, row.customer_id);
    let before = customers::lock(conn, &rows.iter().map(key).collect::<Keys>()).await?;
    customers::save_segments(conn, &rows).await?;
    // Scoring speaks of a customer more often than it changes its mind.
    let changed: Keys = rows
        .iter()
        .filter(|row| before.get(&key(row)).is_none_or(|before| before.segment != row.segment))
        .map(key)
        .collect();
    plan::renew(conn, &changed).await?;
    Ok(())
}
