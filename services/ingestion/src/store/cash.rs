//! Payments without a payer, and from which accounts payers pay.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::cash::Clues;
use crate::domain::fact::Reversal;

#[derive(Debug, Clone)]
pub(crate) struct UnidentifiedRow {
    pub(crate) credit_id: Uuid,
    pub(crate) source_id: Uuid,
    /// Code of the source, and who applies its cash.
    pub(crate) source: String,
    pub(crate) application_authority: String,
    pub(crate) legal_entity_id: Uuid,
    /// Code.
    pub(crate) legal_entity: String,
    pub(crate) number: String,
    pub(crate) currency: String,
    pub(crate) amount: Decimal,
    pub(crate) value_date: NaiveDate,
    pub(crate) received_date: Option<NaiveDate>,
    pub(crate) bank_reference: Option<String>,
    /// None once erased.
    pub(crate) clues: Option<Json<Clues>>,
    pub(crate) suggestions: Value,
    pub(crate) source_order: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

pub(crate) async fn by_ids(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<UnidentifiedRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        UnidentifiedRow,
        r#"SELECT p.credit_id, p.source_id, s.code AS source, s.application_authority, p.legal_entity_id,
                  l.code AS legal_entity, p.number, p.currency, p.amount, p.value_date, p.received_date, p.bank_reference,
                  p.clues AS "clues: Json<Clues>", p.suggestions, p.source_order, p.recorded_at
           FROM unnest($2::uuid[]) AS k (credit_id) CROSS JOIN LATERAL (
               SELECT * FROM unidentified_payments WHERE tenant_id = $1 AND credit_id = k.credit_id OFFSET 0) p
           JOIN sources s ON s.tenant_id = $1 AND s.source_id = p.source_id
           JOIN legal_entities l ON l.tenant_id = $1 AND l.legal_entity_id = p.legal_entity_id"#,
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

/// Those that wait for a payer, oldest first.
pub(crate) async fn open(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    limit: i64,
) -> Result<Vec<UnidentifiedRow>, sqlx::Error> {
    sqlx::query_as!(
        UnidentifiedRow,
        r#"SELECT p.credit_id, p.source_id, s.code AS source, s.application_authority, p.legal_entity_id,
                  l.code AS legal_entity, p.number, p.currency, p.amount, p.value_date, p.received_date, p.bank_reference,
                  p.clues AS "clues: Json<Clues>", p.suggestions, p.source_order, p.recorded_at
           FROM unidentified_payments p
           JOIN sources s ON s.tenant_id = $1 AND s.source_id = p.source_id
           JOIN legal_entities l ON l.tenant_id = $1 AND l.legal_entity_id = p.legal_entity_id
           WHERE p.tenant_id = $1 AND p.status = 'open' ORDER BY p.recorded_at, p.credit_id LIMIT $2"#,
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Writes payments as they are told.
pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[UnidentifiedRow],
) -> Result<(), sqlx::Error> {
    for row in rows {
        sqlx::query!(
            "INSERT INTO unidentified_payments (tenant_id, credit_id, source_id, legal_entity_id, number, currency, amount,
                 value_date, received_date, bank_reference, clues, status, suggestions, source_order, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', '[]', $12, $13)
             ON CONFLICT (tenant_id, credit_id) DO UPDATE SET legal_entity_id = excluded.legal_entity_id,
                 currency = excluded.currency, amount = excluded.amount, value_date = excluded.value_date,
                 received_date = excluded.received_date, bank_reference = excluded.bank_reference, clues = excluded.clues,
                 source_order = excluded.source_order",
            tenant_id,
            row.credit_id,
            row.source_id,
            row.legal_entity_id,
            row.number,
            row.currency,
            row.amount,
            row.value_date,
            row.received_date,
            row.bank_reference,
            row.clues.as_ref() as Option<&Json<Clues>>,
            row.source_order,
            row.recorded_at
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

pub(crate) async fn suggest(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    credit_id: Uuid,
    suggestions: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE unidentified_payments SET suggestions = $3 WHERE tenant_id = $1 AND credit_id = $2 AND status = 'open'",
        tenant_id,
        credit_id,
        suggestions
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The payment is in the ledger now; its payer pays from its account.
pub(crate) async fn allocated(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    row: &UnidentifiedRow,
    payer_id: Uuid,
    rule: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE unidentified_payments SET status = 'allocated', rule = $3 WHERE tenant_id = $1 AND credit_id = $2",
        tenant_id,
        row.credit_id,
        rule
    )
    .execute(&mut *conn)
    .await?;
    if let Some(account) = row.clues.as_ref().and_then(|clues| clues.account.as_ref()) {
        sqlx::query!(
            "INSERT INTO payer_accounts (tenant_id, account, payer_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            tenant_id,
            account,
            payer_id
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// What was taken back of one payment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reversals {
    pub(crate) amount: Decimal,
    /// One of them took all.
    pub(crate) has_whole: bool,
}

/// Remembers a reversal; false when it was known.
pub(crate) async fn reversed(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    credit_id: Uuid,
    reversal: &Reversal,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO payment_reversals (tenant_id, credit_id, reversal, amount, reversed_on, reason, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        tenant_id,
        credit_id,
        reversal.reversal,
        reversal.amount.map(|amount| amount.amount()),
        reversal.reversed_on,
        reversal.reason,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn reversals(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, Reversals>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"SELECT r.credit_id, coalesce(sum(r.amount), 0) AS "amount!", bool_or(r.amount IS NULL) AS "has_whole!"
           FROM unnest($2::uuid[]) AS k (credit_id) CROSS JOIN LATERAL (
               SELECT credit_id, amount FROM payment_reversals WHERE tenant_id = $1 AND credit_id = k.credit_id OFFSET 0) r
           GROUP BY r.credit_id"#,
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    let sums = |amount, has_whole| Reversals { amount, has_whole };
    Ok(rows.into_iter().map(|row| (row.credit_id, sums(row.amount, row.has_whole))).collect())
}

/// Payments that are gone before anybody knew whose they were wait for nobody.
pub(crate) async fn close_reversed(conn: &mut PgConnection, tenant_id: Uuid, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE unidentified_payments p SET status = 'reversed'
         WHERE p.tenant_id = $1 AND p.credit_id = ANY($2) AND p.status = 'open'
           AND (SELECT bool_or(r.amount IS NULL) OR sum(r.amount) >= p.amount FROM payment_reversals r
                WHERE r.tenant_id = $1 AND r.credit_id = p.credit_id)",
        tenant_id,
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who has paid from each of the accounts.
pub(crate) async fn payers_of_accounts(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    accounts: &[String],
) -> Result<BTreeMap<String, BTreeSet<Uuid>>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT account, payer_id FROM payer_accounts WHERE tenant_id = $1 AND account = ANY($2)",
        tenant_id,
        accounts
    )
    .fetch_all(conn)
    .await?;
    let mut payers: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
    for row in rows {
        payers.entry(row.account).or_default().insert(row.payer_id);
    }
    Ok(payers)
}

/// Customers by name as it was asked for: letters and digits count, capitals do not.
pub(crate) async fn payers_of_names(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    names: &[String],
) -> Result<BTreeMap<String, BTreeSet<Uuid>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT k.name AS "name!", c.payer_id
           FROM unnest($2::text[]) AS k (name) JOIN customers c
             ON c.tenant_id = $1 AND c.name <> ''
            AND upper(regexp_replace(c.name, '[^[:alnum:]]', '', 'g')) = upper(regexp_replace(k.name, '[^[:alnum:]]', '', 'g'))
           WHERE regexp_replace(k.name, '[^[:alnum:]]', '', 'g') <> ''"#,
        tenant_id,
        names
    )
    .fetch_all(conn)
    .await?;
    let mut payers: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
    for row in rows {
        payers.entry(row.name).or_default().insert(row.payer_id);
    }
    Ok(payers)
}
