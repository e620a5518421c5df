//! Rows a second that PostgreSQL takes today: 400 random bytes, two numbers, a time and an ascending key, 1,000 by UNNEST, one
//! connection. The chain's reference is scaled by it.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::lab::Lab;
use crate::lab::installation::Installation;
use crate::lab::meter::Measured;

const ROWS: usize = 1_000;
const BYTES: usize = 400;
const MEASURED: Duration = Duration::from_secs(3);

pub(crate) async fn measure(lab: &Lab, here: &Installation<'_>) -> anyhow::Result<Measured> {
    let mut conn = PgConnection::connect(&here.url("ingestion", "owner")?).await?;
    // The table and the rows of the design's figure.
    sqlx::raw_sql(
        "CREATE TABLE raw_insert (event_id uuid PRIMARY KEY, customer_id bigint NOT NULL, amount bigint NOT NULL,
                                  at timestamptz NOT NULL DEFAULT now(), payload bytea NOT NULL)",
    )
    .execute(&mut conn)
    .await?;
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let running = lab.meter.start();
    let started = Instant::now();
    let mut rows = 0;
    while started.elapsed() < MEASURED {
        let ids: Vec<Uuid> = (0..ROWS).map(|_| Uuid::now_v7()).collect();
        let customers: Vec<i64> = (0..ROWS).map(|_| random.random_range(0..100_000)).collect();
        let amounts: Vec<i64> = (0..ROWS).map(|_| random.random_range(0..100_000)).collect();
        let payloads: Vec<Vec<u8>> = (0..ROWS).map(|_| random.random::<[u8; BYTES]>().to_vec()).collect();
        sqlx::query(
            "INSERT INTO raw_insert (event_id, customer_id, amount, payload)
             SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[])",
        )
        .bind(ids)
        .bind(customers)
        .bind(amounts)
        .bind(payloads)
        .execute(&mut conn)
        .await?;
        rows += ROWS as u64;
    }
    let rate = running.stop(rows);
    sqlx::raw_sql("DROP TABLE raw_insert").execute(&mut conn).await?;
    Ok(rate)
}
