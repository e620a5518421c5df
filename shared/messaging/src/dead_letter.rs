//! What can never be applied: kept whole with its reason until a person re-drives it (D15).

use contracts::Stream;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::consumer::Delivery;

/// Records one poisoned event in the transaction of its batch. The event counts as handled from then on.
pub(crate) async fn record(
    conn: &mut PgConnection,
    stream: Stream,
    delivery: &Delivery,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO dead_letter (event_id, tenant_id, customer_id, stream, stream_seq, subject, reason, payload)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (event_id) DO NOTHING",
    )
    .bind(delivery.event_id)
    .bind(delivery.tenant_id)
    .bind(delivery.customer_id)
    .bind(stream.name)
    .bind(i64::try_from(delivery.stream_seq).unwrap_or(i64::MAX))
    .bind(&delivery.subject)
    .bind(reason)
    .bind(delivery.payload.as_ref())
    .execute(conn)
    .await?;
    Ok(())
}

/// Of `customers`, those with an event that waits for a person: nothing may be sent to them (D11).
pub async fn blocked_customers(
    conn: &mut PgConnection,
    tenant_ids: &[Uuid],
    customer_ids: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT DISTINCT d.tenant_id, d.customer_id FROM dead_letter d
         JOIN unnest($1::uuid[], $2::uuid[]) AS asked (tenant_id, customer_id)
           ON asked.tenant_id = d.tenant_id AND asked.customer_id = d.customer_id",
    )
    .bind(tenant_ids)
    .bind(customer_ids)
    .fetch_all(conn)
    .await
}
