//! What the last check reads: everything known of the claimed customers that a decision or a message needs.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use primitives::Currency;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::keys::{Key, Keys};
use super::{contacts, holds, plan, promises, reach, strategies};
use crate::domain::decide::{InvoiceFacts, Snapshot};
use crate::domain::hold::Hold;
use crate::domain::plan::{LATE_DELIVERY_DAYS, SendWindow};
use crate::domain::reach::{Bar, bar};
use crate::domain::recipient::Contact;

/// One customer with its due invoices.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) tenant_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) window: SendWindow,
    pub(crate) tenant_name: String,
    pub(crate) tenant_language: String,
    pub(crate) language: String,
    pub(crate) contacts: Vec<Contact>,
    /// Those of them that may not be written to, and why.
    pub(crate) bars: BTreeMap<Uuid, Bar>,
    /// In order of due date, number and id.
    pub(crate) invoices: Vec<DueInvoice>,
}

impl Case {
    pub(crate) fn key(&self) -> Key {
        (self.tenant_id, self.customer_id)
    }
}

/// An invoice one of whose steps is due, with what a message says about it.
#[derive(Debug)]
pub(crate) struct DueInvoice {
    pub(crate) number: String,
    pub(crate) amount: Decimal,
    pub(crate) currency: Currency,
    /// As the last check sees it; `reachable` is left to whoever chooses the contact.
    pub(crate) snapshot: Snapshot,
}

struct Customer {
    case: Case,
    segment: String,
    segment_version: i64,
    provisional: bool,
    requires_submission: bool,
}

/// The cases of customers, which are locked, in order of key.
pub(crate) async fn load(
    conn: &mut PgConnection,
    customers: &Keys,
    now: DateTime<Utc>,
) -> Result<Vec<Case>, sqlx::Error> {
    let mut cases = load_customers(conn, customers).await?;
    load_contacts(conn, customers, &mut cases).await?;
    let dead_letters = load_dead_letters(conn, customers).await?;
    let mut tenants = customers.tenants.clone();
    tenants.dedup();
    let strategies = strategies::load(conn, &tenants).await?;
    let invoices = load_invoices(conn, customers, now).await?;
    let keys: Keys = invoices.iter().map(|invoice| (invoice.tenant_id, invoice.facts.invoice_id)).collect();
    let mut stops = promises::stops(conn, &keys).await?;
    let pauses = holds::of(conn, customers, &keys).await?;

    for invoice in invoices {
        let key = (invoice.tenant_id, invoice.customer_id);
        let Some(customer) = cases.get_mut(&key) else { continue };
        let Some(strategy) = strategies.of(invoice.tenant_id, &customer.segment) else { continue };
        let Ok(currency) = Currency::parse(&invoice.facts.currency) else { continue };
        let promises = stops.remove(&(invoice.tenant_id, invoice.facts.invoice_id)).unwrap_or_default();
        let today = customer.case.window.day(now);
        let named = [key, (invoice.tenant_id, invoice.facts.invoice_id)].into_iter().filter_map(|key| pauses.get(&key));
        let in_force = named.flatten().filter(|(_, period)| period.holds_on(today));
        let mut holds: Vec<Hold> = in_force.map(|(hold, _)| hold.clone()).collect();
        holds.sort_by_key(|hold| hold.hold_id);
        customer.case.invoices.push(DueInvoice {
            number: invoice.number,
            amount: invoice.amount,
            currency,
            snapshot: Snapshot {
                through: customer.case.window.through(now),
                segment: customer.segment.clone(),
                segment_version: customer.segment_version,
                strategy: strategy.clone(),
                decided_through: invoice.decided_through,
                closed: invoice.closed,
                invoice: invoice.facts,
                promises,
                unsubmitted: customer.requires_submission && invoice.acceptance.is_empty(),
                holds,
                dead_letter: dead_letters.contains(&key),
                provisional: customer.provisional,
                reachable: false,
                barred: None,
                template_error: None,
            },
        });
    }
    Ok(cases.into_values().map(|customer| customer.case).collect())
}

async fn load_customers(conn: &mut PgConnection, customers: &Keys) -> Result<BTreeMap<Key, Customer>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT c.tenant_id, c.customer_id, c.time_zone, c.language, c.provisional, c.requires_submission, c.segment,
                c.segment_version,
                t.name AS tenant_name, t.time_zone AS tenant_zone, t.send_hour, t.language AS tenant_language
         FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id)
         JOIN customers c USING (tenant_id, customer_id) JOIN tenants t USING (tenant_id)",
        &customers.tenants,
        &customers.ids,
    )
    .fetch_all(conn)
    .await?;
    let customers = rows.into_iter().map(|row| {
        let customer = Customer {
            segment: row.segment,
            segment_version: row.segment_version,
            provisional: row.provisional,
            requires_submission: row.requires_submission,
            case: Case {
                tenant_id: row.tenant_id,
                customer_id: row.customer_id,
                window: plan::window(&row.time_zone, &row.tenant_zone, row.send_hour),
                tenant_name: row.tenant_name,
                tenant_language: row.tenant_language,
                language: row.language,
                contacts: Vec::new(),
                bars: BTreeMap::new(),
                invoices: Vec::new(),
            },
        };
        ((row.tenant_id, row.customer_id), customer)
    });
    Ok(customers.collect())
}

