//! What happens between an invoice and its payment besides money. Holds, issues and debtors' answers each keep their own rows; the
//! pauses that follow from them are brought up to date last, in one place.

mod claims;
mod holds;
mod issues;

use std::collections::BTreeSet;

use messaging::Outbox;
use sqlx::PgConnection;
use uuid::Uuid;

use super::resolve::{Known, Scope};
use super::{Notes, Trouble};
use crate::domain::fact::Body;
use crate::domain::fact::conduct::Conduct;

pub(super) use issues::linked;

/// `locked` are the objects whose locks this transaction holds. Comes after the ledger, which keeps the disputes.
pub(super) async fn apply(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    locked: &BTreeSet<Uuid>,
    notes: &mut Notes,
    outbox: &mut Outbox,
) -> Result<(), Trouble> {
    let mut pauses = holds::told(conn, scope, facts, notes).await?;
    pauses.extend(issues::apply(conn, scope, facts, locked, notes, outbox).await?);
    pauses.extend(claims::apply(conn, scope, facts, notes).await?);
    holds::publish(conn, scope, pauses, outbox).await
}

/// What must not change under the fact's feet.
pub(super) fn objects(scope: &Scope, fact: &Conduct) -> Vec<Uuid> {
    match fact {
        Conduct::HoldPlaced(fact) => vec![scope.hold(&fact.hold)],
        Conduct::HoldLifted(fact) => vec![scope.hold(&fact.hold)],
        Conduct::IssueRaised(fact) => vec![scope.issue(&fact.issue)],
        Conduct::IssueResolved(fact) => {
            [Some(scope.issue(&fact.issue)), fact.dispute.as_ref().map(|code| scope.dispute(code))]
                .into_iter()
                .flatten()
                .collect()
        }
        Conduct::Claimed(fact) => vec![scope.claim(&fact.claim)],
    }
}

/// Those of the facts that are about conduct.
fn of<'a, 'b>(facts: &'a [Known<'b>]) -> impl Iterator<Item = (&'a Known<'b>, &'a Conduct)> {
    facts.iter().filter_map(|fact| match &fact.fact().body {
        Body::Conduct(conduct) => Some((fact, conduct)),
        _ => None,
    })
}

fn invoice_ids(scope: &Scope, fact: &Known<'_>, numbers: &[String]) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = numbers.iter().map(|number| scope.invoice(&fact.legal_entity, number)).collect();
    ids.sort();
    ids
}
