//! What scoring has told, told again (D12).

use std::collections::BTreeSet;

use contracts::stream;
use messaging::Outbox;
use runtime::Clock;
use runtime::reemit::{Selection, Table, Told, in_pages};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::store::{learning, published};
use crate::sweeps::{assigned, scored};

/// What can be told again, in this order.
pub const KINDS: [&str; 2] = ["score", "segment"];

const PUBLISHED: Table = Table { name: "published_scores", key: "customer_id" };

/// Tells what is selected; the role may be running.
pub async fn reemit(pool: &PgPool, clock: Clock, selection: &Selection) -> anyhow::Result<Told> {
    let mut told = Told::new();
    for tenant_id in selection.tenants(pool).await? {
        for kind in KINDS.into_iter().filter(|kind| selection.wants(kind)) {
            let tell = async |conn: &mut PgConnection, ids: &[Uuid]| page(conn, clock, kind, tenant_id, ids).await;
            *told.entry(kind).or_default() += in_pages(pool, PUBLISHED, tenant_id, tell).await?;
        }
    }
    Ok(told)
}

async fn page(
    conn: &mut PgConnection,
    clock: Clock,
    kind: &'static str,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> anyhow::Result<u64> {
    // The lock between handlers and the day close, which publishes.
    learning::lock(conn, &BTreeSet::from([tenant_id])).await?;
    let is_score = kind == "score";
    let now = clock.now(conn).await?;
    let mut outbox = Outbox::new(stream::SCORING, now);
    for row in published::raise(conn, tenant_id, ids, is_score).await? {
        if is_score {
            outbox.push(&scored(tenant_id, row.customer_id, row.version, &row.said, now));
        } else {
            outbox.push(&assigned(tenant_id, row.customer_id, row.version, &row.said, now));
        }
    }
    let count = u64::try_from(outbox.len())?;
    outbox.save(conn).await?;
    Ok(count)
}
