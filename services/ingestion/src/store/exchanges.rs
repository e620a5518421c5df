//! Published rates, and the payments that they bear on.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// A rate of one day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RateRow {
    pub(crate) rate_id: Uuid,
    pub(crate) rates: String,
    pub(crate) base: String,
    pub(crate) quote: String,
    pub(crate) rate: Decimal,
    pub(crate) rate_date: NaiveDate,
    pub(crate) source_order: String,
}

pub(crate) async fn rates(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, RateRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query_as!(
        RateRow,
        "SELECT r.rate_id, r.rates, r.base, r.quote, r.rate, r.rate_date, r.source_order
         FROM unnest($2::uuid[]) AS k (rate_id) CROSS JOIN LATERAL (
             SELECT * FROM fx_rates WHERE tenant_id = $1 AND rate_id = k.rate_id OFFSET 0) r",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.rate_id, row)).collect())
}

pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    rows: &[RateRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&RateRow) -> &str| rows.iter().map(of).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO fx_rates (tenant_id, recorded_at, rate_id, rates, base, quote, rate, rate_date, source_order)
         SELECT $1, $2, * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::date[], $9::text[])
         ON CONFLICT (tenant_id, rate_id) DO UPDATE SET rate = excluded.rate, source_order = excluded.source_order,
             recorded_at = excluded.recorded_at",
        tenant_id,
        now,
        &rows.iter().map(|row| row.rate_id).collect::<Vec<_>>(),
        &text(|row| &row.rates) as &[&str],
        &text(|row| &row.base) as &[&str],
        &text(|row| &row.quote) as &[&str],
        &rows.iter().map(|row| row.rate).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.rate_date).collect::<Vec<_>>(),
        &text(|row| &row.source_order) as &[&str]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes which payments rates bear on: (rate, payment).
pub(crate) async fn expect(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    awaited: &[(Uuid, Uuid)],
) -> Result<(), sqlx::Error> {
    if awaited.is_empty() {
        return Ok(());
    }
    let (rates, credits): (Vec<Uuid>, Vec<Uuid>) = awaited.iter().copied().unzip();
    sqlx::query!(
        "INSERT INTO awaited_rates (tenant_id, rate_id, credit_id)
         SELECT $1, n.* FROM unnest($2::uuid[], $3::uuid[]) AS n (rate_id, credit_id) ORDER BY n.rate_id, n.credit_id
         ON CONFLICT DO NOTHING",
        tenant_id,
        &rates,
        &credits
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The payments that these rates bear on.
pub(crate) async fn expecting(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rates: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    if rates.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        "SELECT DISTINCT a.credit_id FROM unnest($2::uuid[]) AS k (rate_id) CROSS JOIN LATERAL (
             SELECT credit_id FROM awaited_rates WHERE tenant_id = $1 AND rate_id = k.rate_id OFFSET 0) a
         ORDER BY a.credit_id",
        tenant_id,
        rates
    )
    .fetch_all(conn)
    .await
}

/// What a part of a payment settled in another currency: `amount = paid * times / over`, to the minor unit.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Exchange)]
pub(crate) struct ExchangedRow {
    /// Codes.
    pub(crate) legal_entity: String,
    pub(crate) source: String,
    pub(crate) payment: String,
    pub(crate) value_date: NaiveDate,
    /// Code of the payer of the invoice.
    pub(crate) payer: String,
    pub(crate) invoice: String,
    pub(crate) paid_currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) paid: Decimal,
    pub(crate) currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) amount: Decimal,
    /// Whose published rate it is; none: the payment says what it settles.
    pub(crate) rates: Option<String>,
    pub(crate) rate_date: Option<NaiveDate>,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) times: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) over: Decimal,
    /// Version of the cash rules that allowed it.
    pub(crate) rules: i64,
}

/// The last value date first.
pub(crate) async fn exchanged(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    limit: i64,
) -> Result<Vec<ExchangedRow>, sqlx::Error> {
    sqlx::query_as!(
        ExchangedRow,
        r#"SELECT l.code AS legal_entity, s.code AS source, c.number AS payment, c.value_date, u.code AS payer,
                  p.part ->> 'invoice' AS "invoice!", c.paid_currency AS "paid_currency!", x.paid AS "paid!", c.currency,
                  x.amount AS "amount!", x.rates, x.rate_date, x.times AS "times!", x.over AS "over!", x.rules AS "rules!"
           FROM credits c
           JOIN sources s ON s.tenant_id = c.tenant_id AND s.source_id = c.source_id
           JOIN legal_entities l ON l.tenant_id = c.tenant_id AND l.legal_entity_id = c.legal_entity_id
           JOIN customers u ON u.tenant_id = c.tenant_id AND u.customer_id = c.payer_id
           CROSS JOIN LATERAL jsonb_array_elements(c.parts) AS p (part)
           CROSS JOIN LATERAL jsonb_to_record(p.part -> 'exchange') AS x (paid numeric, amount numeric, times numeric,
               over numeric, rates text, rate_date date, rules bigint)
           WHERE c.tenant_id = $1 AND c.paid_amount > 0
           ORDER BY c.value_date DESC, c.credit_id, p.part ->> 'invoice_id' LIMIT $2"#,
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await
}
