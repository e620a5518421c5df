//! Telling everything again (D12): the owner of some state publishes it as it is now, under new versions, so that a role
//! that has lost its projection, or never had it, gets it back. Each service knows how its rows are told; what is the same
//! for all is here: pages in the order of keys, each a transaction of its own, that goes on where handlers go on working.

use std::collections::BTreeMap;

use anyhow::Context;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use uuid::Uuid;

/// Rows in one transaction.
const PAGE: i64 = 1_000;
/// Deadlocks with a handler, and rows that went elsewhere between a look and their lock.
const MAX_ATTEMPTS: u32 = 10;

/// A table of aggregates: `(tenant_id, key)` is its key, `version` counts what was told of a row.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    pub key: &'static str,
}

/// What is to be told.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Slug of a tenant; all of them without one.
    pub tenant: Option<String>,
    /// Kinds as the service names them; all of them when empty.
    pub kinds: Vec<String>,
}

impl Selection {
    pub fn wants(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|wanted| wanted == kind)
    }

    /// The tenants that are meant, in the order of their ids.
    pub async fn tenants(&self, pool: &PgPool) -> anyhow::Result<Vec<Uuid>> {
        let tenants: Vec<Uuid> =
            sqlx::query_scalar("SELECT tenant_id FROM tenants WHERE $1::text IS NULL OR slug = $1 ORDER BY tenant_id")
                .bind(&self.tenant)
                .fetch_all(pool)
                .await?;
        match &self.tenant {
            Some(slug) if tenants.is_empty() => anyhow::bail!("there is no tenant {slug}"),
            _ => Ok(tenants),
        }
    }
}

/// How many of each kind were told.
pub type Told = BTreeMap<&'static str, u64>;

/// What was read before a lock is not so any more: the page is taken up again.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("rows moved while they were being locked")]
pub struct Moved;

/// Goes through a tenant's rows in the order of their keys; `tell` publishes the rows of a page in its transaction and says
/// how many it told.
pub async fn in_pages<F>(pool: &PgPool, table: Table, tenant_id: Uuid, tell: F) -> anyhow::Result<u64>
where
    F: AsyncFn(&mut PgConnection, &[Uuid]) -> anyhow::Result<u64>,
{
    let (mut after, mut told) = (None, 0);
    loop {
        let mut attempt = 1;
        let (count, last) = loop {
            match page(pool, table, tenant_id, after, &tell).await {
                Err(error) if attempt < MAX_ATTEMPTS && may_pass(&error) => attempt += 1,
                done => break done.with_context(|| format!("tell {} again", table.name))?,
            }
        };
        told += count;
        match last {
            Some(last) => after = Some(last),
            None => return Ok(told),
        }
    }
}

async fn page<F>(
    pool: &PgPool,
    table: Table,
    tenant_id: Uuid,
    after: Option<Uuid>,
    tell: &F,
) -> anyhow::Result<(u64, Option<Uuid>)>
where
    F: AsyncFn(&mut PgConnection, &[Uuid]) -> anyhow::Result<u64>,
{
    let Table { name, key } = table;
    let mut tx = pool.begin().await?;
    let ids: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT {key} FROM {name} WHERE tenant_id = $1 AND ($2::uuid IS NULL OR {key} > $2) ORDER BY {key} LIMIT $3"
    )))
    .bind(tenant_id)
    .bind(after)
    .bind(PAGE)
    .fetch_all(&mut *tx)
    .await?;
    let Some(last) = ids.last().copied() else { return Ok((0, None)) };
    let count = tell(&mut tx, &ids).await?;
    tx.commit().await?;
    Ok((count, Some(last)))
}

/// Counts the versions of rows up. The caller holds the locks under which their handlers do so.
pub async fn raise_versions(
    conn: &mut PgConnection,
    table: Table,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    let Table { name, key } = table;
    let raise = format!("UPDATE {name} SET version = version + 1 WHERE tenant_id = $1 AND {key} = ANY($2)");
    sqlx::query(AssertSqlSafe(raise)).bind(tenant_id).bind(ids).execute(conn).await?;
    Ok(())
}

fn may_pass(error: &anyhow::Error) -> bool {
    let code =
        error.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error).and_then(DatabaseError::code);
    error.is::<Moved>() || code.is_some_and(|code| matches!(&*code, "40001" | "40P01"))
}
