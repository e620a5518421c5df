//! Claims: which customers a batch decides about, so that replicas share the work.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::keys::{Key, Keys};
use super::plan::window;
use crate::domain::plan::SendWindow;

/// A customer that is due, and when it may be written to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimed {
    pub(crate) tenant_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) window: SendWindow,
}

impl Claimed {
    pub(crate) fn key(&self) -> Key {
        (self.tenant_id, self.customer_id)
    }
}

/// Claims customers of these tenants that are due, those that have waited longest first; in order of key. The lease counts
/// from the start of the transaction, as that of the message does: both end at one instant.
pub(crate) async fn take(
    conn: &mut PgConnection,
    tenants: &[Uuid],
    now: DateTime<Utc>,
    claim_id: Uuid,
    lease_seconds: f64,
    limit: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query!(
        "WITH due AS (
           SELECT c.tenant_id, c.customer_id FROM customers c
           WHERE c.next_due_at <= $1 AND c.tenant_id = ANY($2) AND c.claim_id IS NULL
           ORDER BY c.next_due_at, c.tenant_id, c.customer_id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
         UPDATE customers c SET claim_id = $4, claimed_until = now() + make_interval(secs => $5)
         FROM due JOIN tenants t USING (tenant_id)
         WHERE c.tenant_id = due.tenant_id AND c.customer_id = due.customer_id
         RETURNING c.tenant_id, c.customer_id, c.time_zone, t.time_zone AS tenant_zone, t.send_hour",
        now,
        tenants,
        limit,
        claim_id,
        lease_seconds,
    )
    .fetch_all(conn)
    .await?;
    let mut claimed: Vec<Claimed> = rows
        .into_iter()
        .map(|row| Claimed {
            tenant_id: row.tenant_id,
            customer_id: row.customer_id,
            window: window(&row.time_zone, &row.tenant_zone, row.send_hour),
        })
        .collect();
    claimed.sort_by_key(Claimed::key);
    Ok(claimed)
}

/// Locks those of the customers that the claim still holds: a lease that ran out may have been taken over.
pub(crate) async fn still_held(conn: &mut PgConnection, claim_id: Uuid, customers: &Keys) -> Result<Keys, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT c.tenant_id, c.customer_id
         FROM customers c JOIN unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id) USING (tenant_id, customer_id)
         WHERE c.claim_id = $3 ORDER BY c.tenant_id, c.customer_id FOR NO KEY UPDATE OF c",
        &customers.tenants,
        &customers.ids,
        claim_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.customer_id)).collect())
}

/// Gives back what the claim still holds.
pub(crate) async fn release(conn: &mut PgConnection, claim_id: Uuid, customers: &Keys) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE customers c SET claim_id = NULL, claimed_until = NULL
         FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id)
         WHERE c.tenant_id = k.tenant_id AND c.customer_id = k.customer_id AND c.claim_id = $3",
        &customers.tenants,
        &customers.ids,
        claim_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Frees customers whose claim has run out in real time.
pub(crate) async fn expire(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE customers SET claim_id = NULL, claimed_until = NULL WHERE claimed_until <= now()")
        .execute(conn)
        .await?;
    Ok(())
}

/// Leaves customers alone until an instant of business time. Renewing their plans afterwards may find an earlier step.
pub(crate) async fn leave_alone(conn: &mut PgConnection, until: &[(Key, DateTime<Utc>)]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE customers c SET not_before = n.not_before,
           next_due_at = CASE WHEN c.next_due_at IS NOT NULL THEN greatest(c.next_due_at, n.not_before) END
         FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS n (tenant_id, customer_id, not_before)
         WHERE c.tenant_id = n.tenant_id AND c.customer_id = n.customer_id",
        &until.iter().map(|((tenant_id, _), _)| *tenant_id).collect::<Vec<_>>(),
        &until.iter().map(|((_, customer_id), _)| *customer_id).collect::<Vec<_>>(),
        &until.iter().map(|(_, until)| *until).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
