//! What scoring has told, told again (D12).

use std::collections::BTreeSet;

use contracts::stream;
use messaging::Outbox;
use runtime::Clock;
use runtime::reemit::{Selection, Table, in_pages};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::store::published::{self, Told};
use crate::store::{learning, outlooks};
use crate::sweeps::{assigned, predicted, risk, scored, shifted};

/// What can be told again, in this order.
pub const KINDS: [&str; 5] = ["score", "segment", "shift", "prediction", "risk"];

const OUTLOOKS: Table = Table { name: "invoice_outlooks", key: "invoice_id" };
const PUBLISHED: Table = Table { name: "published_scores", key: "customer_id" };

/// Tells what is selected; the role may be running.
pub async fn reemit(pool: &PgPool, clock: Clock, selection: &Selection) -> anyhow::Result<runtime::reemit::Told> {
    let mut counts = runtime::reemit::Told::new();
    for tenant_id in selection.tenants(pool).await? {
        for (kind, told) in KINDS.into_iter().zip([Told::Score, Told::Segment, Told::Shift]) {
            if selection.wants(kind) {
                let tell = async |conn: &mut PgConnection, ids: &[Uuid]| page(conn, clock, told, tenant_id, ids).await;
                *counts.entry(kind).or_default() += in_pages(pool, PUBLISHED, tenant_id, tell).await?;
            }
        }
        for (kind, told) in KINDS.into_iter().skip(3).zip([outlooks::Told::Prediction, outlooks::Told::Risk]) {
            if selection.wants(kind) {
                let tell = async |conn: &mut PgConnection, ids: &[Uuid]| {
                    page_of_outlooks(conn, clock, told, tenant_id, ids).await
                };
                *counts.entry(kind).or_default() += in_pages(pool, OUTLOOKS, tenant_id, tell).await?;
            }
        }
    }
    Ok(counts)
}

async fn page(conn: &mut PgConnection, clock: Clock, told: Told, tenant_id: Uuid, ids: &[Uuid]) -> anyhow::Result<u64> {
    // The lock between handlers and the day close, which publishes.
    learning::lock(conn, &BTreeSet::from([tenant_id])).await?;
    let now = clock.now(conn).await?;
    let mut outbox = Outbox::new(stream::SCORING, now);
    for row in published::raise(conn, tenant_id, ids, told).await? {
        match told {
            Told::Score => outbox.push(&scored(tenant_id, row.customer_id, row.version, &row.score, now)),
            Told::Segment => outbox.push(&assigned(tenant_id, row.customer_id, row.version, &row.segmented, now)),
            Told::Shift => outbox.push(&shifted(tenant_id, row.customer_id, row.version, row.shifted.as_ref(), now)),
        }
    }
    let count = u64::try_from(outbox.len())?;
    outbox.save(conn).await?;
    Ok(count)
}

async fn page_of_outlooks(
    conn: &mut PgConnection,
    clock: Clock,
    told: outlooks::Told,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> anyhow::Result<u64> {
    learning::lock(conn, &BTreeSet::from([tenant_id])).await?;
    let now = clock.now(conn).await?;
    let mut outbox = Outbox::new(stream::SCORING, now);
    let debts = outlooks::debts(conn, tenant_id, ids).await?;
    for row in outlooks::raise(conn, tenant_id, ids, told).await? {
        match told {
            outlooks::Told::Prediction => outbox.push(&predicted(tenant_id, &row, now)),
            outlooks::Told::Risk => {
                if let Some(about) = debts.get(&row.invoice_id) {
                    outbox.push(&risk(tenant_id, &row, about, now));
                }
            }
        }
    }
    let count = u64::try_from(outbox.len())?;
    outbox.save(conn).await?;
    Ok(count)
}
