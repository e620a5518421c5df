//! Keys of batches, each with what was answered.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A batch that was here before.
#[derive(Debug)]
pub(crate) struct KeptRow {
    pub(crate) sha256: Vec<u8>,
    pub(crate) report: Option<Value>,
}

/// Takes a key for this transaction, or says what it stands for already. A key that another transaction is taking is waited
/// for; what was recorded before `forgotten_before` is as if it had never been.
pub(crate) async fn claim(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    forgotten_before: DateTime<Utc>,
    (key, sha256): (&str, &[u8]),
) -> Result<Option<KeptRow>, sqlx::Error> {
    let claimed = sqlx::query_scalar!(
        r#"INSERT INTO batch_keys AS k (tenant_id, batch_key, sha256, recorded_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (tenant_id, batch_key) DO UPDATE
               SET sha256 = excluded.sha256, report = NULL, recorded_at = excluded.recorded_at WHERE k.recorded_at < $5
           RETURNING true AS "claimed!""#,
        tenant_id,
        key,
        sha256,
        now,
        forgotten_before
    )
    .fetch_optional(&mut *conn)
    .await?;
    if claimed.is_some() {
        return Ok(None);
    }
    sqlx::query_as!(
        KeptRow,
        "SELECT sha256, report FROM batch_keys WHERE tenant_id = $1 AND batch_key = $2",
        tenant_id,
        key
    )
    .fetch_optional(conn)
    .await
}

/// Keeps what is answered to the batch of a key that this transaction has claimed.
pub(crate) async fn answer(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    key: &str,
    report: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE batch_keys SET report = $3 WHERE tenant_id = $1 AND batch_key = $2", tenant_id, key, report)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets some of the oldest keys; more go with each batch. Those that another transaction forgets are left to it.
pub(crate) async fn forget(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM batch_keys WHERE tenant_id = $1 AND batch_key IN (
             SELECT batch_key FROM batch_keys WHERE tenant_id = $1 AND recorded_at < $2
             ORDER BY recorded_at LIMIT $3 FOR UPDATE SKIP LOCKED)",
        tenant_id,
        before,
        limit
    )
    .execute(conn)
    .await?;
    Ok(())
}
