//! What is known of customers besides their habits: master data and conduct as they were told, and the open book.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use primitives::civil;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Unreadable;
use crate::domain::features::Family;
use crate::domain::segment::Segment;
use crate::domain::standing::{Owed, Standing, Standings};

/// What a version of `customer.changed` says that only rules read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MasterRow {
    pub tenant_id: Uuid,
    pub customer_id: Uuid,
    pub version: i64,
    pub told_at: DateTime<Utc>,
    pub tier: String,
    pub rating: String,
    pub group_code: String,
    pub credit_limit: Option<(String, Decimal)>,
}

/// A version of a promise or a dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConductRow {
    pub tenant_id: Uuid,
    /// "promise" or "dispute".
    pub kind: &'static str,
    pub subject_id: Uuid,
    pub version: i64,
    pub customer_id: Uuid,
    pub told_at: DateTime<Utc>,
    pub status: String,
    pub day: NaiveDate,
}

/// Keeps versions that were not known; returns when they were told.
pub(crate) async fn save_master(
    conn: &mut PgConnection,
    rows: &[MasterRow],
) -> Result<Vec<(Uuid, DateTime<Utc>)>, sqlx::Error> {
    let texts = |of: fn(&MasterRow) -> &String| rows.iter().map(of).cloned().collect::<Vec<String>>();
    let ids = |of: fn(&MasterRow) -> Uuid| rows.iter().map(of).collect::<Vec<Uuid>>();
    let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
    let told_at: Vec<DateTime<Utc>> = rows.iter().map(|row| row.told_at).collect();
    let limits: Vec<Option<Decimal>> = rows.iter().map(|row| row.credit_limit.as_ref().map(|it| it.1)).collect();
    let currencies: Vec<Option<String>> =
        rows.iter().map(|row| row.credit_limit.as_ref().map(|it| it.0.clone())).collect();
    let rows = sqlx::query!(
        "INSERT INTO customer_versions (tenant_id, customer_id, version, told_at, tier, rating, group_code, credit_limit,
           credit_limit_currency)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
           $8::numeric[], $9::text[])
         ON CONFLICT DO NOTHING RETURNING tenant_id, told_at",
        &ids(|row| row.tenant_id),
        &ids(|row| row.customer_id),
        &versions,
        &told_at,
        &texts(|row| &row.tier),
        &texts(|row| &row.rating),
        &texts(|row| &row.group_code),
        &limits as &[Option<Decimal>],
        &currencies as &[Option<String>]
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.told_at)).collect())
}

/// Keeps versions that were not known; returns when they were told.
pub(crate) async fn save_conduct(
    conn: &mut PgConnection,
    rows: &[ConductRow],
) -> Result<Vec<(Uuid, DateTime<Utc>)>, sqlx::Error> {
    let ids = |of: fn(&ConductRow) -> Uuid| rows.iter().map(of).collect::<Vec<Uuid>>();
    let kinds: Vec<String> = rows.iter().map(|row| row.kind.to_owned()).collect();
    let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
    let told_at: Vec<DateTime<Utc>> = rows.iter().map(|row| row.told_at).collect();
    let statuses: Vec<String> = rows.iter().map(|row| row.status.clone()).collect();
    let days: Vec<NaiveDate> = rows.iter().map(|row| row.day).collect();
    let rows = sqlx::query!(
        "INSERT INTO conduct_versions (tenant_id, kind, subject_id, version, customer_id, told_at, status, day)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::uuid[], $6::timestamptz[], $7::text[],
           $8::date[])
         ON CONFLICT DO NOTHING RETURNING tenant_id, told_at",
        &ids(|row| row.tenant_id),
        &kinds,
        &ids(|row| row.subject_id),
        &versions,
        &ids(|row| row.customer_id),
        &told_at,
        &statuses,
        &days
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.told_at)).collect())
}

