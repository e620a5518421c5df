//! Other numbers by which invoices are known, and names that nobody knew.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

/// Another number of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReferenceRow {
    pub(crate) reference_id: Uuid,
    pub(crate) reference: String,
    pub(crate) invoice_id: Uuid,
}

/// The invoices that are known by one of these as another number, by it.
pub(crate) async fn resolve(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, Uuid>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        "SELECT r.reference_id, r.invoice_id FROM unnest($2::uuid[]) AS k (reference_id) CROSS JOIN LATERAL (
             SELECT reference_id, invoice_id FROM invoice_references
             WHERE tenant_id = $1 AND reference_id = k.reference_id OFFSET 0) r",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.reference_id, row.invoice_id)).collect())
}

/// Remembers other numbers; those that are known stay as they are.
pub(crate) async fn add(conn: &mut PgConnection, tenant_id: Uuid, rows: &[ReferenceRow]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO invoice_references (tenant_id, reference_id, reference, invoice_id)
         SELECT $1, n.* FROM unnest($2::uuid[], $3::text[], $4::uuid[]) AS n (reference_id, reference, invoice_id)
         ORDER BY n.reference_id ON CONFLICT DO NOTHING",
        tenant_id,
        &rows.iter().map(|row| row.reference_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.reference.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.invoice_id).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes which credits name what nobody knows, or what is another payer's: (id of the name, credit).
pub(crate) async fn expect(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    named: &[(Uuid, Uuid)],
) -> Result<(), sqlx::Error> {
    if named.is_empty() {
        return Ok(());
    }
    let (ids, credits): (Vec<Uuid>, Vec<Uuid>) = named.iter().copied().unzip();
    sqlx::query!(
        "INSERT INTO unknown_invoices (tenant_id, named_id, credit_id)
         SELECT $1, n.* FROM unnest($2::uuid[], $3::uuid[]) AS n (named_id, credit_id) ORDER BY n.named_id, n.credit_id
         ON CONFLICT DO NOTHING",
        tenant_id,
        &ids,
        &credits
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The credits that have named these.
pub(crate) async fn expecting(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        "SELECT DISTINCT u.credit_id FROM unnest($2::uuid[]) AS k (named_id) CROSS JOIN LATERAL (
             SELECT credit_id FROM unknown_invoices WHERE tenant_id = $1 AND named_id = k.named_id OFFSET 0) u
         ORDER BY u.credit_id",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}
