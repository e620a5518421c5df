//! What promises has told, told again (D12).

use std::collections::{BTreeMap, BTreeSet};

use contracts::stream;
use messaging::Outbox;
use runtime::Clock;
use runtime::reemit::{Selection, Table, Told, in_pages, raise_versions};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::promise::PromiseKey;
use crate::{outgoing, store};

/// What can be told again, in this order.
pub const KINDS: [&str; 2] = ["promise", "alert"];

const PROMISES: Table = Table { name: "promises", key: "promise_id" };
const ALERTS: Table = Table { name: "alerts", key: "alert_id" };

/// Tells what is selected; the role may be running.
pub async fn reemit(pool: &PgPool, clock: Clock, selection: &Selection) -> anyhow::Result<Told> {
    let mut told = Told::new();
    for tenant_id in selection.tenants(pool).await? {
        if selection.wants("promise") {
            let tell = async |conn: &mut PgConnection, ids: &[Uuid]| promises(conn, clock, tenant_id, ids).await;
            *told.entry("promise").or_default() += in_pages(pool, PROMISES, tenant_id, tell).await?;
        }
        if selection.wants("alert") {
            let tell = async |conn: &mut PgConnection, ids: &[Uuid]| alerts(conn, clock, tenant_id, ids).await;
            *told.entry("alert").or_default() += in_pages(pool, ALERTS, tenant_id, tell).await?;
        }
    }
    Ok(told)
}

/// Those that were judged: before that nothing was told of them.
async fn promises(conn: &mut PgConnection, clock: Clock, tenant_id: Uuid, ids: &[Uuid]) -> anyhow::Result<u64> {
    let keys: BTreeSet<PromiseKey> = ids.iter().map(|&promise_id| PromiseKey { tenant_id, promise_id }).collect();
    let mut standing = store::promises::lock_affected(conn, &keys, &BTreeSet::new()).await?;
    standing.retain(|standing| standing.version > 0);
    let judged: Vec<Uuid> = standing.iter().map(|standing| standing.promise.key.promise_id).collect();
    let mut facts = store::facts::of(conn, &standing.iter().map(|it| it.promise.key).collect::<Vec<_>>()).await?;
    let changed: BTreeMap<Uuid, _> = store::promises::changed_at(conn, tenant_id, &judged).await?.into_iter().collect();
    raise_versions(conn, PROMISES, tenant_id, &judged).await?;
    let now = clock.now(conn).await?;
    let mut outbox = Outbox::new(stream::PROMISES, now);
    for mut standing in standing {
        let key = standing.promise.key;
        let Some((invoice_ids, _)) = facts.remove(&key) else { continue };
        standing.promise.invoice_ids = invoice_ids;
        standing.version += 1;
        outbox.push(&outgoing::promise_changed(&standing, changed.get(&key.promise_id).copied().unwrap_or(now)));
    }
    save(outbox, conn).await
}

async fn alerts(conn: &mut PgConnection, clock: Clock, tenant_id: Uuid, ids: &[Uuid]) -> anyhow::Result<u64> {
    let now = clock.now(conn).await?;
    let mut outbox = Outbox::new(stream::PROMISES, now);
    for alert in store::alerts::raise_versions(conn, tenant_id, ids).await? {
        outbox.push(&outgoing::alert_changed(&alert));
    }
    save(outbox, conn).await
}

async fn save(outbox: Outbox, conn: &mut PgConnection) -> anyhow::Result<u64> {
    let count = u64::try_from(outbox.len())?;
    outbox.save(conn).await?;
    Ok(count)
}
