//! Promises and their withdrawals, which may come first.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PromiseRow {
    pub(crate) promise_id: Uuid,
    pub(crate) code: String,
    pub(crate) customer_id: Uuid,
    pub(crate) legal_entity_id: Uuid,
    pub(crate) invoices: Json<Vec<PromisedInvoice>>,
    pub(crate) amount: Decimal,
    pub(crate) currency: String,
    pub(crate) promised_date: NaiveDate,
    pub(crate) time_zone: String,
    pub(crate) made_on: NaiveDate,
    pub(crate) channel: String,
    pub(crate) replaces_promise_id: Option<Uuid>,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) plan: Option<InstalmentRow>,
}

/// Where a promise stands in a payment plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InstalmentRow {
    pub(crate) plan_id: Uuid,
    /// The source's own number of the plan.
    pub(crate) code: String,
    /// From 1.
    pub(crate) instalment: i32,
    pub(crate) instalments: i32,
    /// What the instalments before it come to.
    pub(crate) amount_before: Decimal,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PromisedInvoice {
    pub(crate) invoice: String,
    pub(crate) invoice_id: Uuid,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WithdrawalRow {
    pub(crate) promise_id: Uuid,
    pub(crate) code: String,
    pub(crate) withdrawn_on: NaiveDate,
}

pub(crate) async fn load(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<PromiseRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        Stored,
        r#"SELECT promise_id, code, customer_id, legal_entity_id, invoices AS "invoices: Json<Vec<PromisedInvoice>>", amount,
                  currency, promised_date, time_zone, made_on, channel, replaces_promise_id, recorded_at, plan_id, plan_code,
                  instalment, instalments, amount_before
           FROM promises WHERE tenant_id = $1 AND promise_id = ANY($2)"#,
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(PromiseRow::from).collect())
}

/// The instalments of plans.
pub(crate) async fn of_plans(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    plans: &[Uuid],
) -> Result<Vec<PromiseRow>, sqlx::Error> {
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        Stored,
        r#"SELECT promise_id, code, customer_id, legal_entity_id, invoices AS "invoices: Json<Vec<PromisedInvoice>>", amount,
                  currency, promised_date, time_zone, made_on, channel, replaces_promise_id, recorded_at, plan_id, plan_code,
                  instalment, instalments, amount_before
           FROM promises WHERE tenant_id = $1 AND plan_id = ANY($2)"#,
        tenant_id,
        plans
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(PromiseRow::from).collect())
}

/// A row as it is read.
struct Stored {
    promise_id: Uuid,
    code: String,
    customer_id: Uuid,
    legal_entity_id: Uuid,
    invoices: Json<Vec<PromisedInvoice>>,
    amount: Decimal,
    currency: String,
    promised_date: NaiveDate,
    time_zone: String,
    made_on: NaiveDate,
    channel: String,
    replaces_promise_id: Option<Uuid>,
    recorded_at: DateTime<Utc>,
    plan_id: Option<Uuid>,
    plan_code: Option<String>,
    instalment: Option<i32>,
    instalments: Option<i32>,
    amount_before: Option<Decimal>,
}

impl Stored {
    /// All of it is there, or nothing: a check in the table says so.
    fn plan(&self) -> Option<InstalmentRow> {
        Some(InstalmentRow {
            plan_id: self.plan_id?,
            code: self.plan_code.clone()?,
            instalment: self.instalment?,
            instalments: self.instalments?,
            amount_before: self.amount_before?,
        })
    }
}

impl From<Stored> for PromiseRow {
    fn from(stored: Stored) -> Self {
        Self {
            plan: stored.plan(),
            promise_id: stored.promise_id,
            code: stored.code,
            customer_id: stored.customer_id,
            legal_entity_id: stored.legal_entity_id,
            invoices: stored.invoices,
            amount: stored.amount,
            currency: stored.currency,
            promised_date: stored.promised_date,
            time_zone: stored.time_zone,
            made_on: stored.made_on,
            channel: stored.channel,
            replaces_promise_id: stored.replaces_promise_id,
            recorded_at: stored.recorded_at,
        }
    }
}

