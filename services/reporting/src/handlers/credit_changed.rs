//! A payment, credit note or withholding came in, or moved.

use contracts::ingestion::CreditChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use primitives::{Currency, Money};
use sqlx::PgConnection;

use crate::store::credits::{self, CreditRow};

pub(super) async fn handle(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let events: Vec<CreditChanged> = decode_all(batch)?;
    let rows = events.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(credits::save(conn, rows).await?)
}

fn row(event: CreditChanged) -> Result<CreditRow, HandlerError> {
    let currency = Currency::parse(&event.currency)?;
    let money = |text: &str| Money::parse(text, currency).map(|money| money.amount());
    Ok(CreditRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        credit_id: wire::id("credit_id", &event.credit_id)?,
        version: wire::version("version", event.version)?,
        legal_entity_id: wire::id("legal_entity_id", &event.legal_entity_id)?,
        payer_id: wire::id("payer_id", &event.payer_id)?,
        kind: event.kind,
        currency: currency.to_string(),
        amount: money(&event.amount)?,
        applied: money(&event.applied)?,
        on_account: money(&event.on_account)?,
        waiting: money(&event.waiting)?,
        held: money(&event.held)?,
        value_date: wire::date("value_date", &event.value_date)?,
        recorded_at: wire::instant("recorded_at", event.recorded_at.as_ref())?,
    })
}
