//! Credit notes that are on their way: kept by their number, in force for the invoice that the newest word names (L17).

use std::collections::BTreeSet;

use primitives::ids::{self, Kind};
use sqlx::PgConnection;
use uuid::Uuid;

use super::resolve::{Known, Scope};
use super::{Notes, Trouble};
use crate::domain::fact::{Body, ExpectedCredit};
use crate::store;
use crate::store::deductions::ExpectedRow;

fn told<'a>(
    scope: &'a Scope,
    facts: &'a [Known<'a>],
) -> impl Iterator<Item = (Uuid, &'a Known<'a>, &'a ExpectedCredit)> + 'a {
    facts.iter().filter_map(|fact| match &fact.fact().body {
        Body::ExpectedCredit(told) => Some((expected_id(scope, fact, told), fact, told)),
        _ => None,
    })
}

pub(super) fn expected_id(scope: &Scope, fact: &Known<'_>, told: &ExpectedCredit) -> Uuid {
    ids::derive(scope.tenant_id, Kind::Credit, &["expected", &fact.fact().source, &told.expected])
}

async fn stored(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
) -> Result<Vec<(Uuid, Uuid, String)>, Trouble> {
    let ids: BTreeSet<Uuid> = told(scope, facts).map(|(id, _, _)| id).collect();
    Ok(store::deductions::expected(conn, scope.tenant_id, &ids.into_iter().collect::<Vec<_>>()).await?)
}

/// The invoices for which something was expected until now.
pub(super) async fn stored_invoices(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
) -> Result<Vec<Uuid>, Trouble> {
    Ok(stored(conn, scope, facts).await?.into_iter().map(|(_, invoice_id, _)| invoice_id).collect())
}

/// Keeps what is expected; returns the invoices that it concerns or concerned.
pub(super) async fn take_in(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    notes: &mut Notes,
) -> Result<BTreeSet<Uuid>, Trouble> {
    let stored = stored(conn, scope, facts).await?;
    let mut invoices: BTreeSet<Uuid> = stored.iter().map(|(_, invoice_id, _)| *invoice_id).collect();
    let orders = stored.iter().map(|(id, _, order)| (*id, &**order));
    let rows: Vec<ExpectedRow<'_>> = notes
        .newest(told(scope, facts), orders)
        .into_iter()
        .map(|(expected_id, (fact, told))| ExpectedRow {
            expected_id,
            invoice_id: scope.invoice(&fact.legal_entity, &told.invoice),
            told,
            order: fact.fact().order.as_str(),
        })
        .collect();
    invoices.extend(rows.iter().map(|row| row.invoice_id));
    store::deductions::save_expected(conn, scope.tenant_id, scope.now, &rows).await?;
    Ok(invoices)
}
