//! Alerts: one for each promise and kind, raised and cleared.

use chrono::{DateTime, Utc};
use primitives::{Currency, Money};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::alert::{Alarm, Alert, AlertStatus};
use crate::domain::promise::PromiseKey;
use crate::store::{StoreError, columns};

/// Makes exactly the `alarms` stand among the alerts about `promises`, which are locked. Returns the alerts that changed,
/// those that were cleared first, each in the order of its promise.
pub(crate) async fn settle(
    conn: &mut PgConnection,
    promises: &[PromiseKey],
    alarms: &[Alarm],
    now: DateTime<Utc>,
) -> Result<Vec<Alert>, StoreError> {
    if promises.is_empty() {
        return Ok(Vec::new());
    }
    let (tenant_ids, promise_ids) = columns(promises);
    let (alarm_tenants, alarm_promises) = columns(alarms.iter().map(|alarm| &alarm.promise));
    let alert_ids: Vec<_> = alarms.iter().map(|alarm| alarm.kind.id(alarm.promise)).collect();
    let mut rows = sqlx::query_as!(
        Row,
        "UPDATE alerts a SET status = 'cleared', cleared_at = $4, version = a.version + 1
         FROM unnest($1::uuid[], $2::uuid[]) AS judged (tenant_id, promise_id)
         WHERE a.tenant_id = judged.tenant_id AND a.promise_id = judged.promise_id AND a.status = 'raised'
           AND a.alert_id <> ALL ($3)
         RETURNING a.tenant_id, a.alert_id, a.version, a.kind, a.customer_id, a.promise_id, a.status, a.amount,
                   a.currency, a.raised_at, a.cleared_at",
        &tenant_ids,
        &promise_ids,
        &alert_ids,
        now,
    )
    .fetch_all(&mut *conn)
    .await?;
    rows.sort_by_key(|row| (row.tenant_id, row.promise_id));

    if !alarms.is_empty() {
        let kinds: Vec<_> = alarms.iter().map(|alarm| alarm.kind.as_str().to_owned()).collect();
        let customer_ids: Vec<_> = alarms.iter().map(|alarm| alarm.customer_id).collect();
        let amounts: Vec<_> = alarms.iter().map(|alarm| alarm.missing.amount()).collect();
        let currencies: Vec<_> = alarms.iter().map(|alarm| alarm.missing.currency().code().to_owned()).collect();
        let mut raised = sqlx::query_as!(
            Row,
            "INSERT INTO alerts (tenant_id, promise_id, alert_id, kind, customer_id, amount, currency, version, status,
                                 raised_at)
             SELECT tenant_id, promise_id, alert_id, kind, customer_id, amount, currency, 1, 'raised', $8
             FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::numeric[], $7::text[])
                  AS alarm (tenant_id, promise_id, alert_id, kind, customer_id, amount, currency)
             ON CONFLICT (tenant_id, alert_id) DO UPDATE
             SET status = 'raised', cleared_at = NULL, version = alerts.version + 1, amount = excluded.amount,
                 raised_at = CASE WHEN alerts.status = 'raised' THEN alerts.raised_at ELSE excluded.raised_at END
             WHERE alerts.status = 'cleared' OR alerts.amount <> excluded.amount
             RETURNING tenant_id, alert_id, version, kind, customer_id, promise_id, status, amount, currency, raised_at,
                       cleared_at",
            &alarm_tenants,
            &alarm_promises,
            &alert_ids,
            &kinds,
            &customer_ids,
            &amounts,
            &currencies,
            now,
        )
        .fetch_all(conn)
        .await?;
        raised.sort_by_key(|row| (row.tenant_id, row.promise_id));
        rows.append(&mut raised);
    }
    rows.into_iter().map(Alert::try_from).collect()
}

/// Counts the versions of these alerts up; in the order of their ids.
pub(crate) async fn raise_versions(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    alerts: &[Uuid],
) -> Result<Vec<Alert>, StoreError> {
    let mut rows = sqlx::query_as!(
        Row,
        "UPDATE alerts SET version = version + 1 WHERE tenant_id = $1 AND alert_id = ANY ($2)
         RETURNING tenant_id, alert_id, version, kind, customer_id, promise_id, status, amount, currency, raised_at,
                   cleared_at",
        tenant_id,
        alerts,
    )
    .fetch_all(conn)
    .await?;
    rows.sort_by_key(|row| row.alert_id);
    rows.into_iter().map(Alert::try_from).collect()
}

/// The alerts of one tenant, oldest first, from the one after `after` on.
pub(crate) async fn list(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    status: Option<AlertStatus>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Alert>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT tenant_id, alert_id, version, kind, customer_id, promise_id, status, amount, currency, raised_at, cleared_at
         FROM alerts
         WHERE tenant_id = $1 AND ($2::text IS NULL OR status = $2)
           AND ($3::uuid IS NULL OR (raised_at, alert_id) >
                (SELECT raised_at, alert_id FROM alerts WHERE tenant_id = $1 AND alert_id = $3))
         ORDER BY raised_at, alert_id LIMIT $4",
        tenant_id,
        status.map(AlertStatus::as_str),
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Alert::try_from).collect()
}

struct Row {
    tenant_id: Uuid,
    alert_id: Uuid,
    version: i64,
    kind: String,
    customer_id: Uuid,
    promise_id: Uuid,
    status: String,
    amount: Decimal,
    currency: String,
    raised_at: DateTime<Utc>,
    cleared_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Alert {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let key = PromiseKey { tenant_id: row.tenant_id, promise_id: row.promise_id };
        let malformed = |cause| StoreError::Amount { key, cause };
        let currency = Currency::parse(&row.currency).map_err(malformed)?;
        Ok(Self {
            tenant_id: row.tenant_id,
            id: row.alert_id,
            version: row.version,
            kind: row.kind,
            customer_id: row.customer_id,
            promise_id: row.promise_id,
            // The check on the table knows these two.
            status: if row.status == AlertStatus::Raised.as_str() { AlertStatus::Raised } else { AlertStatus::Cleared },
            missing: Money::new(row.amount, currency).map_err(malformed)?,
            raised_at: row.raised_at,
            cleared_at: row.cleared_at,
        })
    }
}
