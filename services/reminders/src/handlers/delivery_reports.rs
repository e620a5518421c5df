//! `delivery.reported`: what became of messages after they were handed off.

use contracts::ingestion::DeliveryReported;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::store::reach::{self, ReportRow};

pub(super) async fn apply(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let rows = decode_all::<DeliveryReported>(batch)?
        .into_iter()
        .map(|event| {
            Ok(ReportRow {
                tenant_id: wire::id("tenant_id", &event.tenant_id)?,
                report_id: wire::id("report_id", &event.report_id)?,
                message_id: wire::optional_id("message_id", &event.message_id)?,
                contact_id: wire::optional_id("contact_id", &event.contact_id)?,
                channel: event.channel,
                outcome: event.outcome,
                permanent: event.permanent,
                reported_at: wire::instant("reported_at", event.reported_at.as_ref())?,
            })
        })
        .collect::<Result<Vec<_>, HandlerError>>()?;
    let rows = super::newest(rows, |row| (row.tenant_id, row.report_id), |_| 0);
    reach::save_reports(conn, &rows).await?;
    Ok(())
}
