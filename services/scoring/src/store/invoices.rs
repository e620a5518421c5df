//! Facts about invoices.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::calendar::Span;
use crate::domain::evidence::{Invoice, THRESHOLDS};
use crate::domain::model::learner::{Bill, Learner};
use crate::domain::receivable::Receivable;

/// An invoice as `invoice.changed` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvoiceRow {
    pub tenant_id: Uuid,
    pub version: i64,
    pub legal_entity_id: Uuid,
    pub payer_id: Uuid,
    pub currency: String,
    pub amount: Decimal,
    pub open_amount: Decimal,
    /// Value dates and amounts in force, oldest first.
    pub settlements: Vec<(NaiveDate, Decimal)>,
    pub invoice: Invoice,
}

/// An invoice that is known: its version and what is learned from.
#[derive(Debug)]
pub(crate) struct Known {
    pub version: i64,
    pub invoice: Invoice,
    pub amount: Decimal,
}

/// Those of the invoices that are known.
pub(crate) async fn known(
    conn: &mut PgConnection,
    keys: impl Iterator<Item = (Uuid, Uuid)>,
) -> Result<BTreeMap<(Uuid, Uuid), Known>, sqlx::Error> {
    let (tenants, invoices): (Vec<Uuid>, Vec<Uuid>) = keys.unzip();
    let rows = sqlx::query!(
        "SELECT i.tenant_id, i.invoice_id, i.version, i.customer_id, i.issue_date, i.due_date, i.settled_on, i.paid,
           i.inferred, i.amount
         FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, invoice_id) CROSS JOIN LATERAL (
             SELECT * FROM invoice_facts WHERE tenant_id = k.tenant_id AND invoice_id = k.invoice_id OFFSET 0) i",
        &tenants,
        &invoices
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| {
        let invoice = Invoice {
            invoice_id: row.invoice_id,
            customer_id: row.customer_id,
            issued_on: row.issue_date,
            due_on: row.due_date,
            settled_on: row.settled_on,
            paid: row.paid,
            inferred: row.inferred,
        };
        ((row.tenant_id, row.invoice_id), Known { version: row.version, invoice, amount: row.amount })
    });
    Ok(known.collect())
}

