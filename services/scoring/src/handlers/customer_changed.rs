//! `customer.changed`: a customer, the group it belongs to and who pays for it. A customer that turns out to belong to
//! another group has been learned into the wrong one, from its first invoice on; and whoever pays its invoices pays for
//! others.

use std::collections::BTreeMap;

use contracts::ingestion::CustomerChanged;
use contracts::wire;
use messaging::HandlerError;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Dirty;
use crate::store::customers::{self, CustomerRow};
use crate::store::{assessments, invoices};

pub(super) type Newest = BTreeMap<(Uuid, Uuid), CustomerRow>;

/// The newest version of every customer in the batch.
pub(super) fn read(events: &[CustomerChanged]) -> Result<Newest, HandlerError> {
    let mut newest = Newest::new();
    for event in events {
        let customer_id = wire::id("customer_id", &event.customer_id)?;
        let row = CustomerRow {
            tenant_id: wire::id("tenant_id", &event.tenant_id)?,
            customer_id,
            version: wire::version("version", event.version)?,
            code: event.code.clone(),
            country: event.country.clone(),
            payer_id: wire::optional_id("payer_id", &event.payer_id)?.unwrap_or(customer_id),
        };
        let key = (row.tenant_id, row.customer_id);
        if newest.get(&key).is_none_or(|known| known.version < row.version) {
            newest.insert(key, row);
        }
    }
    Ok(newest)
}

pub(super) async fn apply(conn: &mut PgConnection, newest: &Newest, dirty: &mut Dirty) -> Result<(), HandlerError> {
    if newest.is_empty() {
        return Ok(());
    }
    let known = customers::known(conn, newest.keys().copied()).await?;
    let moved: Vec<(Uuid, Uuid)> = newest
        .iter()
        .filter(|(key, row)| {
            known.get(*key).is_some_and(|known| {
                known.version < row.version && (&known.country, known.payer_id) != (&row.country, row.payer_id)
            })
        })
        .map(|(key, _)| *key)
        .collect();
    if !moved.is_empty() {
        for ((tenant_id, _), day) in invoices::first_issued(conn, moved.iter().copied()).await? {
            dirty.from(tenant_id, day);
        }
        // Of whom nothing is learned yet, all that was said is the habit of the other group.
        assessments::forget_presumed(conn, &moved).await?;
    }
    customers::save(conn, &newest.values().cloned().collect::<Vec<_>>()).await?;
    Ok(customers::ensure(conn, &newest.keys().copied().collect()).await?)
}
