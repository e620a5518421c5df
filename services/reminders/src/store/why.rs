//! What the doors show: decisions, plans and messages of one tenant.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::plan::window;
use crate::domain::decide::Outcome;
use crate::domain::plan::SendWindow;

/// A customer that somebody asks about.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) customer_id: Uuid,
    pub(crate) code: String,
    pub(crate) segment: String,
    pub(crate) not_before: Option<DateTime<Utc>>,
    pub(crate) window: SendWindow,
}

/// By id or by the source's code; of several with one code, the smallest id.
pub(crate) async fn customer(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    named: &str,
) -> Result<Option<Asked>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT c.customer_id, c.code, c.segment, c.not_before, c.time_zone, t.time_zone AS tenant_zone, t.send_hour
         FROM customers c JOIN tenants t USING (tenant_id)
         WHERE c.tenant_id = $1 AND (c.customer_id = $2 OR c.code = $3) ORDER BY c.customer_id LIMIT 1",
        tenant_id,
        Uuid::parse_str(named).ok(),
        named,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Asked {
        customer_id: row.customer_id,
        code: row.code,
        segment: row.segment,
        not_before: row.not_before,
        window: window(&row.time_zone, &row.tenant_zone, row.send_hour),
    }))
}

/// A decision with its whole record.
#[derive(Debug, Clone)]
pub(crate) struct Explained {
    pub(crate) decision_id: Uuid,
    pub(crate) invoice_id: Uuid,
    pub(crate) number: String,
    pub(crate) step: i32,
    pub(crate) offset_days: i32,
    pub(crate) strategy: String,
    pub(crate) strategy_version: i32,
    pub(crate) template: String,
    pub(crate) template_version: i32,
    pub(crate) segment: String,
    pub(crate) segment_version: i64,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) message_id: Uuid,
    pub(crate) message_status: String,
    pub(crate) message_reason: String,
    pub(crate) decided_at: DateTime<Utc>,
    pub(crate) ingestion_seq: i64,
    pub(crate) promises_seq: i64,
    pub(crate) snapshot: serde_json::Value,
    pub(crate) snapshot_sha256: Vec<u8>,
}

pub(crate) async fn decisions(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customer_id: Uuid,
    day: NaiveDate,
) -> Result<Vec<Explained>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT d.decision_id, d.invoice_id, i.number, d.step, d.offset_days, d.strategy, d.strategy_version, d.template,
                d.template_version, d.segment, d.segment_version, d.outcome, d.reason, d.message_id,
                m.status AS message_status, m.reason AS message_reason, d.decided_at, d.ingestion_seq, d.promises_seq,
                d.snapshot, d.snapshot_sha256
         FROM decisions d JOIN invoices i USING (tenant_id, invoice_id) JOIN messages m USING (tenant_id, message_id)
         WHERE d.tenant_id = $1 AND d.customer_id = $2 AND d.day = $3
         ORDER BY i.effective_due_date, i.number, d.invoice_id, d.offset_days",
        tenant_id,
        customer_id,
        day,
    )
    .fetch_all(conn)
    .await?;
    let explained = rows.into_iter().map(|row| Explained {
        decision_id: row.decision_id,
        invoice_id: row.invoice_id,
        number: row.number,
        step: row.step,
        offset_days: row.offset_days,
        strategy: row.strategy,
        strategy_version: row.strategy_version,
        template: row.template,
        template_version: row.template_version,
        segment: row.segment,
        segment_version: row.segment_version,
        outcome: Outcome::parse(&row.outcome, &row.reason),
        message_id: row.message_id,
        message_status: row.message_status,
        message_reason: row.message_reason,
        decided_at: row.decided_at,
        ingestion_seq: row.ingestion_seq,
        promises_seq: row.promises_seq,
        snapshot: row.snapshot,
        snapshot_sha256: row.snapshot_sha256,
    });
    Ok(explained.collect())
}

/// The next step of an invoice.
#[derive(Debug, Clone)]
pub(crate) struct Upcoming {
    pub(crate) invoice_id: Uuid,
    pub(crate) number: String,
    pub(crate) next_step_at: DateTime<Utc>,
}

/// The plan of a customer, soonest first.
pub(crate) async fn upcoming(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customer_id: Uuid,
    limit: i64,
) -> Result<Vec<Upcoming>, sqlx::Error> {
    sqlx::query_as!(
        Upcoming,
        r#"SELECT invoice_id, number, next_step_at AS "next_step_at!" FROM invoices
           WHERE tenant_id = $1 AND customer_id = $2 AND live AND next_step_at IS NOT NULL
           ORDER BY next_step_at, number, invoice_id LIMIT $3"#,
        tenant_id,
        customer_id,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// A message as it is listed; what it said is kept apart.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) message_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) code: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) day: NaiveDate,
    pub(crate) level: i32,
    pub(crate) template: String,
    pub(crate) language: String,
    pub(crate) invoice_ids: Vec<Uuid>,
    pub(crate) attempts: i32,
    pub(crate) rendered_sha256: Option<Vec<u8>>,
    pub(crate) changed_at: DateTime<Utc>,
}

/// The newest messages, of a day or a customer where one is given.
pub(crate) async fn messages(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    day: Option<NaiveDate>,
    customer_id: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        "SELECT m.message_id, m.customer_id, c.code, m.status, m.reason, m.day, m.level, m.template, m.language,
                m.invoice_ids, m.attempts, m.rendered_sha256, m.changed_at
         FROM messages m JOIN customers c USING (tenant_id, customer_id)
         WHERE m.tenant_id = $1 AND ($2::date IS NULL OR m.day = $2) AND ($3::uuid IS NULL OR m.customer_id = $3)
         ORDER BY m.day DESC, c.code, m.message_id LIMIT $4",
        tenant_id,
        day,
        customer_id,
        limit,
    )
    .fetch_all(conn)
    .await
}
