//! Locks on objects that may not exist yet (D13).

use std::collections::BTreeSet;

use faults::Bug;
use sqlx::PgConnection;
use uuid::Uuid;

/// Locks the objects until the end of the transaction. `ids` are sorted, so that two transactions never wait for each other.
pub(crate) async fn take(conn: &mut PgConnection, tenant_id: Uuid, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    // Whoever comes later waits for a row that is new here until it is decided: it needs no lock of its own.
    let new =
        if faults::seeded(Bug::LostUpdateOnMissingRow) { BTreeSet::new() } else { make(conn, tenant_id, ids).await? };
    let old: Vec<Uuid> = ids.iter().filter(|id| !new.contains(id)).copied().collect();
    if old.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "SELECT l.object_id FROM unnest($2::uuid[]) AS k (object_id) CROSS JOIN LATERAL (
             SELECT object_id FROM object_locks WHERE tenant_id = $1 AND object_id = k.object_id
             OFFSET 0 FOR NO KEY UPDATE) l",
        tenant_id,
        &old
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Makes the rows of objects that nobody has locked before; returns these.
async fn make(conn: &mut PgConnection, tenant_id: Uuid, ids: &[Uuid]) -> Result<BTreeSet<Uuid>, sqlx::Error> {
    let new = sqlx::query_scalar!(
        "INSERT INTO object_locks (tenant_id, object_id) SELECT $1, id FROM unnest($2::uuid[]) AS new (id) ORDER BY id
         ON CONFLICT DO NOTHING RETURNING object_id",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(new.into_iter().collect())
}
