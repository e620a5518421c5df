//! Promises with their terms and their state.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use primitives::{Currency, Money};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::judgement::LookAgain;
use crate::domain::promise::{Instalment, Promise, PromiseKey, State, Terms};
use crate::store::invoices::InvoiceKey;
use crate::store::{StoreError, columns};

/// `judge_at` of a promise that the sweep is to look at whatever the clock says.
pub(crate) const AT_ONCE: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// A promise as it stands. Its invoices are not loaded with it (see `store::facts`).
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub promise: Promise,
    pub terms: Terms,
    pub state: State,
    pub version: i64,
    pub judge_at: Option<DateTime<Utc>>,
}

pub(crate) fn judge_at(look_again: LookAgain) -> Option<DateTime<Utc>> {
    match look_again {
        LookAgain::AtOnce => Some(AT_ONCE),
        LookAgain::At(instant) => Some(instant),
        LookAgain::OnNews => None,
    }
}

/// Makes a row for each promise that is new, open and not judged yet. Sorted by key.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    made: &[(Promise, Terms)],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if made.is_empty() {
        return Ok(());
    }
    let (tenant_ids, promise_ids) = columns(made.iter().map(|(promise, _)| &promise.key));
    let column = |of: fn(&(Promise, Terms)) -> String| made.iter().map(of).collect::<Vec<_>>();
    let customer_ids: Vec<_> = made.iter().map(|(promise, _)| promise.customer_id).collect();
    let legal_entity_ids: Vec<_> = made.iter().map(|(promise, _)| promise.legal_entity_id).collect();
    let amounts: Vec<_> = made.iter().map(|(promise, _)| promise.amount.amount()).collect();
    let promised: Vec<_> = made.iter().map(|(promise, _)| promise.promised_date).collect();
    let made_on: Vec<_> = made.iter().map(|(promise, _)| promise.made_on).collect();
    let replaces: Vec<_> = made.iter().map(|(promise, _)| promise.replaces).collect();
    let last_days: Vec<_> = made.iter().map(|(_, terms)| terms.last_day).collect();
    let required: Vec<_> = made.iter().map(|(_, terms)| terms.required).collect();
    let deadlines: Vec<_> = made.iter().map(|(promise, terms)| terms.deadline(promise.zone)).collect();
    let plans: Vec<_> = made.iter().map(|(promise, _)| promise.instalment.as_ref()).collect();
    sqlx::query!(
        "INSERT INTO promises (tenant_id, promise_id, customer_id, legal_entity_id, code, amount, currency, promised_date,
                               time_zone, made_on, channel, replaces_promise_id, last_day, required_amount, deadline_at,
                               tzdb_version, status, version, paid_amount, late_information, changed_at, judge_at,
                               plan_id, plan_code, instalment, instalments, amount_before)
         SELECT tenant_id, promise_id, customer_id, legal_entity_id, code, amount, currency, promised_date, time_zone,
                made_on, channel, replaces, last_day, required, deadline_at, $16, 'open', 0, 0, false, $17, deadline_at,
                plan_id, plan_code, instalment, instalments, amount_before
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::numeric[], $7::text[], $8::date[],
                     $9::text[], $10::date[], $11::text[], $12::uuid[], $13::date[], $14::numeric[], $15::timestamptz[],
                     $18::uuid[], $19::text[], $20::integer[], $21::integer[], $22::numeric[])
              AS made (tenant_id, promise_id, customer_id, legal_entity_id, code, amount, currency, promised_date,
                       time_zone, made_on, channel, replaces, last_day, required, deadline_at, plan_id, plan_code,
                       instalment, instalments, amount_before)
         ON CONFLICT (tenant_id, promise_id) DO NOTHING",
        &tenant_ids,
        &promise_ids,
        &customer_ids,
        &legal_entity_ids,
        &column(|(promise, _)| promise.code.clone()),
        &amounts,
        &column(|(promise, _)| promise.amount.currency().code().to_owned()),
        &promised,
        &column(|(promise, _)| promise.zone.name().to_owned()),
        &made_on,
        &column(|(promise, _)| promise.channel.clone()),
        &replaces as &[Option<Uuid>],
        &last_days,
        &required,
        &deadlines,
        chrono_tz::IANA_TZDB_VERSION,
        now,
        &plans.iter().map(|plan| plan.map(|plan| plan.plan_id)).collect::<Vec<_>>() as &[Option<Uuid>],
        &plans.iter().map(|plan| plan.map(|plan| plan.plan_code.as_str())).collect::<Vec<_>>() as &[Option<&str>],
        &plans.iter().map(|plan| plan.map(|plan| plan.number)).collect::<Vec<_>>() as &[Option<i32>],
        &plans.iter().map(|plan| plan.map(|plan| plan.of)).collect::<Vec<_>>() as &[Option<i32>],
        &plans.iter().map(|plan| plan.map(|plan| plan.before)).collect::<Vec<_>>() as &[Option<Decimal>],
    )
    .execute(&mut *conn)
    .await?;

    let named: Vec<_> = made
        .iter()
        .flat_map(|(promise, _)| promise.invoice_ids.iter().map(|invoice_id| (promise.key, *invoice_id)))
        .collect();
    let (tenant_ids, promise_ids) = columns(named.iter().map(|(key, _)| key));
    let invoice_ids: Vec<_> = named.iter().map(|(_, invoice_id)| *invoice_id).collect();
    sqlx::query!(
        "INSERT INTO promise_invoices (tenant_id, promise_id, invoice_id)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) ON CONFLICT DO NOTHING",
        &tenant_ids,
        &promise_ids,
        &invoice_ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks, in the order of their keys, the given promises and all that are about the given invoices.
pub(crate) async fn lock_affected(
    conn: &mut PgConnection,
    promises: &BTreeSet<PromiseKey>,
    invoices: &BTreeSet<InvoiceKey>,
) -> Result<Vec<Standing>, StoreError> {
    if promises.is_empty() && invoices.is_empty() {
        return Ok(Vec::new());
    }
    let (tenant_ids, promise_ids) = columns(promises);
    let (invoice_tenants, invoice_ids): (Vec<_>, Vec<_>) = invoices.iter().copied().unzip();
    let rows = sqlx::query_as!(
        Row,
        "SELECT p.tenant_id, p.promise_id, p.code, p.customer_id, p.legal_entity_id, p.amount, p.currency, p.promised_date,
                p.time_zone, p.made_on, p.channel, p.replaces_promise_id, p.last_day, p.required_amount, p.status, p.version,
                p.paid_amount, p.late_information, p.confirmed_at, p.judge_at, p.plan_id, p.plan_code, p.instalment,
                p.instalments, p.amount_before
         FROM (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS asked (tenant_id, promise_id)
               UNION
               SELECT pi.tenant_id, pi.promise_id
               FROM unnest($3::uuid[], $4::uuid[]) AS changed (tenant_id, invoice_id) CROSS JOIN LATERAL (
                 SELECT tenant_id, promise_id FROM promise_invoices
                 WHERE tenant_id = changed.tenant_id AND invoice_id = changed.invoice_id OFFSET 0) pi
               ORDER BY tenant_id, promise_id) AS wanted
         CROSS JOIN LATERAL (
             SELECT * FROM promises WHERE tenant_id = wanted.tenant_id AND promise_id = wanted.promise_id
             OFFSET 0 FOR NO KEY UPDATE) p",
        &tenant_ids,
        &promise_ids,
        &invoice_tenants,
        &invoice_ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Standing::try_from).collect()
}

/// When the promises were told last.
pub(crate) async fn changed_at(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    promises: &[Uuid],
) -> Result<Vec<(Uuid, DateTime<Utc>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT promise_id, changed_at FROM promises WHERE tenant_id = $1 AND promise_id = ANY ($2)",
        tenant_id,
        promises,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.promise_id, row.changed_at)).collect())
}

