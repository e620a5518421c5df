//! Scoring said how likely a customer pays late.

use contracts::scoring::CustomerScored;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::store::scores::{self, ScoreRow};

pub(super) async fn handle(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let events: Vec<CustomerScored> = decode_all(batch)?;
    let rows = events.iter().map(row).collect::<Result<_, _>>()?;
    Ok(scores::save_scores(conn, rows).await?)
}

fn row(event: &CustomerScored) -> Result<ScoreRow, HandlerError> {
    Ok(ScoreRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        version: wire::version("version", event.version)?,
        p_late: wire::decimal("p_late", &event.p_late)?,
        mean_days_late: wire::optional_decimal("mean_days_late", &event.mean_days_late)?,
        observations: i64::from(event.observations),
        scored_at: wire::instant("scored_at", event.scored_at.as_ref())?,
    })
}
