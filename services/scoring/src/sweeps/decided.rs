//! What decides at the close of a day besides what was learned: the rules in force, and what they ask for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::assessment::Ruling;
use crate::domain::calendar::Span;
use crate::domain::features::Family;
use crate::domain::segment::Segment;
use crate::domain::standing::Standings;
use crate::store::Unreadable;
use crate::store::rules::{self, InForce};
use crate::store::standings;

#[derive(Debug)]
pub(super) struct Decided {
    in_force: InForce,
    day: NaiveDate,
    zone: Tz,
    families: BTreeSet<Family>,
    standings: Standings,
}

impl Decided {
    /// At the close of `day`.
    pub(super) async fn on(
        conn: &mut PgConnection,
        tenant_id: Uuid,
        zone: &str,
        day: NaiveDate,
    ) -> Result<Self, sqlx::Error> {
        let zone: Tz = zone.parse().map_err(|_| Unreadable(format!("time zone {zone}")))?;
        let in_force = rules::in_force(conn, tenant_id, day).await?;
        let families = in_force.rules.families();
        let standings = standings::as_of(conn, tenant_id, day, zone, &families).await?;
        Ok(Self { in_force, day, zone, families, standings })
    }

    pub(super) fn ruling(&self) -> Ruling<'_> {
        Ruling { rules: &self.in_force.rules, standings: &self.standings }
    }

    /// These customers, and those of their groups where rules read groups.
    pub(super) fn with_mates(&self, customers: impl Iterator<Item = Uuid>) -> BTreeSet<Uuid> {
        let mut all: BTreeSet<Uuid> = customers.collect();
        if self.families.contains(&Family::Group) {
            let mates: Vec<Uuid> = all
                .iter()
                .filter_map(|customer_id| self.standings.group_of(*customer_id))
                .flat_map(|group| group.members.iter().copied())
                .collect();
            all.extend(mates);
        }
        all
    }

    /// Whom the day gave rules something new to read of, with the segment each has: who was told of, who owes anything, and
    /// the groups of those and of the `touched`. A span is a single day where that can be anybody.
    pub(super) async fn moved(
        &self,
        conn: &mut PgConnection,
        tenant_id: Uuid,
        span: Span,
        touched: &BTreeSet<Uuid>,
    ) -> Result<BTreeMap<Uuid, Option<Segment>>, sqlx::Error> {
        if self.families.iter().all(|family| *family == Family::Habit) || self.is_everybody(span.ends_a_month()) {
            return Ok(BTreeMap::new());
        }
        let told = standings::touched(conn, tenant_id, self.day, self.zone, &self.families).await?;
        let owing = self.standings.customers().filter(|(_, standing)| !standing.owed.is_empty());
        let moved = told.into_iter().chain(owing.map(|(customer_id, _)| customer_id)).chain(touched.iter().copied());
        let moved: Vec<Uuid> = self.with_mates(moved).into_iter().collect();
        standings::segments(conn, tenant_id, &moved).await
    }

    /// Everybody is assessed at the end of a month, and at the close of the day on which rules begin to decide.
    pub(super) fn is_everybody(&self, ends_a_month: bool) -> bool {
        ends_a_month || self.in_force.since == Some(self.day)
    }
}