/// Time zones of the tenants that are known.
pub(crate) async fn zones(conn: &mut PgConnection, tenants: &[Uuid]) -> Result<BTreeMap<Uuid, Tz>, sqlx::Error> {
    let rows = sqlx::query!("SELECT tenant_id, time_zone FROM tenants WHERE tenant_id = ANY($1)", tenants)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.tenant_id, row.time_zone.parse().ok()?))).collect())
}

/// The standing of every customer at the end of `day`, as far as these families ask.
pub(crate) async fn as_of(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    day: NaiveDate,
    zone: Tz,
    families: &BTreeSet<Family>,
) -> Result<Standings, sqlx::Error> {
    let until = civil::end_of_day(day, zone);
    let mut customers = BTreeMap::new();
    if families.contains(&Family::Master) {
        master(conn, tenant_id, until, &mut customers).await?;
    }
    if families.contains(&Family::Conduct) {
        conduct(conn, tenant_id, until, day, &mut customers).await?;
    }
    if families.contains(&Family::Book) {
        book(conn, tenant_id, day, &mut customers).await?;
    }
    Ok(Standings::new(customers))
}

async fn master(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    until: DateTime<Utc>,
    customers: &mut BTreeMap<Uuid, Standing>,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (customer_id) customer_id, tier, rating, group_code, credit_limit, credit_limit_currency
         FROM customer_versions WHERE tenant_id = $1 AND told_at < $2 ORDER BY customer_id, version DESC",
        tenant_id,
        until
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let standing = customers.entry(row.customer_id).or_default();
        standing.tier = row.tier;
        standing.rating = row.rating;
        standing.group = row.group_code;
        standing.credit_limit = row.credit_limit_currency.zip(row.credit_limit);
    }
    Ok(())
}

async fn conduct(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    until: DateTime<Utc>,
    day: NaiveDate,
    customers: &mut BTreeMap<Uuid, Standing>,
) -> Result<(), sqlx::Error> {
    // A status that is new to us counts as the most careful one that is known: still open.
    let rows = sqlx::query!(
        r#"SELECT customer_id,
             count(*) FILTER (WHERE kind = 'promise' AND status = 'kept' AND recent)::integer AS "kept!",
             count(*) FILTER (WHERE kind = 'promise' AND status IN ('broken', 'partially_kept') AND recent)::integer AS "broken!",
             count(*) FILTER (WHERE kind = 'promise'
               AND status NOT IN ('kept', 'broken', 'partially_kept', 'withdrawn', 'replaced'))::integer AS "open!",
             count(*) FILTER (WHERE kind = 'dispute' AND status <> 'resolved')::integer AS "disputes!"
           FROM (SELECT DISTINCT ON (kind, subject_id) kind, customer_id, status, day > $3::date - 365 AS recent
             FROM conduct_versions WHERE tenant_id = $1 AND told_at < $2 ORDER BY kind, subject_id, version DESC) newest
           GROUP BY customer_id"#,
        tenant_id,
        until,
        day
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let standing = customers.entry(row.customer_id).or_default();
        standing.kept_promises = row.kept;
        standing.broken_promises = row.broken;
        standing.open_promises = row.open;
        standing.open_disputes = row.disputes;
    }
    Ok(())
}

