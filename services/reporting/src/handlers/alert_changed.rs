//! An alert was raised or cleared.

use contracts::promises::AlertChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use primitives::{Currency, Money};
use sqlx::PgConnection;

use crate::store::alerts::{self, AlertRow};

pub(super) async fn handle(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let events: Vec<AlertChanged> = decode_all(batch)?;
    let rows = events.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(alerts::save(conn, rows).await?)
}

fn row(event: AlertChanged) -> Result<AlertRow, HandlerError> {
    let money = match event.amount.as_str() {
        "" => None,
        amount => Some(Money::parse(amount, Currency::parse(&event.currency)?)?),
    };
    Ok(AlertRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        alert_id: wire::id("alert_id", &event.alert_id)?,
        version: wire::version("version", event.version)?,
        kind: event.kind,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        subject_id: wire::id("subject_id", &event.subject_id)?,
        status: event.status,
        currency: money.map(|money| money.currency().to_string()),
        amount: money.map(|money| money.amount()),
        raised_at: wire::instant("raised_at", event.raised_at.as_ref())?,
        cleared_at: wire::optional_instant("cleared_at", event.cleared_at.as_ref())?,
    })
}
