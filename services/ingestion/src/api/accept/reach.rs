//! Who may be reached, who was, and what became of messages. What is said of no channel in particular is written down for each of
//! them, and what is said of a contact or a customer is one row for each channel, whatever kind of fact said it: the newest word
//! counts, and readers find it in one place.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use messaging::Outbox;
use primitives::ids::{self, Kind};
use sqlx::PgConnection;
use uuid::Uuid;

use super::resolve::{Known, Scope};
use super::{Notes, Trouble, publish};
use crate::domain::fact::Body;
use crate::domain::fact::reach::{CHANNELS, Reach};
use crate::domain::order::{ChangeOrder, newest};
use crate::store;
use crate::store::reach::{AttemptRow, ConsentRow, ReportRow};

/// What must not change under the fact's feet.
pub(super) fn objects(scope: &Scope, fact: &Reach) -> Vec<Uuid> {
    said(scope, fact).map(|said| said.subject()).into_iter().collect()
}

pub(super) async fn apply(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    notes: &mut Notes,
    outbox: &mut Outbox,
) -> Result<(), Trouble> {
    consents(conn, scope, facts, notes, outbox).await?;
    let (mut attempts, mut reports) = (Vec::new(), Vec::new());
    for (fact, reach) in of(facts) {
        match reach {
            Reach::Attempt(told) => attempts.push(AttemptRow {
                attempt_id: fact.fact_id,
                customer_id: scope.customer(&told.customer),
                contact_id: told.contact.as_ref().map(|code| scope.contact(code)),
                channel: told.channel.to_owned(),
                outcome: told.outcome.to_owned(),
                logged_on: told.logged_on,
                logged_by: told.by.clone(),
                recorded_at: scope.now,
            }),
            Reach::Report(told) => reports.push(ReportRow {
                report_id: fact.fact_id,
                message_id: told.message,
                contact_id: told.contact.as_ref().map(|code| scope.contact(code)),
                channel: told.channel.to_owned(),
                outcome: told.outcome.to_owned(),
                permanent: told.permanent,
                reported_at: fact.fact().occurred_at,
                recorded_at: scope.now,
            }),
            Reach::Consent(_) | Reach::WrongContact(_) | Reach::Complaint(_) => {}
        }
    }
    for row in &attempts {
        outbox.push(&publish::attempt(scope, row));
    }
    for row in &reports {
        outbox.push(&publish::report(scope, row));
    }
    store::reach::insert_attempts(conn, scope.tenant_id, &attempts).await?;
    store::reach::insert_reports(conn, scope.tenant_id, &reports).await?;
    Ok(())
}

/// What a fact says of reaching somebody.
#[derive(Debug, Clone, Copy)]
struct Said {
    contact_id: Option<Uuid>,
    customer_id: Option<Uuid>,
    /// `None`: every channel.
    channel: Option<&'static str>,
    status: &'static str,
    cause: &'static str,
    changed_on: NaiveDate,
}

impl Said {
    fn subject(&self) -> Uuid {
        self.contact_id.or(self.customer_id).unwrap_or_default()
    }
}

fn said(scope: &Scope, fact: &Reach) -> Option<Said> {
    match fact {
        Reach::Consent(told) => Some(Said {
            contact_id: Some(scope.contact(&told.contact)),
            customer_id: None,
            channel: Some(told.channel),
            status: told.status,
            cause: "told",
            changed_on: told.changed_on,
        }),
        Reach::WrongContact(told) => Some(Said {
            contact_id: Some(scope.contact(&told.contact)),
            customer_id: None,
            channel: None,
            status: "withdrawn",
            cause: "wrong_contact",
            changed_on: told.told_on,
        }),
        Reach::Complaint(told) => {
            let contact_id = told.contact.as_ref().map(|code| scope.contact(code));
            Some(Said {
                contact_id,
                customer_id: contact_id.is_none().then(|| scope.customer(&told.customer)),
                channel: told.channel,
                status: "withdrawn",
                cause: "complaint",
                changed_on: told.received_on,
            })
        }
        Reach::Attempt(_) | Reach::Report(_) => None,
    }
}

