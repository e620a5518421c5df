//! The strategies of tenants.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::strategy::{SEGMENTS, Step, Strategy, Tone, UNKNOWN_SEGMENT, built_in};

/// Which strategy each segment of a tenant gets.
#[derive(Debug, Default)]
pub(crate) struct Strategies(BTreeMap<Uuid, BTreeMap<String, Strategy>>);

impl Strategies {
    /// The strategy of a segment; what the tenant does not map is treated as unknown.
    pub(crate) fn of(&self, tenant_id: Uuid, segment: &str) -> Option<&Strategy> {
        let of_tenant = self.0.get(&tenant_id)?;
        of_tenant.get(segment).or_else(|| of_tenant.get(UNKNOWN_SEGMENT))
    }
}

pub(crate) async fn load(conn: &mut PgConnection, tenants: &[Uuid]) -> Result<Strategies, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT m.tenant_id, m.segment, m.strategy, m.version, s.offset_days, s.template, s.tone
         FROM segment_strategies m JOIN strategy_steps s USING (tenant_id, strategy, version)
         WHERE m.tenant_id = ANY($1) ORDER BY m.tenant_id, m.segment, s.position",
        tenants,
    )
    .fetch_all(conn)
    .await?;
    let mut strategies = Strategies::default();
    for row in rows {
        let strategy = strategies.0.entry(row.tenant_id).or_default().entry(row.segment).or_insert_with(|| Strategy {
            name: row.strategy,
            version: row.version,
            steps: Vec::new(),
        });
        let tone = Tone::parse(&row.tone).unwrap_or(Tone::Gentle); // the check constraint knows the same three
        strategy.steps.push(Step { offset_days: row.offset_days, template: row.template, tone });
    }
    Ok(strategies)
}

/// Gives new tenants the built-in strategies; what a tenant has stays as it is.
pub(crate) async fn seed(conn: &mut PgConnection, tenants: &BTreeSet<Uuid>) -> Result<(), sqlx::Error> {
    let tenants: Vec<Uuid> = tenants.iter().copied().collect();
    let strategies = built_in();
    let steps: Vec<(&Strategy, i32, &Step)> = strategies
        .iter()
        .flat_map(|strategy| (0..).zip(&strategy.steps).map(move |(at, step)| (strategy, at, step)))
        .collect();
    sqlx::query!(
        "INSERT INTO strategy_steps (tenant_id, strategy, version, position, offset_days, template, tone)
         SELECT t.tenant_id, s.* FROM unnest($1::uuid[]) AS t (tenant_id),
           unnest($2::text[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::text[]) AS s
         ON CONFLICT DO NOTHING",
        &tenants,
        &steps.iter().map(|(strategy, ..)| strategy.name.clone()).collect::<Vec<_>>(),
        &steps.iter().map(|(strategy, ..)| strategy.version).collect::<Vec<_>>(),
        &steps.iter().map(|(_, position, _)| *position).collect::<Vec<_>>(),
        &steps.iter().map(|(.., step)| step.offset_days).collect::<Vec<_>>(),
        &steps.iter().map(|(.., step)| step.template.clone()).collect::<Vec<_>>(),
        &steps.iter().map(|(.., step)| step.tone.as_str().to_owned()).collect::<Vec<_>>(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO segment_strategies (tenant_id, segment, strategy, version)
         SELECT t.tenant_id, s.segment, s.strategy, 1
         FROM unnest($1::uuid[]) AS t (tenant_id), unnest($2::text[], $3::text[]) AS s (segment, strategy)
         ON CONFLICT DO NOTHING",
        &tenants,
        &SEGMENTS.map(|(segment, _)| segment.to_owned()),
        &SEGMENTS.map(|(_, strategy)| strategy.to_owned()),
    )
    .execute(conn)
    .await?;
    Ok(())
}
