//! What is foretold of open invoices, and of whom it has to be foretold again.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::joined;
use crate::domain::evidence::Invoice;
use crate::domain::model::learner::Bill;
use crate::domain::model::memory::MODEL_VERSION;

/// An invoice as it is owed now.
#[derive(Debug)]
pub(crate) struct Owed {
    pub version: i64,
    pub bill: Bill,
}

/// What a risk is about.
#[derive(Debug)]
pub(crate) struct Debt {
    pub due_date: NaiveDate,
    pub open_amount: Decimal,
    pub currency: String,
}

/// What was told of an invoice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OutlookRow {
    pub invoice_id: Uuid,
    pub customer_id: Uuid,
    pub version: i64,
    pub closed: bool,
    pub p_late: Decimal,
    pub p50_delay: Option<Decimal>,
    pub p80_delay: Option<Decimal>,
    pub p90_delay: Option<Decimal>,
    pub structural_days: i32,
    pub contributions: Vec<Decimal>,
    pub reasons: Vec<String>,
    pub invoice_version: i64,
    pub learned_through: Option<NaiveDate>,
    pub as_of: NaiveDate,
    pub model_version: String,
    pub risk_version: i64,
    pub at_risk: bool,
    pub risk_threshold: Option<Decimal>,
}

/// Tenants with customers whose invoices are to be foretold again.
pub(crate) async fn stale_tenants(conn: &mut PgConnection) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT l.tenant_id FROM learning l
         WHERE EXISTS (SELECT FROM stale_outlooks s WHERE s.tenant_id = l.tenant_id) ORDER BY l.tenant_id"
    )
    .fetch_all(conn)
    .await
}

/// Takes at most `limit` customers off the list; those that others work on are left to them.
pub(crate) async fn take_stale(conn: &mut PgConnection, tenant_id: Uuid, limit: i64) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "DELETE FROM stale_outlooks s
         USING (SELECT customer_id FROM stale_outlooks WHERE tenant_id = $1 ORDER BY customer_id LIMIT $2
                FOR UPDATE SKIP LOCKED) t
         WHERE s.tenant_id = $1 AND s.customer_id = t.customer_id
         RETURNING s.customer_id",
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await
}

/// What these customers owe.
pub(crate) async fn owed(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customers: &[Uuid],
) -> Result<BTreeMap<Uuid, Owed>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT i.invoice_id, i.version, i.customer_id, i.issue_date, i.due_date, i.amount, c.country,
             (SELECT min(d.opened_on) FROM dispute_facts d
              WHERE d.tenant_id = $1 AND d.invoice_id = i.invoice_id) AS disputed_on
           FROM unnest($2::uuid[]) AS k (customer_id)
           JOIN customers c ON c.tenant_id = $1 AND c.customer_id = k.customer_id
           CROSS JOIN LATERAL (
             SELECT * FROM invoice_facts
             WHERE tenant_id = $1 AND customer_id = k.customer_id AND settled_on IS NULL OFFSET 0) i"#,
        tenant_id,
        customers
    )
    .fetch_all(conn)
    .await?;
    let owed = rows.into_iter().map(|row| {
        let invoice = Invoice {
            invoice_id: row.invoice_id,
            customer_id: row.customer_id,
            issued_on: row.issue_date,
            due_on: row.due_date,
            settled_on: None,
            paid: false,
            inferred: false,
        };
        let bill =
            Bill { invoice, group: row.country, amount: row.amount, on_paper: false, disputed_on: row.disputed_on };
        (row.invoice_id, Owed { version: row.version, bill })
    });
    Ok(owed.collect())
}

