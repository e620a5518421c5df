//! A message was planned, sent, held back or lost.

use contracts::reminders::MessageChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use super::small;
use crate::store::messages::{self, MessageRow};

pub(super) async fn handle(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let events: Vec<MessageChanged> = decode_all(batch)?;
    let rows = events.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(messages::save(conn, rows).await?)
}

fn row(event: MessageChanged) -> Result<MessageRow, HandlerError> {
    Ok(MessageRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        message_id: wire::id("message_id", &event.message_id)?,
        version: wire::version("version", event.version)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        channel: event.channel,
        status: event.status,
        reason: event.reason,
        day: wire::date("day", &event.day)?,
        items: i32::try_from(event.invoice_ids.len())
            .map_err(|_| HandlerError::reject("invoice_ids is out of range"))?,
        level: small("level", event.level)?,
        changed_at: wire::instant("changed_at", event.changed_at.as_ref())?,
    })
}
