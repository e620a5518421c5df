//! A promise was made, paid on, kept or broken.

use contracts::promises::PromiseChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use primitives::{Currency, Money};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::store::promises::{self, PromiseRow};

pub(super) async fn handle(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let events: Vec<PromiseChanged> = decode_all(batch)?;
    let rows = events.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(promises::save(conn, rows).await?)
}

fn row(event: PromiseChanged) -> Result<PromiseRow, HandlerError> {
    let currency = Currency::parse(&event.currency)?;
    let paid =
        if event.paid_amount.is_empty() { Decimal::ZERO } else { Money::parse(&event.paid_amount, currency)?.amount() };
    Ok(PromiseRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        promise_id: wire::id("promise_id", &event.promise_id)?,
        version: wire::version("version", event.version)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        currency: currency.to_string(),
        amount: Money::parse(&event.amount, currency)?.amount(),
        paid_amount: paid,
        made_on: wire::date("made_on", &event.made_on)?,
        promised_date: wire::date("promised_date", &event.promised_date)?,
        status: event.status,
        changed_at: wire::instant("changed_at", event.changed_at.as_ref())?,
    })
}
