//! A due step of an invoice was decided.

use contracts::reminders::ReminderDecided;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use super::small;
use crate::store::decisions::{self, DecisionRow};

pub(super) async fn handle(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let events: Vec<ReminderDecided> = decode_all(batch)?;
    let rows = events.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(decisions::save(conn, rows).await?)
}

fn row(event: ReminderDecided) -> Result<DecisionRow, HandlerError> {
    Ok(DecisionRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        decision_id: wire::id("decision_id", &event.decision_id)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        invoice_id: wire::id("invoice_id", &event.invoice_id)?,
        step: small("step", event.step)?,
        outcome: event.outcome,
        reason: event.reason,
        message_id: wire::optional_id("message_id", &event.message_id)?,
        day: wire::date("day", &event.day)?,
        decided_at: wire::instant("decided_at", event.decided_at.as_ref())?,
    })
}
