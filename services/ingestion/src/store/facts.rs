//! Facts, which are their own receipts.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// Separates list items inside one text: no key may contain it.
const UNIT: &str = "\u{1f}";

pub(crate) struct NewFact<'a> {
    pub(crate) fact_id: Uuid,
    pub(crate) source_id: Uuid,
    pub(crate) external_id: &'a str,
    pub(crate) fact_type: &'static str,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) source_version: Option<&'a str>,
    pub(crate) legal_entity_id: Uuid,
    pub(crate) actor: &'a str,
    pub(crate) approval: Option<&'a str>,
    /// Canonical JSON.
    pub(crate) data: &'a str,
    /// What names a person, kept apart.
    pub(crate) personal: Option<&'a str>,
    pub(crate) sha256: &'a [u8],
}

/// A fact as a receipt shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReceiptRow {
    pub(crate) fact_id: Uuid,
    pub(crate) source: String,
    pub(crate) external_id: String,
    pub(crate) fact_type: String,
    pub(crate) status: String,
    pub(crate) parked: Vec<String>,
    pub(crate) sha256: Vec<u8>,
    pub(crate) recorded_at: DateTime<Utc>,
}

/// Stores those of `facts` (sorted by id) that are new and returns their ids. Waits for whoever is storing one of them now.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    facts: &[NewFact<'_>],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let column = |of: fn(&NewFact<'_>) -> Uuid| facts.iter().map(of).collect::<Vec<_>>();
    let hashes: Vec<&[u8]> = facts.iter().map(|fact| fact.sha256).collect();
    let data: Vec<&str> = facts.iter().map(|fact| fact.data).collect();
    let times: Vec<DateTime<Utc>> = facts.iter().map(|fact| fact.occurred_at).collect();
    let new = sqlx::query_scalar!(
        "INSERT INTO facts (tenant_id, recorded_at, status, parked, fact_id, source_id, external_id, fact_type, occurred_at,
                            source_version, legal_entity_id, actor, approval, data, sha256)
         SELECT $1, $2, 'applied', '{}', f.fact_id, f.source_id, f.external_id, f.fact_type, f.occurred_at,
                f.source_version, f.legal_entity_id, f.actor, f.approval, f.data::jsonb, f.sha256
         FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::uuid[], $10::text[],
                     $11::text[], $12::text[], $13::bytea[])
              AS f (fact_id, source_id, external_id, fact_type, occurred_at, source_version, legal_entity_id, actor,
                    approval, data, sha256)
         ON CONFLICT DO NOTHING RETURNING fact_id",
        tenant_id,
        now,
        &column(|fact| fact.fact_id),
        &column(|fact| fact.source_id),
        &facts.iter().map(|fact| fact.external_id).collect::<Vec<_>>() as &[&str],
        &facts.iter().map(|fact| fact.fact_type).collect::<Vec<_>>() as &[&str],
        &times,
        &facts.iter().map(|fact| fact.source_version).collect::<Vec<_>>() as &[Option<&str>],
        &column(|fact| fact.legal_entity_id),
        &facts.iter().map(|fact| fact.actor).collect::<Vec<_>>() as &[&str],
        &facts.iter().map(|fact| fact.approval).collect::<Vec<_>>() as &[Option<&str>],
        &data as &[&str],
        &hashes as &[&[u8]]
    )
    .fetch_all(&mut *conn)
    .await?;
    insert_personal(conn, tenant_id, facts, &new).await?;
    Ok(new)
}

async fn insert_personal(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    facts: &[NewFact<'_>],
    new: &[Uuid],
) -> Result<(), sqlx::Error> {
    let new: std::collections::BTreeSet<&Uuid> = new.iter().collect();
    let (ids, data): (Vec<Uuid>, Vec<&str>) = facts
        .iter()
        .filter(|fact| new.contains(&fact.fact_id))
        .filter_map(|fact| Some((fact.fact_id, fact.personal?)))
        .unzip();
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO fact_persons (tenant_id, fact_id, data)
         SELECT $1, p.fact_id, p.data::jsonb FROM unnest($2::uuid[], $3::text[]) AS p (fact_id, data)",
        tenant_id,
        &ids,
        &data as &[&str]
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn receipts(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<ReceiptRow>, sqlx::Error> {
    sqlx::query_as!(
        ReceiptRow,
        "SELECT f.fact_id, s.code AS source, f.external_id, f.fact_type, f.status, f.parked, f.sha256, f.recorded_at
         FROM unnest($2::uuid[]) AS k (fact_id) CROSS JOIN LATERAL (
             SELECT * FROM facts WHERE tenant_id = $1 AND fact_id = k.fact_id OFFSET 0) f
         JOIN sources s ON s.tenant_id = $1 AND s.source_id = f.source_id",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

/// Notes on facts stored in this transaction what became of them.
pub(crate) async fn annotate(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    notes: &[(Uuid, &'static str, &[String])],
) -> Result<(), sqlx::Error> {
    if notes.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = notes.iter().map(|(id, _, _)| *id).collect();
    let states: Vec<String> = notes.iter().map(|(_, status, _)| (*status).to_owned()).collect();
    // An array of arrays would be flattened by unnest.
    let parked: Vec<Option<String>> =
        notes.iter().map(|(_, _, parked)| (!parked.is_empty()).then(|| parked.join(UNIT))).collect();
    sqlx::query!(
        "UPDATE facts f SET status = n.status, parked = coalesce(string_to_array(n.parked, E'\\x1f'), '{}')
         FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n (fact_id, status, parked)
         WHERE f.tenant_id = $1 AND f.fact_id = n.fact_id",
        tenant_id,
        &ids,
        &states,
        &parked as &[Option<String>]
    )
    .execute(conn)
    .await?;
    Ok(())
}
