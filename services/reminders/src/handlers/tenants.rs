//! `tenant.changed` and `api_key.changed`.

use std::collections::BTreeSet;

use contracts::ingestion::TenantChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::store::keys::Key;
use crate::store::{customers, strategies};

/// Projects tenants and keys, and gives new tenants their strategies. Returns the customers whose plans may change with
/// their tenant's zone or hour.
pub(super) async fn apply(conn: &mut PgConnection, batch: &[Delivery]) -> Result<Vec<Key>, HandlerError> {
    let tenants = decode_all::<TenantChanged>(batch)?
        .iter()
        .map(|tenant| wire::id("tenant_id", &tenant.tenant_id))
        .collect::<Result<BTreeSet<_>, _>>()?;
    let in_order: Vec<_> = tenants.iter().copied().collect();
    customers::lock_coming_tenants(conn, &in_order).await?;
    runtime::access::apply(conn, batch).await?;
    if tenants.is_empty() {
        return Ok(Vec::new());
    }
    strategies::seed(conn, &tenants).await?;
    Ok(customers::of_tenants(conn, &in_order).await?)
}
