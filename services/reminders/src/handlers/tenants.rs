//! `tenant.changed` and `api_key.changed`.

use std::collections::{BTreeMap, BTreeSet};

use contracts::ingestion::TenantChanged;
use contracts::wire::{self, Malformed};
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::store::keys::Key;
use crate::store::{customers, strategies, tenant_settings};

/// Projects tenants and keys, and gives new tenants their strategies. Returns the customers whose plans may change with
/// their tenant's zone or hour.
pub(super) async fn apply(conn: &mut PgConnection, batch: &[Delivery]) -> Result<Vec<Key>, HandlerError> {
    let mut chosen: BTreeMap<Uuid, tenant_settings::Row> = BTreeMap::new();
    for tenant in decode_all::<TenantChanged>(batch)? {
        let row = settings(&tenant)?;
        if chosen.get(&row.tenant_id).is_none_or(|known| known.version < row.version) {
            chosen.insert(row.tenant_id, row);
        }
    }
    let tenants: BTreeSet<Uuid> = chosen.keys().copied().collect();
    let in_order: Vec<_> = tenants.iter().copied().collect();
    customers::lock_coming_tenants(conn, &in_order).await?;
    runtime::access::apply(conn, batch).await?;
    if tenants.is_empty() {
        return Ok(Vec::new());
    }
    tenant_settings::save(conn, &chosen.into_values().collect::<Vec<_>>()).await?;
    strategies::seed(conn, &tenants).await?;
    Ok(customers::of_tenants(conn, &in_order).await?)
}

fn settings(tenant: &TenantChanged) -> Result<tenant_settings::Row, HandlerError> {
    let days = tenant.late_delivery_days.map(i32::try_from).transpose();
    Ok(tenant_settings::Row {
        tenant_id: wire::id("tenant_id", &tenant.tenant_id)?,
        version: wire::version("version", tenant.version)?,
        late_delivery_days: days.map_err(|_| Malformed { field: "late_delivery_days", expected: "a small number" })?,
    })
}
