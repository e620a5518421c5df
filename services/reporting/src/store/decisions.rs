//! Decisions of reminders: facts, kept once.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::contacts::DecisionGroup;

#[derive(Debug, Clone)]
pub(crate) struct DecisionRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) decision_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) invoice_id: Uuid,
    pub(crate) step: i32,
    pub(crate) outcome: String,
    pub(crate) reason: String,
    pub(crate) message_id: Option<Uuid>,
    pub(crate) day: NaiveDate,
    pub(crate) decided_at: DateTime<Utc>,
}

pub(crate) async fn save(conn: &mut PgConnection, mut rows: Vec<DecisionRow>) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_unstable_by_key(|row| (row.tenant_id, row.decision_id));
    sqlx::query!(
        "INSERT INTO decisions (tenant_id, decision_id, customer_id, invoice_id, step, outcome, reason, message_id, day,
             decided_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::integer[], $6::text[], $7::text[],
             $8::uuid[], $9::date[], $10::timestamptz[])
         ON CONFLICT (tenant_id, decision_id) DO NOTHING",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.decision_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.invoice_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.step).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.outcome.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.reason.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.message_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.day).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.decided_at).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Decisions of the civil days `from` to `to`, by outcome and by where their messages stand.
pub(crate) async fn groups(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<DecisionGroup>, sqlx::Error> {
    sqlx::query_as!(
        DecisionGroup,
        r#"SELECT d.outcome, d.reason, m.status AS "message_status?", m.reason AS "message_reason?",
                  count(*) AS "decisions!"
           FROM decisions d LEFT JOIN messages m ON m.tenant_id = d.tenant_id AND m.message_id = d.message_id
           WHERE d.tenant_id = $1 AND d.day BETWEEN $2 AND $3
           GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"#,
        tenant_id,
        from,
        to,
    )
    .fetch_all(conn)
    .await
}
