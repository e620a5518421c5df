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

mod beside;
pub(crate) mod book;
mod cash;
mod conduct;
mod coverage;
mod disputes;
mod exchanges;
mod expected_credits;
mod floats;
mod instruments;
mod ledger;
mod notes;
mod parties;
mod promises;
pub(crate) mod publish;
mod reach;
mod references;
pub(crate) mod resolve;
mod shares;
mod standings;
mod trouble;
mod verdicts;
mod voids;
mod watermarks;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use contracts::stream;
use messaging::Outbox;
use runtime::{Caller, Door, Problem};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::batch_key::{Key, forgotten_before};
use super::reading::batch::Line;
use super::reading::{self, Finding, Parsed};
use super::report::{Batch, Report};
use crate::store;
use notes::Notes;
use resolve::{Known, Scope};
pub(crate) use trouble::Trouble;
pub(crate) use verdicts::Verdict;

/// Serialisation failures, deadlocks and races that another transaction won.
const MAX_ATTEMPTS: usize = 5;

/// Keys of long ago that each batch with a key removes: more than come.
const FORGOTTEN_AT_ONCE: i64 = 100;

/// One more than a problem document lists, so that it says that there were more.
const MAX_FINDINGS: usize = 101;

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
    unkeyed(take(door, caller, lines, telling).await?)
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
fn unkeyed(taken: Taken) -> Result<Vec<Verdict>, Problem> {
    match taken {
        Taken::Now(verdicts) => Ok(verdicts),
        Taken::Before(_) => Err(Problem::unavailable()),
    }
}

/// Accepts what rules have decided; nothing of it counts as told by its source, and what is refused is only answered.
pub(crate) async fn accept_decisions(door: &Door, caller: &Caller, lines: &[Line]) -> Result<Vec<Verdict>, Problem> {
    unkeyed(take(door, caller, lines, Telling::Rules).await?)
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
    let mut answers: Vec<Option<Verdict>> = vec![None; lines.len()];
    let known = scope.resolve(conn, read, &mut answers).await?;
    let (fresh, repeated) = verdicts::store_facts(conn, &scope, known, &mut answers).await?;

    let is_refused = answers.iter().any(|verdict| matches!(verdict, Some(Verdict::Refused(_))));
    if telling == Telling::Single && is_refused {
        return Ok(Taken::Now(answers.into_iter().flatten().collect()));
    }
    let mut outbox = Outbox::new(stream::INGESTION, now);
    let notes = apply(conn, &mut scope, &fresh, &mut outbox).await?;
    verdicts::annotate(conn, &scope, &fresh, &notes, &mut answers).await?;
    for (line, first) in repeated {
        verdicts::answer_like(&mut answers, line, first);
    }
    if let Telling::Batch(batch) = telling {
        verdicts::quarantine(conn, &scope, batch.id, lines, &answers).await?;
        if let Some(key) = &batch.key {
            let report = Report::of(caller.tenant_id, batch, lines, answers.iter().flatten());
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
    Ok(Taken::Now(answers.into_iter().flatten().collect()))
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
