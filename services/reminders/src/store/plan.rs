//! The plans of customers, derived from what they depend on: of an invoice when it changed, of all live invoices of a customer
//! when its zone, segment or strategy did or something was decided. Either way a plan says what its inputs say, never how
//! they came (I7).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;
use uuid::Uuid;

use super::invoices::{Row, SETTLED};
use super::keys::{Key, Keys};
use super::strategies::{self, Strategies};
use crate::domain::plan::{Anchor, LATE_DELIVERY_DAYS, SendWindow};

/// What the plans of customers depend on, beside their invoices.
pub(crate) struct Plans {
    customers: BTreeMap<Key, Planned>,
    strategies: Strategies,
}

#[derive(Debug, Clone)]
struct Planned {
    /// `None` while the tenant is unknown: then nothing is planned.
    window: Option<SendWindow>,
    segment: String,
    not_before: Option<DateTime<Utc>>,
    next_due_at: Option<DateTime<Utc>>,
    late_delivery_days: i32,
}

/// The plan of one invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextStep {
    pub(crate) at: Option<DateTime<Utc>>,
    /// It is still to be planned, or planned again.
    pub(crate) live: bool,
}

/// The send window of a customer: its own zone, else its tenant's.
pub(crate) fn window(customer_zone: &str, tenant_zone: &str, send_hour: i16) -> SendWindow {
    let zone: Tz = customer_zone.parse().or_else(|_| tenant_zone.parse()).unwrap_or(Tz::UTC);
    SendWindow { zone, hour: u32::try_from(send_hour).unwrap_or(9) }
}

/// Plans all live invoices of these customers, which are locked. Writes only what differs.
pub(crate) async fn renew(conn: &mut PgConnection, customers: &Keys) -> Result<(), sqlx::Error> {
    let plans = Plans::load(conn, customers).await?;
    plans.renew(conn, customers).await?;
    plans.settle(conn).await
}

impl Plans {
    /// The customers are locked.
    pub(crate) async fn load(conn: &mut PgConnection, customers: &Keys) -> Result<Self, sqlx::Error> {
        if customers.is_empty() {
            return Ok(Self { customers: BTreeMap::new(), strategies: Strategies::default() });
        }
        let known = load_customers(conn, customers).await?;
        let mut tenants = customers.tenants.clone();
        tenants.dedup();
        Ok(Self { customers: known, strategies: strategies::load(conn, &tenants).await? })
    }

    fn next_step(&self, customer: &Key, anchor: &Anchor) -> NextStep {
        let planned = self.customers.get(customer);
        let at = planned.and_then(|planned| {
            let strategy = self.strategies.of(customer.0, &planned.segment)?;
            let anchor = Anchor { late_delivery_days: planned.late_delivery_days, ..*anchor };
            Some(planned.window?.opens(anchor.next_day(strategy)?))
        });
        // A settled invoice of an unknown tenant stays live: it has not been planned yet.
        let live = !anchor.settled || at.is_some() || planned.is_none_or(|planned| planned.window.is_none());
        NextStep { at, live }
    }

