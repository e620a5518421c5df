//! Up to when a source has told everything (L4).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use messaging::Outbox;
use sqlx::PgConnection;
use uuid::Uuid;

use super::resolve::{Known, Scope};
use super::{Notes, Trouble, publish};
use crate::domain::fact::Body;
use crate::store;

/// Coverage only grows.
pub(super) async fn apply(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    notes: &mut Notes,
    outbox: &mut Outbox,
) -> Result<(), Trouble> {
    let told: Vec<(usize, Uuid, DateTime<Utc>)> = facts
        .iter()
        .filter_map(|fact| match fact.fact().body {
            Body::Covered { until } => Some((fact.line, fact.source_id, until)),
            _ => None,
        })
        .collect();
    let mut ids: Vec<Uuid> = told.iter().map(|(_, source_id, _)| *source_id).collect();
    ids.sort();
    ids.dedup();
    let rows = store::sources::lock(conn, scope.tenant_id, &ids).await?;
    let mut covered: BTreeMap<Uuid, Option<DateTime<Utc>>> =
        rows.iter().map(|row| (row.source_id, row.covered_until)).collect();
    for (line, source_id, until) in told {
        let known = covered.entry(source_id).or_default();
        if known.is_some_and(|known| known >= until) {
            notes.stale.insert(line);
        } else {
            *known = Some(until);
        }
    }
    let mut changed = Vec::new();
    for mut row in rows {
        let until = covered.get(&row.source_id).copied().flatten();
        if until != row.covered_until {
            row.covered_until = until;
            row.version += 1;
            outbox.push(&publish::source(scope.tenant_id, &row));
            changed.push(row);
        }
    }
    store::sources::save_coverage(conn, scope.tenant_id, &changed).await?;
    Ok(())
}
