//! What is known about promises besides their own words.

use std::collections::BTreeMap;

use primitives::Currency;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::facts::{DaySettled, Facts, Invoice};
use crate::domain::promise::PromiseKey;
use crate::store::{StoreError, columns};

/// The facts about each promise, and the invoices it names, sorted. The promises exist and are locked.
pub(crate) async fn of(
    conn: &mut PgConnection,
    keys: &[PromiseKey],
) -> Result<BTreeMap<PromiseKey, (Vec<Uuid>, Facts)>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (tenant_ids, promise_ids) = columns(keys);
    let mut facts = BTreeMap::<PromiseKey, (Vec<Uuid>, Facts)>::new();

    // A later promise takes the place of an earlier one about the same invoice; on the same day only when it says so.
    let words = sqlx::query!(
        r#"SELECT p.tenant_id, p.promise_id, w.withdrawn_on AS "withdrawn_on?",
                  least((SELECT min(s.made_on) FROM promises s
                         WHERE s.tenant_id = p.tenant_id AND s.replaces_promise_id = p.promise_id
                           AND s.promise_id <> p.promise_id AND s.made_on >= p.made_on),
                        (SELECT min(s.made_on) FROM promise_invoices mine
                         JOIN promise_invoices theirs
                           ON theirs.tenant_id = mine.tenant_id AND theirs.invoice_id = mine.invoice_id
                         JOIN promises s ON s.tenant_id = theirs.tenant_id AND s.promise_id = theirs.promise_id
                         WHERE mine.tenant_id = p.tenant_id AND mine.promise_id = p.promise_id
                           AND s.made_on > p.made_on)) AS replaced_on,
                  -- Of those that are not asked for: whoever asks for several of one plan judges them in their order.
                  (SELECT min(e.last_day) FROM promises e
                   WHERE e.tenant_id = p.tenant_id AND e.plan_id = p.plan_id AND e.instalment < p.instalment
                     AND e.status IN ('broken', 'partially_kept')
                     AND NOT EXISTS (SELECT FROM unnest($1::uuid[], $2::uuid[]) AS also (tenant_id, promise_id)
                                     WHERE also.tenant_id = e.tenant_id AND also.promise_id = e.promise_id)) AS defaulted_on
           FROM unnest($1::uuid[], $2::uuid[]) AS asked (tenant_id, promise_id)
           JOIN promises p ON p.tenant_id = asked.tenant_id AND p.promise_id = asked.promise_id
           LEFT JOIN promise_words w ON w.tenant_id = p.tenant_id AND w.promise_id = p.promise_id"#,
        &tenant_ids,
        &promise_ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in words {
        let key = PromiseKey { tenant_id: row.tenant_id, promise_id: row.promise_id };
        let known = Facts {
            invoices: Vec::new(),
            all_invoices_known: true,
            withdrawn_on: row.withdrawn_on,
            replaced_on: row.replaced_on,
            defaulted_on: row.defaulted_on,
        };
        facts.insert(key, (Vec::new(), known));
    }

    let invoices = sqlx::query!(
        r#"SELECT pi.tenant_id, pi.promise_id, pi.invoice_id, i.currency AS "currency?", i.amount AS "amount?",
                  i.voided_on, i.settled AS "settled?: Json<Vec<DaySettled>>"
           FROM unnest($1::uuid[], $2::uuid[]) AS asked (tenant_id, promise_id)
           JOIN promise_invoices pi ON pi.tenant_id = asked.tenant_id AND pi.promise_id = asked.promise_id
           LEFT JOIN invoices i ON i.tenant_id = pi.tenant_id AND i.invoice_id = pi.invoice_id
           ORDER BY pi.tenant_id, pi.promise_id, pi.invoice_id"#,
        &tenant_ids,
        &promise_ids,
    )
    .fetch_all(conn)
    .await?;
    for row in invoices {
        let key = PromiseKey { tenant_id: row.tenant_id, promise_id: row.promise_id };
        let Some((invoice_ids, known)) = facts.get_mut(&key) else { continue };
        invoice_ids.push(row.invoice_id);
        let (Some(currency), Some(amount), Some(settled)) = (row.currency, row.amount, row.settled) else {
            known.all_invoices_known = false;
            continue;
        };
        let currency = Currency::parse(&currency).map_err(|cause| StoreError::Amount { key, cause })?;
        known.invoices.push(Invoice { currency, amount, settled: settled.0, voided_on: row.voided_on });
    }
    Ok(facts)
}
