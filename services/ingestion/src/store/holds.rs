//! Pauses of reminders, and their ends, which may come first.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HoldRow {
    pub(crate) hold_id: Uuid,
    /// 0 until it was published.
    pub(crate) version: i64,
    pub(crate) code: String,
    pub(crate) kind: String,
    pub(crate) customer_id: Uuid,
    /// Empty: the whole customer.
    pub(crate) invoice_ids: Vec<Uuid>,
    pub(crate) placed_on: NaiveDate,
    pub(crate) until: Option<NaiveDate>,
    pub(crate) lifted_on: Option<NaiveDate>,
    pub(crate) origin_id: Option<Uuid>,
    pub(crate) source_order: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LiftRow {
    pub(crate) hold_id: Uuid,
    pub(crate) code: String,
    pub(crate) lifted_on: NaiveDate,
    pub(crate) source_order: String,
}

/// In order of id.
pub(crate) async fn load(conn: &mut PgConnection, tenant_id: Uuid, ids: &[Uuid]) -> Result<Vec<HoldRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        HoldRow,
        "SELECT hold_id, version, code, kind, customer_id, invoice_ids, placed_on, until, lifted_on, origin_id, source_order,
                recorded_at
         FROM holds WHERE tenant_id = $1 AND hold_id = ANY($2) ORDER BY hold_id",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn lifts(conn: &mut PgConnection, tenant_id: Uuid, ids: &[Uuid]) -> Result<Vec<LiftRow>, sqlx::Error> {
    sqlx::query_as!(
        LiftRow,
        "SELECT hold_id, code, lifted_on, source_order FROM hold_lifts WHERE tenant_id = $1 AND hold_id = ANY($2)",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn save(conn: &mut PgConnection, tenant_id: Uuid, rows: &[HoldRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&HoldRow) -> &String| rows.iter().map(of).cloned().collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO holds (tenant_id, hold_id, version, code, kind, customer_id, invoice_ids, placed_on, until, lifted_on,
             origin_id, source_order, recorded_at)
         SELECT $1, n.hold_id, n.version, n.code, n.kind, n.customer_id, n.invoice_ids::uuid[], n.placed_on, n.until,
                n.lifted_on, n.origin_id, n.source_order, n.recorded_at
         FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::date[], $9::date[],
                     $10::date[], $11::uuid[], $12::text[], $13::timestamptz[])
              AS n (hold_id, version, code, kind, customer_id, invoice_ids, placed_on, until, lifted_on, origin_id,
                    source_order, recorded_at)
         ON CONFLICT (tenant_id, hold_id) DO UPDATE SET version = excluded.version, code = excluded.code,
             kind = excluded.kind, customer_id = excluded.customer_id, invoice_ids = excluded.invoice_ids,
             placed_on = excluded.placed_on, until = excluded.until, lifted_on = excluded.lifted_on,
             origin_id = excluded.origin_id, source_order = excluded.source_order, recorded_at = excluded.recorded_at",
        tenant_id,
        &rows.iter().map(|row| row.hold_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &text(|row| &row.code),
        &text(|row| &row.kind),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| array(&row.invoice_ids)).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.placed_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.until).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &rows.iter().map(|row| row.lifted_on).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &rows.iter().map(|row| row.origin_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &text(|row| &row.source_order),
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn save_lifts(conn: &mut PgConnection, tenant_id: Uuid, rows: &[LiftRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO hold_lifts (tenant_id, hold_id, code, lifted_on, source_order)
         SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::date[], $5::text[])
         ON CONFLICT (tenant_id, hold_id) DO UPDATE SET lifted_on = excluded.lifted_on,
             source_order = excluded.source_order",
        tenant_id,
        &rows.iter().map(|row| row.hold_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.code.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.lifted_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.source_order.clone()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A pause as the door shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Hold)]
pub(crate) struct ListedRow {
    pub(crate) hold_id: Uuid,
    /// `manual`, `hardship`, `legal`, `insolvency`, `claim`, `issue`, `document_missing`, `invoice_not_received`.
    pub(crate) kind: String,
    /// The source's own number of the hold, or of the issue or claim that it comes from.
    pub(crate) code: String,
    pub(crate) customer: String,
    /// Numbers, of those that have come; none: the whole customer.
    pub(crate) invoices: Vec<String>,
    pub(crate) placed_on: NaiveDate,
    /// The last day; null: until it is lifted.
    pub(crate) until: Option<NaiveDate>,
    /// `coming`, `in_force`, `unanswered`.
    pub(crate) status: String,
}

/// Those that are not over, and answers of debtors that are over while something that they name is still open.
pub(crate) async fn listed(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<ListedRow>, sqlx::Error> {
    sqlx::query_as!(
        ListedRow,
        r#"SELECT h.hold_id, h.kind, h.code, c.code AS customer,
                  ARRAY(SELECT r.number FROM receivables r
                        WHERE r.tenant_id = $1 AND r.invoice_id = ANY(h.invoice_ids) ORDER BY r.number) AS "invoices!",
                  h.placed_on, h.until,
                  CASE WHEN h.placed_on > t.today THEN 'coming' WHEN h.until < t.today THEN 'unanswered' ELSE 'in_force' END
                    AS "status!"
           FROM holds h
           JOIN customers c ON c.tenant_id = $1 AND c.customer_id = h.customer_id
           CROSS JOIN (SELECT ($2::timestamptz AT TIME ZONE time_zone)::date AS today FROM tenants WHERE tenant_id = $1) t
           WHERE h.tenant_id = $1 AND (h.lifted_on IS NULL OR h.lifted_on > t.today)
             AND (h.until IS NULL OR h.until >= t.today
                  OR h.kind IN ('claim', 'document_missing', 'invoice_not_received') AND (
                       EXISTS (SELECT FROM receivables r
                               WHERE r.tenant_id = $1 AND r.invoice_id = ANY(h.invoice_ids) AND r.open_amount > 0)
                       OR h.invoice_ids = '{}' AND EXISTS (
                               SELECT FROM receivables r WHERE r.tenant_id = $1 AND r.payer_id = c.payer_id
                                 AND r.customer_id = h.customer_id AND r.open_amount > 0)))
           ORDER BY h.placed_on, h.hold_id LIMIT $3"#,
        tenant_id,
        now,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Ids as the text of an array: an array of arrays would be flattened by unnest.
pub(super) fn array(ids: &[Uuid]) -> String {
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    format!("{{{}}}", ids.join(","))
}