/// Writes the invoices unless newer versions are there.
pub(crate) async fn save(conn: &mut PgConnection, rows: &[InvoiceRow]) -> Result<(), sqlx::Error> {
    let column = |of: fn(&InvoiceRow) -> Uuid| rows.iter().map(of).collect::<Vec<Uuid>>();
    let dates = |of: fn(&InvoiceRow) -> NaiveDate| rows.iter().map(of).collect::<Vec<NaiveDate>>();
    let flags = |of: fn(&InvoiceRow) -> bool| rows.iter().map(of).collect::<Vec<bool>>();
    let optional = |of: fn(&InvoiceRow) -> Option<NaiveDate>| rows.iter().map(of).collect::<Vec<Option<NaiveDate>>>();
    let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
    let currencies: Vec<String> = rows.iter().map(|row| row.currency.clone()).collect();
    let amounts: Vec<Decimal> = rows.iter().map(|row| row.amount).collect();
    let open_amounts: Vec<Decimal> = rows.iter().map(|row| row.open_amount).collect();
    // Lists of different length do not fit into one array: they travel in one, each row knows its slice.
    let (mut days, mut settled, mut firsts, mut lasts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        firsts.push(i32::try_from(days.len()).unwrap_or(i32::MAX).saturating_add(1));
        days.extend(row.settlements.iter().map(|(day, _)| *day));
        settled.extend(row.settlements.iter().map(|(_, amount)| *amount));
        lasts.push(i32::try_from(days.len()).unwrap_or(i32::MAX));
    }
    sqlx::query!(
        "INSERT INTO invoice_facts AS i (tenant_id, invoice_id, version, legal_entity_id, customer_id, payer_id, currency,
           amount, open_amount, issue_date, due_date, settled_on, paid, inferred, settlement_days,
           settlement_amounts)
         SELECT u.tenant_id, u.invoice_id, u.version, u.legal_entity_id, u.customer_id, u.payer_id, u.currency, u.amount,
           u.open_amount, u.issue_date, u.due_date, u.settled_on, u.paid, u.inferred,
           ($15::date[])[u.first:u.last], ($16::numeric[])[u.first:u.last]
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[],
           $8::numeric[], $9::numeric[], $10::date[], $11::date[], $12::date[], $13::boolean[], $14::boolean[], $17::integer[],
           $18::integer[])
           AS u (tenant_id, invoice_id, version, legal_entity_id, customer_id, payer_id, currency, amount, open_amount,
             issue_date, due_date, settled_on, paid, inferred, first, last)
         ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET version = excluded.version,
           legal_entity_id = excluded.legal_entity_id, customer_id = excluded.customer_id, payer_id = excluded.payer_id,
           currency = excluded.currency, amount = excluded.amount, open_amount = excluded.open_amount,
           issue_date = excluded.issue_date, due_date = excluded.due_date, settled_on = excluded.settled_on,
           paid = excluded.paid, inferred = excluded.inferred,
           settlement_days = excluded.settlement_days, settlement_amounts = excluded.settlement_amounts
         WHERE i.version < excluded.version",
        &column(|row| row.tenant_id),
        &column(|row| row.invoice.invoice_id),
        &versions,
        &column(|row| row.legal_entity_id),
        &column(|row| row.invoice.customer_id),
        &column(|row| row.payer_id),
        &currencies,
        &amounts,
        &open_amounts,
        &dates(|row| row.invoice.issued_on),
        &dates(|row| row.invoice.due_on),
        &optional(|row| row.invoice.settled_on) as &[Option<NaiveDate>],
        &flags(|row| row.invoice.paid),
        &flags(|row| row.invoice.inferred),
        &days,
        &settled,
        &firsts,
        &lasts
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the open book knows of those of the invoices that are known.
pub(crate) async fn receivables(
    conn: &mut PgConnection,
    keys: impl Iterator<Item = (Uuid, Uuid)>,
) -> Result<BTreeMap<(Uuid, Uuid), Receivable>, sqlx::Error> {
    let (tenants, invoices): (Vec<Uuid>, Vec<Uuid>) = keys.unzip();
    let rows = sqlx::query!(
        r#"SELECT i.tenant_id, i.invoice_id, i.customer_id, i.currency, i.amount, i.issue_date, i.due_date,
             i.settlement_days AS "settlement_days: Vec<NaiveDate>",
             i.settlement_amounts AS "settlement_amounts: Vec<Decimal>"
           FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, invoice_id) CROSS JOIN LATERAL (
             SELECT * FROM invoice_facts WHERE tenant_id = k.tenant_id AND invoice_id = k.invoice_id OFFSET 0) i"#,
        &tenants,
        &invoices
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| {
        let receivable = Receivable {
            customer_id: row.customer_id,
            currency: row.currency,
            amount: row.amount,
            issued_on: row.issue_date,
            due_on: row.due_date,
            settlements: row.settlement_days.into_iter().zip(row.settlement_amounts).collect(),
        };
        ((row.tenant_id, row.invoice_id), receivable)
    });
    Ok(known.collect())
}

impl InvoiceRow {
    pub(crate) fn receivable(&self) -> Receivable {
        Receivable {
            customer_id: self.invoice.customer_id,
            currency: self.currency.clone(),
            amount: self.amount,
            issued_on: self.invoice.issued_on,
            due_on: self.invoice.due_on,
            settlements: self.settlements.clone(),
        }
    }
}

/// Issue date of the first invoice of each of these customers.
pub(crate) async fn first_issued(
    conn: &mut PgConnection,
    keys: impl Iterator<Item = (Uuid, Uuid)>,
) -> Result<BTreeMap<(Uuid, Uuid), NaiveDate>, sqlx::Error> {
    let (tenants, customers): (Vec<Uuid>, Vec<Uuid>) = keys.unzip();
    let rows = sqlx::query!(
        r#"SELECT k.tenant_id AS "tenant_id!", k.customer_id AS "customer_id!", i.issue_date AS "issue_date!"
           FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id) CROSS JOIN LATERAL (
             SELECT min(issue_date) AS issue_date FROM invoice_facts
             WHERE tenant_id = k.tenant_id AND customer_id = k.customer_id) i
           WHERE i.issue_date IS NOT NULL"#,
        &tenants,
        &customers
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.tenant_id, row.customer_id), row.issue_date)).collect())
}

/// Shortens the span until it reads no more than `limit` invoices, or is a single day.
pub(crate) async fn affordable(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    mut span: Span,
    limit: i64,
) -> Result<Span, sqlx::Error> {
    while let Some(half) = span.half() {
        let due_dates = due_dates(span);
        let read = sqlx::query_scalar!(
            r#"SELECT count(*) AS "read!" FROM (
                 SELECT FROM invoice_facts
                 WHERE tenant_id = $1 AND issue_date <= $4
                   AND (due_date = ANY($2) OR settled_on BETWEEN $3 AND $4 OR issue_date BETWEEN $3 AND $4)
                   AND (settled_on IS NULL OR greatest(settled_on, issue_date) >= $3)
                 LIMIT $5) i"#,
            tenant_id,
            &due_dates,
            span.from,
            span.through,
            limit.saturating_add(1)
        )
        .fetch_one(&mut *conn)
        .await?;
        if read <= limit {
            break;
        }
        span = half;
    }
    Ok(span)
}

