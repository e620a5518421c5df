//! Problems seen before they are disputes, and their ends, which may come first.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::holds::array;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IssueRow {
    pub(crate) issue_id: Uuid,
    /// 0 until it was published.
    pub(crate) version: i64,
    pub(crate) code: String,
    pub(crate) customer_id: Uuid,
    /// Empty: the customer as a whole.
    pub(crate) invoice_ids: Vec<Uuid>,
    pub(crate) reason: String,
    pub(crate) raised_on: NaiveDate,
    pub(crate) owner: Option<String>,
    pub(crate) resolved_on: Option<NaiveDate>,
    pub(crate) outcome: Option<String>,
    pub(crate) dispute_id: Option<Uuid>,
    pub(crate) source_order: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResolutionRow {
    pub(crate) issue_id: Uuid,
    pub(crate) code: String,
    pub(crate) resolved_on: NaiveDate,
    pub(crate) outcome: String,
    pub(crate) dispute_id: Option<Uuid>,
    pub(crate) dispute: Option<String>,
    pub(crate) source_order: String,
}

/// In order of id.
pub(crate) async fn load(conn: &mut PgConnection, tenant_id: Uuid, ids: &[Uuid]) -> Result<Vec<IssueRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        IssueRow,
        "SELECT issue_id, version, code, customer_id, invoice_ids, reason, raised_on, owner, resolved_on, outcome, dispute_id,
                source_order, recorded_at
         FROM issues WHERE tenant_id = $1 AND issue_id = ANY($2) ORDER BY issue_id",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

/// Ends of these issues, and of those that have become these disputes.
pub(crate) async fn resolutions(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    issues: &[Uuid],
    disputes: &[Uuid],
) -> Result<Vec<ResolutionRow>, sqlx::Error> {
    if issues.is_empty() && disputes.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        ResolutionRow,
        r#"SELECT issue_id AS "issue_id!", code AS "code!", resolved_on AS "resolved_on!", outcome AS "outcome!", dispute_id,
                  dispute, source_order AS "source_order!"
           FROM issue_resolutions WHERE tenant_id = $1 AND issue_id = ANY($2)
           UNION
           SELECT issue_id, code, resolved_on, outcome, dispute_id, dispute, source_order
           FROM issue_resolutions WHERE tenant_id = $1 AND dispute_id = ANY($3)"#,
        tenant_id,
        issues,
        disputes
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn save(conn: &mut PgConnection, tenant_id: Uuid, rows: &[IssueRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&IssueRow) -> &String| rows.iter().map(of).cloned().collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO issues (tenant_id, issue_id, version, code, customer_id, invoice_ids, reason, raised_on, owner,
             resolved_on, outcome, dispute_id, source_order, recorded_at)
         SELECT $1, n.issue_id, n.version, n.code, n.customer_id, n.invoice_ids::uuid[], n.reason, n.raised_on, n.owner,
                n.resolved_on, n.outcome, n.dispute_id, n.source_order, n.recorded_at
         FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::date[], $9::text[],
                     $10::date[], $11::text[], $12::uuid[], $13::text[], $14::timestamptz[])
              AS n (issue_id, version, code, customer_id, invoice_ids, reason, raised_on, owner, resolved_on, outcome,
                    dispute_id, source_order, recorded_at)
         ON CONFLICT (tenant_id, issue_id) DO UPDATE SET version = excluded.version, customer_id = excluded.customer_id,
             invoice_ids = excluded.invoice_ids, reason = excluded.reason, raised_on = excluded.raised_on,
             owner = excluded.owner, resolved_on = excluded.resolved_on, outcome = excluded.outcome,
             dispute_id = excluded.dispute_id, source_order = excluded.source_order, recorded_at = excluded.recorded_at",
        tenant_id,
        &rows.iter().map(|row| row.issue_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &text(|row| &row.code),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| array(&row.invoice_ids)).collect::<Vec<_>>(),
        &text(|row| &row.reason),
        &rows.iter().map(|row| row.raised_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.owner.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.resolved_on).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &rows.iter().map(|row| row.outcome.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.dispute_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &text(|row| &row.source_order),
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn save_resolutions(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[ResolutionRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO issue_resolutions (tenant_id, issue_id, code, resolved_on, outcome, dispute_id, dispute, source_order)
         SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::date[], $5::text[], $6::uuid[], $7::text[], $8::text[])
         ON CONFLICT (tenant_id, issue_id) DO UPDATE SET resolved_on = excluded.resolved_on, outcome = excluded.outcome,
             dispute_id = excluded.dispute_id, dispute = excluded.dispute, source_order = excluded.source_order",
        tenant_id,
        &rows.iter().map(|row| row.issue_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.code.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.resolved_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.outcome.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.dispute_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.dispute.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.source_order.clone()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}
