//! Facts become state: everything that one request brings is one transaction.
//!
//! | step | locks taken, in this order in every transaction |
//! | --- | --- |
//! | claim the key of a batch, if it has one | the key |
//! | resolve names, refuse what cannot be | none |
//! | store the facts that are new; the others answer with the receipt they have (I5) | facts, by id |
//! | lock the objects they are about, and the rates that they may wait for (D13) | objects, by id |
//! | customers and contacts, payments without a payer | customers, by id |
//! | fold the accounts they touch (D8), publish what changed | accounts, by key |
//! | promises, holds, issues, claims, consents, attempts and reports | none |
//! | coverage | sources, by id |
//! | totals, outbox, commit, wake the relay | |

pub(crate) mod book;
mod cash;
mod conduct;
mod coverage;
mod disputes;
mod exchanges;
mod expected_credits;
mod extensions;
mod floats;
mod instruments;
mod ledger;
mod parties;
mod promises;
pub(crate) mod publish;
mod reach;
mod references;
pub(crate) mod resolve;
mod shares;
mod standings;
mod voids;
mod watermarks;
mod withholdings;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use contracts::stream;
use messaging::Outbox;
use runtime::{Caller, Door, Problem};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::batch_key::{Key, forgotten_before};
use super::reading::batch::{Line, MAX_LINE_BYTES};
use super::reading::{self, Finding, Parsed, hex, sha256};
use super::report::{Batch, Report};
use crate::store;
use crate::store::facts::{NewFact, ReceiptRow};
use crate::store::quarantine::NewLine;
use resolve::{Known, Scope};

/// Serialisation failures, deadlocks and races that another transaction won.
const MAX_ATTEMPTS: usize = 5;

/// Keys of long ago that each batch with a key removes: more than come.
const FORGOTTEN_AT_ONCE: i64 = 100;

/// One more than a problem document lists, so that it says that there were more.
const MAX_FINDINGS: usize = 101;

/// What became of one line.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    Accepted(ReceiptRow),
    /// It was here before: the same receipt as then.
    Replayed(ReceiptRow),
    /// Not empty.
    Refused(Vec<Finding>),
}

/// Why an attempt did not end in a commit.
pub(crate) enum Trouble {
    /// What was read before the locks is not so any more.
    Again,
    Sql(sqlx::Error),
    Answer(Problem),
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Answer(problem)
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl Trouble {
    /// A serialisation failure, a deadlock, or a row that another transaction inserted first: the next attempt sees it.
    fn may_pass(&self) -> bool {
        match self {
            Self::Again => true,
            Self::Sql(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| matches!(&*code, "40001" | "40P01" | "23505"))
            }
            Self::Sql(_) | Self::Answer(_) => false,
        }
    }

    fn into_problem(self) -> Problem {
        match self {
            Self::Again => Problem::unavailable(),
            Self::Sql(error) => error.into(),
            Self::Answer(problem) => problem,
        }
    }
}

/// What the facts of one request left behind, besides rows and events. Facts are meant by the index of their line.
#[derive(Debug, Default)]
struct Notes {
    stale: BTreeSet<usize>,
    parked: BTreeMap<usize, Vec<String>>,
}

impl Notes {
    fn park(&mut self, line: usize, what_for: String) {
        self.parked.entry(line).or_default().push(what_for);
    }
}

/// Who tells the facts of one request, and what becomes of those that are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling<'a> {
    /// One refusal is the answer, and nothing is stored.
    Single,
    /// What is refused waits in the quarantine.
    Batch(&'a Batch),
    /// Rules of ours: what is refused is theirs to remember, and no source has told it.
    Rules,
}

/// What became of one attempt.
enum Taken {
    Now(Vec<Verdict>),
    /// The batch was here before: what was answered then.
    Before(Value),
}

/// What became of a batch.
pub(crate) enum Batched {
    Now(Report),
    /// It was here before, by the same key: the same report as then.
    Before(Value),
}

/// Accepts the facts on `lines`. As a batch, what is refused goes to the quarantine and the rest is accepted; without
/// `batch_id`, one refusal is the answer and nothing is stored.
pub(crate) async fn accept(
    door: &Door,
    caller: &Caller,
    lines: &[Line],
    batch_id: Option<Uuid>,
) -> Result<Vec<Verdict>, Problem> {
    let batch = batch_id.map(Batch::unreported);
    let telling = batch.as_ref().map_or(Telling::Single, Telling::Batch);
    verdicts(take(door, caller, lines, telling).await?)
}

