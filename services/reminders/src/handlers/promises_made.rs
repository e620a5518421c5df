//! `promise.made`: reminders for its invoices stop at once (D7). `promise.withdrawn` is left to promises, whose word lifts
//! the stop.

use contracts::ingestion::PromiseMade;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::store::promises::{self, Row};

pub(super) async fn apply(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let rows = decode_all::<PromiseMade>(batch)?
        .into_iter()
        .map(|event| {
            Ok(Row {
                tenant_id: wire::id("tenant_id", &event.tenant_id)?,
                promise_id: wire::id("promise_id", &event.promise_id)?,
                version: 0,
                status: String::new(),
                promised_date: wire::date("promised_date", &event.promised_date)?,
                invoice_ids: wire::ids("invoice_ids", &event.invoice_ids)?,
            })
        })
        .collect::<Result<Vec<_>, HandlerError>>()?;
    let rows = super::newest(rows, |row| (row.tenant_id, row.promise_id), |row| row.version);
    promises::save(conn, &rows).await?;
    Ok(())
}
