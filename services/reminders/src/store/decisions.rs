//! The record of decisions.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::keys::Keys;
use crate::domain::decide::Outcome;

/// A decision about one step, without the record of its inputs.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) tenant_id: Uuid,
    pub(crate) decision_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) invoice_id: Uuid,
    pub(crate) step: i32,
    pub(crate) offset_days: i32,
    pub(crate) strategy: String,
    pub(crate) strategy_version: i32,
    pub(crate) outcome: Outcome,
    pub(crate) message_id: Uuid,
    pub(crate) day: NaiveDate,
    pub(crate) at: DateTime<Utc>,
}

/// What a decision rested on (G1).
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    pub(crate) template: String,
    pub(crate) template_version: i32,
    pub(crate) segment: String,
    pub(crate) segment_version: i64,
    pub(crate) snapshot: serde_json::Value,
    pub(crate) snapshot_sha256: Vec<u8>,
}

/// Positions in the streams up to which the facts were known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Positions {
    pub(crate) ingestion_seq: i64,
    pub(crate) promises_seq: i64,
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    rows: &[(Decided, Evidence)],
    positions: Positions,
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids = |of: fn(&Decided) -> Uuid| rows.iter().map(|(row, _)| of(row)).collect::<Vec<Uuid>>();
    let numbers = |of: fn(&Decided) -> i32| rows.iter().map(|(row, _)| of(row)).collect::<Vec<i32>>();
    sqlx::query!(
        "INSERT INTO decisions (tenant_id, decision_id, customer_id, invoice_id, step, offset_days, strategy,
           strategy_version, outcome, reason, message_id, day, decided_at, template, template_version, segment,
           segment_version, snapshot, snapshot_sha256, ingestion_seq, promises_seq)
         SELECT *, $20, $21 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::integer[], $6::integer[],
           $7::text[], $8::integer[], $9::text[], $10::text[], $11::uuid[], $12::date[], $13::timestamptz[],
           $14::text[], $15::integer[], $16::text[], $17::bigint[], $18::jsonb[], $19::bytea[])",
        &ids(|row| row.tenant_id),
        &ids(|row| row.decision_id),
        &ids(|row| row.customer_id),
        &ids(|row| row.invoice_id),
        &numbers(|row| row.step),
        &numbers(|row| row.offset_days),
        &rows.iter().map(|(row, _)| row.strategy.clone()).collect::<Vec<_>>(),
        &numbers(|row| row.strategy_version),
        &rows.iter().map(|(row, _)| row.outcome.as_str().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|(row, _)| row.outcome.reason().to_owned()).collect::<Vec<_>>(),
        &ids(|row| row.message_id),
        &rows.iter().map(|(row, _)| row.day).collect::<Vec<_>>(),
        &rows.iter().map(|(row, _)| row.at).collect::<Vec<_>>(),
        &rows.iter().map(|(_, evidence)| evidence.template.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|(_, evidence)| evidence.template_version).collect::<Vec<_>>(),
        &rows.iter().map(|(_, evidence)| evidence.segment.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|(_, evidence)| evidence.segment_version).collect::<Vec<_>>(),
        &rows.iter().map(|(_, evidence)| evidence.snapshot.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|(_, evidence)| evidence.snapshot_sha256.clone()).collect::<Vec<_>>(),
        positions.ingestion_seq,
        positions.promises_seq,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The steps that messages carry, in order of message and invoice.
pub(crate) async fn carried_by(conn: &mut PgConnection, messages: &Keys) -> Result<Vec<Decided>, sqlx::Error> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        "SELECT d.tenant_id, d.decision_id, d.customer_id, d.invoice_id, d.step, d.offset_days, d.strategy,
                d.strategy_version, d.message_id, d.day, d.decided_at
         FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, message_id) JOIN decisions d USING (tenant_id, message_id)
         WHERE d.outcome = 'send' ORDER BY d.tenant_id, d.message_id, d.invoice_id",
        &messages.tenants,
        &messages.ids,
    )
    .fetch_all(conn)
    .await?;
    let decided = rows.into_iter().map(|row| Decided {
        tenant_id: row.tenant_id,
        decision_id: row.decision_id,
        customer_id: row.customer_id,
        invoice_id: row.invoice_id,
        step: row.step,
        offset_days: row.offset_days,
        strategy: row.strategy,
        strategy_version: row.strategy_version,
        outcome: Outcome::Send,
        message_id: row.message_id,
        day: row.day,
        at: row.decided_at,
    });
    Ok(decided.collect())
}

/// Takes back the steps of messages that surely were not handed off: they are due again, and are decided anew on fresh
/// facts. Nobody was told of them: a step to be sent is published when its message has settled.
pub(crate) async fn withdraw(conn: &mut PgConnection, messages: &Keys) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM decisions d USING unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, message_id)
         WHERE d.tenant_id = k.tenant_id AND d.message_id = k.message_id AND d.outcome = 'send'",
        &messages.tenants,
        &messages.ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those of the decisions that others were told of: a step to be sent is, once its message has settled.
pub(crate) async fn told(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    decisions: &[Uuid],
) -> Result<Vec<Decided>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT d.tenant_id, d.decision_id, d.customer_id, d.invoice_id, d.step, d.offset_days, d.strategy,
                d.strategy_version, d.outcome, d.reason, d.message_id, d.day, d.decided_at
         FROM decisions d JOIN messages m ON m.tenant_id = d.tenant_id AND m.message_id = d.message_id
         WHERE d.tenant_id = $1 AND d.decision_id = ANY($2)
           AND (d.outcome <> 'send' OR m.status IN ('sent', 'failed', 'uncertain'))
         ORDER BY d.decision_id",
        tenant_id,
        decisions,
    )
    .fetch_all(conn)
    .await?;
    let decided = rows.into_iter().filter_map(|row| {
        Some(Decided {
            tenant_id: row.tenant_id,
            decision_id: row.decision_id,
            customer_id: row.customer_id,
            invoice_id: row.invoice_id,
            step: row.step,
            offset_days: row.offset_days,
            strategy: row.strategy,
            strategy_version: row.strategy_version,
            outcome: Outcome::parse(&row.outcome, &row.reason)?,
            message_id: row.message_id,
            day: row.day,
            at: row.decided_at,
        })
    });
    Ok(decided.collect())
}
