//! What any consumer does who wants each event to count once, and nothing else: fetch, inbox, one upsert, outbox, commit,
//! acknowledge.

use std::collections::BTreeMap;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use contracts::{header, stream};
use futures::StreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::lab::Lab;
use crate::lab::installation::Installation;
use crate::lab::meter::Measured;

const BATCH: usize = 500;
const DURABLE: &str = "bare_loop";

const TABLES: &str = "
    DROP SCHEMA IF EXISTS bare CASCADE;
    CREATE SCHEMA bare;
    CREATE TABLE bare.inbox (event_id uuid PRIMARY KEY, received_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE bare.projection (
        tenant_id uuid, customer_id uuid, events bigint NOT NULL, last_seq bigint NOT NULL, PRIMARY KEY (tenant_id, customer_id));
    CREATE TABLE bare.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        event_id uuid NOT NULL, subject text NOT NULL, headers bytea NOT NULL, payload bytea NOT NULL);
    CREATE INDEX ON bare.outbox (xid, id)";

/// Events a second through the whole of ingestion's stream.
pub(crate) async fn measure(lab: &Lab, here: &Installation<'_>, all: u64) -> anyhow::Result<Measured> {
    let mut conn = PgConnection::connect(&here.url("ingestion", "owner")?).await?;
    sqlx::raw_sql(AssertSqlSafe(TABLES)).execute(&mut conn).await?;
    let jetstream = &here.broker.jetstream;
    jetstream.delete_consumer_from_stream(DURABLE, stream::INGESTION.name).await.ok();
    let config = pull::Config {
        durable_name: Some(DURABLE.to_owned()),
        ack_policy: AckPolicy::All,
        max_ack_pending: 5_000,
        ..pull::Config::default()
    };
    let durable = jetstream.create_consumer_on_stream(config, stream::INGESTION.name).await?;
    let mut done = 0;
    let running = lab.meter.start();
    while done < all {
        let mut fetched = durable.fetch().max_messages(BATCH).messages().await?;
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(message) = fetched.next().await {
            batch.push(message.map_err(|error| anyhow::anyhow!(error))?);
        }
        apply(&mut conn, &batch).await?;
        if let Some(last) = batch.last() {
            last.double_ack().await.map_err(|error| anyhow::anyhow!(error))?;
        }
        done += batch.len() as u64;
    }
    let rate = running.stop(done);
    jetstream.delete_consumer_from_stream(DURABLE, stream::INGESTION.name).await?;
    sqlx::raw_sql("DROP SCHEMA bare CASCADE").execute(&mut conn).await?;
    Ok(rate)
}

async fn apply(conn: &mut PgConnection, batch: &[Message]) -> anyhow::Result<()> {
    let mut ids = Vec::with_capacity(batch.len());
    let mut keys: BTreeMap<(Uuid, Uuid), (i64, i64)> = BTreeMap::new();
    for message in batch {
        let id = |name: &str| {
            message.headers.as_ref().and_then(|headers| headers.get(name)).and_then(|value| value.as_str().parse().ok())
        };
        ids.push(id(header::ID).unwrap_or_default());
        let key: (Uuid, Uuid) = (id(header::TENANT).unwrap_or_default(), id(header::CUSTOMER).unwrap_or_default());
        let seq = message.info().map_or(0, |info| info.stream_sequence);
        let row = keys.entry(key).or_default();
        *row = (row.0 + 1, i64::try_from(seq)?);
    }
    let mut tx = conn.begin().await?;
    let new: Vec<Uuid> = sqlx::query_scalar(
        "INSERT INTO bare.inbox (event_id) SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING event_id",
    )
    .bind(&ids)
    .fetch_all(&mut *tx)
    .await?;
    anyhow::ensure!(new.len() == batch.len(), "an event came twice");
    sqlx::query(
        "INSERT INTO bare.projection AS p SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])
         ON CONFLICT (tenant_id, customer_id) DO UPDATE SET events = p.events + excluded.events, last_seq = excluded.last_seq",
    )
    .bind(keys.keys().map(|key| key.0).collect::<Vec<_>>())
    .bind(keys.keys().map(|key| key.1).collect::<Vec<_>>())
    .bind(keys.values().map(|row| row.0).collect::<Vec<_>>())
    .bind(keys.values().map(|row| row.1).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO bare.outbox (event_id, subject, headers, payload)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[])",
    )
    .bind(&ids)
    .bind(batch.iter().map(|message| message.subject.to_string()).collect::<Vec<_>>())
    .bind(batch.iter().map(|_| b"".as_slice()).collect::<Vec<_>>())
    .bind(batch.iter().map(|message| message.payload.as_ref()).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}
