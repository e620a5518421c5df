//! The portfolio as it is published, for what other rules would make of it.

use sqlx::PgConnection;
use uuid::Uuid;

/// A customer with its published segment; `None` before its first score.
#[derive(Debug)]
pub(crate) struct Portfolio {
    pub customer_id: Uuid,
    pub code: String,
    pub segment: Option<String>,
}

/// At most `limit` customers whose ids come after `after`, in their order.
pub(crate) async fn page(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Portfolio>, sqlx::Error> {
    sqlx::query_as!(
        Portfolio,
        r#"SELECT c.customer_id, c.code, p.segment AS "segment?" FROM customers c
           LEFT JOIN published_scores p ON p.tenant_id = c.tenant_id AND p.customer_id = c.customer_id
           WHERE c.tenant_id = $1 AND c.customer_id > $2 ORDER BY c.customer_id LIMIT $3"#,
        tenant_id,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}
