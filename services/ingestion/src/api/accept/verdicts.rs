//! What is answered to each line: the facts that are new are stored, the others answer with the receipt they have (I5), and what
//! is refused of a batch is kept.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::resolve::{Known, Scope};
use super::{Notes, Trouble};
use crate::api::reading::batch::{Line, MAX_LINE_BYTES};
use crate::api::reading::{Finding, hex, sha256};
use crate::store;
use crate::store::facts::{NewFact, ReceiptRow};
use crate::store::quarantine::NewLine;

/// What became of one line.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    Accepted(ReceiptRow),
    /// It was here before: the same receipt as then.
    Replayed(ReceiptRow),
    /// Not empty.
    Refused(Vec<Finding>),
}

/// Stores what is new and returns it in the order of its lines; settles the verdicts of what was here before. A fact that
/// is on several lines is answered by its first: those pairs come second.
pub(super) async fn store_facts<'a>(
    conn: &mut PgConnection,
    scope: &Scope,
    known: Vec<Known<'a>>,
    verdicts: &mut [Option<Verdict>],
) -> Result<(Vec<Known<'a>>, Vec<(usize, usize)>), Trouble> {
    let mut firsts: BTreeMap<Uuid, Known<'a>> = BTreeMap::new();
    let mut repeated = Vec::new();
    for fact in known {
        match firsts.get(&fact.fact_id) {
            None => drop(firsts.insert(fact.fact_id, fact)),
            Some(first) if first.parsed.sha256 == fact.parsed.sha256 => repeated.push((fact.line, first.line)),
            Some(first) => refuse(verdicts, fact.line, conflict(&first.parsed.sha256, &fact.parsed.sha256)),
        }
    }
    let rows: Vec<NewFact<'_>> = firsts.values().map(|fact| fact.row(scope)).collect();
    let new: BTreeSet<Uuid> = if rows.is_empty() {
        BTreeSet::new()
    } else {
        store::facts::insert(conn, scope.tenant_id, scope.now, &rows).await?.into_iter().collect()
    };
    let old: Vec<Uuid> = firsts.keys().filter(|id| !new.contains(id)).copied().collect();
    if !old.is_empty() {
        for receipt in store::facts::receipts(conn, scope.tenant_id, &old).await? {
            let Some(fact) = firsts.get(&receipt.fact_id) else { continue };
            if receipt.sha256 == fact.parsed.sha256 {
                set(verdicts, fact.line, Verdict::Replayed(receipt));
            } else {
                refuse(verdicts, fact.line, conflict(&receipt.sha256, &fact.parsed.sha256));
            }
        }
    }
    let mut fresh: Vec<Known<'a>> = firsts.into_values().filter(|fact| new.contains(&fact.fact_id)).collect();
    fresh.sort_by_key(|fact| fact.line);
    Ok((fresh, repeated))
}

/// Completes the receipts of new facts.
pub(super) async fn annotate(
    conn: &mut PgConnection,
    scope: &Scope,
    fresh: &[Known<'_>],
    notes: &Notes,
    verdicts: &mut [Option<Verdict>],
) -> Result<(), Trouble> {
    let mut changed = Vec::new();
    for fact in fresh {
        let status = if notes.stale.contains(&fact.line) { "stale" } else { "applied" };
        let parked = notes.parked.get(&fact.line).map_or(&[][..], Vec::as_slice);
        if status == "stale" || !parked.is_empty() {
            changed.push((fact.fact_id, status, parked));
        }
        let receipt = fact.receipt(scope, status, parked.to_vec());
        set(verdicts, fact.line, Verdict::Accepted(receipt));
    }
    store::facts::annotate(conn, scope.tenant_id, &changed).await?;
    Ok(())
}

pub(super) async fn quarantine(
    conn: &mut PgConnection,
    scope: &Scope,
    batch_id: Uuid,
    lines: &[Line],
    verdicts: &[Option<Verdict>],
) -> Result<(), Trouble> {
    let mut kept: BTreeMap<Uuid, NewLine> = BTreeMap::new();
    for (line, verdict) in lines.iter().zip(verdicts) {
        let Some(Verdict::Refused(findings)) = verdict else { continue };
        let Some(finding) = findings.first() else { continue };
        let quarantine_id = scope.quarantine_id(&line.bytes);
        kept.entry(quarantine_id).or_insert_with(|| NewLine {
            quarantine_id,
            line: i32::try_from(line.number).unwrap_or(i32::MAX),
            byte_offset: i64::try_from(line.byte_offset).unwrap_or(i64::MAX),
            raw: line.bytes.get(..MAX_LINE_BYTES).unwrap_or(&line.bytes).to_vec(),
            sha256: sha256(&line.bytes).to_vec(),
            code: finding.code.to_owned(),
            pointer: finding.pointer.replace('\0', "\u{fffd}"),
            detail: finding.detail.replace('\0', "\u{fffd}"),
        });
    }
    let rows: Vec<NewLine> = kept.into_values().collect();
    store::quarantine::insert(conn, scope.tenant_id, batch_id, scope.now, &rows).await?;
    Ok(())
}

fn conflict(stored: &[u8], sent: &[u8]) -> Finding {
    let detail = format!(
        "the source has told another fact by this id: sha256 {} is stored, {} was sent",
        hex(stored),
        hex(sent)
    );
    Finding::new("idempotency-conflict", "#/id", detail)
}

pub(super) fn refuse(verdicts: &mut [Option<Verdict>], line: usize, finding: Finding) {
    set(verdicts, line, Verdict::Refused(vec![finding]));
}

pub(super) fn answer_like(verdicts: &mut [Option<Verdict>], line: usize, first: usize) {
    let verdict = match verdicts.get(first) {
        Some(Some(Verdict::Accepted(receipt) | Verdict::Replayed(receipt))) => Verdict::Replayed(receipt.clone()),
        Some(Some(Verdict::Refused(findings))) => Verdict::Refused(findings.clone()),
        _ => return,
    };
    set(verdicts, line, verdict);
}

pub(super) fn set(verdicts: &mut [Option<Verdict>], line: usize, verdict: Verdict) {
    if let Some(place) = verdicts.get_mut(line) {
        *place = Some(verdict);
    }
}