async fn consents(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    notes: &mut Notes,
    outbox: &mut Outbox,
) -> Result<(), Trouble> {
    let told: Vec<(Uuid, &Known<'_>, Said, &'static str)> = of(facts)
        .filter_map(|(fact, reach)| Some((fact, said(scope, reach)?)))
        .flat_map(|(fact, said)| {
            let meant = CHANNELS.into_iter().filter(move |channel| said.channel.is_none_or(|one| one == *channel));
            meant.map(move |channel| (consent_id(scope, &said, channel), fact, said, channel))
        })
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = told.iter().map(|(id, ..)| *id).collect();
    let stored = store::reach::consents(conn, scope.tenant_id, &ids).await?;
    let stored: BTreeMap<Uuid, ConsentRow> = stored.into_iter().map(|row| (row.consent_id, row)).collect();
    let orders = stored.values().map(|row| (row.consent_id, ChangeOrder::stored(row.source_order.clone()))).collect();
    let tellings = told.iter().map(|(id, fact, said, channel)| (*id, &fact.fact().order, (*fact, said, *channel)));
    let decided = newest(tellings, &orders);
    // A fact about several channels is late when it is for each of them.
    let counts = |line: usize| decided.winners.values().any(|(fact, ..)| fact.line == line);
    notes.stale.extend(decided.stale.iter().map(|(fact, ..)| fact.line).filter(|line| !counts(*line)));

    let contacts: Vec<Uuid> = decided.winners.values().filter_map(|(_, said, _)| said.contact_id).collect();
    let known = store::parties::contacts(conn, scope.tenant_id, &contacts).await?;
    let owners: BTreeMap<Uuid, Uuid> = known.into_iter().map(|row| (row.contact_id, row.customer_id)).collect();
    let mut changed = Vec::new();
    let mut unknown: BTreeMap<usize, &str> = BTreeMap::new();
    for (consent_id, (fact, said, channel)) in decided.winners {
        if said.contact_id.is_some_and(|contact_id| !owners.contains_key(&contact_id)) {
            unknown.extend(contact(fact).map(|code| (fact.line, code)));
        }
        let before = stored.get(&consent_id);
        let mut row = ConsentRow {
            consent_id,
            version: before.map_or(0, |before| before.version),
            contact_id: said.contact_id,
            customer_id: said.customer_id,
            channel: channel.to_owned(),
            status: said.status.to_owned(),
            cause: said.cause.to_owned(),
            changed_on: said.changed_on,
            source_order: fact.fact().order.as_str().to_owned(),
            recorded_at: before.map_or(scope.now, |before| before.recorded_at),
        };
        let is_seen = before
            .is_none_or(|before| *before != ConsentRow { source_order: before.source_order.clone(), ..row.clone() });
        if is_seen {
            row.version += 1;
            row.recorded_at = scope.now;
            let owner = row.contact_id.and_then(|contact_id| owners.get(&contact_id).copied());
            outbox.push(&publish::consent(scope, &row, owner));
        }
        changed.push(row);
    }
    // It counts already, but a code that nobody knows is worth a look.
    for (line, code) in unknown {
        notes.park(line, format!("contact {code}"));
    }
    store::reach::save_consents(conn, scope.tenant_id, &changed).await?;
    Ok(())
}

/// The code of the contact that a fact speaks of.
fn contact<'a>(fact: &'a Known<'_>) -> Option<&'a str> {
    match &fact.fact().body {
        Body::Reach(Reach::Consent(told)) => Some(&told.contact),
        Body::Reach(Reach::WrongContact(told)) => Some(&told.contact),
        Body::Reach(Reach::Complaint(told)) => told.contact.as_deref(),
        _ => None,
    }
}

fn consent_id(scope: &Scope, said: &Said, channel: &str) -> Uuid {
    ids::derive(scope.tenant_id, Kind::Consent, &[&said.subject().to_string(), channel])
}

fn of<'a, 'b>(facts: &'a [Known<'b>]) -> impl Iterator<Item = (&'a Known<'b>, &'a Reach)> {
    facts.iter().filter_map(|fact| match &fact.fact().body {
        Body::Reach(reach) => Some((fact, reach)),
        _ => None,
    })
}
