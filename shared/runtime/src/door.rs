//! What a request may use.

use messaging::Wake;
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

use crate::clock::Clock;
use crate::problem::Problem;

/// State of every HTTP handler.
#[derive(Debug, Clone)]
pub struct Door {
    pub pool: PgPool,
    pub clock: Clock,
    pub wake: Wake,
}

impl Door {
    /// A transaction that sees the rows of one tenant. The setting ends with the transaction, so that a pooled connection
    /// never carries it to the next request (T3).
    pub async fn begin(&self, tenant_id: Uuid) -> Result<Transaction<'static, Postgres>, Problem> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("SELECT set_config('app.tenant', $1, true)").bind(tenant_id.to_string()).execute(&mut *tx).await?;
        Ok(tx)
    }
}
