//! The one primitive of pausing: holds that sources place and lift, and the rows of all holds, wherever they come from.

use std::collections::{BTreeMap, BTreeSet};

use messaging::Outbox;
use primitives::ids::{self, Kind};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::resolve::{Known, Scope};
use super::super::{Notes, Trouble, publish};
use super::invoice_ids;
use crate::domain::fact::conduct::{Conduct, HoldLifted, HoldPlaced};
use crate::store;
use crate::store::holds::{HoldRow, LiftRow};

/// The id of a hold that follows from an issue or a claim.
pub(super) fn derived_id(scope: &Scope, origin_id: Uuid) -> Uuid {
    ids::derive(scope.tenant_id, Kind::Hold, &["of", &origin_id.to_string()])
}

/// Holds that sources tell of, as they are by now. One that was lifted stays so, whichever fact came first: another pause is
/// another hold.
pub(super) async fn told(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    notes: &mut Notes,
) -> Result<Vec<HoldRow>, Trouble> {
    let mut placed: Vec<(Uuid, &Known<'_>, &HoldPlaced)> = Vec::new();
    let mut lifted: Vec<(Uuid, &Known<'_>, &HoldLifted)> = Vec::new();
    for (fact, conduct) in super::of(facts) {
        match conduct {
            Conduct::HoldPlaced(told) => placed.push((scope.hold(&told.hold), fact, told)),
            Conduct::HoldLifted(told) => lifted.push((scope.hold(&told.hold), fact, told)),
            _ => {}
        }
    }
    if placed.is_empty() && lifted.is_empty() {
        return Ok(Vec::new());
    }
    let ids: BTreeSet<Uuid> = placed.iter().map(|(id, ..)| *id).chain(lifted.iter().map(|(id, ..)| *id)).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let rows = store::holds::load(conn, scope.tenant_id, &ids).await?;
    let mut rows: BTreeMap<Uuid, HoldRow> = rows.into_iter().map(|row| (row.hold_id, row)).collect();
    let lifts = store::holds::lifts(conn, scope.tenant_id, &ids).await?;
    let mut lifts: BTreeMap<Uuid, LiftRow> = lifts.into_iter().map(|row| (row.hold_id, row)).collect();

    let newest = notes.newest(placed, rows.values().map(|row| (row.hold_id, &*row.source_order)));
    for (hold_id, (fact, told)) in newest {
        rows.insert(hold_id, placed_row(scope, fact, hold_id, told));
    }
    let newest = notes.newest(lifted, lifts.values().map(|row| (row.hold_id, &*row.source_order)));
    let mut changed = Vec::new();
    for (hold_id, (fact, told)) in newest {
        if !rows.contains_key(&hold_id) {
            notes.park(fact.line, format!("hold {}", told.hold));
        }
        let source_order = fact.fact().order.as_str().to_owned();
        let row = LiftRow { hold_id, code: told.hold.clone(), lifted_on: told.lifted_on, source_order };
        changed.push(row.clone());
        lifts.insert(hold_id, row);
    }
    store::holds::save_lifts(conn, scope.tenant_id, &changed).await?;
    for row in rows.values_mut() {
        row.lifted_on = lifts.get(&row.hold_id).map(|lift| lift.lifted_on);
    }
    Ok(rows.into_values().collect())
}

fn placed_row(scope: &Scope, fact: &Known<'_>, hold_id: Uuid, told: &HoldPlaced) -> HoldRow {
    HoldRow {
        hold_id,
        version: 0,
        code: told.hold.clone(),
        kind: told.kind.as_str().to_owned(),
        customer_id: scope.customer(&told.customer),
        invoice_ids: if told.kind.is_of_customer() { Vec::new() } else { invoice_ids(scope, fact, &told.invoices) },
        placed_on: told.placed_on,
        until: told.until,
        lifted_on: None,
        origin_id: None,
        source_order: fact.fact().order.as_str().to_owned(),
        recorded_at: scope.now,
    }
}

/// Saves what differs from the rows that there are, and publishes what a reader sees of it.
pub(super) async fn publish(
    conn: &mut PgConnection,
    scope: &Scope,
    pauses: Vec<HoldRow>,
    outbox: &mut Outbox,
) -> Result<(), Trouble> {
    let ids: Vec<Uuid> = pauses.iter().map(|row| row.hold_id).collect();
    let stored = store::holds::load(conn, scope.tenant_id, &ids).await?;
    let stored: BTreeMap<Uuid, HoldRow> = stored.into_iter().map(|row| (row.hold_id, row)).collect();
    let mut changed = Vec::new();
    for mut row in pauses {
        let before = stored.get(&row.hold_id);
        row.version = before.map_or(0, |before| before.version);
        row.recorded_at = before.map_or(scope.now, |before| before.recorded_at);
        if before == Some(&row) {
            continue;
        }
        let is_seen =
            before.is_none_or(|before| *before != HoldRow { source_order: before.source_order.clone(), ..row.clone() });
        if is_seen {
            row.version += 1;
            row.recorded_at = scope.now;
            outbox.push(&publish::hold(scope, &row));
        }
        changed.push(row);
    }
    store::holds::save(conn, scope.tenant_id, &changed).await?;
    Ok(())
}
