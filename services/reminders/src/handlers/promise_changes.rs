//! `promise.changed`: whether a promise still stops reminders (D7).

use contracts::promises::PromiseChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::store::promises::{self, Row};

pub(super) async fn apply(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let rows = decode_all::<PromiseChanged>(batch)?
        .into_iter()
        .map(|event| {
            Ok(Row {
                tenant_id: wire::id("tenant_id", &event.tenant_id)?,
                promise_id: wire::id("promise_id", &event.promise_id)?,
                version: wire::version("version", event.version)?,
                status: event.status,
                promised_date: wire::date("promised_date", &event.promised_date)?,
                invoice_ids: wire::ids("invoice_ids", &event.invoice_ids)?,
            })
        })
        .collect::<Result<Vec<_>, HandlerError>>()?;
    let rows = super::newest(rows, |row| (row.tenant_id, row.promise_id), |row| row.version);
    promises::save(conn, &rows).await?;
    Ok(())
}