pub(crate) async fn withdrawals(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<WithdrawalRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        WithdrawalRow,
        "SELECT promise_id, code, withdrawn_on FROM promise_withdrawals WHERE tenant_id = $1 AND promise_id = ANY($2)",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn insert(conn: &mut PgConnection, tenant_id: Uuid, rows: &[PromiseRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&PromiseRow) -> &String| rows.iter().map(of).cloned().collect::<Vec<_>>();
    let invoices: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| serde_json::to_value(&row.invoices.0).map_err(|error| sqlx::Error::Encode(Box::new(error))))
        .collect::<Result<_, _>>()?;
    sqlx::query!(
        "INSERT INTO promises (tenant_id, promise_id, code, customer_id, legal_entity_id, invoices, amount, currency,
             promised_date, time_zone, made_on, channel, replaces_promise_id, recorded_at, plan_id, plan_code, instalment,
             instalments, amount_before)
         SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::jsonb[], $7::numeric[], $8::text[],
             $9::date[], $10::text[], $11::date[], $12::text[], $13::uuid[], $14::timestamptz[], $15::uuid[], $16::text[],
             $17::integer[], $18::integer[], $19::numeric[])",
        tenant_id,
        &rows.iter().map(|row| row.promise_id).collect::<Vec<_>>(),
        &text(|row| &row.code),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.legal_entity_id).collect::<Vec<_>>(),
        &invoices,
        &rows.iter().map(|row| row.amount).collect::<Vec<_>>(),
        &text(|row| &row.currency),
        &rows.iter().map(|row| row.promised_date).collect::<Vec<_>>(),
        &text(|row| &row.time_zone),
        &rows.iter().map(|row| row.made_on).collect::<Vec<_>>(),
        &text(|row| &row.channel),
        &rows.iter().map(|row| row.replaces_promise_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.plan.as_ref().map(|plan| plan.plan_id)).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.plan.as_ref().map(|plan| plan.code.as_str())).collect::<Vec<_>>() as &[Option<&str>],
        &rows.iter().map(|row| row.plan.as_ref().map(|plan| plan.instalment)).collect::<Vec<_>>() as &[Option<i32>],
        &rows.iter().map(|row| row.plan.as_ref().map(|plan| plan.instalments)).collect::<Vec<_>>() as &[Option<i32>],
        &rows.iter().map(|row| row.plan.as_ref().map(|plan| plan.amount_before)).collect::<Vec<_>>()
            as &[Option<Decimal>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// When a plan was withdrawn, by its id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlanWithdrawalRow {
    pub(crate) plan_id: Uuid,
    pub(crate) code: String,
    pub(crate) withdrawn_on: NaiveDate,
}

pub(crate) async fn plan_withdrawals(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    plans: &[Uuid],
) -> Result<Vec<PlanWithdrawalRow>, sqlx::Error> {
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        PlanWithdrawalRow,
        "SELECT plan_id, code, withdrawn_on FROM plan_withdrawals WHERE tenant_id = $1 AND plan_id = ANY($2)",
        tenant_id,
        plans
    )
    .fetch_all(conn)
    .await
}

/// A plan withdrawn before is withdrawn on the new day.
pub(crate) async fn insert_plan_withdrawals(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[PlanWithdrawalRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO plan_withdrawals (tenant_id, plan_id, code, withdrawn_on)
         SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::date[])
         ON CONFLICT (tenant_id, plan_id) DO UPDATE SET withdrawn_on = excluded.withdrawn_on",
        tenant_id,
        &rows.iter().map(|row| row.plan_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.code.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.withdrawn_on).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A promise withdrawn before is withdrawn on the new day.
pub(crate) async fn insert_withdrawals(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[WithdrawalRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO promise_withdrawals (tenant_id, promise_id, code, withdrawn_on)
         SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::date[])
         ON CONFLICT (tenant_id, promise_id) DO UPDATE SET withdrawn_on = excluded.withdrawn_on",
        tenant_id,
        &rows.iter().map(|row| row.promise_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.code.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.withdrawn_on).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}