    /// The next step of each of these invoices, in their order.
    pub(crate) async fn of(&self, conn: &mut PgConnection, invoices: &[Row]) -> Result<Vec<NextStep>, sqlx::Error> {
        if invoices.is_empty() {
            return Ok(Vec::new());
        }
        let decided = sqlx::query!(
            r#"SELECT k.tenant_id AS "tenant_id!", k.invoice_id AS "invoice_id!", d.offset_days, d.reason IN ('paid', 'voided') AS "closed!"
               FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, invoice_id) CROSS JOIN LATERAL (
                 SELECT offset_days, reason FROM decisions
                 WHERE tenant_id = k.tenant_id AND invoice_id = k.invoice_id ORDER BY offset_days DESC LIMIT 1) d"#,
            &invoices.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
            &invoices.iter().map(|row| row.invoice_id).collect::<Vec<_>>(),
        )
        .fetch_all(conn)
        .await?;
        let decided: BTreeMap<Key, (i32, bool)> =
            decided.into_iter().map(|row| ((row.tenant_id, row.invoice_id), (row.offset_days, row.closed))).collect();
        let next_step = |row: &Row| {
            let last = decided.get(&(row.tenant_id, row.invoice_id));
            let anchor = Anchor {
                issue_date: row.issue_date,
                due_date: Some(row.due_date),
                effective_due_date: row.effective_due_date,
                delivered_date: row.delivered_date,
                // Of its tenant, where it chose: `next_step` says.
                late_delivery_days: LATE_DELIVERY_DAYS,
                last_dunned_on: row.last_dunned_on,
                settled: row.status == SETTLED,
                decided_through: last.map(|(offset_days, _)| *offset_days),
                closed: last.is_some_and(|(_, closed)| *closed),
            };
            self.next_step(&(row.tenant_id, row.customer_id), &anchor)
        };
        Ok(invoices.iter().map(next_step).collect())
    }

    /// Plans all live invoices of these customers. Writes only what differs.
    #[allow(clippy::as_conversions, reason = "how the query macros are told of an array with gaps")]
    pub(crate) async fn renew(&self, conn: &mut PgConnection, customers: &Keys) -> Result<(), sqlx::Error> {
        if customers.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query!(
            r#"SELECT i.tenant_id, i.customer_id, i.invoice_id, i.issue_date, i.due_date, i.effective_due_date,
                      i.delivered_date, i.last_dunned_on, i.next_step_at,
                      i.status = 'settled' AS "settled!", d.offset_days AS "decided_through?",
                      coalesce(d.reason IN ('paid', 'voided'), false) AS "closed!"
               FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id) CROSS JOIN LATERAL (
                 SELECT * FROM invoices WHERE tenant_id = k.tenant_id AND customer_id = k.customer_id AND live OFFSET 0) i
               LEFT JOIN LATERAL (
                 SELECT offset_days, reason FROM decisions
                 WHERE tenant_id = i.tenant_id AND invoice_id = i.invoice_id ORDER BY offset_days DESC LIMIT 1) d ON true
               ORDER BY i.tenant_id, i.invoice_id"#,
            &customers.tenants,
            &customers.ids,
        )
        .fetch_all(&mut *conn)
        .await?;
        let (mut tenants, mut ids) = (Vec::<Uuid>::new(), Vec::<Uuid>::new());
        let (mut next_steps, mut live) = (Vec::<Option<DateTime<Utc>>>::new(), Vec::<bool>::new());
        for row in rows {
            let anchor = Anchor {
                issue_date: row.issue_date,
                due_date: Some(row.due_date),
                effective_due_date: row.effective_due_date,
                delivered_date: row.delivered_date,
                // Of its tenant, where it chose: `next_step` says.
                late_delivery_days: LATE_DELIVERY_DAYS,
                last_dunned_on: row.last_dunned_on,
                settled: row.settled,
                decided_through: row.decided_through,
                closed: row.closed,
            };
            let next = self.next_step(&(row.tenant_id, row.customer_id), &anchor);
            if next.at != row.next_step_at || !next.live {
                tenants.push(row.tenant_id);
                ids.push(row.invoice_id);
                next_steps.push(next.at);
                live.push(next.live);
            }
        }
        if ids.is_empty() {
            return Ok(());
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
        Ok(())
    }

    /// Says of each customer when its earliest step is due, once the invoices are planned.
    #[allow(clippy::as_conversions, reason = "how the query macros are told of an array with gaps")]
    pub(crate) async fn settle(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.customers.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query!(
            r#"SELECT k.tenant_id AS "tenant_id!", k.customer_id AS "customer_id!", m.earliest
               FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id) CROSS JOIN LATERAL (
                 SELECT min(next_step_at) AS earliest FROM invoices
                 WHERE tenant_id = k.tenant_id AND customer_id = k.customer_id AND live) m"#,
            &self.customers.keys().map(|(tenant_id, _)| *tenant_id).collect::<Vec<_>>(),
            &self.customers.keys().map(|(_, customer_id)| *customer_id).collect::<Vec<_>>(),
        )
        .fetch_all(&mut *conn)
        .await?;
        let changed: Vec<(Key, Option<DateTime<Utc>>)> = rows
            .into_iter()
            .filter_map(|row| {
                let key = (row.tenant_id, row.customer_id);
                let customer = self.customers.get(&key)?;
                let due = row.earliest.map(|at| customer.not_before.map_or(at, |not_before| not_before.max(at)));
                (due != customer.next_due_at).then_some((key, due))
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
}

async fn load_customers(conn: &mut PgConnection, customers: &Keys) -> Result<BTreeMap<Key, Planned>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT c.tenant_id, c.customer_id, c.time_zone, c.segment, c.not_before, c.next_due_at,
                  t.time_zone AS "tenant_zone?", t.send_hour AS "send_hour?", s.late_delivery_days AS "late_delivery_days?"
           FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id) CROSS JOIN LATERAL (
             SELECT * FROM customers WHERE tenant_id = k.tenant_id AND customer_id = k.customer_id OFFSET 0) c
           LEFT JOIN tenants t ON t.tenant_id = k.tenant_id
           LEFT JOIN tenant_settings s ON s.tenant_id = k.tenant_id"#,
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
            late_delivery_days: row.late_delivery_days.unwrap_or(LATE_DELIVERY_DAYS),
        };
        ((row.tenant_id, row.customer_id), planned)
    });
    Ok(planned.collect())
}