/// Whether a sweep would find anything.
pub(crate) async fn any_due(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM promises WHERE judge_at <= $1) AS "any!""#, now)
        .fetch_one(conn)
        .await
}

/// Claims the promises that are due, the longest waiting first, leaving those that another transaction is busy with.
pub(crate) async fn lock_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Standing>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT tenant_id, promise_id, code, customer_id, legal_entity_id, amount, currency, promised_date, time_zone,
                made_on, channel, replaces_promise_id, last_day, required_amount, status, version, paid_amount,
                late_information, confirmed_at, judge_at, plan_id, plan_code, instalment, instalments, amount_before
         FROM promises WHERE judge_at <= $1
         ORDER BY judge_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
        now,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let mut due = rows.into_iter().map(Standing::try_from).collect::<Result<Vec<_>, _>>()?;
    due.sort_by_key(|standing| standing.promise.key);
    Ok(due)
}

/// Saves the state of promises that are locked.
pub(crate) async fn save(conn: &mut PgConnection, judged: &[Standing], now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    if judged.is_empty() {
        return Ok(());
    }
    let (tenant_ids, promise_ids) = columns(judged.iter().map(|standing| &standing.promise.key));
    let statuses: Vec<_> = judged.iter().map(|standing| standing.state.status.as_str().to_owned()).collect();
    let versions: Vec<_> = judged.iter().map(|standing| standing.version).collect();
    let paid: Vec<_> = judged.iter().map(|standing| standing.state.paid.amount()).collect();
    let late: Vec<_> = judged.iter().map(|standing| standing.state.late_information).collect();
    let confirmed: Vec<_> = judged.iter().map(|standing| standing.state.confirmed_at).collect();
    let judge_at: Vec<_> = judged.iter().map(|standing| standing.judge_at).collect();
    sqlx::query!(
        "UPDATE promises p
         SET status = judged.status, version = judged.version, paid_amount = judged.paid_amount,
             late_information = judged.late_information, confirmed_at = judged.confirmed_at, judge_at = judged.judge_at,
             changed_at = CASE WHEN p.version < judged.version THEN $9 ELSE p.changed_at END
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::numeric[], $6::boolean[], $7::timestamptz[],
                     $8::timestamptz[])
              AS judged (tenant_id, promise_id, status, version, paid_amount, late_information, confirmed_at, judge_at)
         WHERE p.tenant_id = judged.tenant_id AND p.promise_id = judged.promise_id",
        &tenant_ids,
        &promise_ids,
        &statuses,
        &versions,
        &paid,
        &late,
        &confirmed as &[Option<DateTime<Utc>>],
        &judge_at as &[Option<DateTime<Utc>>],
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Derives the deadlines that are not confirmed again where the zone rules that they were derived with are not this build's.
/// Returns (deadline before, deadline now) of those that moved, and whether there may be more.
pub(crate) async fn derive_deadlines_again(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<(Vec<(PromiseKey, DateTime<Utc>, DateTime<Utc>)>, bool), StoreError> {
    let rows = sqlx::query!(
        "SELECT tenant_id, promise_id, last_day, time_zone, deadline_at FROM promises
         WHERE confirmed_at IS NULL AND tzdb_version <> $1
         ORDER BY tenant_id, promise_id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
        chrono_tz::IANA_TZDB_VERSION,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let maybe_more = i64::try_from(rows.len()).is_ok_and(|count| count == limit);
    let mut derived = Vec::with_capacity(rows.len());
    for row in rows {
        let key = PromiseKey { tenant_id: row.tenant_id, promise_id: row.promise_id };
        let terms = Terms { last_day: row.last_day, required: Decimal::ZERO };
        derived.push((key, row.deadline_at, terms.deadline(zone(key, &row.time_zone)?)));
    }
    let (tenant_ids, promise_ids) = columns(derived.iter().map(|(key, ..)| key));
    let deadlines: Vec<_> = derived.iter().map(|(.., deadline)| *deadline).collect();
    sqlx::query!(
        "UPDATE promises p
         SET deadline_at = derived.deadline_at, tzdb_version = $4,
             judge_at = least(p.judge_at, derived.deadline_at)
         FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS derived (tenant_id, promise_id, deadline_at)
         WHERE p.tenant_id = derived.tenant_id AND p.promise_id = derived.promise_id",
        &tenant_ids,
        &promise_ids,
        &deadlines,
        chrono_tz::IANA_TZDB_VERSION,
    )
    .execute(conn)
    .await?;
    derived.retain(|(_, before, after)| before != after);
    Ok((derived, maybe_more))
}

struct Row {
    tenant_id: Uuid,
    promise_id: Uuid,
    code: String,
    customer_id: Uuid,
    legal_entity_id: Uuid,
    amount: Decimal,
    currency: String,
    promised_date: NaiveDate,
    time_zone: String,
    made_on: NaiveDate,
    channel: String,
    replaces_promise_id: Option<Uuid>,
    last_day: NaiveDate,
    required_amount: Decimal,
    status: String,
    version: i64,
    paid_amount: Decimal,
    late_information: bool,
    confirmed_at: Option<DateTime<Utc>>,
    judge_at: Option<DateTime<Utc>>,
    plan_id: Option<Uuid>,
    plan_code: Option<String>,
    instalment: Option<i32>,
    instalments: Option<i32>,
    amount_before: Option<Decimal>,
}

impl Row {
    /// All of it is there, or nothing: a check in the table says so.
    fn plan(&self) -> Option<Instalment> {
        Some(Instalment {
            plan_id: self.plan_id?,
            plan_code: self.plan_code.clone()?,
            number: self.instalment?,
            of: self.instalments?,
            before: self.amount_before?,
        })
    }
}

impl TryFrom<Row> for Standing {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let key = PromiseKey { tenant_id: row.tenant_id, promise_id: row.promise_id };
        let malformed = |cause| StoreError::Amount { key, cause };
        let currency = Currency::parse(&row.currency).map_err(malformed)?;
        let instalment = row.plan();
        Ok(Self {
            promise: Promise {
                key,
                code: row.code,
                customer_id: row.customer_id,
                legal_entity_id: row.legal_entity_id,
                invoice_ids: Vec::new(),
                amount: Money::new(row.amount, currency).map_err(malformed)?,
                promised_date: row.promised_date,
                zone: zone(key, &row.time_zone)?,
                made_on: row.made_on,
                channel: row.channel,
                replaces: row.replaces_promise_id,
                instalment,
            },
            terms: Terms { last_day: row.last_day, required: row.required_amount },
            state: State {
                status: row.status.parse().map_err(|cause| StoreError::Status { key, cause })?,
                paid: Money::new(row.paid_amount, currency).map_err(malformed)?,
                late_information: row.late_information,
                confirmed_at: row.confirmed_at,
            },
            version: row.version,
            judge_at: row.judge_at,
        })
    }
}

fn zone(key: PromiseKey, name: &str) -> Result<chrono_tz::Tz, StoreError> {
    name.parse().map_err(|_| StoreError::Zone { key, zone: name.to_owned() })
}
