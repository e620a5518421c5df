//! Promises for reading.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::promise::Status;

/// One promise as a person sees it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub promise_id: Uuid,
    pub code: String,
    pub customer_id: Uuid,
    pub legal_entity_id: Uuid,
    pub invoice_ids: Vec<Uuid>,
    pub amount: Decimal,
    pub paid_amount: Decimal,
    pub currency: String,
    pub made_on: NaiveDate,
    pub promised_date: NaiveDate,
    pub deadline_at: DateTime<Utc>,
    pub channel: String,
    pub status: String,
    pub late_information: bool,
    pub version: i64,
    pub changed_at: DateTime<Utc>,
}

/// A page of one tenant's promises by promised day, from the one after `after` on.
pub(crate) async fn page(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    status: Option<Status>,
    customer_id: Option<Uuid>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        r#"SELECT promise_id, code, customer_id, legal_entity_id, amount, paid_amount, currency, made_on, promised_date,
                  deadline_at, channel, status, late_information, version, changed_at,
                  ARRAY (SELECT pi.invoice_id FROM promise_invoices pi
                         WHERE pi.tenant_id = p.tenant_id AND pi.promise_id = p.promise_id
                         ORDER BY pi.invoice_id) AS "invoice_ids!"
           FROM promises p
           WHERE tenant_id = $1 AND version > 0
             AND ($2::text IS NULL OR status = $2) AND ($3::uuid IS NULL OR customer_id = $3)
             AND ($4::uuid IS NULL OR (promised_date, promise_id) >
                  (SELECT a.promised_date, a.promise_id FROM promises a WHERE a.tenant_id = $1 AND a.promise_id = $4))
           ORDER BY promised_date, promise_id LIMIT $5"#,
        tenant_id,
        status.map(Status::as_str),
        customer_id,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}
