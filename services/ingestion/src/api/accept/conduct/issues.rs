//! Problems that somebody of the creditor has seen. An issue is no dispute; one that becomes a dispute goes on pausing until the
//! dispute is known, so that nothing slips out between the two.

use std::collections::{BTreeMap, BTreeSet};

use messaging::Outbox;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::resolve::{Known, Scope};
use super::super::{Notes, Trouble, publish};
use super::holds::derived_id;
use super::invoice_ids;
use crate::domain::fact::Body;
use crate::domain::fact::conduct::{Conduct, IssueRaised, IssueResolved};
use crate::domain::hold::HoldKind;
use crate::store;
use crate::store::holds::HoldRow;
use crate::store::issues::{IssueRow, ResolutionRow};

/// Issues and disputes that are one problem with what the facts are about, for locking: the fact that says so may be of long ago.
pub(in super::super) async fn linked(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
) -> Result<BTreeSet<Uuid>, Trouble> {
    let resolutions =
        store::issues::resolutions(conn, scope.tenant_id, &named(scope, facts), &opened(scope, facts)).await?;
    Ok(resolutions.into_iter().flat_map(|row| [Some(row.issue_id), row.dispute_id]).flatten().collect())
}

/// Returns the pauses that follow.
pub(super) async fn apply(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    locked: &BTreeSet<Uuid>,
    notes: &mut Notes,
    outbox: &mut Outbox,
) -> Result<Vec<HoldRow>, Trouble> {
    let (mut ids, opened) = (named(scope, facts), opened(scope, facts));
    if ids.is_empty() && opened.is_empty() {
        return Ok(Vec::new());
    }
    let resolutions = store::issues::resolutions(conn, scope.tenant_id, &ids, &opened).await?;
    ids.extend(resolutions.iter().map(|row| row.issue_id));
    ids.sort();
    ids.dedup();
    let rows = store::issues::load(conn, scope.tenant_id, &ids).await?;
    let before: BTreeMap<Uuid, IssueRow> = rows.into_iter().map(|row| (row.issue_id, row)).collect();
    let mut rows = before.clone();
    take_in_raised(scope, facts, &mut rows, notes);
    let (resolutions, resolved) = take_in_resolved(scope, facts, &rows, resolutions, notes);

    let disputes: Vec<Uuid> = resolutions.values().filter_map(|row| row.dispute_id).collect();
    let is_locked = |id: &Uuid| locked.contains(id);
    if !resolutions.keys().all(is_locked) || !disputes.iter().all(is_locked) {
        return Err(Trouble::Again);
    }
    let known = store::disputes::load(conn, scope.tenant_id, &disputes, &[]).await?;
    let known: BTreeSet<Uuid> = known.into_iter().map(|row| row.dispute_id).collect();
    for (line, resolution) in &resolved {
        if let (Some(id), Some(code)) = (resolution.dispute_id, &resolution.dispute)
            && !known.contains(&id)
        {
            notes.park(*line, format!("dispute {code}"));
        }
    }

    let mut pauses = Vec::new();
    let mut changed = Vec::new();
    for (issue_id, mut row) in rows {
        let resolution = resolutions.get(&issue_id);
        row.resolved_on = resolution.map(|resolution| resolution.resolved_on);
        row.outcome = resolution.map(|resolution| resolution.outcome.clone());
        row.dispute_id = resolution.and_then(|resolution| resolution.dispute_id);
        let waits = row.dispute_id.is_some_and(|dispute_id| !known.contains(&dispute_id));
        pauses.push(pause(scope, &row, waits));
        let before = before.get(&issue_id);
        if before == Some(&row) {
            continue;
        }
        let is_seen = before
            .is_none_or(|before| *before != IssueRow { source_order: before.source_order.clone(), ..row.clone() });
        if is_seen {
            row.version += 1;
            row.recorded_at = scope.now;
            outbox.push(&publish::issue(scope, &row));
        }
        changed.push(row);
    }
    store::issues::save(conn, scope.tenant_id, &changed).await?;
    let resolved: Vec<ResolutionRow> = resolved.into_values().collect();
    store::issues::save_resolutions(conn, scope.tenant_id, &resolved).await?;
    Ok(pauses)
}

