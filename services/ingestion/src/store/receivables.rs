//! Invoices and what is open of them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::accounts::{Columns, stored_currency};
use crate::domain::ledger::AccountKey;
use crate::domain::standing::Standing;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReceivableRow {
    pub(crate) invoice_id: Uuid,
    pub(crate) version: i64,
    pub(crate) legal_entity_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) payer_id: Uuid,
    pub(crate) currency: String,
    pub(crate) number: String,
    /// `invoice` or `debit_note`.
    pub(crate) document: String,
    pub(crate) corrects_invoice_id: Option<Uuid>,
    pub(crate) amount: Decimal,
    pub(crate) open_amount: Decimal,
    pub(crate) expected_withholding: Decimal,
    pub(crate) withheld_amount: Decimal,
    pub(crate) disputed_amount: Decimal,
    pub(crate) issue_date: NaiveDate,
    pub(crate) due_date: NaiveDate,
    pub(crate) effective_due_date: NaiveDate,
    pub(crate) delivered_date: Option<NaiveDate>,
    pub(crate) last_dunned_on: Option<NaiveDate>,
    pub(crate) settled_on: Option<NaiveDate>,
    pub(crate) standing: Json<Standing>,
    pub(crate) source: String,
    pub(crate) source_order: String,
}

impl ReceivableRow {
    pub(crate) fn account(&self) -> Result<AccountKey, sqlx::Error> {
        let currency = stored_currency(&self.currency)?;
        Ok(AccountKey { legal_entity_id: self.legal_entity_id, payer_id: self.payer_id, currency })
    }
}

/// Invoices by id, each id once. One probe of the primary key each: told `= ANY`, the planner may read all that the tenant
/// has and filter it.
pub(crate) async fn by_ids(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<ReceivableRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        ReceivableRow,
        r#"SELECT r.invoice_id, r.version, r.legal_entity_id, r.customer_id, r.payer_id, r.currency, r.number, r.document,
                r.corrects_invoice_id, r.amount, r.open_amount, r.expected_withholding, r.withheld_amount, r.disputed_amount,
                r.issue_date, r.due_date, r.effective_due_date, r.delivered_date, r.last_dunned_on, r.settled_on,
                r.standing AS "standing: Json<Standing>", r.source, r.source_order
         FROM unnest($2::uuid[]) AS k (invoice_id) CROSS JOIN LATERAL (
             SELECT * FROM receivables WHERE tenant_id = $1 AND invoice_id = k.invoice_id OFFSET 0) r"#,
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

/// Currency and payer of an invoice.
pub(crate) type Owed = (String, Uuid);

/// In which account the invoices are that are known.
pub(crate) async fn accounts(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, Owed>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        "SELECT r.invoice_id, r.currency, r.payer_id FROM unnest($2::uuid[]) AS k (invoice_id) CROSS JOIN LATERAL (
             SELECT invoice_id, currency, payer_id FROM receivables
             WHERE tenant_id = $1 AND invoice_id = k.invoice_id OFFSET 0) r",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.invoice_id, (row.currency, row.payer_id))).collect())
}

/// The open invoices of accounts.
pub(crate) async fn open(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    accounts: impl IntoIterator<Item = &AccountKey>,
) -> Result<Vec<ReceivableRow>, sqlx::Error> {
    let columns: Columns = accounts.into_iter().collect();
    if columns.payers.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        ReceivableRow,
        r#"SELECT r.invoice_id, r.version, r.legal_entity_id, r.customer_id, r.payer_id, r.currency, r.number, r.document,
                r.corrects_invoice_id, r.amount, r.open_amount, r.expected_withholding, r.withheld_amount, r.disputed_amount,
                r.issue_date, r.due_date, r.effective_due_date, r.delivered_date, r.last_dunned_on, r.settled_on,
                r.standing AS "standing: Json<Standing>", r.source, r.source_order
         FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS k (legal_entity_id, payer_id, currency) CROSS JOIN LATERAL (
             SELECT * FROM receivables
             WHERE tenant_id = $1 AND payer_id = k.payer_id AND legal_entity_id = k.legal_entity_id
               AND currency = k.currency::bpchar AND open_amount > 0 OFFSET 0) r"#,
        tenant_id,
        &columns.legal_entities,
        &columns.payers,
        &columns.currencies
    )
    .fetch_all(conn)
    .await
}

/// All invoices of accounts: the open ones by one index, the settled ones by another.
pub(crate) async fn all(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    accounts: impl IntoIterator<Item = &AccountKey> + Clone,
) -> Result<Vec<ReceivableRow>, sqlx::Error> {
    let mut rows = open(conn, tenant_id, accounts.clone()).await?;
    rows.extend(settled(conn, tenant_id, accounts).await?);
    Ok(rows)
}

async fn settled(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    accounts: impl IntoIterator<Item = &AccountKey>,
) -> Result<Vec<ReceivableRow>, sqlx::Error> {
    let columns: Columns = accounts.into_iter().collect();
    if columns.payers.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        ReceivableRow,
        r#"SELECT r.invoice_id, r.version, r.legal_entity_id, r.customer_id, r.payer_id, r.currency, r.number, r.document,
                r.corrects_invoice_id, r.amount, r.open_amount, r.expected_withholding, r.withheld_amount, r.disputed_amount,
                r.issue_date, r.due_date, r.effective_due_date, r.delivered_date, r.last_dunned_on, r.settled_on,
                r.standing AS "standing: Json<Standing>", r.source, r.source_order
         FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS k (legal_entity_id, payer_id, currency) CROSS JOIN LATERAL (
             SELECT * FROM receivables
             WHERE tenant_id = $1 AND payer_id = k.payer_id AND legal_entity_id = k.legal_entity_id
               AND currency = k.currency::bpchar AND open_amount = 0 OFFSET 0) r"#,
        tenant_id,
        &columns.legal_entities,
        &columns.payers,
        &columns.currencies
    )
    .fetch_all(conn)
    .await
}