/// Accepts the facts on `lines` as a batch, once for each key: what is answered is kept with what is accepted. A batch that
/// is sent while the first of its key is being accepted waits for it.
pub(crate) async fn accept_batch(
    door: &Door,
    caller: &Caller,
    lines: &[Line],
    batch: &Batch,
) -> Result<Batched, Problem> {
    Ok(match take(door, caller, lines, Telling::Batch(batch)).await? {
        Taken::Now(verdicts) => Batched::Now(Report::of(caller.tenant_id, batch, lines, &verdicts)),
        Taken::Before(report) => Batched::Before(report),
    })
}

/// Of facts that were told without a key, which nothing can have answered before.
fn verdicts(taken: Taken) -> Result<Vec<Verdict>, Problem> {
    match taken {
        Taken::Now(verdicts) => Ok(verdicts),
        Taken::Before(_) => Err(Problem::unavailable()),
    }
}

/// Accepts what rules have decided; nothing of it counts as told by its source, and what is refused is only answered.
pub(crate) async fn accept_decisions(door: &Door, caller: &Caller, lines: &[Line]) -> Result<Vec<Verdict>, Problem> {
    verdicts(take(door, caller, lines, Telling::Rules).await?)
}

async fn take(door: &Door, caller: &Caller, lines: &[Line], telling: Telling<'_>) -> Result<Taken, Problem> {
    let today = now(door, &mut *door.pool.acquire().await?).await?.date_naive();
    // A batch tells one finding for each line; a line of nothing but mistakes has tens of thousands.
    let kept = if telling == Telling::Single { MAX_FINDINGS } else { 1 };
    let read: Vec<Result<Parsed, Vec<Finding>>> = lines
        .iter()
        .map(|line| line.refused().map_or_else(|| reading::fact(&line.bytes, today), |finding| Err(vec![finding])))
        .map(|parsed| parsed.map_err(|findings| few(findings, kept)))
        .collect();
    let mut attempt = 1;
    loop {
        match try_once(door, caller, lines, &read, telling).await {
            Ok(taken) => return Ok(taken),
            Err(trouble) if attempt < MAX_ATTEMPTS && trouble.may_pass() => attempt += 1,
            Err(trouble) => return Err(trouble.into_problem()),
        }
    }
}

fn few(mut findings: Vec<Finding>, kept: usize) -> Vec<Finding> {
    findings.truncate(kept);
    findings.shrink_to_fit();
    findings
}

/// A virtual clock that was never set shows no time: nothing can be accepted yet.
pub(crate) async fn now(door: &Door, conn: &mut PgConnection) -> Result<DateTime<Utc>, Problem> {
    match door.clock.now(conn).await {
        Err(sqlx::Error::RowNotFound) => Err(Problem::unavailable()),
        read => Ok(read?),
    }
}

async fn try_once(
    door: &Door,
    caller: &Caller,
    lines: &[Line],
    read: &[Result<Parsed, Vec<Finding>>],
    telling: Telling<'_>,
) -> Result<Taken, Trouble> {
    let mut tx = door.begin(caller.tenant_id).await?;
    let conn = &mut *tx;
    let now = now(door, conn).await?;
    if let Telling::Batch(Batch { key: Some(key), .. }) = telling
        && let Some(report) = claim(conn, caller.tenant_id, now, key).await?
    {
        return Ok(Taken::Before(report));
    }
    let mut scope = Scope::load(conn, caller, now, read).await?;
    let mut verdicts: Vec<Option<Verdict>> = vec![None; lines.len()];
    let known = scope.resolve(conn, read, &mut verdicts).await?;
    let (fresh, repeated) = store_facts(conn, &scope, known, &mut verdicts).await?;

    let is_refused = verdicts.iter().any(|verdict| matches!(verdict, Some(Verdict::Refused(_))));
    if telling == Telling::Single && is_refused {
        return Ok(Taken::Now(verdicts.into_iter().flatten().collect()));
    }
    let mut outbox = Outbox::new(stream::INGESTION, now);
    let notes = apply(conn, &mut scope, &fresh, &mut outbox).await?;
    annotate(conn, &scope, &fresh, &notes, &mut verdicts).await?;
    for (line, first) in repeated {
        answer_like(&mut verdicts, line, first);
    }
    if let Telling::Batch(batch) = telling {
        quarantine(conn, &scope, batch.id, lines, &verdicts).await?;
        if let Some(key) = &batch.key {
            let report = Report::of(caller.tenant_id, batch, lines, verdicts.iter().flatten());
            let report = serde_json::to_value(report).map_err(|_| Problem::unavailable())?;
            store::batch_keys::answer(conn, caller.tenant_id, &key.text, &report).await?;
        }
    }
    if telling != Telling::Rules {
        watermarks::add(conn, &scope, &fresh).await?;
    }
    outbox.save(conn).await?;
    faults::point("intake.before_commit");
    tx.commit().await?;
    faults::point("intake.after_commit");
    door.wake.notify();
    Ok(Taken::Now(verdicts.into_iter().flatten().collect()))
}

