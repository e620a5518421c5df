//! The rows that whoever folds an account holds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use primitives::Currency;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::ledger::{AccountKey, ItemKey, Rank};

/// Account keys as three columns, for joining with `unnest`.
pub(crate) struct Columns {
    pub(crate) legal_entities: Vec<Uuid>,
    pub(crate) payers: Vec<Uuid>,
    pub(crate) currencies: Vec<String>,
}

impl<'a> FromIterator<&'a AccountKey> for Columns {
    fn from_iter<I: IntoIterator<Item = &'a AccountKey>>(keys: I) -> Self {
        let mut columns = Self { legal_entities: Vec::new(), payers: Vec::new(), currencies: Vec::new() };
        for key in keys {
            columns.legal_entities.push(key.legal_entity_id);
            columns.payers.push(key.payer_id);
            columns.currencies.push(key.currency.code().to_owned());
        }
        columns
    }
}

/// A currency that was checked before it was stored.
pub(crate) fn stored_currency(code: &str) -> Result<Currency, sqlx::Error> {
    Currency::parse(code).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Accounts whose locks are held.
#[derive(Debug, Default)]
pub(crate) struct Locked {
    /// The key of the last item that each has folded.
    pub(crate) last: BTreeMap<AccountKey, Option<ItemKey>>,
    /// When something was last posted in any of them.
    pub(crate) posted_at: Option<DateTime<Utc>>,
}

/// Makes the accounts exist and locks them (D13): those that are there in the order of `keys`, then those that are new.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    keys: &BTreeSet<AccountKey>,
) -> Result<Locked, sqlx::Error> {
    // Most accounts are there: asked first, they cost one probe.
    let mut locked = Locked::default();
    lock_existing(conn, tenant_id, keys.iter().collect(), &mut locked).await?;
    let missing: Vec<&AccountKey> = keys.iter().filter(|key| !locked.last.contains_key(key)).collect();
    let made = make(conn, tenant_id, missing.into_iter().collect()).await?;
    locked.last.extend(made.into_iter().map(|key| (key, None)));
    // Made by somebody else in between.
    let raced: Vec<&AccountKey> = keys.iter().filter(|key| !locked.last.contains_key(key)).collect();
    lock_existing(conn, tenant_id, raced.into_iter().collect(), &mut locked).await?;
    Ok(locked)
}

async fn lock_existing(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    columns: Columns,
    locked: &mut Locked,
) -> Result<(), sqlx::Error> {
    if columns.payers.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query!(
        "SELECT a.legal_entity_id, a.payer_id, a.currency, a.last_date, a.last_rank, a.last_source, a.last_number,
                a.posted_at
         FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS k (legal_entity_id, payer_id, currency) CROSS JOIN LATERAL (
             SELECT * FROM accounts
             WHERE tenant_id = $1 AND legal_entity_id = k.legal_entity_id AND payer_id = k.payer_id
               AND currency = k.currency::bpchar OFFSET 0 FOR NO KEY UPDATE) a",
        tenant_id,
        &columns.legal_entities,
        &columns.payers,
        &columns.currencies
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let currency = stored_currency(&row.currency)?;
        let key = AccountKey { legal_entity_id: row.legal_entity_id, payer_id: row.payer_id, currency };
        let rank = row.last_rank.and_then(Rank::from_number);
        let last = match (row.last_date, rank, row.last_source, row.last_number) {
            (Some(date), Some(rank), Some(source), Some(number)) => Some(ItemKey { date, rank, source, number }),
            _ => None,
        };
        locked.last.insert(key, last);
        locked.posted_at = locked.posted_at.max(row.posted_at);
    }
    Ok(())
}

/// Makes accounts; returns those that nobody else was first to make.
async fn make(conn: &mut PgConnection, tenant_id: Uuid, columns: Columns) -> Result<Vec<AccountKey>, sqlx::Error> {
    if columns.payers.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        "INSERT INTO accounts (tenant_id, legal_entity_id, payer_id, currency)
         SELECT $1, a.* FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS a (legal_entity_id, payer_id, currency)
         ORDER BY a.legal_entity_id, a.payer_id, a.currency
         ON CONFLICT DO NOTHING RETURNING legal_entity_id, payer_id, currency",
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

pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    posted_at: DateTime<Utc>,
    folded: &[(AccountKey, Option<ItemKey>)],
) -> Result<(), sqlx::Error> {
    if folded.is_empty() {
        return Ok(());
    }
    let columns: Columns = folded.iter().map(|(key, _)| key).collect();
    let last = || folded.iter().map(|(_, last)| last.as_ref());
    sqlx::query!(
        "UPDATE accounts a SET last_date = n.last_date, last_rank = n.last_rank, last_source = n.last_source,
                last_number = n.last_number, posted_at = $9
         FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::date[], $6::smallint[], $7::text[], $8::text[])
              AS n (legal_entity_id, payer_id, currency, last_date, last_rank, last_source, last_number)
         WHERE a.tenant_id = $1 AND a.legal_entity_id = n.legal_entity_id AND a.payer_id = n.payer_id
           AND a.currency = n.currency::bpchar",
        tenant_id,
        &columns.legal_entities,
        &columns.payers,
        &columns.currencies,
        &last().map(|key| key.map(|key| key.date)).collect::<Vec<_>>() as &[Option<chrono::NaiveDate>],
        &last().map(|key| key.map(|key| key.rank.number())).collect::<Vec<_>>() as &[Option<i16>],
        &last().map(|key| key.map(|key| key.source.clone())).collect::<Vec<_>>() as &[Option<String>],
        &last().map(|key| key.map(|key| key.number.clone())).collect::<Vec<_>>() as &[Option<String>],
        posted_at
    )
    .execute(conn)
    .await?;
    Ok(())
}