/// What was told of these customers' invoices, and of `invoices`, whoever owed them then.
pub(crate) async fn told(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customers: &[Uuid],
    invoices: &[Uuid],
) -> Result<BTreeMap<Uuid, OutlookRow>, sqlx::Error> {
    let rows = sqlx::query_as!(
        OutlookRow,
        r#"SELECT invoice_id, customer_id, version, closed, p_late, p50_delay, p80_delay, p90_delay, structural_days,
             contributions AS "contributions: Vec<Decimal>", reasons, invoice_version, learned_through, as_of,
             model_version, risk_version, at_risk, risk_threshold
           FROM invoice_outlooks
           WHERE tenant_id = $1 AND ((customer_id = ANY($2) AND NOT closed) OR invoice_id = ANY($3))"#,
        tenant_id,
        customers,
        invoices
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.invoice_id, row)).collect())
}

/// What was told of an invoice; `None` when nothing was.
pub(crate) async fn of(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    invoice_id: Uuid,
) -> Result<Option<OutlookRow>, sqlx::Error> {
    Ok(told(conn, tenant_id, &[], &[invoice_id]).await?.remove(&invoice_id))
}

pub(crate) async fn save(conn: &mut PgConnection, tenant_id: Uuid, rows: &[OutlookRow]) -> Result<(), sqlx::Error> {
    let ids = |of: fn(&OutlookRow) -> Uuid| rows.iter().map(of).collect::<Vec<Uuid>>();
    let versions = |of: fn(&OutlookRow) -> i64| rows.iter().map(of).collect::<Vec<i64>>();
    let flags = |of: fn(&OutlookRow) -> bool| rows.iter().map(of).collect::<Vec<bool>>();
    let days = |of: fn(&OutlookRow) -> Option<Decimal>| rows.iter().map(of).collect::<Vec<Option<Decimal>>>();
    let p_late: Vec<Decimal> = rows.iter().map(|row| row.p_late).collect();
    let structural: Vec<i32> = rows.iter().map(|row| row.structural_days).collect();
    let contributions: Vec<String> = rows.iter().map(|row| joined(&row.contributions)).collect();
    let reasons: Vec<String> = rows.iter().map(|row| row.reasons.join(" ")).collect();
    let learned: Vec<Option<NaiveDate>> = rows.iter().map(|row| row.learned_through).collect();
    let as_of: Vec<NaiveDate> = rows.iter().map(|row| row.as_of).collect();
    sqlx::query!(
        "INSERT INTO invoice_outlooks (tenant_id, invoice_id, customer_id, version, closed, p_late, p50_delay, p80_delay,
           p90_delay, structural_days, contributions, reasons, invoice_version, learned_through, as_of, model_version,
           risk_version, at_risk, risk_threshold)
         SELECT $1, u.invoice_id, u.customer_id, u.version, u.closed, u.p_late, u.p50_delay, u.p80_delay, u.p90_delay,
           u.structural_days, string_to_array(u.contributions, ' ')::numeric[], string_to_array(u.reasons, ' '),
           u.invoice_version, u.learned_through, u.as_of, $2, u.risk_version, u.at_risk, u.risk_threshold
         FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::boolean[], $7::numeric[], $8::numeric[], $9::numeric[],
             $10::numeric[], $11::integer[], $12::text[], $13::text[], $14::bigint[], $15::date[], $16::date[],
             $17::bigint[], $18::boolean[], $19::numeric[])
           AS u (invoice_id, customer_id, version, closed, p_late, p50_delay, p80_delay, p90_delay, structural_days,
             contributions, reasons, invoice_version, learned_through, as_of, risk_version, at_risk, risk_threshold)
         ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET customer_id = excluded.customer_id, version = excluded.version,
           closed = excluded.closed, p_late = excluded.p_late, p50_delay = excluded.p50_delay,
           p80_delay = excluded.p80_delay, p90_delay = excluded.p90_delay, structural_days = excluded.structural_days,
           contributions = excluded.contributions, reasons = excluded.reasons,
           invoice_version = excluded.invoice_version, learned_through = excluded.learned_through,
           as_of = excluded.as_of, model_version = excluded.model_version, risk_version = excluded.risk_version,
           at_risk = excluded.at_risk, risk_threshold = excluded.risk_threshold",
        tenant_id,
        MODEL_VERSION,
        &ids(|row| row.invoice_id),
        &ids(|row| row.customer_id),
        &versions(|row| row.version),
        &flags(|row| row.closed),
        &p_late,
        &days(|row| row.p50_delay) as &[Option<Decimal>],
        &days(|row| row.p80_delay) as &[Option<Decimal>],
        &days(|row| row.p90_delay) as &[Option<Decimal>],
        &structural,
        &contributions,
        &reasons,
        &versions(|row| row.invoice_version),
        &learned as &[Option<NaiveDate>],
        &as_of,
        &versions(|row| row.risk_version),
        &flags(|row| row.at_risk),
        &days(|row| row.risk_threshold) as &[Option<Decimal>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is owed of these invoices.
pub(crate) async fn debts(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    invoices: &[Uuid],
) -> Result<BTreeMap<Uuid, Debt>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT invoice_id, due_date, open_amount, currency FROM invoice_facts
         WHERE tenant_id = $1 AND invoice_id = ANY($2)",
        tenant_id,
        invoices
    )
    .fetch_all(conn)
    .await?;
    let debts = rows.into_iter().map(|row| {
        (row.invoice_id, Debt { due_date: row.due_date, open_amount: row.open_amount, currency: row.currency })
    });
    Ok(debts.collect())
}