/// Open invoices of an amount, whoever owes them: for each key of (legal entity, currency, amount) at most `limit` of them,
/// with the position of the key.
pub(crate) async fn of_amounts(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    keys: &[(Uuid, String, Decimal)],
    limit: i64,
) -> Result<Vec<(usize, Uuid)>, sqlx::Error> {
    let positions: Vec<i64> = (0..).take(keys.len()).collect();
    let rows = sqlx::query!(
        r#"SELECT k.position AS "position!", r.invoice_id
           FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::numeric[]) AS k (position, legal_entity_id, currency, amount)
           CROSS JOIN LATERAL (
               SELECT invoice_id FROM receivables
               WHERE tenant_id = $1 AND legal_entity_id = k.legal_entity_id AND currency = k.currency::bpchar
                 AND open_amount = k.amount AND open_amount > 0 ORDER BY invoice_id LIMIT $6) r"#,
        tenant_id,
        &positions,
        &keys.iter().map(|(legal_entity_id, _, _)| *legal_entity_id).collect::<Vec<_>>(),
        &keys.iter().map(|(_, currency, _)| currency.as_str()).collect::<Vec<_>>() as &[&str],
        &keys.iter().map(|(_, _, amount)| *amount).collect::<Vec<_>>(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((usize::try_from(row.position).ok()?, row.invoice_id))).collect())
}

/// Keeps what was known of invoices until `now`; they are about to be corrected.
pub(crate) async fn keep(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO receivable_history (tenant_id, invoice_id, known_from, known_until, customer_id, payer_id, currency, amount,
             issue_date)
         SELECT r.tenant_id, r.invoice_id, r.known_from, $2, r.customer_id, r.payer_id, r.currency, r.amount, r.issue_date
         FROM receivables r WHERE r.tenant_id = $1 AND r.invoice_id = ANY($3) AND r.known_from < $2",
        tenant_id,
        now,
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes invoices as they are known at `now`.
pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    rows: &[&ReceivableRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let id = |of: fn(&ReceivableRow) -> Uuid| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    let text = |of: fn(&ReceivableRow) -> &str| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    let sum = |of: fn(&ReceivableRow) -> Decimal| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    let day = |of: fn(&ReceivableRow) -> NaiveDate| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    let standings: Vec<Json<&Standing>> = rows.iter().map(|row| Json(&row.standing.0)).collect();
    let maybe = |of: fn(&ReceivableRow) -> Option<NaiveDate>| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO receivables AS r (tenant_id, known_from, invoice_id, version, legal_entity_id, customer_id, payer_id, currency, number,
             amount, open_amount, expected_withholding, withheld_amount, disputed_amount, issue_date, due_date,
             effective_due_date, delivered_date, last_dunned_on, settled_on, source, source_order, document,
             corrects_invoice_id, standing)
         SELECT $1, $25, * FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[],
             $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[], $14::date[], $15::date[],
             $16::date[], $17::date[], $18::date[], $19::date[], $20::text[], $21::text[],
             $22::text[], $23::uuid[], $24::jsonb[])
         ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET version = excluded.version,
             customer_id = excluded.customer_id, payer_id = excluded.payer_id, currency = excluded.currency,
             amount = excluded.amount, open_amount = excluded.open_amount,
             expected_withholding = excluded.expected_withholding, withheld_amount = excluded.withheld_amount,
             disputed_amount = excluded.disputed_amount, issue_date = excluded.issue_date, due_date = excluded.due_date,
             effective_due_date = excluded.effective_due_date, delivered_date = excluded.delivered_date, last_dunned_on = excluded.last_dunned_on,
             settled_on = excluded.settled_on, source = excluded.source, source_order = excluded.source_order,
             document = excluded.document, corrects_invoice_id = excluded.corrects_invoice_id,
             standing = excluded.standing, known_from = CASE
                 WHEN (r.customer_id, r.payer_id, r.currency, r.amount, r.issue_date) IS DISTINCT FROM
                      (excluded.customer_id, excluded.payer_id, excluded.currency, excluded.amount, excluded.issue_date)
                 THEN excluded.known_from ELSE r.known_from END",
        tenant_id,
        &id(|row| row.invoice_id),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &id(|row| row.legal_entity_id),
        &id(|row| row.customer_id),
        &id(|row| row.payer_id),
        &text(|row| &row.currency) as &[&str],
        &text(|row| &row.number) as &[&str],
        &sum(|row| row.amount),
        &sum(|row| row.open_amount),
        &sum(|row| row.expected_withholding),
        &sum(|row| row.withheld_amount),
        &sum(|row| row.disputed_amount),
        &day(|row| row.issue_date),
        &day(|row| row.due_date),
        &day(|row| row.effective_due_date),
        &maybe(|row| row.delivered_date) as &[Option<NaiveDate>],
        &maybe(|row| row.last_dunned_on) as &[Option<NaiveDate>],
        &maybe(|row| row.settled_on) as &[Option<NaiveDate>],
        &text(|row| &row.source) as &[&str],
        &text(|row| &row.source_order) as &[&str],
        &text(|row| &row.document) as &[&str],
        &rows.iter().map(|row| row.corrects_invoice_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &standings as &[Json<&Standing>],
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
