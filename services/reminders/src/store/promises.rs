//! Promises: which invoices they stop, in whichever order ingestion and promises speak of them (D7).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::keys::{Key, Keys};

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tenant_id: Uuid,
    pub(crate) promise_id: Uuid,
    /// 0 and an empty status: the debtor's word, about which promises has not spoken.
    pub(crate) version: i64,
    pub(crate) status: String,
    pub(crate) promised_date: NaiveDate,
    pub(crate) invoice_ids: Vec<Uuid>,
}

/// Upserts if newer; the debtor's word never replaces what promises said. One row per key.
pub(crate) async fn save(conn: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO promises AS p (tenant_id, promise_id, version, status, promised_date)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::date[])
         ON CONFLICT (tenant_id, promise_id) DO UPDATE SET version = excluded.version, status = excluded.status,
           promised_date = excluded.promised_date
         WHERE p.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.promise_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.status.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.promised_date).collect::<Vec<_>>(),
    )
    .execute(&mut *conn)
    .await?;
    let named: Vec<(Uuid, Uuid, Uuid)> = rows
        .iter()
        .flat_map(|row| row.invoice_ids.iter().map(|invoice_id| (row.tenant_id, row.promise_id, *invoice_id)))
        .collect();
    sqlx::query!(
        "INSERT INTO promise_invoices (tenant_id, promise_id, invoice_id)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) ON CONFLICT DO NOTHING",
        &named.iter().map(|row| row.0).collect::<Vec<_>>(),
        &named.iter().map(|row| row.1).collect::<Vec<_>>(),
        &named.iter().map(|row| row.2).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The promises that stop reminders, by invoice, in order of id. A promise stops from when it is made until promises says
/// a state that is not open.
pub(crate) async fn stops(conn: &mut PgConnection, invoices: &Keys) -> Result<BTreeMap<Key, Vec<Uuid>>, sqlx::Error> {
    if invoices.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        "SELECT i.tenant_id, i.invoice_id, i.promise_id
         FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, invoice_id)
         JOIN promise_invoices i USING (tenant_id, invoice_id)
         JOIN promises p USING (tenant_id, promise_id)
         WHERE p.status IN ('', 'open', 'due_unconfirmed')
         ORDER BY i.tenant_id, i.invoice_id, i.promise_id",
        &invoices.tenants,
        &invoices.ids,
    )
    .fetch_all(conn)
    .await?;
    let mut stops = BTreeMap::<Key, Vec<Uuid>>::new();
    for row in rows {
        stops.entry((row.tenant_id, row.invoice_id)).or_default().push(row.promise_id);
    }
    Ok(stops)
}
