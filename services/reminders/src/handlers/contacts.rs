//! `contact.changed`: the only event with personal data (L5).

use contracts::ingestion::ContactChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::domain::recipient::Contact;
use crate::store::contacts::{self, Row};

pub(super) async fn apply(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let rows = decode_all::<ContactChanged>(batch)?
        .into_iter()
        .map(|event| {
            Ok(Row {
                tenant_id: wire::id("tenant_id", &event.tenant_id)?,
                customer_id: wire::id("customer_id", &event.customer_id)?,
                version: wire::version("version", event.version)?,
                contact: Contact {
                    id: wire::id("contact_id", &event.contact_id)?,
                    role: event.role,
                    name: event.name,
                    email: event.email,
                    language: event.language,
                    active: event.active,
                },
            })
        })
        .collect::<Result<Vec<_>, HandlerError>>()?;
    let rows = super::newest(rows, |row| (row.tenant_id, row.contact.id), |row| row.version);
    contacts::save(conn, &rows).await?;
    Ok(())
}
