//! Customers: who they are to their tenant, and the group they belong to.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

/// A customer as `customer.changed` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomerRow {
    pub tenant_id: Uuid,
    pub customer_id: Uuid,
    pub version: i64,
    pub code: String,
    pub country: String,
    /// Who pays its invoices.
    pub payer_id: Uuid,
}

/// What of a customer decides what is learned from its invoices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub version: i64,
    pub country: String,
    pub payer_id: Uuid,
}

/// Those of the customers that are known.
pub(crate) async fn known(
    conn: &mut PgConnection,
    keys: impl Iterator<Item = (Uuid, Uuid)>,
) -> Result<BTreeMap<(Uuid, Uuid), Known>, sqlx::Error> {
    let (tenants, customers): (Vec<Uuid>, Vec<Uuid>) = keys.unzip();
    let rows = sqlx::query!(
        "SELECT c.tenant_id, c.customer_id, c.version, c.country, c.payer_id
         FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id) CROSS JOIN LATERAL (
             SELECT * FROM customers WHERE tenant_id = k.tenant_id AND customer_id = k.customer_id OFFSET 0) c",
        &tenants,
        &customers
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| {
        let known = Known { version: row.version, country: row.country, payer_id: row.payer_id };
        ((row.tenant_id, row.customer_id), known)
    });
    Ok(known.collect())
}

/// Writes the customers unless a newer version is there.
pub(crate) async fn save(conn: &mut PgConnection, rows: &[CustomerRow]) -> Result<(), sqlx::Error> {
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.tenant_id).collect();
    let customers: Vec<Uuid> = rows.iter().map(|row| row.customer_id).collect();
    let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
    let codes: Vec<String> = rows.iter().map(|row| row.code.clone()).collect();
    let countries: Vec<String> = rows.iter().map(|row| row.country.clone()).collect();
    let payers: Vec<Uuid> = rows.iter().map(|row| row.payer_id).collect();
    sqlx::query!(
        "INSERT INTO customers AS c (tenant_id, customer_id, version, code, country, payer_id)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::uuid[])
         ON CONFLICT (tenant_id, customer_id) DO UPDATE SET version = excluded.version, code = excluded.code,
           country = excluded.country, payer_id = excluded.payer_id
         WHERE c.version < excluded.version",
        &tenants,
        &customers,
        &versions,
        &codes,
        &countries,
        &payers
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes sure that customers whom only an invoice has named exist, that all of them get a score, and that what they owe is
/// foretold again.
pub(crate) async fn ensure(conn: &mut PgConnection, keys: &BTreeSet<(Uuid, Uuid)>) -> Result<(), sqlx::Error> {
    let (tenants, customers): (Vec<Uuid>, Vec<Uuid>) = keys.iter().copied().unzip();
    sqlx::query!(
        "WITH named AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id)),
              stubs AS (INSERT INTO customers (tenant_id, customer_id, version, code, country, payer_id)
                SELECT tenant_id, customer_id, 0, '', '', customer_id FROM named ON CONFLICT DO NOTHING),
              stale AS (INSERT INTO stale_outlooks (tenant_id, customer_id)
                SELECT tenant_id, customer_id FROM named ON CONFLICT DO NOTHING)
         INSERT INTO published_scores (tenant_id, customer_id, pending)
         SELECT tenant_id, customer_id, true FROM named ON CONFLICT DO NOTHING",
        &tenants,
        &customers
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The groups of these customers.
pub(crate) async fn groups(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customers: &[Uuid],
) -> Result<BTreeMap<Uuid, String>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT customer_id, country FROM customers WHERE tenant_id = $1 AND customer_id = ANY($2)",
        tenant_id,
        customers
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.customer_id, row.country)).collect())
}

/// The tenant's customers after `after`, at most `limit`.
pub(crate) async fn page(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT customer_id FROM customers WHERE tenant_id = $1 AND customer_id > $2 ORDER BY customer_id LIMIT $3",
        tenant_id,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// By payer, all customers that the payers of these customers pay for; only where there are several.
pub(crate) async fn siblings(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customers: &[Uuid],
) -> Result<Vec<BTreeSet<Uuid>>, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        r#"SELECT array_agg(s.customer_id) AS "customers!"
           FROM (SELECT DISTINCT payer_id FROM customers WHERE tenant_id = $1 AND customer_id = ANY($2)) p
           JOIN customers s ON s.tenant_id = $1 AND s.payer_id = p.payer_id
           GROUP BY p.payer_id HAVING count(*) > 1"#,
        tenant_id,
        customers
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(BTreeSet::from_iter).collect())
}

/// The customer of this code; the lowest id where two sources use the same.
pub(crate) async fn by_code(conn: &mut PgConnection, tenant_id: Uuid, code: &str) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT customer_id FROM customers WHERE tenant_id = $1 AND code = $2 ORDER BY customer_id LIMIT 1",
        tenant_id,
        code
    )
    .fetch_optional(conn)
    .await
}
