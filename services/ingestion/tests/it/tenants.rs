use contracts::ingestion::InvoiceChanged;
use reqwest::StatusCode;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::world::{self, invoice, payment};

#[tokio::test]
async fn two_tenants_with_the_same_names_never_meet() {
    let world = world::start().await;
    let globex = world.bed.tenant("globex").await;
    world.sources("globex").await;
    let issued = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    let paid = payment("P-1", "C-1", "100.00", "2026-01-15", json!([{"invoice": "F-1"}]));
    assert_eq!(world.post(&issued).await.status, StatusCode::CREATED);
    // Globex pays an invoice that only Acme has: it waits, as for one that does not exist.
    let parked = world.post_as(&globex, &paid).await;
    assert_eq!((parked.status, &parked.body["parked"]), (StatusCode::CREATED, &json!(["invoice F-1"])));
    let events = world.bed.published::<InvoiceChanged>().await;
    assert_eq!((events.len(), &*events[0].open_amount), (1, "100.00"));
    assert_eq!(world.get_as(&globex, "/v1/receipts/erp/invoice%20F-1").await.status, StatusCode::NOT_FOUND);

    // The same fact of the other tenant is another fact.
    let own = world.post_as(&globex, &issued).await;
    assert_eq!((own.status, own.replayed), (StatusCode::CREATED, false));
    let digests = (world.digest(&world.acme).await, world.digest(&globex).await);
    assert_ne!(digests.0["digest"], digests.1["digest"]);
    let mut foreign = issued.clone();
    foreign["tenant"] = json!("acme");
    assert_eq!(world.post_as(&globex, &foreign).await.status, StatusCode::FORBIDDEN);
    world.role.stop().await;
}

#[tokio::test]
async fn the_door_sees_one_tenant_or_none() {
    let world = world::start().await;
    let globex = world.bed.tenant("globex").await;
    world
        .tell(&[
            invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"),
            payment("P-1", "C-1", "10.00", "2026-01-15", json!([])),
        ])
        .await;
    world.batch(&[json!({})]).await;
    let mut door = PgConnection::connect(&world.bed.database_url("door")).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("SELECT relname::text FROM pg_class WHERE relrowsecurity ORDER BY 1")
        .fetch_all(&mut door)
        .await
        .unwrap();
    assert!(tables.len() >= 15, "{tables:?}");
    let mut filled = 0;
    for table in tables {
        for (tenant, may_see) in
            [("", false), (&*globex.tenant_id.to_string(), false), (&*world.acme.tenant_id.to_string(), true)]
        {
            let mut tx = door.begin().await.unwrap();
            sqlx::query("SELECT set_config('app.tenant', $1, true)").bind(tenant).execute(&mut *tx).await.unwrap();
            let query = format!("SELECT count(*) FROM \"{table}\" WHERE tenant_id = '{}'", world.acme.tenant_id);
            let seen: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut *tx).await.unwrap();
            assert!(may_see || seen == 0, "{table} shows {seen} rows of acme to {tenant:?}");
            filled += seen;
        }
    }
    assert!(filled > 10, "there was something to see");
    // Views run with the rights of whoever asks.
    let leaky: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace
         AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)",
    )
    .fetch_one(&mut door)
    .await
    .unwrap();
    assert_eq!(leaky, 0);
    world.role.stop().await;
}