fn take_in_raised(scope: &Scope, facts: &[Known<'_>], rows: &mut BTreeMap<Uuid, IssueRow>, notes: &mut Notes) {
    let told = super::of(facts).filter_map(|(fact, conduct)| match conduct {
        Conduct::IssueRaised(told) => Some((scope.issue(&told.issue), fact, told)),
        _ => None,
    });
    let newest = notes.newest(told, rows.values().map(|row| (row.issue_id, &*row.source_order)));
    for (issue_id, (fact, told)) in newest {
        let row = raised_row(scope, fact, issue_id, told, rows.get(&issue_id));
        rows.insert(issue_id, row);
    }
}

/// The ends in force, and those of them that these facts bring, by line. An issue that was resolved stays so.
fn take_in_resolved(
    scope: &Scope,
    facts: &[Known<'_>],
    rows: &BTreeMap<Uuid, IssueRow>,
    stored: Vec<ResolutionRow>,
    notes: &mut Notes,
) -> (BTreeMap<Uuid, ResolutionRow>, BTreeMap<usize, ResolutionRow>) {
    let told = super::of(facts).filter_map(|(fact, conduct)| match conduct {
        Conduct::IssueResolved(told) => Some((scope.issue(&told.issue), fact, told)),
        _ => None,
    });
    let newest = notes.newest(told, stored.iter().map(|row| (row.issue_id, &*row.source_order)));
    let mut in_force: BTreeMap<Uuid, ResolutionRow> = stored.into_iter().map(|row| (row.issue_id, row)).collect();
    let mut new = BTreeMap::new();
    for (issue_id, (fact, told)) in newest {
        if !rows.contains_key(&issue_id) {
            notes.park(fact.line, format!("issue {}", told.issue));
        }
        let row = resolution_row(scope, fact, issue_id, told);
        new.insert(fact.line, row.clone());
        in_force.insert(issue_id, row);
    }
    (in_force, new)
}

/// Issues that the facts name.
fn named(scope: &Scope, facts: &[Known<'_>]) -> Vec<Uuid> {
    let named = super::of(facts).filter_map(|(_, conduct)| match conduct {
        Conduct::IssueRaised(told) => Some(scope.issue(&told.issue)),
        Conduct::IssueResolved(told) => Some(scope.issue(&told.issue)),
        _ => None,
    });
    named.collect()
}

/// Disputes that the facts open.
fn opened(scope: &Scope, facts: &[Known<'_>]) -> Vec<Uuid> {
    let opened = facts.iter().filter_map(|fact| match &fact.fact().body {
        Body::DisputeOpened(told) => Some(scope.dispute(&told.dispute)),
        _ => None,
    });
    opened.collect()
}

fn raised_row(scope: &Scope, fact: &Known<'_>, issue_id: Uuid, told: &IssueRaised, old: Option<&IssueRow>) -> IssueRow {
    IssueRow {
        issue_id,
        version: old.map_or(0, |old| old.version),
        code: told.issue.clone(),
        customer_id: scope.customer(&told.customer),
        invoice_ids: invoice_ids(scope, fact, &told.invoices),
        reason: told.reason.to_owned(),
        raised_on: told.raised_on,
        owner: told.owner.clone(),
        resolved_on: None,
        outcome: None,
        dispute_id: None,
        source_order: fact.fact().order.as_str().to_owned(),
        recorded_at: old.map_or(scope.now, |old| old.recorded_at),
    }
}

fn resolution_row(scope: &Scope, fact: &Known<'_>, issue_id: Uuid, told: &IssueResolved) -> ResolutionRow {
    ResolutionRow {
        issue_id,
        code: told.issue.clone(),
        resolved_on: told.resolved_on,
        outcome: told.outcome.to_owned(),
        dispute_id: told.dispute.as_ref().map(|code| scope.dispute(code)),
        dispute: told.dispute.clone(),
        source_order: fact.fact().order.as_str().to_owned(),
    }
}

fn pause(scope: &Scope, row: &IssueRow, waits_for_dispute: bool) -> HoldRow {
    HoldRow {
        hold_id: derived_id(scope, row.issue_id),
        version: 0,
        code: row.code.clone(),
        kind: HoldKind::Issue.as_str().to_owned(),
        customer_id: row.customer_id,
        invoice_ids: row.invoice_ids.clone(),
        placed_on: row.raised_on,
        until: None,
        lifted_on: row.resolved_on.filter(|_| !waits_for_dispute),
        origin_id: Some(row.issue_id),
        source_order: row.source_order.clone(),
        recorded_at: scope.now,
    }
}
