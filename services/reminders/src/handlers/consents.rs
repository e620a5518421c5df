//! `consent.changed`: who may be written to.

use contracts::ingestion::ConsentChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::domain::reach::Consent;
use crate::store::reach::{self, ConsentRow};

pub(super) async fn apply(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let rows = decode_all::<ConsentChanged>(batch)?
        .into_iter()
        .map(|event| {
            let contact_id = wire::optional_id("contact_id", &event.contact_id)?;
            // Whose contact it is, contacts say themselves.
            let customer_id = match contact_id {
                Some(_) => None,
                None => Some(wire::id("customer_id", &event.customer_id)?),
            };
            Ok(ConsentRow {
                tenant_id: wire::id("tenant_id", &event.tenant_id)?,
                consent_id: wire::id("consent_id", &event.consent_id)?,
                version: wire::version("version", event.version)?,
                contact_id,
                customer_id,
                channel: event.channel,
                consent: Consent {
                    status: event.status,
                    cause: event.cause,
                    changed_on: wire::date("changed_on", &event.changed_on)?,
                },
            })
        })
        .collect::<Result<Vec<_>, HandlerError>>()?;
    let rows = super::newest(rows, |row| (row.tenant_id, row.consent_id), |row| row.version);
    reach::save_consents(conn, &rows).await?;
    Ok(())
}
