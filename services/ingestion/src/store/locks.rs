//! Locks on objects that may not exist yet (D13).

use faults::Bug;
use sqlx::PgConnection;
use uuid::Uuid;

/// Locks the objects until the end of the transaction. `ids` are sorted, so that two transactions never wait for each other.
pub(crate) async fn take(conn: &mut PgConnection, tenant_id: Uuid, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    if !faults::seeded(Bug::LostUpdateOnMissingRow) {
        make(conn, tenant_id, ids).await?;
    }
    sqlx::query!(
        "SELECT object_id FROM object_locks WHERE tenant_id = $1 AND object_id = ANY($2) ORDER BY object_id FOR NO KEY UPDATE",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

async fn make(conn: &mut PgConnection, tenant_id: Uuid, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO object_locks (tenant_id, object_id) SELECT $1, id FROM unnest($2::uuid[]) AS new (id) ORDER BY id
         ON CONFLICT DO NOTHING",
        tenant_id,
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}
