//! Payments, credit notes, withholdings, and where their amounts lie.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::accounts::{Columns, stored_currency};
use crate::domain::ledger::AccountKey;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CreditRow {
    pub(crate) credit_id: Uuid,
    pub(crate) version: i64,
    pub(crate) legal_entity_id: Uuid,
    pub(crate) payer_id: Uuid,
    pub(crate) currency: String,
    pub(crate) kind: String,
    pub(crate) source_id: Uuid,
    /// Code and authority of the source.
    pub(crate) source: String,
    pub(crate) application_authority: String,
    pub(crate) number: String,
    /// Without what was reversed.
    pub(crate) amount: Decimal,
    pub(crate) reversed: Decimal,
    pub(crate) applied: Decimal,
    pub(crate) on_account: Decimal,
    pub(crate) waiting: Decimal,
    pub(crate) held: Decimal,
    pub(crate) value_date: NaiveDate,
    pub(crate) received_date: Option<NaiveDate>,
    pub(crate) bank_reference: Option<String>,
    pub(crate) certificate: Option<String>,
    pub(crate) parts: Json<Vec<PartRow>>,
    pub(crate) source_order: String,
    pub(crate) recorded_at: DateTime<Utc>,
    /// The payment whose money in this account it is, where that lies in another one.
    pub(crate) share_of: Option<Uuid>,
    /// Of a payment with shares, and of each of them: all that it is, without what was reversed.
    pub(crate) whole: Option<Decimal>,
    /// Of a share that was exchanged: what of its payment it is, in the payment's currency.
    pub(crate) paid_amount: Option<Decimal>,
    pub(crate) paid_currency: Option<String>,
}

/// An invoice that a credit names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartRow {
    pub(crate) invoice: String,
    pub(crate) invoice_id: Uuid,
    /// `None`: whatever is open.
    pub(crate) amount: Option<Decimal>,
    /// It counts only where it closes the invoice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) closes: bool,
    /// What the payer kept back of it, and why in the payer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deduction: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What the payer says that it settles, in the currency of the invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) settles: Option<SettlesRow>,
    /// What it settles, where its invoice is in another currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exchange: Option<ExchangeRow>,
    /// Whose account its invoice and its money are in, where it is not the credit's own: the part of a share there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) elsewhere: Option<Uuid>,
    /// Reserved while the invoice has not come; `None` when the part does not wait.
    pub(crate) waiting: Option<Decimal>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SettlesRow {
    pub(crate) currency: String,
    pub(crate) amount: Decimal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate_date: Option<NaiveDate>,
}

/// How a part came into another currency: `amount = paid * times / over`, rounded to `unit` (M5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExchangeRow {
    /// Of the invoice.
    pub(crate) currency: String,
    /// In the payment's currency.
    pub(crate) paid: Decimal,
    pub(crate) amount: Decimal,
    pub(crate) times: Decimal,
    pub(crate) over: Decimal,
    pub(crate) unit: Decimal,
    /// Whose published rate it is, and which; `None`: the payment said what it settles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rates: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate_date: Option<NaiveDate>,
    /// Version of the cash rules that allowed it.
    pub(crate) rules: i64,
}

impl CreditRow {
    pub(crate) fn account(&self) -> Result<AccountKey, sqlx::Error> {
        let currency = stored_currency(&self.currency)?;
        Ok(AccountKey { legal_entity_id: self.legal_entity_id, payer_id: self.payer_id, currency })
    }
}

