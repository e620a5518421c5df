//! Customers: codes, and names of companies.

use sqlx::PgConnection;
use uuid::Uuid;

use super::newest::{newest, versioned};

#[derive(Debug, Clone)]
pub(crate) struct CustomerRow {
    pub(crate) tenant_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) version: i64,
    pub(crate) code: String,
    pub(crate) party_kind: String,
    pub(crate) name: String,
    pub(crate) country: String,
    pub(crate) payer_id: Option<Uuid>,
}
versioned!(CustomerRow, customer_id);

pub(crate) async fn save(conn: &mut PgConnection, rows: Vec<CustomerRow>) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = newest(rows);
    sqlx::query!(
        "INSERT INTO customers AS t (tenant_id, customer_id, version, code, party_kind, name, country, payer_id)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::uuid[])
         ON CONFLICT (tenant_id, customer_id) DO UPDATE SET version = excluded.version, code = excluded.code,
             party_kind = excluded.party_kind, name = excluded.name, country = excluded.country,
             payer_id = excluded.payer_id
         WHERE t.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.code.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.party_kind.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.country.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.payer_id).collect::<Vec<_>>() as &[Option<Uuid>],
    )
    .execute(conn)
    .await?;
    Ok(())
}