async fn book(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    day: NaiveDate,
    customers: &mut BTreeMap<Uuid, Standing>,
) -> Result<(), sqlx::Error> {
    // An invoice that is unpaid at the end of its due date is overdue the next day, for which the assessment is made.
    // Ranks in whole numbers: share of the others who owe less.
    let rows = sqlx::query!(
        r#"WITH parts AS (
             SELECT customer_id, currency, due_date <= $2 AS overdue, due_date, amount - coalesce((
               SELECT sum(s.amount) FROM unnest(settlement_days, settlement_amounts) AS s (day, amount)
               WHERE s.day <= $2), 0) AS open
             FROM invoice_facts
             WHERE tenant_id = $1 AND issue_date <= $2 AND (settled_on IS NULL OR settled_on > $2)),
           sums AS (
             SELECT customer_id, currency, sum(open) AS open, coalesce(sum(open) FILTER (WHERE overdue), 0) AS overdue,
               count(*)::integer AS invoices, (count(*) FILTER (WHERE overdue))::integer AS overdue_invoices,
               coalesce($2::date + 1 - min(due_date) FILTER (WHERE overdue), 0) AS oldest
             FROM parts WHERE open > 0 GROUP BY customer_id, currency)
           SELECT customer_id, currency, open AS "open!", overdue AS "overdue!", invoices AS "invoices!",
             overdue_invoices AS "overdue_invoices!", oldest AS "oldest!",
             (100 * (rank() OVER (PARTITION BY currency ORDER BY open) - 1)
               / greatest(count(*) OVER (PARTITION BY currency) - 1, 1))::integer AS "exposure!",
             (CASE WHEN overdue > 0 THEN 100 * (rank() OVER (PARTITION BY currency, overdue > 0 ORDER BY overdue) - 1)
               / greatest(count(*) OVER (PARTITION BY currency, overdue > 0) - 1, 1) ELSE 0 END)::integer AS "overdue_rank!"
           FROM sums ORDER BY customer_id, currency"#,
        tenant_id,
        day
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        let standing = customers.entry(row.customer_id).or_default();
        standing.owed.insert(row.currency, Owed { open: row.open, overdue: row.overdue });
        standing.open_invoices = standing.open_invoices.saturating_add(row.invoices);
        standing.overdue_invoices = standing.overdue_invoices.saturating_add(row.overdue_invoices);
        standing.oldest_overdue_days = standing.oldest_overdue_days.max(row.oldest);
        standing.exposure_percentile = standing.exposure_percentile.max(row.exposure);
        standing.overdue_percentile = standing.overdue_percentile.max(row.overdue_rank);
    }
    let rows = sqlx::query!(
        r#"SELECT c.customer_id, $2::date - i.issue_date AS "days!"
           FROM customers c CROSS JOIN LATERAL (
             SELECT issue_date FROM invoice_facts WHERE tenant_id = $1 AND customer_id = c.customer_id AND issue_date <= $2
             ORDER BY issue_date LIMIT 1) i
           WHERE c.tenant_id = $1"#,
        tenant_id,
        day
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        customers.entry(row.customer_id).or_default().tenure_days = row.days;
    }
    Ok(())
}

/// Customers of whom `day` brought something that these families ask for, besides evidence and what is open.
pub(crate) async fn touched(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    day: NaiveDate,
    zone: Tz,
    families: &BTreeSet<Family>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let asks = |family| families.contains(&family);
    sqlx::query_scalar!(
        r#"SELECT customer_id AS "customer_id!" FROM customer_versions
           WHERE $5 AND tenant_id = $1 AND told_at >= $2 AND told_at < $3
           UNION SELECT customer_id FROM conduct_versions WHERE $6 AND tenant_id = $1 AND told_at >= $2 AND told_at < $3
           UNION SELECT customer_id FROM invoice_facts WHERE $7 AND tenant_id = $1 AND settled_on = $4"#,
        tenant_id,
        civil::start_of_day(day, zone),
        civil::end_of_day(day, zone),
        day,
        asks(Family::Master),
        asks(Family::Conduct),
        asks(Family::Book)
    )
    .fetch_all(conn)
    .await
}

/// The segment each of the customers was put into last; `None` for those of whom nothing was ever said.
pub(crate) async fn segments(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customers: &[Uuid],
) -> Result<BTreeMap<Uuid, Option<Segment>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT k.customer_id AS "customer_id!", a.segment AS "segment?"
           FROM unnest($2::uuid[]) AS k (customer_id)
           LEFT JOIN LATERAL (
             SELECT segment FROM assessments a
             WHERE a.tenant_id = $1 AND a.customer_id = k.customer_id ORDER BY a.day DESC LIMIT 1) a ON true"#,
        tenant_id,
        customers
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let segment = row
                .segment
                .map(|segment| Segment::parse(&segment).ok_or_else(|| Unreadable(format!("segment {segment}"))));
            Ok((row.customer_id, segment.transpose()?))
        })
        .collect()
}
