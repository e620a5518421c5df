//! Rows a second that PostgreSQL takes today: 400 bytes and a key, 1,000 by UNNEST, one connection. The chain's reference is
//! scaled by it. The keys are random: ascending ones go in nearly twice as fast, of which no table of ours has only such.

use std::time::{Duration, Instant};

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
    sqlx::raw_sql("CREATE TABLE raw_insert (id uuid PRIMARY KEY, payload bytea NOT NULL)").execute(&mut conn).await?;
    let payloads = vec![vec![7_u8; BYTES]; ROWS];
    let running = lab.meter.start();
    let started = Instant::now();
    let mut rows = 0;
    while started.elapsed() < MEASURED {
        let ids: Vec<Uuid> = (0..ROWS).map(|_| Uuid::new_v4()).collect();
        sqlx::query("INSERT INTO raw_insert SELECT * FROM unnest($1::uuid[], $2::bytea[])")
            .bind(ids)
            .bind(&payloads)
            .execute(&mut conn)
            .await?;
        rows += ROWS as u64;
    }
    let rate = running.stop(rows);
    sqlx::raw_sql("DROP TABLE raw_insert").execute(&mut conn).await?;
    Ok(rate)
}
