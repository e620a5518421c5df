//! Who may be reached, who was, and what became of messages.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ConsentRow {
    pub(crate) consent_id: Uuid,
    /// 0 until it was published.
    pub(crate) version: i64,
    /// One of the two is there.
    pub(crate) contact_id: Option<Uuid>,
    pub(crate) customer_id: Option<Uuid>,
    pub(crate) channel: String,
    pub(crate) status: String,
    pub(crate) cause: String,
    pub(crate) changed_on: NaiveDate,
    pub(crate) source_order: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub(crate) struct AttemptRow {
    pub(crate) attempt_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) contact_id: Option<Uuid>,
    pub(crate) channel: String,
    pub(crate) outcome: String,
    pub(crate) logged_on: NaiveDate,
    pub(crate) logged_by: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub(crate) struct ReportRow {
    pub(crate) report_id: Uuid,
    pub(crate) message_id: Option<Uuid>,
    pub(crate) contact_id: Option<Uuid>,
    pub(crate) channel: String,
    pub(crate) outcome: String,
    pub(crate) permanent: bool,
    pub(crate) reported_at: DateTime<Utc>,
    pub(crate) recorded_at: DateTime<Utc>,
}

/// In order of id.
pub(crate) async fn consents(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<ConsentRow>, sqlx::Error> {
    sqlx::query_as!(
        ConsentRow,
        "SELECT consent_id, version, contact_id, customer_id, channel, status, cause, changed_on, source_order, recorded_at
         FROM consents WHERE tenant_id = $1 AND consent_id = ANY($2) ORDER BY consent_id",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn save_consents(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[ConsentRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&ConsentRow) -> &String| rows.iter().map(of).cloned().collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO consents (tenant_id, consent_id, version, contact_id, customer_id, channel, status, cause, changed_on,
             source_order, recorded_at)
         SELECT $1, * FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
             $9::date[], $10::text[], $11::timestamptz[])
         ON CONFLICT (tenant_id, consent_id) DO UPDATE SET version = excluded.version, status = excluded.status,
             cause = excluded.cause, changed_on = excluded.changed_on, source_order = excluded.source_order,
             recorded_at = excluded.recorded_at",
        tenant_id,
        &rows.iter().map(|row| row.consent_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.contact_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &text(|row| &row.channel),
        &text(|row| &row.status),
        &text(|row| &row.cause),
        &rows.iter().map(|row| row.changed_on).collect::<Vec<_>>(),
        &text(|row| &row.source_order),
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// In order of id.
pub(crate) async fn attempts(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<AttemptRow>, sqlx::Error> {
    sqlx::query_as!(
        AttemptRow,
        "SELECT attempt_id, customer_id, contact_id, channel, outcome, logged_on, logged_by, recorded_at
         FROM contact_attempts WHERE tenant_id = $1 AND attempt_id = ANY($2) ORDER BY attempt_id",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

/// Each is new: its id is that of a fact that is stored in the same transaction.
pub(crate) async fn insert_attempts(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[AttemptRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&AttemptRow) -> &String| rows.iter().map(of).cloned().collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO contact_attempts (tenant_id, attempt_id, customer_id, contact_id, channel, outcome, logged_on, logged_by,
             recorded_at)
         SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::date[], $8::text[],
             $9::timestamptz[])",
        tenant_id,
        &rows.iter().map(|row| row.attempt_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.contact_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &text(|row| &row.channel),
        &text(|row| &row.outcome),
        &rows.iter().map(|row| row.logged_on).collect::<Vec<_>>(),
        &text(|row| &row.logged_by),
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// In order of id.
pub(crate) async fn reports(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<ReportRow>, sqlx::Error> {
    sqlx::query_as!(
        ReportRow,
        "SELECT report_id, message_id, contact_id, channel, outcome, permanent, reported_at, recorded_at
         FROM delivery_reports WHERE tenant_id = $1 AND report_id = ANY($2) ORDER BY report_id",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

/// Each is new: its id is that of a fact that is stored in the same transaction.
pub(crate) async fn insert_reports(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[ReportRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&ReportRow) -> &String| rows.iter().map(of).cloned().collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO delivery_reports (tenant_id, report_id, message_id, contact_id, channel, outcome, permanent, reported_at,
             recorded_at)
         SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::boolean[],
             $8::timestamptz[], $9::timestamptz[])",
        tenant_id,
        &rows.iter().map(|row| row.report_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.message_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.contact_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &text(|row| &row.channel),
        &text(|row| &row.outcome),
        &rows.iter().map(|row| row.permanent).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.reported_at).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}
