//! Pauses: which customers and invoices they hold.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::keys::{Key, Keys};
use crate::domain::hold::{Hold, Period};

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tenant_id: Uuid,
    pub(crate) version: i64,
    pub(crate) customer_id: Uuid,
    /// Empty: the whole customer.
    pub(crate) invoice_ids: Vec<Uuid>,
    pub(crate) hold: Hold,
    pub(crate) period: Period,
}

/// Upserts if newer, with the invoices of the newest. One row per key.
#[allow(clippy::as_conversions, reason = "how the query macros are told of an array with gaps")]
pub(crate) async fn save(conn: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let newer = sqlx::query!(
        "INSERT INTO holds AS h (tenant_id, hold_id, version, customer_id, whole_customer, kind, placed_on, until, lifted_on)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::boolean[], $6::text[], $7::date[],
                              $8::date[], $9::date[])
         ON CONFLICT (tenant_id, hold_id) DO UPDATE SET version = excluded.version, customer_id = excluded.customer_id,
           whole_customer = excluded.whole_customer, kind = excluded.kind, placed_on = excluded.placed_on,
           until = excluded.until, lifted_on = excluded.lifted_on
         WHERE h.version < excluded.version
         RETURNING tenant_id, hold_id",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.hold.hold_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.invoice_ids.is_empty()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.hold.kind.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.period.placed_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.period.until).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &rows.iter().map(|row| row.period.lifted_on).collect::<Vec<_>>() as &[Option<NaiveDate>],
    )
    .fetch_all(&mut *conn)
    .await?;
    let newer: BTreeSet<Key> = newer.into_iter().map(|row| (row.tenant_id, row.hold_id)).collect();
    name_invoices(conn, rows.iter().filter(|row| newer.contains(&(row.tenant_id, row.hold.hold_id)))).await
}

async fn name_invoices<'a>(conn: &mut PgConnection, rows: impl Iterator<Item = &'a Row>) -> Result<(), sqlx::Error> {
    let (mut holds, mut named) = (Vec::<Key>::new(), Vec::<(Uuid, Uuid, Uuid)>::new());
    for row in rows {
        holds.push((row.tenant_id, row.hold.hold_id));
        named.extend(row.invoice_ids.iter().map(|invoice_id| (row.tenant_id, row.hold.hold_id, *invoice_id)));
    }
    sqlx::query!(
        "DELETE FROM hold_invoices i USING unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, hold_id)
         WHERE i.tenant_id = k.tenant_id AND i.hold_id = k.hold_id",
        &holds.iter().map(|key| key.0).collect::<Vec<_>>(),
        &holds.iter().map(|key| key.1).collect::<Vec<_>>(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO hold_invoices (tenant_id, hold_id, invoice_id)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) ON CONFLICT DO NOTHING",
        &named.iter().map(|row| row.0).collect::<Vec<_>>(),
        &named.iter().map(|row| row.1).collect::<Vec<_>>(),
        &named.iter().map(|row| row.2).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What pauses customers and invoices, whether today or not, by the id of either, in order of hold.
pub(crate) async fn of(
    conn: &mut PgConnection,
    customers: &Keys,
    invoices: &Keys,
) -> Result<BTreeMap<Key, Vec<(Hold, Period)>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant_id!", held_id AS "held_id!", hold_id AS "hold_id!", kind AS "kind!",
                  placed_on AS "placed_on!", until, lifted_on
           FROM (
             SELECT h.tenant_id, h.customer_id AS held_id, h.hold_id, h.kind, h.placed_on, h.until, h.lifted_on
             FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id)
             JOIN holds h USING (tenant_id, customer_id) WHERE h.whole_customer
             UNION ALL
             SELECT i.tenant_id, i.invoice_id, i.hold_id, h.kind, h.placed_on, h.until, h.lifted_on
             FROM unnest($3::uuid[], $4::uuid[]) AS k (tenant_id, invoice_id)
             JOIN hold_invoices i USING (tenant_id, invoice_id) JOIN holds h USING (tenant_id, hold_id)
           ) held ORDER BY hold_id"#,
        &customers.tenants,
        &customers.ids,
        &invoices.tenants,
        &invoices.ids,
    )
    .fetch_all(conn)
    .await?;
    let mut holds = BTreeMap::<Key, Vec<(Hold, Period)>>::new();
    for row in rows {
        let period = Period { placed_on: row.placed_on, until: row.until, lifted_on: row.lifted_on };
        let hold = Hold { hold_id: row.hold_id, kind: row.kind };
        holds.entry((row.tenant_id, row.held_id)).or_default().push((hold, period));
    }
    Ok(holds)
}
