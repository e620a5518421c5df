//! Work that time makes due.

mod day_close;
mod decided;
mod outlooks;
mod publish;

pub(crate) use outlooks::{Outlooks, predicted, risk};
pub(crate) use publish::{assigned, scored, shifted};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use messaging::Wake;
use runtime::{Clock, Sweep};
use sqlx::PgPool;

use crate::ScoringSettings;
use crate::domain::calendar::closable_through;
use crate::store::learning::{self, Progress};

/// Closes the days of every tenant that are over, then publishes what the close changed.
#[derive(Debug)]
pub(crate) struct DayClose {
    pub pool: PgPool,
    pub clock: Clock,
    pub wake: Wake,
    pub settings: ScoringSettings,
}

impl Sweep for DayClose {
    fn name(&self) -> &'static str {
        "day_close"
    }

    /// One span of days for each tenant that has any.
    async fn run(&self) -> anyhow::Result<bool> {
        let mut conn = self.pool.acquire().await?;
        let now = self.clock.now(&mut conn).await?;
        let tenants = learning::progress(&mut conn, None).await?;
        drop(conn);
        let (mut more, mut failed) = (false, None);
        for tenant in tenants.iter().filter(|tenant| Due::of(tenant, now).is_some()) {
            // One tenant that cannot be closed must not keep those behind it waiting (I9).
            match day_close::run(self, tenant.tenant_id, now).await {
                Ok(there_is) => more |= there_is,
                Err(error) => {
                    tracing::error!(tenant.id = %tenant.tenant_id, error = format!("{error:#}"), "no day is closed");
                    failed.get_or_insert(error);
                }
            }
            self.wake.notify();
        }
        match failed {
            // The others go on first; who fails is tried again with each of their spans and once a second.
            Some(error) if !more => Err(error),
            _ => Ok(more),
        }
    }
}

/// How far a tenant may learn, when it has anything to do.
#[derive(Debug, Clone, Copy)]
struct Due {
    /// Last day that may be learned; `None` when no day was ever closed.
    through: Option<NaiveDate>,
}

impl Due {
    fn of(tenant: &Progress, now: DateTime<Utc>) -> Option<Self> {
        let Ok(zone) = tenant.time_zone.parse::<Tz>() else {
            tracing::error!(tenant.id = %tenant.tenant_id, zone = tenant.time_zone, "unknown time zone, no day is closed");
            return None;
        };
        let through = closable_through(now, zone, tenant.coverage).max(tenant.closed_through);
        let due = Self { through };
        let to_publish = tenant.learned_through.is_some() && tenant.pending;
        (due.is_behind(tenant) || to_publish).then_some(due)
    }

    /// Are there days to be learned or learned again, or customers to be assessed?
    fn is_behind(self, tenant: &Progress) -> bool {
        let unlearned = tenant.dirty_from.is_some() || self.next_day(tenant).is_some();
        unlearned
            || tenant.assessing_after.is_some()
            || (tenant.learned_through.is_some() && !tenant.is_of_this_model())
    }

    /// The day to be learned next.
    fn next_day(self, tenant: &Progress) -> Option<NaiveDate> {
        let next = tenant.learned_through.and_then(|day| day.succ_opt()).or(tenant.first_known_on)?;
        (next <= self.through?).then_some(next)
    }
}