/// Every invoice that is issued, settled or says anything in the span, and some more.
pub(crate) async fn concerned(conn: &mut PgConnection, tenant_id: Uuid, span: Span) -> Result<Vec<Bill>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT i.invoice_id, i.customer_id, i.issue_date, i.due_date, i.settled_on, i.paid, i.inferred, i.amount,
             c.country,
             (SELECT min(d.opened_on) FROM dispute_facts d
              WHERE d.tenant_id = i.tenant_id AND d.invoice_id = i.invoice_id) AS disputed_on
           FROM invoice_facts i JOIN customers c USING (tenant_id, customer_id)
           WHERE i.tenant_id = $1 AND i.issue_date <= $4
             AND (i.due_date = ANY($2) OR i.settled_on BETWEEN $3 AND $4 OR i.issue_date BETWEEN $3 AND $4)
             AND (i.settled_on IS NULL OR greatest(i.settled_on, i.issue_date) >= $3)"#,
        tenant_id,
        &due_dates(span),
        span.from,
        span.through
    )
    .fetch_all(conn)
    .await?;
    let bills = rows.into_iter().map(|row| Bill {
        invoice: Invoice {
            invoice_id: row.invoice_id,
            customer_id: row.customer_id,
            issued_on: row.issue_date,
            due_on: row.due_date,
            settled_on: row.settled_on,
            paid: row.paid,
            inferred: row.inferred,
        },
        group: row.country,
        amount: row.amount,
        on_paper: false,
        disputed_on: row.disputed_on,
    });
    Ok(bills.collect())
}

/// Has those foretold again whose open invoices fell due on `day` or do within a week of it: the less time there is, the
/// likelier they are late.
pub(crate) async fn falling_due(conn: &mut PgConnection, tenant_id: Uuid, day: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO stale_outlooks (tenant_id, customer_id)
         SELECT DISTINCT tenant_id, customer_id FROM invoice_facts
         WHERE tenant_id = $1 AND due_date BETWEEN $2::date AND $2::date + 7 AND settled_on IS NULL
         ORDER BY customer_id ON CONFLICT DO NOTHING",
        tenant_id,
        day
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has the learner know what these customers owed before `day`.
pub(crate) async fn recall_open(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customers: &[Uuid],
    day: NaiveDate,
    learner: &mut Learner,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT i.invoice_id, i.customer_id, i.issue_date, i.due_date, i.settled_on, i.paid, i.inferred, i.amount
         FROM unnest($2::uuid[]) AS k (customer_id) CROSS JOIN LATERAL (
           SELECT * FROM invoice_facts
           WHERE tenant_id = $1 AND customer_id = k.customer_id AND issue_date < $3
             AND (settled_on IS NULL OR settled_on >= $3) OFFSET 0) i",
        tenant_id,
        customers,
        day
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let invoice = Invoice {
            invoice_id: row.invoice_id,
            customer_id: row.customer_id,
            issued_on: row.issue_date,
            due_on: row.due_date,
            settled_on: row.settled_on,
            paid: row.paid,
            inferred: row.inferred,
        };
        learner.owes(&invoice, row.amount);
    }
    Ok(())
}

/// Due dates that lie on a day of the span or one of the thresholds before it.
fn due_dates(span: Span) -> Vec<NaiveDate> {
    let before = |day: NaiveDate| {
        THRESHOLDS.into_iter().filter_map(move |it| day.checked_sub_days(Days::new(u64::from(it.days()))))
    };
    let mut dates: Vec<NaiveDate> = span.days().flat_map(before).collect();
    dates.sort_unstable();
    dates.dedup();
    dates
}

/// Median of (settled − due) in days over the invoices paid within the year that ends with `day`, and their number.
pub(crate) async fn median_delay(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    day: NaiveDate,
) -> Result<(Option<i32>, u32), sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY settled_on - due_date) AS median, count(*) AS "invoices!"
           FROM invoice_facts
           WHERE tenant_id = $1 AND settled_on BETWEEN $2::date - 364 AND $2::date AND issue_date <= $2::date AND paid"#,
        tenant_id,
        day
    )
    .fetch_one(conn)
    .await?;
    Ok((row.median, u32::try_from(row.invoices).unwrap_or(u32::MAX)))
}
