//! `hold.changed`: what is paused, and until when.

use contracts::ingestion::HoldChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::domain::hold::{Hold, Period};
use crate::store::holds::{self, Row};

pub(super) async fn apply(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let rows = decode_all::<HoldChanged>(batch)?
        .into_iter()
        .map(|event| {
            Ok(Row {
                tenant_id: wire::id("tenant_id", &event.tenant_id)?,
                version: wire::version("version", event.version)?,
                customer_id: wire::id("customer_id", &event.customer_id)?,
                invoice_ids: wire::ids("invoice_ids", &event.invoice_ids)?,
                hold: Hold { hold_id: wire::id("hold_id", &event.hold_id)?, kind: event.kind },
                period: Period {
                    placed_on: wire::date("placed_on", &event.placed_on)?,
                    until: wire::optional_date("until", &event.until)?,
                    lifted_on: wire::optional_date("lifted_on", &event.lifted_on)?,
                },
            })
        })
        .collect::<Result<Vec<_>, HandlerError>>()?;
    let rows = super::newest(rows, |row| (row.tenant_id, row.hold.hold_id), |row| row.version);
    holds::save(conn, &rows).await?;
    Ok(())
}