/// An invoice that will likely be paid late, with what it is about.
#[derive(Debug)]
pub(crate) struct RiskRow {
    pub invoice_id: Uuid,
    pub customer_id: Uuid,
    pub code: String,
    pub due_date: NaiveDate,
    pub open_amount: Decimal,
    pub currency: String,
    pub p_late: Decimal,
    pub p50_delay: Option<Decimal>,
    pub reasons: Vec<String>,
}

/// The likeliest `limit` after (p, id) `after`, the likeliest first.
pub(crate) async fn at_risk(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    after: Option<(Decimal, Uuid)>,
    limit: i64,
) -> Result<Vec<RiskRow>, sqlx::Error> {
    let (p_late, invoice_id) = after.unzip();
    sqlx::query_as!(
        RiskRow,
        "SELECT o.invoice_id, o.customer_id, c.code, i.due_date, i.open_amount, i.currency, o.p_late, o.p50_delay, o.reasons
         FROM invoice_outlooks o JOIN invoice_facts i USING (tenant_id, invoice_id)
         JOIN customers c ON c.tenant_id = o.tenant_id AND c.customer_id = o.customer_id
         WHERE o.tenant_id = $1 AND o.at_risk
           AND ($2::numeric IS NULL OR o.p_late < $2 OR (o.p_late = $2 AND o.invoice_id > $3))
         ORDER BY o.p_late DESC, o.invoice_id LIMIT $4",
        tenant_id,
        p_late,
        invoice_id,
        limit
    )
    .fetch_all(conn)
    .await
}

/// What is told again of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Prediction,
    Risk,
}

/// Counts the versions of what was told of these invoices up, where anything was.
pub(crate) async fn raise(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    invoices: &[Uuid],
    told: Told,
) -> Result<Vec<OutlookRow>, sqlx::Error> {
    let mut rows = sqlx::query_as!(
        OutlookRow,
        r#"UPDATE invoice_outlooks
           SET version = version + CASE WHEN $3 THEN 0 ELSE 1 END,
               risk_version = risk_version + CASE WHEN $3 THEN 1 ELSE 0 END
           WHERE tenant_id = $1 AND invoice_id = ANY($2) AND (NOT $3 OR risk_version > 0)
           RETURNING invoice_id, customer_id, version, closed, p_late, p50_delay, p80_delay, p90_delay, structural_days,
             contributions AS "contributions: Vec<Decimal>", reasons, invoice_version, learned_through, as_of,
             model_version, risk_version, at_risk, risk_threshold"#,
        tenant_id,
        invoices,
        told == Told::Risk
    )
    .fetch_all(conn)
    .await?;
    rows.sort_by_key(|row| row.invoice_id);
    Ok(rows)
}
