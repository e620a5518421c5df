//! Instruments: credits of which nothing counts until they are cleared, and which cover their invoices until then (L14).
//!
//! | known | the credit is | its invoices are |
//! | --- | --- | --- |
//! | only where it is | not there yet | not covered |
//! | terms; in portfolio, deposited, endorsed | there, all of it taken back | covered: owed, and not asked for |
//! | terms; cleared | all of its amount, on the day it cleared | settled |
//! | terms; rejected | there, all of it taken back | owed and asked for |

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::ledger::Credited;
use super::resolve::{Known, Scope};
use super::{Notes, Trouble, book};
use crate::domain::fact::{Body, Instrument, InstrumentChanged, InstrumentState};
use crate::domain::ledger::CreditKind;
use crate::store::credits::CreditRow;
use crate::store::instruments::{Known as Stored, StateRow, Terms};
use crate::store::{self, sources::Authority};

/// The instruments that a transaction is about, as they are after it.
#[derive(Default)]
pub(super) struct Instruments<'a> {
    /// With the fact that changed each last.
    changed: BTreeMap<Uuid, (&'a Known<'a>, Stored)>,
    /// Those whose terms are new here.
    terms: BTreeMap<Uuid, (&'a Known<'a>, &'a Instrument)>,
    /// The invoices that they cover or covered.
    pub(super) invoices: BTreeSet<Uuid>,
}

/// Ids of the instruments that facts are about.
pub(super) fn ids<'a>(scope: &'a Scope, facts: &'a [Known<'a>]) -> impl Iterator<Item = Uuid> + 'a {
    facts.iter().filter_map(|fact| match &fact.fact().body {
        Body::Instrument(told) => Some(credit_id(scope, fact, &told.instrument)),
        Body::InstrumentChanged(told) => Some(credit_id(scope, fact, &told.instrument)),
        _ => None,
    })
}

pub(super) fn credit_id(scope: &Scope, fact: &Known<'_>, number: &str) -> Uuid {
    scope.credit(CreditKind::Instrument, &fact.fact().source, number)
}

/// The invoices for which stored instruments were given: they change with them.
pub(super) async fn stored_invoices(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
) -> Result<Vec<Uuid>, Trouble> {
    let ids: Vec<Uuid> = ids(scope, facts).collect::<BTreeSet<_>>().into_iter().collect();
    let stored = store::instruments::by_ids(conn, scope.tenant_id, &ids).await?;
    Ok(stored.into_values().flat_map(|known| known.invoices).collect())
}

impl<'a> Instruments<'a> {
    /// Keeps both halves.
    pub(super) async fn take_in(
        conn: &mut PgConnection,
        scope: &Scope,
        facts: &'a [Known<'a>],
        notes: &mut Notes,
    ) -> Result<Self, Trouble> {
        let ids: BTreeSet<Uuid> = ids(scope, facts).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut stored = store::instruments::by_ids(conn, scope.tenant_id, &ids).await?;
        let mut instruments = Self::default();
        instruments.invoices.extend(stored.values().flat_map(|known| known.invoices.iter().copied()));
        instruments.terms(conn, scope, facts, &mut stored, notes).await?;
        instruments.states(conn, scope, facts, &mut stored, notes).await?;
        Ok(instruments)
    }

    async fn terms(
        &mut self,
        conn: &mut PgConnection,
        scope: &Scope,
        facts: &'a [Known<'a>],
        stored: &mut BTreeMap<Uuid, Stored>,
        notes: &mut Notes,
    ) -> Result<(), Trouble> {
        let told = facts.iter().filter_map(|fact| match &fact.fact().body {
            Body::Instrument(told) => Some((credit_id(scope, fact, &told.instrument), fact, told)),
            _ => None,
        });
        let newest = notes.newest(told, stored.iter().map(|(id, known)| (*id, &*known.terms_order)));
        let mut rows = Vec::new();
        for (credit_id, (fact, told)) in newest {
            let invoices: Vec<Uuid> =
                told.parts.iter().map(|part| scope.invoice(&fact.legal_entity, &part.invoice)).collect();
            self.invoices.extend(&invoices);
            let known = stored.entry(credit_id).or_insert_with(|| unheard(told));
            known.is_received = true;
            known.received_on = told.received_on;
            rows.push(Terms { credit_id, told, invoices, order: fact.fact().order.as_str() });
            self.terms.insert(credit_id, (fact, told));
            self.changed.insert(credit_id, (fact, known.clone()));
        }
        Ok(store::instruments::save_terms(conn, scope.tenant_id, scope.now, &rows).await?)
    }

    async fn states(
        &mut self,
        conn: &mut PgConnection,
        scope: &Scope,
        facts: &'a [Known<'a>],
        stored: &mut BTreeMap<Uuid, Stored>,
        notes: &mut Notes,
    ) -> Result<(), Trouble> {
        let told = facts.iter().filter_map(|fact| match &fact.fact().body {
            Body::InstrumentChanged(told) => Some((credit_id(scope, fact, &told.instrument), fact, told)),
            _ => None,
        });
        let newest = notes.newest(told, stored.iter().map(|(id, known)| (*id, &*known.state_order)));
        let mut rows = Vec::new();
        for (credit_id, (fact, told)) in newest {
            let InstrumentChanged { instrument, state, on } = told;
            let order = fact.fact().order.as_str();
            rows.push(StateRow { credit_id, number: instrument, state: *state, on: *on, order });
            let Some(known) = stored.get_mut(&credit_id).filter(|known| known.is_received) else {
                notes.park(fact.line, format!("instrument {instrument}"));
                continue;
            };
            (known.state, known.state_on) = (*state, *on);
            self.changed.insert(credit_id, (fact, known.clone()));
        }
        Ok(store::instruments::save_states(conn, scope.tenant_id, scope.now, &rows).await?)
    }

    /// Adds to the credits of a transaction those of its instruments; `rows` are the credits as they are.
    pub(super) async fn credit(
        self,
        conn: &mut PgConnection,
        scope: &Scope,
        authorities: &BTreeMap<Uuid, Authority>,
        credited: &mut Credited<'a>,
        rows: &mut Vec<CreditRow>,
    ) -> Result<(), Trouble> {
        let ids: Vec<Uuid> = self.changed.keys().copied().collect();
        let stored = store::credits::by_ids(conn, scope.tenant_id, &ids).await?;
        for (credit_id, (fact, known)) in self.changed {
            let told = self.terms.get(&credit_id).map(|(fact, told)| {
                let authority = authorities.get(&fact.source_id).map(|authority| authority.applies_cash.clone());
                book::credit_row(scope, fact, credit_id, &told.credit(), authority.unwrap_or_default())
            });
            let row = told.or_else(|| stored.iter().find(|row| row.credit_id == credit_id).cloned());
            // Whoever brought the terms meanwhile is seen by the next attempt.
            let Some(mut row) = row else { return Err(Trouble::Again) };
            let whole = row.amount + row.reversed;
            let counts = known.state == InstrumentState::Cleared;
            row.amount = if counts { whole } else { Decimal::ZERO };
            row.reversed = whole - row.amount;
            row.value_date = if counts { known.state_on } else { known.received_on };
            credited.insert(credit_id, (fact, row));
        }
        rows.extend(stored);
        Ok(())
    }
}

/// Of which nothing was known before these terms.
fn unheard(told: &Instrument) -> Stored {
    Stored {
        is_received: false,
        received_on: told.received_on,
        terms_order: String::new(),
        state: InstrumentState::Portfolio,
        state_on: told.received_on,
        state_order: String::new(),
        invoices: Vec::new(),
    }
}
