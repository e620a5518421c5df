//! The journal of settlements: appended to, never changed.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::accounts::{Columns, stored_currency};
use crate::domain::ledger::{AccountKey, AllocationKey, Allocations};

/// A line of the journal to be.
pub(crate) struct NewEntry {
    pub(crate) settlement_id: Uuid,
    pub(crate) account: AccountKey,
    pub(crate) kind: String,
    pub(crate) key: AllocationKey,
    pub(crate) reverse: bool,
    pub(crate) amount: Decimal,
}

/// A settlement in force.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SettlementRow {
    pub(crate) settlement_id: Uuid,
    pub(crate) invoice_id: Uuid,
    pub(crate) credit_id: Uuid,
    pub(crate) kind: String,
    pub(crate) amount: Decimal,
    pub(crate) value_date: NaiveDate,
    /// When it was first recorded.
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) inferred: bool,
}

/// What is in force in each of the accounts.
pub(crate) async fn in_force(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    accounts: impl IntoIterator<Item = &AccountKey>,
) -> Result<BTreeMap<AccountKey, Allocations>, sqlx::Error> {
    let columns: Columns = accounts.into_iter().collect();
    if columns.payers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"SELECT e.legal_entity_id, e.payer_id, e.currency, e.invoice_id, e.credit_id, e.inferred, e.value_date,
                  sum(CASE e.entry WHEN 'apply' THEN e.amount ELSE -e.amount END) AS "amount!"
           FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS k (legal_entity_id, payer_id, currency) CROSS JOIN LATERAL (
               SELECT * FROM settlement_entries
               WHERE tenant_id = $1 AND payer_id = k.payer_id AND legal_entity_id = k.legal_entity_id
                 AND currency = k.currency::bpchar OFFSET 0) e
           GROUP BY e.legal_entity_id, e.payer_id, e.currency, e.invoice_id, e.credit_id, e.inferred, e.value_date
           HAVING sum(CASE e.entry WHEN 'apply' THEN e.amount ELSE -e.amount END) <> 0"#,
        tenant_id,
        &columns.legal_entities,
        &columns.payers,
        &columns.currencies
    )
    .fetch_all(conn)
    .await?;
    let mut accounts: BTreeMap<AccountKey, Allocations> = BTreeMap::new();
    for row in rows {
        let currency = stored_currency(&row.currency)?;
        let account = AccountKey { legal_entity_id: row.legal_entity_id, payer_id: row.payer_id, currency };
        let key = AllocationKey {
            invoice_id: row.invoice_id,
            value_date: row.value_date,
            credit_id: row.credit_id,
            inferred: row.inferred,
        };
        accounts.entry(account).or_default().insert(key, row.amount);
    }
    Ok(accounts)
}

/// The settlements in force of invoices, oldest value date first.
pub(crate) async fn of_invoices(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    invoices: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<SettlementRow>>, sqlx::Error> {
    if invoices.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query_as!(
        SettlementRow,
        r#"SELECT e.settlement_id, e.invoice_id, e.credit_id, e.kind, e.inferred, e.value_date,
                  sum(CASE e.entry WHEN 'apply' THEN e.amount ELSE -e.amount END) AS "amount!",
                  min(e.recorded_at) AS "recorded_at!"
           FROM unnest($2::uuid[]) AS k (invoice_id) CROSS JOIN LATERAL (
               SELECT * FROM settlement_entries WHERE tenant_id = $1 AND invoice_id = k.invoice_id OFFSET 0) e
           GROUP BY e.settlement_id, e.invoice_id, e.credit_id, e.kind, e.inferred, e.value_date
           HAVING sum(CASE e.entry WHEN 'apply' THEN e.amount ELSE -e.amount END) <> 0
           ORDER BY e.value_date, e.settlement_id"#,
        tenant_id,
        invoices
    )
    .fetch_all(conn)
    .await?;
    let mut settlements: BTreeMap<Uuid, Vec<SettlementRow>> = BTreeMap::new();
    for row in rows {
        settlements.entry(row.invoice_id).or_default().push(row);
    }
    Ok(settlements)
}

pub(crate) async fn post(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    entries: &[NewEntry],
) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let columns: Columns = entries.iter().map(|entry| &entry.account).collect();
    let id = |of: fn(&NewEntry) -> Uuid| entries.iter().map(of).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO settlement_entries (tenant_id, recorded_at, settlement_id, credit_id, invoice_id, legal_entity_id, payer_id,
             currency, kind, entry, amount, inferred, value_date)
         SELECT $1, $2, e.settlement_id, e.credit_id, e.invoice_id, e.legal_entity_id, e.payer_id, e.currency, e.kind,
                CASE WHEN e.reverse THEN 'reverse' ELSE 'apply' END, e.amount, e.inferred, e.value_date
         FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::boolean[],
                     $11::numeric[], $12::boolean[], $13::date[]) WITH ORDINALITY
              AS e (settlement_id, credit_id, invoice_id, legal_entity_id, payer_id, currency, kind, reverse, amount, inferred,
                    value_date, position)
         ORDER BY e.position",
        tenant_id,
        now,
        &id(|entry| entry.settlement_id),
        &id(|entry| entry.key.credit_id),
        &id(|entry| entry.key.invoice_id),
        &columns.legal_entities,
        &columns.payers,
        &columns.currencies,
        &entries.iter().map(|entry| entry.kind.clone()).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.reverse).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.amount).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.key.inferred).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.key.value_date).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}
