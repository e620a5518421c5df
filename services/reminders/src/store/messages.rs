//! Messages and where their hand-off stands. Every statement names the state it leaves.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::keys::{Key, Keys};
use crate::domain::message::{Settled, Status};

/// A message as others are told of it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tenant_id: Uuid,
    pub(crate) message_id: Uuid,
    pub(crate) version: i64,
    pub(crate) customer_id: Uuid,
    pub(crate) contact_id: Option<Uuid>,
    pub(crate) channel: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) day: NaiveDate,
    pub(crate) invoice_ids: Vec<Uuid>,
    pub(crate) level: i32,
    pub(crate) changed_at: DateTime<Utc>,
}

impl Row {
    pub(crate) fn key(&self) -> Key {
        (self.tenant_id, self.message_id)
    }

    pub(crate) fn customer(&self) -> Key {
        (self.tenant_id, self.customer_id)
    }
}

/// The message of a customer's day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfDay {
    pub(crate) tenant_id: Uuid,
    pub(crate) message_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) day: NaiveDate,
}

/// Plans and claims the messages of the day: new ones, and those that are still `planned`. Returns the claimed ones with
/// their attempts; what is missing has settled already.
pub(crate) async fn claim(
    conn: &mut PgConnection,
    rows: &[OfDay],
    attempt_id: Uuid,
    lease_seconds: f64,
    now: DateTime<Utc>,
) -> Result<Vec<(Key, i32)>, sqlx::Error> {
    let claimed = sqlx::query!(
        "INSERT INTO messages AS m (tenant_id, message_id, customer_id, day, version, channel, status, attempt_id,
           lease_until, changed_at)
         SELECT tenant_id, message_id, customer_id, day, 1, 'email', 'claimed', $5,
           now() + make_interval(secs => $6), $7
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::date[]) AS n (tenant_id, message_id, customer_id, day)
         ON CONFLICT (tenant_id, message_id) DO UPDATE SET status = 'claimed', version = m.version + 1,
           attempt_id = excluded.attempt_id, lease_until = excluded.lease_until, changed_at = excluded.changed_at
         WHERE m.status = 'planned'
         RETURNING tenant_id, message_id, attempts",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.message_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.day).collect::<Vec<_>>(),
        attempt_id,
        lease_seconds,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(claimed.into_iter().map(|row| ((row.tenant_id, row.message_id), row.attempts)).collect())
}

/// Gives claimed messages back.
pub(crate) async fn unclaim(conn: &mut PgConnection, attempt_id: Uuid, messages: &Keys) -> Result<(), sqlx::Error> {
    if messages.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE messages m SET status = 'planned', version = version + 1, attempt_id = NULL, lease_until = NULL
         FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, message_id)
         WHERE m.tenant_id = k.tenant_id AND m.message_id = k.message_id
           AND m.status = $4 AND m.attempt_id = $3",
        &messages.tenants,
        &messages.ids,
        attempt_id,
        Status::Claimed.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a claimed message becomes once its steps are decided: `sending` or `suppressed`.
#[derive(Debug, Clone)]
pub(crate) struct DecidedMessage {
    pub(crate) tenant_id: Uuid,
    pub(crate) message_id: Uuid,
    pub(crate) status: Status,
    pub(crate) reason: String,
    pub(crate) contact_id: Option<Uuid>,
    pub(crate) level: i32,
    pub(crate) invoice_ids: Vec<Uuid>,
    pub(crate) template: String,
    pub(crate) template_version: i32,
    pub(crate) language: String,
    pub(crate) rendered_sha256: Option<Vec<u8>>,
}

#[allow(clippy::as_conversions, reason = "how the query macros are told of an array with gaps")]
pub(crate) async fn decide(
    conn: &mut PgConnection,
    rows: &[DecidedMessage],
    attempt_id: Uuid,
    lease_seconds: f64,
    now: DateTime<Utc>,
) -> Result<Vec<Row>, sqlx::Error> {
    // An array of arrays cannot be unnested by one level, so ids travel as text.
    let invoice_ids = rows.iter().map(|row| row.invoice_ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(","));
    let decided = sqlx::query_as!(
        Row,
        "UPDATE messages m SET status = n.status, version = m.version + 1, reason = n.reason, contact_id = n.contact_id,
           level = n.level, invoice_ids = string_to_array(n.invoice_ids, ',')::uuid[], template = n.template,
           template_version = n.template_version, language = n.language, rendered_sha256 = n.rendered_sha256,
           attempt_id = CASE n.status WHEN 'sending' THEN m.attempt_id END,
           lease_until = CASE n.status WHEN 'sending' THEN clock_timestamp() + make_interval(secs => $13) END,
           changed_at = $14
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::integer[], $7::text[], $8::text[],
                     $9::integer[], $10::text[], $11::bytea[])
           AS n (tenant_id, message_id, status, reason, contact_id, level, invoice_ids, template, template_version,
                 language, rendered_sha256)
         WHERE m.tenant_id = n.tenant_id AND m.message_id = n.message_id
           AND m.status = $15 AND m.attempt_id = $12
         RETURNING m.tenant_id, m.message_id, m.version, m.customer_id, m.contact_id, m.channel, m.status, m.reason,
                   m.day, m.invoice_ids, m.level, m.changed_at",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.message_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.status.as_str().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.reason.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.contact_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.level).collect::<Vec<_>>(),
        &invoice_ids.collect::<Vec<_>>(),
        &rows.iter().map(|row| row.template.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.template_version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.language.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.rendered_sha256.clone()).collect::<Vec<_>>() as &[Option<Vec<u8>>],
        attempt_id,
        lease_seconds,
        now,
        Status::Claimed.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(sorted(decided))
}

