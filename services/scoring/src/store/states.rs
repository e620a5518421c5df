//! Learned states: one row per owner and day on which it changed, never updated.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Unreadable;
use crate::domain::close::Book;
use crate::domain::state::{Owner, State};

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

/// The states of the owners as they were before `day`.
pub(crate) async fn before(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    owners: &BTreeSet<Owner>,
    day: NaiveDate,
) -> Result<Book, sqlx::Error> {
    let (scopes, keys): (Vec<&str>, Vec<String>) = owners.iter().map(key).unzip();
    let scopes: Vec<String> = scopes.into_iter().map(str::to_owned).collect();
    let rows = sqlx::query!(
        r#"SELECT k.scope AS "scope!", k.owner AS "owner!", s.observations, s.cells
           FROM unnest($2::text[], $3::text[]) AS k (scope, owner)
           CROSS JOIN LATERAL (
             SELECT observations, cells FROM learned_states s
             WHERE s.tenant_id = $1 AND s.scope = k.scope AND s.owner = k.owner AND s.day < $4
             ORDER BY s.day DESC LIMIT 1) s"#,
        tenant_id,
        &scopes,
        &keys,
        day
    )
    .fetch_all(conn)
    .await?;
    let mut book = Book::default();
    for row in rows {
        let owner = owner(&row.scope, &row.owner)?;
        let observations = u32::try_from(row.observations).unwrap_or(0);
        let state = State::from_numbers(&owner, observations, &row.cells)
            .ok_or_else(|| Unreadable(format!("learned state of {owner:?} of tenant {tenant_id} before {day}")))?;
        book.insert(owner, state);
    }
    Ok(book)
}

pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[(NaiveDate, Owner, State)],
) -> Result<(), sqlx::Error> {
    let (mut scopes, mut owners, mut days, mut observations) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    // Arrays of different length do not fit into one array: all cells travel in one, each row knows its slice.
    let (mut cells, mut firsts, mut lasts) = (Vec::new(), Vec::new(), Vec::new());
    for (day, owner, state) in rows {
        let (scope, owner) = key(owner);
        scopes.push(scope.to_owned());
        owners.push(owner);
        days.push(*day);
        observations.push(i32::try_from(state.observations).unwrap_or(i32::MAX));
        firsts.push(i32::try_from(cells.len()).unwrap_or(i32::MAX).saturating_add(1));
        cells.extend(state.to_numbers());
        lasts.push(i32::try_from(cells.len()).unwrap_or(i32::MAX));
    }
    sqlx::query!(
        "INSERT INTO learned_states (tenant_id, scope, owner, day, observations, cells)
         SELECT $1, u.scope, u.owner, u.day, u.observations, ($6::double precision[])[u.first:u.last]
         FROM unnest($2::text[], $3::text[], $4::date[], $5::integer[], $7::integer[], $8::integer[])
           AS u (scope, owner, day, observations, first, last)",
        tenant_id,
        &scopes,
        &owners,
        &days,
        &observations,
        &cells,
        &firsts,
        &lasts
    )
    .execute(conn)
    .await?;
    Ok(())
}
