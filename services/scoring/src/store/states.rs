//! What was learned: one row per owner and day on which it changed, never updated. Of days long past only the last of each
//! month is kept.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Unreadable;
use crate::domain::model::learner::Learner;
use crate::domain::state::Owner;

fn key(owner: &Owner) -> (&'static str, String) {
    match owner {
        Owner::Tenant => ("tenant", String::new()),
        Owner::Group(group) => ("group", group.clone()),
        Owner::Customer(customer_id) => ("customer", customer_id.to_string()),
    }
}

fn owner(scope: &str, owner: &str) -> Result<Owner, Unreadable> {
    match scope {
        "tenant" => Ok(Owner::Tenant),
        "group" => Ok(Owner::Group(owner.to_owned())),
        _ => owner.parse().map(Owner::Customer).map_err(|_| Unreadable(format!("learned state of {scope} {owner}"))),
    }
}

/// Has the learner know of these owners what was known before `day`.
pub(crate) async fn recall(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    owners: &BTreeSet<Owner>,
    day: NaiveDate,
    learner: &mut Learner,
) -> Result<(), sqlx::Error> {
    let (scopes, keys): (Vec<&str>, Vec<String>) = owners.iter().map(key).unzip();
    let scopes: Vec<String> = scopes.into_iter().map(str::to_owned).collect();
    let rows = sqlx::query!(
        r#"SELECT k.scope AS "scope!", k.owner AS "owner!", s.memory
           FROM unnest($2::text[], $3::text[]) AS k (scope, owner)
           CROSS JOIN LATERAL (
             SELECT memory FROM learned_states s
             WHERE s.tenant_id = $1 AND s.scope = k.scope AND s.owner = k.owner AND s.day < $4
             ORDER BY s.day DESC LIMIT 1) s"#,
        tenant_id,
        &scopes,
        &keys,
        day
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let owner = owner(&row.scope, &row.owner)?;
        learner
            .recall(&owner, &row.memory)
            .map_err(|error| Unreadable(format!("tenant {tenant_id} before {day}: {error}")))?;
    }
    Ok(())
}

/// Rows that travel in one statement.
const SLICE: usize = 2_000;

pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[(NaiveDate, Owner, Vec<u8>)],
) -> Result<(), sqlx::Error> {
    for slice in rows.chunks(SLICE) {
        save_slice(conn, tenant_id, slice).await?;
    }
    Ok(())
}

async fn save_slice(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[(NaiveDate, Owner, Vec<u8>)],
) -> Result<(), sqlx::Error> {
    let (scopes, owners): (Vec<&str>, Vec<String>) = rows.iter().map(|(_, owner, _)| key(owner)).unzip();
    let scopes: Vec<String> = scopes.into_iter().map(str::to_owned).collect();
    let days: Vec<NaiveDate> = rows.iter().map(|(day, ..)| *day).collect();
    let memories: Vec<&[u8]> = rows.iter().map(|(.., memory)| memory.as_slice()).collect();
    sqlx::query!(
        "INSERT INTO learned_states (tenant_id, scope, owner, day, memory)
         SELECT $1, u.scope, u.owner, u.day, u.memory
         FROM unnest($2::text[], $3::text[], $4::date[], $5::bytea[]) AS u (scope, owner, day, memory)",
        tenant_id,
        &scopes,
        &owners,
        &days,
        &memories as &[&[u8]]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps of each owner and month no more than the last state up to `through`, looking at what lies after `from`; the same
/// of what was said of customers, but for what is still told.
pub(crate) async fn thin(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    from: Option<NaiveDate>,
    through: NaiveDate,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH states AS (
           DELETE FROM learned_states s USING learned_states n
           WHERE n.tenant_id = $1 AND n.day > coalesce($2, '-infinity'::date) AND n.day <= $3
             AND s.tenant_id = n.tenant_id AND s.scope = n.scope AND s.owner = n.owner
             AND s.day < n.day AND s.day >= date_trunc('month', n.day)::date)
         DELETE FROM assessments a USING assessments n
         WHERE n.tenant_id = $1 AND n.day > coalesce($2, '-infinity'::date) AND n.day <= $3
           AND a.tenant_id = n.tenant_id AND a.customer_id = n.customer_id
           AND a.day < n.day AND a.day >= date_trunc('month', n.day)::date
           AND a.day <> a.segment_since AND a.day <> a.score_since",
        tenant_id,
        from,
        through
    )
    .execute(conn)
    .await?;
    Ok(())
}
