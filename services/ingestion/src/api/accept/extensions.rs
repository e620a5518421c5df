//! Agreed later due dates: kept from the first word, in force once the invoice is known and whenever it is told again.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::ledger::Issued;
use super::resolve::{Known, Scope};
use super::{Notes, Trouble};
use crate::domain::fact::Body;
use crate::domain::order::{ChangeOrder, newest};
use crate::store;
use crate::store::extensions::ExtensionRow;
use crate::store::receivables::ReceivableRow;

/// The invoices that extensions are about.
pub(super) fn invoices<'a>(scope: &'a Scope, facts: &'a [Known<'a>]) -> impl Iterator<Item = Uuid> + 'a {
    facts.iter().filter_map(|fact| match &fact.fact().body {
        Body::Extended(told) => Some(scope.invoice(&fact.legal_entity, &told.invoice)),
        _ => None,
    })
}

/// Writes what was agreed into the invoices of a transaction; `rows` are these invoices as they are.
pub(super) async fn apply(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    issued: &mut Issued,
    rows: &[ReceivableRow],
    notes: &mut Notes,
) -> Result<(), Trouble> {
    let told: Vec<(Uuid, &Known<'_>)> = facts
        .iter()
        .filter_map(|fact| match &fact.fact().body {
            Body::Extended(told) => Some((scope.invoice(&fact.legal_entity, &told.invoice), fact)),
            _ => None,
        })
        .collect();
    let ids: Vec<Uuid> = issued.keys().copied().chain(told.iter().map(|(id, _)| *id)).collect();
    let before = store::extensions::by_invoices(conn, scope.tenant_id, &ids).await?;
    let orders: BTreeMap<Uuid, ChangeOrder> =
        before.values().map(|row| (row.invoice_id, ChangeOrder::stored(row.source_order.clone()))).collect();
    let decided = newest(told.iter().map(|(id, fact)| (*id, &fact.fact().order, *fact)), &orders);
    notes.stale.extend(decided.stale.iter().map(|fact| fact.line));
    let mut in_force = before.clone();
    let stored: BTreeMap<Uuid, &ReceivableRow> = rows.iter().map(|row| (row.invoice_id, row)).collect();
    let mut changed = Vec::new();
    for (invoice_id, fact) in decided.winners {
        let Body::Extended(told) = &fact.fact().body else { continue };
        let row = ExtensionRow {
            invoice_id,
            effective_due_date: told.effective_due_date,
            reason: told.reason.clone(),
            source_order: fact.fact().order.as_str().to_owned(),
        };
        if let Some(stored) = stored.get(&invoice_id) {
            issued.entry(invoice_id).or_insert_with(|| {
                let mut stored = (*stored).clone();
                // What an earlier agreement wrote is not what the invoice says.
                if before.get(&invoice_id).is_some_and(|before| before.effective_due_date == stored.effective_due_date)
                {
                    stored.effective_due_date = stored.due_date;
                }
                stored
            });
        } else if !issued.contains_key(&invoice_id) {
            notes.park(fact.line, format!("invoice {}", told.invoice));
        }
        in_force.insert(invoice_id, row.clone());
        changed.push(row);
    }
    store::extensions::save(conn, scope.tenant_id, scope.now, &changed).await?;
    for (invoice_id, row) in issued {
        if let Some(agreed) = in_force.get(invoice_id) {
            row.effective_due_date = row.effective_due_date.max(agreed.effective_due_date);
        }
    }
    Ok(())
}
