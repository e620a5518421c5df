//! A customer came to be known or changed.

use contracts::ingestion::CustomerChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::store::customers::{self, CustomerRow};

pub(super) async fn handle(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let events: Vec<CustomerChanged> = decode_all(batch)?;
    let rows = events.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(customers::save(conn, rows).await?)
}

/// The name of a natural person is not ours to keep (L5), even if a writer should send one.
fn row(event: CustomerChanged) -> Result<CustomerRow, HandlerError> {
    let natural_person = event.party_kind == "natural_person";
    Ok(CustomerRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        version: wire::version("version", event.version)?,
        code: event.code,
        name: if natural_person { String::new() } else { event.name },
        party_kind: event.party_kind,
        country: event.country,
        payer_id: wire::optional_id("payer_id", &event.payer_id)?,
    })
}
