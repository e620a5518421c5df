//! What reminders has told, told again (D12). Decisions are facts: they have no version and are told as they were.

use contracts::stream;
use messaging::Outbox;
use runtime::Clock;
use runtime::reemit::{Selection, Table, Told, in_pages};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::store::{decisions, messages};
use crate::sweeps::events;

/// What can be told again, in this order.
pub const KINDS: [&str; 2] = ["decision", "message"];

const DECISIONS: Table = Table { name: "decisions", key: "decision_id" };
const MESSAGES: Table = Table { name: "messages", key: "message_id" };

/// Tells what is selected; the role may be running.
pub async fn reemit(pool: &PgPool, clock: Clock, selection: &Selection) -> anyhow::Result<Told> {
    let mut told = Told::new();
    for tenant_id in selection.tenants(pool).await? {
        for (kind, table) in KINDS.into_iter().zip([DECISIONS, MESSAGES]).filter(|(kind, _)| selection.wants(kind)) {
            let tell = async |conn: &mut PgConnection, ids: &[Uuid]| page(conn, clock, kind, tenant_id, ids).await;
            *told.entry(kind).or_default() += in_pages(pool, table, tenant_id, tell).await?;
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
    let now = clock.now(conn).await?;
    let mut outbox = Outbox::new(stream::REMINDERS, now);
    if kind == "decision" {
        for decided in decisions::told(conn, tenant_id, ids).await? {
            events::reminder_decided(&mut outbox, &decided);
        }
    } else {
        for message in messages::raise_versions(conn, tenant_id, ids).await? {
            events::message_changed(&mut outbox, &message);
        }
    }
    let count = u64::try_from(outbox.len())?;
    outbox.save(conn).await?;
    Ok(count)
}