/// Keeps what debtors are about to read.
pub(crate) async fn save_rendered(
    conn: &mut PgConnection,
    rows: &[(Key, String, String, String)],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO rendered_messages AS r (tenant_id, message_id, to_address, subject, body)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
         ON CONFLICT (tenant_id, message_id) DO UPDATE SET to_address = excluded.to_address,
           subject = excluded.subject, body = excluded.body",
        &rows.iter().map(|((tenant_id, _), ..)| *tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|((_, message_id), ..)| *message_id).collect::<Vec<_>>(),
        &rows.iter().map(|(_, to, ..)| to.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|(_, _, subject, _)| subject.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|(.., body)| body.clone()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records how hand-offs of an attempt ended. What a lease sweep has settled meanwhile stays as it is.
pub(crate) async fn settle(
    conn: &mut PgConnection,
    rows: &[(Key, Settled)],
    attempt_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Row>, sqlx::Error> {
    let settled = sqlx::query_as!(
        Row,
        "UPDATE messages m SET status = n.status, version = m.version + 1, reason = n.reason, attempts = n.attempts,
           attempt_id = NULL, lease_until = NULL, changed_at = $7
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[])
           AS n (tenant_id, message_id, status, reason, attempts)
         WHERE m.tenant_id = n.tenant_id AND m.message_id = n.message_id
           AND m.status = 'sending' AND m.attempt_id = $6
         RETURNING m.tenant_id, m.message_id, m.version, m.customer_id, m.contact_id, m.channel, m.status, m.reason,
                   m.day, m.invoice_ids, m.level, m.changed_at",
        &rows.iter().map(|((tenant_id, _), _)| *tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|((_, message_id), _)| *message_id).collect::<Vec<_>>(),
        &rows.iter().map(|(_, settled)| settled.status.as_str().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|(_, settled)| settled.reason.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|(_, settled)| settled.attempts).collect::<Vec<_>>(),
        attempt_id,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(sorted(settled))
}

/// Settles what an earlier attempt left half done when its lease ran out in real time: a claim never reached the relay, a
/// hand-off may have, and becomes `under_way`.
pub(crate) async fn expire(
    conn: &mut PgConnection,
    under_way: Status,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Row>, sqlx::Error> {
    let expired = sqlx::query_as!(
        Row,
        "UPDATE messages m SET status = CASE m.status WHEN 'sending' THEN $1 ELSE 'planned' END,
           reason = CASE m.status WHEN 'sending' THEN $2 ELSE m.reason END,
           version = m.version + 1, attempt_id = NULL, lease_until = NULL, changed_at = $3
         WHERE m.lease_until <= now()
         RETURNING m.tenant_id, m.message_id, m.version, m.customer_id, m.contact_id, m.channel, m.status, m.reason,
                   m.day, m.invoice_ids, m.level, m.changed_at",
        under_way.as_str(),
        reason,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(sorted(expired))
}

/// Ends the messages that earlier days left planned: their steps go into the message of today.
pub(crate) async fn give_up_earlier(
    conn: &mut PgConnection,
    today: &[OfDay],
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Row>, sqlx::Error> {
    let ended = sqlx::query_as!(
        Row,
        "UPDATE messages m SET status = 'failed', reason = $4, version = m.version + 1, changed_at = $5
         FROM unnest($1::uuid[], $2::uuid[], $3::date[]) AS n (tenant_id, customer_id, day)
         WHERE m.tenant_id = n.tenant_id AND m.customer_id = n.customer_id AND m.day < n.day AND m.status = 'planned'
         RETURNING m.tenant_id, m.message_id, m.version, m.customer_id, m.contact_id, m.channel, m.status, m.reason,
                   m.day, m.invoice_ids, m.level, m.changed_at",
        &today.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &today.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &today.iter().map(|row| row.day).collect::<Vec<_>>(),
        reason,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(sorted(ended))
}

/// Ends the messages planned for days before `day`, whatever became of their customers.
pub(crate) async fn give_up_before(
    conn: &mut PgConnection,
    day: NaiveDate,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Row>, sqlx::Error> {
    let ended = sqlx::query_as!(
        Row,
        "UPDATE messages m SET status = 'failed', reason = $2, version = m.version + 1, changed_at = $3
         WHERE m.status = 'planned' AND m.day < $1
         RETURNING m.tenant_id, m.message_id, m.version, m.customer_id, m.contact_id, m.channel, m.status, m.reason,
                   m.day, m.invoice_ids, m.level, m.changed_at",
        day,
        reason,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(sorted(ended))
}

/// Counts the versions of these messages up.
pub(crate) async fn raise_versions(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    messages: &[Uuid],
) -> Result<Vec<Row>, sqlx::Error> {
    let raised = sqlx::query_as!(
        Row,
        "UPDATE messages m SET version = m.version + 1 WHERE m.tenant_id = $1 AND m.message_id = ANY($2)
         RETURNING m.tenant_id, m.message_id, m.version, m.customer_id, m.contact_id, m.channel, m.status, m.reason,
                   m.day, m.invoice_ids, m.level, m.changed_at",
        tenant_id,
        messages,
    )
    .fetch_all(conn)
    .await?;
    Ok(sorted(raised))
}

/// Rows come back in no order; events are published in the order of ids.
fn sorted(mut messages: Vec<Row>) -> Vec<Row> {
    messages.sort_by_key(Row::key);
    messages
}
