//! Where every answer begins: the tenant's rows, its zone and what day it is there.

use chrono::NaiveDate;
use chrono_tz::Tz;
use primitives::civil;
use runtime::{Caller, Door, Problem};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::store::tenant;

/// Scope that every answer of this role needs.
pub(super) const SCOPE: &str = "read";

/// A transaction over the rows of one tenant, and the day at its head office.
pub(super) struct Desk {
    pub(super) conn: Transaction<'static, Postgres>,
    pub(super) tenant_id: Uuid,
    pub(super) tenant_name: String,
    /// "es" or "en".
    pub(super) language: String,
    pub(super) zone: Tz,
    pub(super) today: NaiveDate,
}

impl Desk {
    pub(super) async fn open(door: &Door, caller: &Caller) -> Result<Self, Problem> {
        caller.require(SCOPE)?;
        let mut conn = door.begin(caller.tenant_id).await?;
        let row = tenant::load(&mut conn, caller.tenant_id).await?;
        // The key can arrive a moment before its tenant.
        let row = row.ok_or_else(Problem::unavailable)?;
        let zone: Tz = row.time_zone.parse().map_err(|_| {
            tracing::error!(tenant.id = %caller.tenant_id, "tenant has no known time zone");
            Problem::unavailable()
        })?;
        let now = door.clock.now(&mut conn).await?;
        Ok(Self {
            conn,
            tenant_id: caller.tenant_id,
            tenant_name: row.name,
            language: row.language,
            zone,
            today: civil::day_of(now, zone),
        })
    }
}
