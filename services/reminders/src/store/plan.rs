//! The plans of customers, derived anew from what they depend on.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;
use uuid::Uuid;

use super::keys::{Key, Keys};
use super::strategies::{self, Strategies};
use crate::domain::plan::{Anchor, SendWindow};

/// What a customer's plan depends on, beside its invoices.
#[derive(Debug, Clone)]
struct Planned {
    /// `None` while the tenant is unknown: then nothing is planned.
    window: Option<SendWindow>,
    segment: String,
    not_before: Option<DateTime<Utc>>,
    next_due_at: Option<DateTime<Utc>>,
}

/// The send window of a customer: its own zone, else its tenant's.
pub(crate) fn window(customer_zone: &str, tenant_zone: &str, send_hour: i16) -> SendWindow {
    let zone: Tz = customer_zone.parse().or_else(|_| tenant_zone.parse()).unwrap_or(Tz::UTC);
    SendWindow { zone, hour: u32::try_from(send_hour).unwrap_or(9) }
}

/// Plans the live invoices of these customers, which are locked. Writes only what differs.
#[allow(clippy::as_conversions, reason = "how the query macros are told of an array with gaps")]
pub(crate) async fn renew(conn: &mut PgConnection, customers: &Keys) -> Result<(), sqlx::Error> {
    if customers.is_empty() {
        return Ok(());
    }
    let known = load_customers(conn, customers).await?;
    let mut tenants = customers.tenants.clone();
    tenants.dedup();
    let strategies = strategies::load(conn, &tenants).await?;
    let earliest = renew_invoices(conn, customers, &known, &strategies).await?;

    let changed: Vec<(Key, Option<DateTime<Utc>>)> = known
        .iter()
        .filter_map(|(key, customer)| {
            let due = earliest.get(key).map(|at| customer.not_before.map_or(*at, |not_before| not_before.max(*at)));
            (due != customer.next_due_at).then_some((*key, due))
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE customers c SET next_due_at = n.next_due_at
         FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS n (tenant_id, customer_id, next_due_at)
         WHERE c.tenant_id = n.tenant_id AND c.customer_id = n.customer_id",
        &changed.iter().map(|((tenant_id, _), _)| *tenant_id).collect::<Vec<_>>(),
        &changed.iter().map(|((_, customer_id), _)| *customer_id).collect::<Vec<_>>(),
        &changed.iter().map(|(_, due)| *due).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn load_customers(conn: &mut PgConnection, customers: &Keys) -> Result<BTreeMap<Key, Planned>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT c.tenant_id, c.customer_id, c.time_zone, c.segment, c.not_before, c.next_due_at,
                  t.time_zone AS "tenant_zone?", t.send_hour AS "send_hour?"
           FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id)
           JOIN customers c USING (tenant_id, customer_id) LEFT JOIN tenants t USING (tenant_id)"#,
        &customers.tenants,
        &customers.ids,
    )
    .fetch_all(conn)
    .await?;
    let planned = rows.into_iter().map(|row| {
        let of_tenant = row.tenant_zone.zip(row.send_hour);
        let planned = Planned {
            window: of_tenant.map(|(zone, hour)| window(&row.time_zone, &zone, hour)),
            segment: row.segment,
            not_before: row.not_before,
            next_due_at: row.next_due_at,
        };
        ((row.tenant_id, row.customer_id), planned)
    });
    Ok(planned.collect())
}

/// Returns the earliest step of each customer.
#[allow(clippy::as_conversions, reason = "how the query macros are told of an array with gaps")]
async fn renew_invoices(
    conn: &mut PgConnection,
    customers: &Keys,
    known: &BTreeMap<Key, Planned>,
    strategies: &Strategies,
) -> Result<BTreeMap<Key, DateTime<Utc>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT i.tenant_id, i.customer_id, i.invoice_id, i.issue_date, i.effective_due_date, i.next_step_at,
                  i.status = 'settled' AS "settled!", d.offset_days AS "decided_through?",
                  coalesce(d.reason = 'paid', false) AS "closed!"
           FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id)
           JOIN invoices i USING (tenant_id, customer_id)
           LEFT JOIN LATERAL (
             SELECT offset_days, reason FROM decisions
             WHERE tenant_id = i.tenant_id AND invoice_id = i.invoice_id ORDER BY offset_days DESC LIMIT 1) d ON true
           WHERE i.live ORDER BY i.tenant_id, i.invoice_id"#,
        &customers.tenants,
        &customers.ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut earliest = BTreeMap::<Key, DateTime<Utc>>::new();
    let (mut tenants, mut ids) = (Vec::<Uuid>::new(), Vec::<Uuid>::new());
    let (mut next_steps, mut live) = (Vec::<Option<DateTime<Utc>>>::new(), Vec::<bool>::new());
    for row in rows {
        let customer = (row.tenant_id, row.customer_id);
        let anchor = Anchor {
            issue_date: row.issue_date,
            effective_due_date: row.effective_due_date,
            settled: row.settled,
            decided_through: row.decided_through,
            closed: row.closed,
        };
        let planned = known.get(&customer);
        let next_step_at = planned.and_then(|planned| {
            let strategy = strategies.of(row.tenant_id, &planned.segment)?;
            Some(planned.window?.opens(anchor.next_day(strategy)?))
        });
        if let Some(at) = next_step_at {
            earliest.entry(customer).and_modify(|known| *known = at.min(*known)).or_insert(at);
        }
        // A settled invoice of an unknown tenant stays live: it has not been planned yet.
        let still_live =
            !row.settled || next_step_at.is_some() || planned.is_none_or(|planned| planned.window.is_none());
        if next_step_at != row.next_step_at || !still_live {
            tenants.push(row.tenant_id);
            ids.push(row.invoice_id);
            next_steps.push(next_step_at);
            live.push(still_live);
        }
    }
    if ids.is_empty() {
        return Ok(earliest);
    }
    sqlx::query!(
        "UPDATE invoices i SET next_step_at = n.next_step_at, live = n.live
         FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::boolean[]) AS n (tenant_id, invoice_id, next_step_at, live)
         WHERE i.tenant_id = n.tenant_id AND i.invoice_id = n.invoice_id",
        &tenants,
        &ids,
        &next_steps as &[Option<DateTime<Utc>>],
        &live,
    )
    .execute(conn)
    .await?;
    Ok(earliest)
}
