//! Deadlines that were derived with other zone rules than this build knows (P3): derived again once after a start.

use std::sync::atomic::{AtomicBool, Ordering};

use runtime::Sweep;
use sqlx::PgPool;

use crate::store;

pub(crate) struct ZoneRules {
    pool: PgPool,
    batch: i64,
    done: AtomicBool,
}

impl ZoneRules {
    pub(crate) fn new(pool: PgPool, batch: i64) -> Self {
        Self { pool, batch, done: AtomicBool::new(false) }
    }
}

impl Sweep for ZoneRules {
    fn name(&self) -> &'static str {
        "zone_rules"
    }

    async fn run(&self) -> anyhow::Result<bool> {
        if self.done.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let mut tx = self.pool.begin().await?;
        let (moved, maybe_more) = store::promises::derive_deadlines_again(&mut tx, self.batch).await?;
        tx.commit().await?;
        for (key, before, after) in moved {
            tracing::warn!(promise.id = %key.promise_id, %before, %after, "deadline moved with the zone's rules");
        }
        self.done.store(!maybe_more, Ordering::Relaxed);
        Ok(maybe_more)
    }
}