/// Credits by id, each id once; by their primary key, as invoices are.
pub(crate) async fn by_ids(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<CreditRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        CreditRow,
        r#"SELECT c.credit_id, c.version, c.legal_entity_id, c.payer_id, c.currency, c.kind, c.source_id, s.code AS source,
                  s.application_authority, c.number, c.amount, c.reversed, c.applied, c.on_account, c.waiting, c.held, c.value_date,
                  c.received_date, c.bank_reference, c.certificate, c.parts AS "parts: Json<Vec<PartRow>>", c.source_order,
                  c.recorded_at, c.share_of, c.whole, c.paid_amount, c.paid_currency
           FROM unnest($2::uuid[]) AS k (credit_id) CROSS JOIN LATERAL (
               SELECT * FROM credits WHERE tenant_id = $1 AND credit_id = k.credit_id OFFSET 0) c
           JOIN sources s ON s.tenant_id = $1 AND s.source_id = c.source_id"#,
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

/// The credits of accounts of which something waits or lies on account.
pub(crate) async fn unapplied(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    accounts: impl IntoIterator<Item = &AccountKey>,
) -> Result<Vec<CreditRow>, sqlx::Error> {
    let columns: Columns = accounts.into_iter().collect();
    if columns.payers.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        CreditRow,
        r#"SELECT c.credit_id, c.version, c.legal_entity_id, c.payer_id, c.currency, c.kind, c.source_id, s.code AS source,
                  s.application_authority, c.number, c.amount, c.reversed, c.applied, c.on_account, c.waiting, c.held, c.value_date,
                  c.received_date, c.bank_reference, c.certificate, c.parts AS "parts: Json<Vec<PartRow>>", c.source_order,
                  c.recorded_at, c.share_of, c.whole, c.paid_amount, c.paid_currency
           FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS k (legal_entity_id, payer_id, currency) CROSS JOIN LATERAL (
               SELECT * FROM credits
               WHERE tenant_id = $1 AND payer_id = k.payer_id AND legal_entity_id = k.legal_entity_id
                 AND currency = k.currency::bpchar AND (on_account > 0 OR waiting > 0) OFFSET 0) c
           JOIN sources s ON s.tenant_id = $1 AND s.source_id = c.source_id"#,
        tenant_id,
        &columns.legal_entities,
        &columns.payers,
        &columns.currencies
    )
    .fetch_all(conn)
    .await
}

/// Those of the accounts in which there is any credit.
pub(crate) async fn accounts_with_some(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    accounts: &[AccountKey],
) -> Result<BTreeSet<AccountKey>, sqlx::Error> {
    let columns: Columns = accounts.iter().collect();
    if columns.payers.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = sqlx::query!(
        r#"SELECT k.legal_entity_id AS "legal_entity_id!", k.payer_id AS "payer_id!", k.currency AS "currency!"
           FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS k (legal_entity_id, payer_id, currency) CROSS JOIN LATERAL (
               SELECT FROM credits WHERE tenant_id = $1 AND payer_id = k.payer_id AND legal_entity_id = k.legal_entity_id
                 AND currency = k.currency::bpchar LIMIT 1) c"#,
        tenant_id,
        &columns.legal_entities,
        &columns.payers,
        &columns.currencies
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = stored_currency(&row.currency)?;
            Ok(AccountKey { legal_entity_id: row.legal_entity_id, payer_id: row.payer_id, currency })
        })
        .collect()
}

/// All credits of accounts.
pub(crate) async fn all(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    accounts: impl IntoIterator<Item = &AccountKey>,
) -> Result<Vec<CreditRow>, sqlx::Error> {
    let columns: Columns = accounts.into_iter().collect();
    if columns.payers.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        CreditRow,
        r#"SELECT c.credit_id, c.version, c.legal_entity_id, c.payer_id, c.currency, c.kind, c.source_id, s.code AS source,
                  s.application_authority, c.number, c.amount, c.reversed, c.applied, c.on_account, c.waiting, c.held, c.value_date,
                  c.received_date, c.bank_reference, c.certificate, c.parts AS "parts: Json<Vec<PartRow>>", c.source_order,
                  c.recorded_at, c.share_of, c.whole, c.paid_amount, c.paid_currency
           FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS k (legal_entity_id, payer_id, currency) CROSS JOIN LATERAL (
               SELECT * FROM credits
               WHERE tenant_id = $1 AND payer_id = k.payer_id AND legal_entity_id = k.legal_entity_id
                 AND currency = k.currency::bpchar OFFSET 0) c
           JOIN sources s ON s.tenant_id = $1 AND s.source_id = c.source_id"#,
        tenant_id,
        &columns.legal_entities,
        &columns.payers,
        &columns.currencies
    )
    .fetch_all(conn)
    .await
}

/// Payments that name invoices of an account, as (account, invoice); of shares the payments that they are of.
pub(crate) async fn naming(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    named: &[(AccountKey, Uuid)],
) -> Result<Vec<Uuid>, sqlx::Error> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let columns: Columns = named.iter().map(|(account, _)| account).collect();
    sqlx::query_scalar!(
        r#"SELECT DISTINCT coalesce(c.share_of, c.credit_id) AS "credit_id!"
           FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[]) AS k (legal_entity_id, payer_id, currency, invoice_id)
           CROSS JOIN LATERAL (
               SELECT credit_id, share_of FROM credits
               WHERE tenant_id = $1 AND payer_id = k.payer_id AND legal_entity_id = k.legal_entity_id
                 AND currency = k.currency::bpchar AND kind = 'cash'
                 AND parts @> jsonb_build_array(jsonb_build_object('invoice_id', k.invoice_id)) OFFSET 0) c"#,
        tenant_id,
        &columns.legal_entities,
        &columns.payers,
        &columns.currencies,
        &named.iter().map(|(_, invoice_id)| *invoice_id).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await
}

