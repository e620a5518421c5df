//! What the sources of facts vouch for (L4).

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A source as `source.changed` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceRow {
    pub tenant_id: Uuid,
    pub source_id: Uuid,
    pub version: i64,
    pub code: String,
    pub covers: Vec<String>,
    pub covered_until: Option<DateTime<Utc>>,
}

/// Writes the sources unless newer versions are there.
pub(crate) async fn save(conn: &mut PgConnection, rows: &[SourceRow]) -> Result<(), sqlx::Error> {
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.tenant_id).collect();
    let sources: Vec<Uuid> = rows.iter().map(|row| row.source_id).collect();
    let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
    let codes: Vec<String> = rows.iter().map(|row| row.code.clone()).collect();
    // An array of lists of different length does not exist: families travel joined, and none has a comma in its name.
    let covers: Vec<String> = rows.iter().map(|row| row.covers.join(",")).collect();
    let covered: Vec<Option<DateTime<Utc>>> = rows.iter().map(|row| row.covered_until).collect();
    sqlx::query!(
        "INSERT INTO sources AS s (tenant_id, source_id, version, code, covers, covered_until)
         SELECT u.tenant_id, u.source_id, u.version, u.code, string_to_array(u.covers, ','), u.covered_until
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[])
           AS u (tenant_id, source_id, version, code, covers, covered_until)
         ON CONFLICT (tenant_id, source_id) DO UPDATE SET version = excluded.version, code = excluded.code,
           covers = excluded.covers, covered_until = excluded.covered_until
         WHERE s.version < excluded.version",
        &tenants,
        &sources,
        &versions,
        &codes,
        &covers,
        &covered as &[Option<DateTime<Utc>>]
    )
    .execute(conn)
    .await?;
    Ok(())
}
