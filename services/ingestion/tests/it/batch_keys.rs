//! A batch that is sent again by its key.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::{self, Answer, World, customer, fact, invoice};

async fn send(world: &World, key: &str, lines: &[Value]) -> Answer {
    let lines = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let request = world.http.post(format!("{}/v1/facts", world.bed.base_url()));
    let request = request.header("content-type", "application/x-ndjson").header("idempotency-key", key);
    world::answer(request.bearer_auth(&world.acme.key).body(lines)).await
}

fn lines() -> [Value; 3] {
    let bad = fact("erp", "bad", "customer.upserted", json!({"customer": "C-2"}));
    [customer("C-1", "Comercial Andina"), invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"), bad]
}

#[tokio::test]
async fn a_batch_that_comes_again_by_its_key_gets_the_same_report() {
    let world = world::start().await;
    let first = send(&world, "batch-1", &lines()).await;
    assert_eq!((first.status, first.replayed), (StatusCode::ACCEPTED, false), "{first:?}");
    assert_eq!((&first.body["applied"], &first.body["quarantined"]), (&json!(2), &json!(1)));
    let again = send(&world, "batch-1", &lines()).await;
    assert_eq!(again, Answer { replayed: true, ..first });
    let other = send(&world, "batch-1", &[customer("C-3", "Otra")]).await;
    assert_eq!((other.status, other.slug()), (StatusCode::CONFLICT, "batch-key-conflict"), "{other:?}");
    assert_eq!(world.count("SELECT count(*) FROM customers WHERE name = 'Otra'").await, 0);
    // By another key it is another batch, of what is here already.
    let elsewhere = send(&world, "batch-2", &lines()).await;
    assert_eq!((elsewhere.replayed, &elsewhere.body["duplicate"]), (false, &json!(2)), "{elsewhere:?}");
    world.role.stop().await;
}

#[tokio::test]
async fn of_batches_by_one_key_at_once_one_is_taken() {
    let world = world::start().await;
    let same = futures::future::join_all((0..12).map(|_| async { send(&world, "batch-1", &lines()).await })).await;
    let taken: Vec<&Answer> = same.iter().filter(|answer| !answer.replayed).collect();
    assert_eq!(taken.len(), 1, "{same:?}");
    for answer in &same {
        assert_eq!((answer.status, &answer.body), (StatusCode::ACCEPTED, &taken[0].body));
    }
    let others = (0..12).map(|number| {
        let world = &world;
        async move { send(world, "batch-2", &[customer(&format!("K-{number}"), "Comercial")]).await.status }
    });
    let statuses = futures::future::join_all(others).await;
    let taken = statuses.iter().filter(|status| **status == StatusCode::ACCEPTED).count();
    assert_eq!((taken, statuses.len()), (1, 12), "{statuses:?}");
    assert_eq!(world.count("SELECT count(*) FROM customers WHERE code LIKE 'K-%'").await, 1);
    world.role.stop().await;
}

#[tokio::test]
async fn what_refuses_a_whole_file_leaves_its_key_free_and_old_keys_are_forgotten() {
    let world = world::start().await;
    let too_many = vec![json!({}); 5_001];
    assert_eq!(send(&world, "batch-1", &too_many).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(&world, "batch-1", &lines()).await.status, StatusCode::ACCEPTED);
    assert_eq!(send(&world, "batch-2", &lines()).await.status, StatusCode::ACCEPTED);
    sqlx::query("UPDATE batch_keys SET recorded_at = recorded_at - interval '31 days'")
        .execute(&world.bed.worker())
        .await
        .unwrap();
    let other = send(&world, "batch-1", &[customer("C-3", "Otra")]).await;
    assert_eq!((other.status, other.replayed, &other.body["applied"]), (StatusCode::ACCEPTED, false, &json!(1)));
    assert_eq!(world.count("SELECT count(*) FROM batch_keys").await, 1, "the other one is gone");
    world.role.stop().await;
}