/// Who can be written to, and who may not be.
async fn load_contacts(
    conn: &mut PgConnection,
    customers: &Keys,
    cases: &mut BTreeMap<Key, Customer>,
) -> Result<(), sqlx::Error> {
    let found = contacts::of_customers(conn, customers).await?;
    let ids =
        found.iter().flat_map(|((tenant_id, _), contacts)| contacts.iter().map(|contact| (*tenant_id, contact.id)));
    let ids: Keys = ids.collect();
    let consents = reach::consents(conn, customers, &ids).await?;
    let reports = reach::reports(conn, &ids).await?;
    for (key, contacts) in found {
        let Some(customer) = cases.get_mut(&key) else { continue };
        for contact in &contacts {
            let own = (key.0, contact.id);
            let said: Vec<_> = [key, own].iter().filter_map(|key| consents.get(key)).flatten().cloned().collect();
            let reports = reports.get(&own).map_or(&[][..], Vec::as_slice);
            customer.case.bars.extend(bar(&said, reports, &contact.email).map(|bar| (contact.id, bar)));
        }
        customer.case.contacts = contacts;
    }
    Ok(())
}

/// Customers of whom an event is waiting for a person (D11).
async fn load_dead_letters(conn: &mut PgConnection, customers: &Keys) -> Result<BTreeSet<Key>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT DISTINCT k.tenant_id AS \"tenant_id!\", k.customer_id AS \"customer_id!\"
         FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id)
         JOIN dead_letter d ON d.tenant_id = k.tenant_id AND d.customer_id = k.customer_id",
        &customers.tenants,
        &customers.ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.customer_id)).collect())
}

struct Invoice {
    tenant_id: Uuid,
    customer_id: Uuid,
    number: String,
    amount: Decimal,
    decided_through: Option<i32>,
    closed: bool,
    acceptance: String,
    facts: InvoiceFacts,
}

async fn load_invoices(
    conn: &mut PgConnection,
    customers: &Keys,
    now: DateTime<Utc>,
) -> Result<Vec<Invoice>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT i.tenant_id, i.customer_id, i.invoice_id, i.version, i.number, i.currency, i.amount, i.open_amount,
                  i.expected_net, i.disputed_amount, i.issue_date, i.due_date, i.effective_due_date, i.delivered_date,
                  i.last_dunned_on, i.voided, i.acceptance, i.assigned, i.covered_amount,
                  s.late_delivery_days AS "late_delivery_days?",
                  i.status = 'settled' AS "settled!", d.offset_days AS "decided_through?",
                  coalesce(d.reason IN ('paid', 'voided'), false) AS "closed!"
           FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id)
           JOIN invoices i USING (tenant_id, customer_id)
           LEFT JOIN LATERAL (
             SELECT offset_days, reason FROM decisions
             WHERE tenant_id = i.tenant_id AND invoice_id = i.invoice_id ORDER BY offset_days DESC LIMIT 1) d ON true
           LEFT JOIN tenant_settings s ON s.tenant_id = i.tenant_id
           WHERE i.live AND i.next_step_at <= $3
           ORDER BY i.tenant_id, i.customer_id, i.effective_due_date, i.number, i.invoice_id"#,
        &customers.tenants,
        &customers.ids,
        now,
    )
    .fetch_all(conn)
    .await?;
    let invoices = rows.into_iter().map(|row| Invoice {
        tenant_id: row.tenant_id,
        customer_id: row.customer_id,
        number: row.number,
        amount: row.amount,
        decided_through: row.decided_through,
        closed: row.closed,
        facts: InvoiceFacts {
            invoice_id: row.invoice_id,
            version: row.version,
            issue_date: row.issue_date,
            due_date: Some(row.due_date),
            effective_due_date: row.effective_due_date,
            delivered_date: row.delivered_date,
            late_delivery_days: row.late_delivery_days.unwrap_or(LATE_DELIVERY_DAYS),
            last_dunned_on: row.last_dunned_on,
            currency: row.currency,
            open_amount: row.open_amount,
            expected_net: row.expected_net,
            disputed_amount: row.disputed_amount,
            settled: row.settled,
            voided: row.voided,
            rejected: row.acceptance == "rejected",
            assigned: row.assigned,
            covered_amount: row.covered_amount,
        },
        acceptance: row.acceptance,
    });
    Ok(invoices.collect())
}
