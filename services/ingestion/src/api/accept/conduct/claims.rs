//! What debtors answer (L11). An answer pauses its items for some bank days, then the pause ends by itself: whoever reads it still
//! open after that finds an answer that nobody looked at.

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::resolve::{Known, Scope};
use super::super::{Notes, Trouble};
use super::holds::derived_id;
use super::invoice_ids;
use crate::domain::fact::conduct::{Claimed, Conduct};
use crate::domain::hold::Answer;
use crate::store;
use crate::store::claims::ClaimRow;
use crate::store::holds::HoldRow;

/// Returns the pauses that follow.
pub(super) async fn apply(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    notes: &mut Notes,
) -> Result<Vec<HoldRow>, Trouble> {
    let told: Vec<(Uuid, &Known<'_>, &Claimed)> = super::of(facts)
        .filter_map(|(fact, conduct)| match conduct {
            Conduct::Claimed(told) => Some((scope.claim(&told.claim), fact, told)),
            _ => None,
        })
        .collect();
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = told.iter().map(|(id, ..)| *id).collect();
    let stored = store::claims::orders(conn, scope.tenant_id, &ids).await?;
    let newest = notes.newest(told, stored.iter().map(|(id, order)| (*id, &**order)));
    let rows: Vec<ClaimRow> = newest.iter().map(|(claim_id, (fact, told))| row(scope, fact, *claim_id, told)).collect();
    store::claims::save(conn, scope.tenant_id, &rows).await?;
    let answers = newest.values().map(|(_, told)| told.answer);
    let days = store::settings::in_force(conn, scope.tenant_id).await?.claim_pause_days;
    Ok(rows.iter().zip(answers).map(|(row, answer)| pause(scope, row, answer, days)).collect())
}

fn row(scope: &Scope, fact: &Known<'_>, claim_id: Uuid, told: &Claimed) -> ClaimRow {
    ClaimRow {
        claim_id,
        code: told.claim.clone(),
        answer: told.answer.as_str(),
        customer_id: scope.customer(&told.customer),
        invoice_ids: invoice_ids(scope, fact, &told.invoices),
        amount: told.amount.map(|amount| amount.amount()),
        currency: told.amount.map(|amount| amount.currency().code().to_owned()),
        claimed_on: told.claimed_on,
        paid_on: told.paid_on,
        scheduled_for: if let Answer::Scheduled { on } = told.answer { Some(on) } else { None },
        document: if let Answer::DocumentMissing { document } = told.answer { Some(document) } else { None },
        source_order: fact.fact().order.as_str().to_owned(),
        recorded_at: scope.now,
    }
}

fn pause(scope: &Scope, row: &ClaimRow, answer: Answer, days: u32) -> HoldRow {
    HoldRow {
        hold_id: derived_id(scope, row.claim_id),
        version: 0,
        code: row.code.clone(),
        kind: answer.hold().as_str().to_owned(),
        customer_id: row.customer_id,
        invoice_ids: row.invoice_ids.clone(),
        placed_on: row.claimed_on,
        until: Some(answer.until(row.claimed_on, days)),
        lifted_on: None,
        origin_id: Some(row.claim_id),
        source_order: row.source_order.clone(),
        recorded_at: scope.now,
    }
}
