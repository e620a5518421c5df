//! Words about invoices, which may not have come yet.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::order::ChangeOrder;
use crate::domain::standing::{Mark, Slot, Word};

/// The words in force about each of the invoices.
pub(crate) type Marks = BTreeMap<Uuid, BTreeMap<Slot, Mark>>;

pub(crate) async fn by_invoices(conn: &mut PgConnection, tenant_id: Uuid, ids: &[Uuid]) -> Result<Marks, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Marks::new());
    }
    let rows = sqlx::query!(
        "SELECT m.invoice_id, m.invoice_number, m.word, m.told_on, m.reason, m.detail, m.payee, m.source_id, m.source_order
         FROM unnest($2::uuid[]) AS k (invoice_id) CROSS JOIN LATERAL (
             SELECT * FROM invoice_marks WHERE tenant_id = $1 AND invoice_id = k.invoice_id OFFSET 0) m",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    let mut marks = Marks::new();
    for row in rows {
        let word = Word::parse(&row.word)
            .ok_or_else(|| sqlx::Error::Decode(format!("invoice {} is {}", row.invoice_id, row.word).into()))?;
        let mark = Mark {
            invoice: row.invoice_number,
            word,
            on: row.told_on,
            reason: row.reason,
            detail: row.detail,
            payee: row.payee,
            source_id: row.source_id,
            order: ChangeOrder::stored(row.source_order),
        };
        marks.entry(row.invoice_id).or_default().insert(word.slot(), mark);
    }
    Ok(marks)
}

/// Each slot of an invoice once.
pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    rows: &[(Uuid, Mark)],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&Mark) -> &str| rows.iter().map(|(_, mark)| of(mark).to_owned()).collect::<Vec<String>>();
    sqlx::query!(
        "INSERT INTO invoice_marks (tenant_id, recorded_at, invoice_id, slot, word, told_on, reason, detail, payee, source_id,
             source_order, invoice_number)
         SELECT $1, $2, * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::date[], $7::text[], $8::text[], $9::text[],
                                      $10::uuid[], $11::text[], $12::text[])
         ON CONFLICT (tenant_id, invoice_id, slot) DO UPDATE SET word = excluded.word, told_on = excluded.told_on,
             reason = excluded.reason, detail = excluded.detail, payee = excluded.payee, source_id = excluded.source_id,
             source_order = excluded.source_order, recorded_at = excluded.recorded_at",
        tenant_id,
        now,
        &rows.iter().map(|(invoice_id, _)| *invoice_id).collect::<Vec<_>>(),
        &text(|mark| mark.word.slot().as_str()),
        &text(|mark| mark.word.as_str()),
        &rows.iter().map(|(_, mark)| mark.on).collect::<Vec<NaiveDate>>(),
        &text(|mark| &mark.reason),
        &text(|mark| &mark.detail),
        &text(|mark| &mark.payee),
        &rows.iter().map(|(_, mark)| mark.source_id).collect::<Vec<_>>(),
        &text(|mark| mark.order.as_str()),
        &text(|mark| &mark.invoice)
    )
    .execute(conn)
    .await?;
    Ok(())
}
