//! Messages to debtors and where their hand-off stands.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::newest::{newest, versioned};
use crate::domain::contacts::MessageGroup;

#[derive(Debug, Clone)]
pub(crate) struct MessageRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) message_id: Uuid,
    pub(crate) version: i64,
    pub(crate) customer_id: Uuid,
    pub(crate) channel: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) day: NaiveDate,
    pub(crate) items: i32,
    pub(crate) level: i32,
    pub(crate) changed_at: DateTime<Utc>,
}
versioned!(MessageRow, message_id);

/// Accounts written to in a window, and how many of them then promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contacted {
    pub(crate) accounts: i64,
    pub(crate) promised: i64,
}

pub(crate) async fn save(conn: &mut PgConnection, rows: Vec<MessageRow>) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = newest(rows);
    sqlx::query!(
        "INSERT INTO messages AS t (tenant_id, message_id, version, customer_id, channel, status, reason, day, items, level,
             changed_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[],
             $8::date[], $9::integer[], $10::integer[], $11::timestamptz[])
         ON CONFLICT (tenant_id, message_id) DO UPDATE SET version = excluded.version, customer_id = excluded.customer_id,
             channel = excluded.channel, status = excluded.status, reason = excluded.reason, day = excluded.day,
             items = excluded.items, level = excluded.level, changed_at = excluded.changed_at
         WHERE t.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.message_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.channel.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.status.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.reason.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.day).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.items).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.level).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.changed_at).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Messages of the civil days `from` to `to`, by status.
pub(crate) async fn groups(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<MessageGroup>, sqlx::Error> {
    sqlx::query_as!(
        MessageGroup,
        r#"SELECT status, count(*) AS "messages!" FROM messages
           WHERE tenant_id = $1 AND day BETWEEN $2 AND $3 GROUP BY status ORDER BY status"#,
        tenant_id,
        from,
        to,
    )
    .fetch_all(conn)
    .await
}

/// Accounts to which a message left in the window, and those that promised within `window_days` of one.
pub(crate) async fn contacted(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    from: NaiveDate,
    to: NaiveDate,
    window_days: i32,
) -> Result<Contacted, sqlx::Error> {
    sqlx::query_as!(
        Contacted,
        r#"SELECT count(*) AS "accounts!", count(*) FILTER (WHERE promised) AS "promised!"
           FROM (
               SELECT m.customer_id, bool_or(EXISTS (
                   SELECT FROM promises p WHERE p.tenant_id = m.tenant_id AND p.customer_id = m.customer_id
                       AND p.made_on BETWEEN m.day AND m.day + $4::integer)) AS promised
               FROM messages m WHERE m.tenant_id = $1 AND m.day BETWEEN $2 AND $3 AND m.status = 'sent'
               GROUP BY m.customer_id
           ) AS accounts"#,
        tenant_id,
        from,
        to,
        window_days,
    )
    .fetch_one(conn)
    .await
}
