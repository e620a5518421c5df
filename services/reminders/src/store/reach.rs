//! What contacts said about being written to, and what became of what was written to them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::keys::{Key, Keys};
use crate::domain::reach::{Consent, Report};

#[derive(Debug, Clone)]
pub(crate) struct ConsentRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) consent_id: Uuid,
    pub(crate) version: i64,
    /// One of the two is there.
    pub(crate) contact_id: Option<Uuid>,
    pub(crate) customer_id: Option<Uuid>,
    pub(crate) channel: String,
    pub(crate) consent: Consent,
}

#[derive(Debug, Clone)]
pub(crate) struct ReportRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) report_id: Uuid,
    pub(crate) message_id: Option<Uuid>,
    pub(crate) contact_id: Option<Uuid>,
    pub(crate) channel: String,
    pub(crate) outcome: String,
    pub(crate) permanent: bool,
    pub(crate) reported_at: DateTime<Utc>,
}

/// Upserts if newer. One row per key.
#[allow(clippy::as_conversions, reason = "how the query macros are told of an array with gaps")]
pub(crate) async fn save_consents(conn: &mut PgConnection, rows: &[ConsentRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO consents AS c (tenant_id, consent_id, version, contact_id, customer_id, channel, status, cause, changed_on)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
                              $8::text[], $9::date[])
         ON CONFLICT (tenant_id, consent_id) DO UPDATE SET version = excluded.version, contact_id = excluded.contact_id,
           customer_id = excluded.customer_id, channel = excluded.channel, status = excluded.status,
           cause = excluded.cause, changed_on = excluded.changed_on
         WHERE c.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.consent_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.contact_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.channel.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.consent.status.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.consent.cause.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.consent.changed_on).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps those that are new, each with the contact that its message was written to.
#[allow(clippy::as_conversions, reason = "how the query macros are told of an array with gaps")]
pub(crate) async fn save_reports(conn: &mut PgConnection, rows: &[ReportRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO delivery_reports (tenant_id, report_id, message_id, contact_id, channel, outcome, permanent, reported_at)
         SELECT n.tenant_id, n.report_id, n.message_id, coalesce(n.contact_id, m.contact_id), n.channel, n.outcome,
                n.permanent, n.reported_at
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::boolean[],
                     $8::timestamptz[])
              AS n (tenant_id, report_id, message_id, contact_id, channel, outcome, permanent, reported_at)
         LEFT JOIN messages m ON m.tenant_id = n.tenant_id AND m.message_id = n.message_id
         ON CONFLICT DO NOTHING",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.report_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.message_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.contact_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.channel.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.outcome.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.permanent).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.reported_at).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was said of e-mail by contacts, or of the customers as a whole, by the id of either.
pub(crate) async fn consents(
    conn: &mut PgConnection,
    customers: &Keys,
    contacts: &Keys,
) -> Result<BTreeMap<Key, Vec<Consent>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant_id!", subject_id AS "subject_id!", status AS "status!", cause AS "cause!",
                  changed_on AS "changed_on!"
           FROM (
             SELECT c.tenant_id, c.customer_id AS subject_id, c.status, c.cause, c.changed_on
             FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id)
             JOIN consents c USING (tenant_id, customer_id) WHERE c.channel = 'email'
             UNION ALL
             SELECT c.tenant_id, c.contact_id, c.status, c.cause, c.changed_on
             FROM unnest($3::uuid[], $4::uuid[]) AS k (tenant_id, contact_id)
             JOIN consents c USING (tenant_id, contact_id) WHERE c.channel = 'email'
           ) said"#,
        &customers.tenants,
        &customers.ids,
        &contacts.tenants,
        &contacts.ids,
    )
    .fetch_all(conn)
    .await?;
    let mut consents = BTreeMap::<Key, Vec<Consent>>::new();
    for row in rows {
        let consent = Consent { status: row.status, cause: row.cause, changed_on: row.changed_on };
        consents.entry((row.tenant_id, row.subject_id)).or_default().push(consent);
    }
    Ok(consents)
}

/// What became of e-mails to these contacts.
pub(crate) async fn reports(
    conn: &mut PgConnection,
    contacts: &Keys,
) -> Result<BTreeMap<Key, Vec<Report>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT r.tenant_id, r.contact_id AS "contact_id!", r.report_id, r.outcome, r.permanent, r.reported_at,
                  m.to_address AS "to_address?"
           FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, contact_id)
           JOIN delivery_reports r USING (tenant_id, contact_id)
           LEFT JOIN rendered_messages m ON m.tenant_id = r.tenant_id AND m.message_id = r.message_id
           WHERE r.channel = 'email'"#,
        &contacts.tenants,
        &contacts.ids,
    )
    .fetch_all(conn)
    .await?;
    let mut reports = BTreeMap::<Key, Vec<Report>>::new();
    for row in rows {
        reports.entry((row.tenant_id, row.contact_id)).or_default().push(Report {
            id: row.report_id,
            outcome: row.outcome,
            permanent: row.permanent,
            reported_at: row.reported_at,
            address: row.to_address,
        });
    }
    Ok(reports)
}