/// Takes the key of a batch before anything else is locked; what was answered, where the batch was here before.
async fn claim(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    key: &Key,
) -> Result<Option<Value>, Trouble> {
    let before = forgotten_before(now);
    let kept = store::batch_keys::claim(conn, tenant_id, now, before, (&key.text, &key.sha256)).await?;
    match kept {
        None => {
            store::batch_keys::forget(conn, tenant_id, before, FORGOTTEN_AT_ONCE).await?;
            Ok(None)
        }
        Some(kept) if kept.sha256 != key.sha256 => Err(Trouble::Answer(key.conflict(&kept.sha256))),
        // Nobody answered: it went while we waited.
        Some(kept) => kept.report.map(Some).ok_or(Trouble::Again),
    }
}

/// Stores what is new and returns it in the order of its lines; settles the verdicts of what was here before. A fact that
/// is on several lines is answered by its first: those pairs come second.
async fn store_facts<'a>(
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

async fn apply(
    conn: &mut PgConnection,
    scope: &mut Scope,
    facts: &[Known<'_>],
    outbox: &mut Outbox,
) -> Result<Notes, Trouble> {
    let mut notes = Notes::default();
    if facts.is_empty() {
        return Ok(notes);
    }
    let locked = lock_objects(conn, scope, facts).await?;
    // Behind the locks: what a name means is so from now on.
    scope.learn_names(conn).await?;
    let scope = &*scope;
    parties::apply(conn, scope, facts, &mut notes, outbox).await?;
    cash::apply(conn, scope, facts, &mut notes).await?;
    ledger::apply(conn, scope, facts, &locked, &mut notes, outbox).await?;
    promises::apply(conn, scope, facts, &mut notes, outbox).await?;
    conduct::apply(conn, scope, facts, &locked, &mut notes, outbox).await?;
    reach::apply(conn, scope, facts, &mut notes, outbox).await?;
    coverage::apply(conn, scope, facts, &mut notes, outbox).await?;
    Ok(notes)
}

async fn lock_objects(conn: &mut PgConnection, scope: &Scope, facts: &[Known<'_>]) -> Result<BTreeSet<Uuid>, Trouble> {
    let mut objects: BTreeSet<Uuid> = facts.iter().flat_map(|fact| fact.objects(scope)).collect();
    objects.extend(scope.unknown_names());
    let disputes: Vec<Uuid> = facts.iter().filter_map(|fact| fact.dispute_id(scope)).collect();
    // The invoice of a dispute, an instrument or an expectation may be told by a fact of long ago.
    let stored = store::disputes::load(conn, scope.tenant_id, &disputes, &[]).await?;
    objects.extend(stored.iter().map(|dispute| dispute.invoice_id));
    objects.extend(instruments::stored_invoices(conn, scope, facts).await?);
    objects.extend(expected_credits::stored_invoices(conn, scope, facts).await?);
    objects.extend(conduct::linked(conn, scope, facts).await?);
    objects.extend(exchanges::awaited(conn, scope, facts).await?);
    let sorted: Vec<Uuid> = objects.iter().copied().collect();
    store::locks::take(conn, scope.tenant_id, &sorted).await?;
    Ok(objects)
}

/// Completes the receipts of new facts.
async fn annotate(
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

async fn quarantine(
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

fn refuse(verdicts: &mut [Option<Verdict>], line: usize, finding: Finding) {
    set(verdicts, line, Verdict::Refused(vec![finding]));
}

fn answer_like(verdicts: &mut [Option<Verdict>], line: usize, first: usize) {
    let verdict = match verdicts.get(first) {
        Some(Some(Verdict::Accepted(receipt) | Verdict::Replayed(receipt))) => Verdict::Replayed(receipt.clone()),
        Some(Some(Verdict::Refused(findings))) => Verdict::Refused(findings.clone()),
        _ => return,
    };
    set(verdicts, line, verdict);
}

fn set(verdicts: &mut [Option<Verdict>], line: usize, verdict: Verdict) {
    if let Some(place) = verdicts.get_mut(line) {
        *place = Some(verdict);
    }
}
