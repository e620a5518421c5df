//! Since when invoices were disputed.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

/// A dispute as `dispute.changed` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DisputeRow {
    pub tenant_id: Uuid,
    pub dispute_id: Uuid,
    pub version: i64,
    pub invoice_id: Uuid,
    pub customer_id: Uuid,
    pub opened_on: NaiveDate,
}

/// Writes the disputes unless newer versions are there. Returns by tenant the first day whose learning they alter: none
/// where the invoice is not known yet, because its own coming alters more.
pub(crate) async fn save(conn: &mut PgConnection, rows: &[DisputeRow]) -> Result<Vec<(Uuid, NaiveDate)>, sqlx::Error> {
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.tenant_id).collect();
    let disputes: Vec<Uuid> = rows.iter().map(|row| row.dispute_id).collect();
    let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
    let invoices: Vec<Uuid> = rows.iter().map(|row| row.invoice_id).collect();
    let opened: Vec<NaiveDate> = rows.iter().map(|row| row.opened_on).collect();
    let rows = sqlx::query!(
        r#"WITH told AS (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::date[])
               AS u (tenant_id, dispute_id, version, invoice_id, opened_on)),
           known AS (
             SELECT t.*, d.invoice_id AS was_of, d.opened_on AS was_opened_on
             FROM told t LEFT JOIN dispute_facts d USING (tenant_id, dispute_id)
             WHERE d.version IS NULL OR d.version < t.version),
           saved AS (
             INSERT INTO dispute_facts AS d (tenant_id, dispute_id, version, invoice_id, opened_on)
             SELECT tenant_id, dispute_id, version, invoice_id, opened_on FROM known
             ON CONFLICT (tenant_id, dispute_id) DO UPDATE SET version = excluded.version,
               invoice_id = excluded.invoice_id, opened_on = excluded.opened_on
             WHERE d.version < excluded.version)
           SELECT k.tenant_id AS "tenant_id!",
             min(greatest(least(k.opened_on, k.was_opened_on), i.issue_date)) AS "day!"
           FROM known k
           JOIN invoice_facts i ON i.tenant_id = k.tenant_id AND i.invoice_id IN (k.invoice_id, k.was_of)
           WHERE (k.was_of, k.was_opened_on) IS DISTINCT FROM (k.invoice_id, k.opened_on)
           GROUP BY k.tenant_id"#,
        &tenants,
        &disputes,
        &versions,
        &invoices,
        &opened
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.day)).collect())
}
