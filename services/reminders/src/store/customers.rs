//! Customers: master data, segment, and the row that everything about a customer's plan is locked by.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::keys::{Key, Keys};

/// What a customer's plan depended on when it was locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Locked {
    pub(crate) time_zone: String,
    pub(crate) segment: String,
}

/// Locks the customers, making the rows that do not exist yet (D13); returns each as it is. Whoever changes what a
/// plan depends on holds this lock, so that two of them never plan from half of each other's facts. The tenants come
/// first: their zone and hour must not change under the plan.
pub(crate) async fn lock(conn: &mut PgConnection, keys: &Keys) -> Result<BTreeMap<Key, Locked>, sqlx::Error> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    lock_tenants(conn, keys).await?;
    sqlx::query!(
        "INSERT INTO customers (tenant_id, customer_id)
         SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT DO NOTHING",
        &keys.tenants,
        &keys.ids,
    )
    .execute(&mut *conn)
    .await?;
    let locked = sqlx::query!(
        "SELECT c.tenant_id, c.customer_id, c.time_zone, c.segment
         FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id) CROSS JOIN LATERAL (
           SELECT tenant_id, customer_id, time_zone, segment FROM customers
           WHERE tenant_id = k.tenant_id AND customer_id = k.customer_id OFFSET 0 FOR NO KEY UPDATE) c",
        &keys.tenants,
        &keys.ids,
    )
    .fetch_all(conn)
    .await?;
    let as_it_is = |time_zone, segment| Locked { time_zone, segment };
    Ok(locked.into_iter().map(|row| ((row.tenant_id, row.customer_id), as_it_is(row.time_zone, row.segment))).collect())
}

/// Keeps the tenants of these rows as they are until the end of the transaction, also those that have not come (D13): else
/// one who plans for a tenant that is just coming, and the one that brings it, would each miss the other's rows.
pub(crate) async fn lock_tenants(conn: &mut PgConnection, keys: &Keys) -> Result<(), sqlx::Error> {
    let mut tenants = keys.tenants.clone();
    tenants.dedup();
    sqlx::query!(
        r#"SELECT count(pg_advisory_xact_lock_shared(hashtextextended(t::text, 0))) AS "locked!"
           FROM unnest($1::uuid[]) AS k (t)"#,
        &tenants
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!("SELECT tenant_id FROM tenants WHERE tenant_id = ANY($1) ORDER BY tenant_id FOR SHARE", &tenants)
        .fetch_all(conn)
        .await?;
    Ok(())
}

/// Keeps everybody away from these tenants, in ascending order, whether they have come or not.
pub(crate) async fn lock_coming_tenants(conn: &mut PgConnection, tenants: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"SELECT count(pg_advisory_xact_lock(hashtextextended(t::text, 0))) AS "locked!" FROM unnest($1::uuid[]) AS k (t)"#,
        tenants
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// The customers of these tenants.
pub(crate) async fn of_tenants(conn: &mut PgConnection, tenants: &[Uuid]) -> Result<Vec<Key>, sqlx::Error> {
    let rows = sqlx::query!("SELECT tenant_id, customer_id FROM customers WHERE tenant_id = ANY($1)", tenants)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.customer_id)).collect())
}

/// Master data of one customer.
#[derive(Debug, Clone)]
pub(crate) struct MasterData {
    pub(crate) tenant_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) version: i64,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) time_zone: String,
    pub(crate) language: String,
    pub(crate) requires_submission: bool,
    pub(crate) provisional: bool,
}

/// Upserts if newer. One row per key.
pub(crate) async fn save(conn: &mut PgConnection, rows: &[MasterData]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&MasterData) -> &String| rows.iter().map(of).cloned().collect::<Vec<String>>();
    sqlx::query!(
        "INSERT INTO customers AS c (tenant_id, customer_id, version, code, name, time_zone, language, provisional,
           requires_submission)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
                              $8::boolean[], $9::boolean[])
         ON CONFLICT (tenant_id, customer_id) DO UPDATE SET version = excluded.version, code = excluded.code,
           name = excluded.name, time_zone = excluded.time_zone, language = excluded.language,
           provisional = excluded.provisional, requires_submission = excluded.requires_submission
         WHERE c.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &text(|row| &row.code),
        &text(|row| &row.name),
        &text(|row| &row.time_zone),
        &text(|row| &row.language),
        &rows.iter().map(|row| row.provisional).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.requires_submission).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A segment as scoring assigned it.
#[derive(Debug, Clone)]
pub(crate) struct Assigned {
    pub(crate) tenant_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) version: i64,
    pub(crate) segment: String,
}

/// Updates if newer. One row per key; the customers are locked, so they exist.
pub(crate) async fn save_segments(conn: &mut PgConnection, rows: &[Assigned]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE customers c SET segment = n.segment, segment_version = n.version
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[]) AS n (tenant_id, customer_id, version, segment)
         WHERE c.tenant_id = n.tenant_id AND c.customer_id = n.customer_id AND c.segment_version < n.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.segment.clone()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
