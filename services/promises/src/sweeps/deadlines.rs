//! Promises whose deadline has come, and those about which news contradicts an earlier conclusion.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contracts::stream;
use faults::Bug;
use messaging::{Barrier, Wake, dead_letter};
use runtime::{Clock, Sweep};
use sqlx::PgPool;
use uuid::Uuid;

use crate::domain::coverage::Coverage;
use crate::domain::judgement::Moment;
use crate::domain::policy::Policy;
use crate::judge::judge_all;
use crate::{store, timers};

pub(crate) struct Deadlines {
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) barrier: Barrier,
    pub(crate) wake: Wake,
    pub(crate) policy: Arc<Policy>,
    /// Promises in one transaction.
    pub(crate) batch: i64,
}

impl Sweep for Deadlines {
    fn name(&self) -> &'static str {
        "promises_due"
    }

    #[tracing::instrument(name = "sweep.promises_due", skip_all)]
    async fn run(&self) -> anyhow::Result<bool> {
        // The time is read before the barrier: whatever was accepted before it is known after the barrier, so that no
        // payment accepted in time is missed (P4).
        let mut conn = self.pool.acquire().await?;
        let now = self.clock.now(&mut conn).await?;
        if !store::promises::any_due(&mut conn, now).await? {
            return Ok(false);
        }
        // So is the coverage: what comes behind the barrier may have overtaken the payments that it vouches for.
        let vouched = store::sources::coverage(&mut conn, None).await?;
        drop(conn);
        self.barrier.pass(stream::INGESTION).await?;

        let mut tx = self.pool.begin().await?;
        let mut due = store::promises::lock_due(&mut tx, now, self.batch).await?;
        if faults::seeded(Bug::PromiseTimerInMemory) {
            due.retain(|standing| timers::runs(standing.promise.key));
        }
        let count = due.len();
        let (tenant_ids, customer_ids): (Vec<Uuid>, Vec<Uuid>) =
            due.iter().map(|standing| (standing.promise.key.tenant_id, standing.promise.customer_id)).unzip();
        // An event of the customer that waits for a person may be the payment: as good as a source that is behind.
        let blocked: BTreeSet<_> =
            dead_letter::blocked_customers(&mut tx, &tenant_ids, &customer_ids).await?.into_iter().collect();
        let coverage = store::sources::coverage(&mut tx, Some(&tenant_ids)).await?;
        // A deadline that only the newest coverage reaches stays due, for the next barrier.
        due.retain(|standing| {
            let reached = |coverage: &BTreeMap<Uuid, Coverage>| {
                let of_tenant = coverage.get(&standing.promise.key.tenant_id).copied().unwrap_or(Coverage::Undeclared);
                of_tenant.reaches(standing.terms.deadline(standing.promise.zone))
            };
            reached(&vouched) || !reached(&coverage)
        });
        let overtaken = due.len() < count;
        let woken = judge_all(&mut tx, due, &self.policy, now, |standing| {
            let tenant_id = standing.promise.key.tenant_id;
            let is_blocked = blocked.contains(&(tenant_id, standing.promise.customer_id));
            let declared = coverage.get(&tenant_id).copied().unwrap_or(Coverage::Undeclared);
            Moment::BehindBarrier(if is_blocked { Coverage::Through(None) } else { declared })
        })
        .await?;
        tx.commit().await?;
        self.wake.notify();
        Ok(overtaken || woken || i64::try_from(count)? == self.batch)
    }
}