/// Which of (payer, bank reference) pairs are in the ledger already, as accounts.
pub(crate) async fn meeting_references(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    payers: &[Uuid],
    references: &[String],
) -> Result<Vec<AccountKey>, sqlx::Error> {
    if payers.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        "SELECT DISTINCT c.legal_entity_id, c.payer_id, c.currency
         FROM unnest($2::uuid[], $3::text[]) AS k (payer_id, bank_reference) CROSS JOIN LATERAL (
             SELECT legal_entity_id, payer_id, currency FROM credits
             WHERE tenant_id = $1 AND payer_id = k.payer_id AND bank_reference = k.bank_reference OFFSET 0) c",
        tenant_id,
        payers,
        references
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = stored_currency(&row.currency)?;
            Ok(AccountKey { legal_entity_id: row.legal_entity_id, payer_id: row.payer_id, currency })
        })
        .collect()
}

pub(crate) async fn save(conn: &mut PgConnection, tenant_id: Uuid, rows: &[&CreditRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let id = |of: fn(&CreditRow) -> Uuid| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    let text = |of: fn(&CreditRow) -> &str| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    let maybe = |of: fn(&CreditRow) -> Option<&str>| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    let sum = |of: fn(&CreditRow) -> Decimal| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    let parts: Vec<Json<&[PartRow]>> = rows.iter().map(|row| Json(row.parts.as_slice())).collect();
    sqlx::query!(
        "INSERT INTO credits (tenant_id, credit_id, version, legal_entity_id, payer_id, currency, kind, source_id, number,
             amount, reversed, applied, on_account, waiting, held, value_date, received_date, bank_reference, certificate,
             parts, source_order, recorded_at, share_of, whole, paid_amount, paid_currency)
         SELECT $1, * FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::uuid[],
             $9::text[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[], $14::numeric[], $15::numeric[],
             $16::date[], $17::date[], $18::text[], $19::text[], $20::jsonb[], $21::text[], $22::timestamptz[],
             $23::uuid[], $24::numeric[], $25::numeric[], $26::text[])
         ON CONFLICT (tenant_id, credit_id) DO UPDATE SET version = excluded.version,
             legal_entity_id = excluded.legal_entity_id, payer_id = excluded.payer_id, currency = excluded.currency,
             amount = excluded.amount, reversed = excluded.reversed, applied = excluded.applied, on_account = excluded.on_account,
             waiting = excluded.waiting, held = excluded.held, value_date = excluded.value_date,
             received_date = excluded.received_date, bank_reference = excluded.bank_reference,
             certificate = excluded.certificate, parts = excluded.parts, source_order = excluded.source_order,
             recorded_at = excluded.recorded_at, share_of = excluded.share_of, whole = excluded.whole,
             paid_amount = excluded.paid_amount, paid_currency = excluded.paid_currency",
        tenant_id,
        &id(|row| row.credit_id),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &id(|row| row.legal_entity_id),
        &id(|row| row.payer_id),
        &text(|row| &row.currency) as &[&str],
        &text(|row| &row.kind) as &[&str],
        &id(|row| row.source_id),
        &text(|row| &row.number) as &[&str],
        &sum(|row| row.amount),
        &sum(|row| row.reversed),
        &sum(|row| row.applied),
        &sum(|row| row.on_account),
        &sum(|row| row.waiting),
        &sum(|row| row.held),
        &rows.iter().map(|row| row.value_date).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.received_date).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &maybe(|row| row.bank_reference.as_deref()) as &[Option<&str>],
        &maybe(|row| row.certificate.as_deref()) as &[Option<&str>],
        &parts as &[Json<&[PartRow]>],
        &text(|row| &row.source_order) as &[&str],
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.share_of).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.whole).collect::<Vec<_>>() as &[Option<Decimal>],
        &rows.iter().map(|row| row.paid_amount).collect::<Vec<_>>() as &[Option<Decimal>],
        &maybe(|row| row.paid_currency.as_deref()) as &[Option<&str>]
    )
    .execute(conn)
    .await?;
    Ok(())
}
