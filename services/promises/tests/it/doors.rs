//! Who sees what.

use contracts::ingestion::PromiseMade;
use primitives::ids::Kind;
use sqlx::{Connection, PgConnection};

use crate::neighbourhood::*;

#[tokio::test]
async fn two_tenants_never_meet() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    let globex = here.bed.tenant("globex").await;
    // The same numbers in both, paid in one.
    here.bed.publish(&promise(&acme, "P-1")).await;
    here.bed.publish(&promise(&globex, "P-1")).await;
    here.bed.publish(&invoice(&acme, "F-1", 1, &[(DUE, "cash", "100.00")])).await;
    here.bed.publish(&bank(&globex, 1, None)).await;
    here.tick(DEADLINE).await;
    assert_eq!(here.status(&acme, "P-1").await, "kept");
    assert_eq!(here.status(&globex, "P-1").await, "due_unconfirmed");
    assert!(here.raised(&acme).await.is_empty());
    assert_eq!(here.raised(&globex).await.len(), 1);

    let foreign = format!("/v1/promises?customer={}", id(&globex, Kind::Customer, "C-1"));
    assert_eq!(here.get(&acme, &foreign).await["promises"].as_array().unwrap().len(), 0);

    // Even a query that forgets the tenant sees one tenant, and none where none is set (T2).
    let mut door = PgConnection::connect(&here.bed.database_url("door")).await.unwrap();
    let count = "SELECT (SELECT count(*) FROM promises) + (SELECT count(*) FROM alerts)";
    let unset: i64 = sqlx::query_scalar(count).fetch_one(&mut door).await.unwrap();
    assert_eq!(unset, 0);
    sqlx::query("SELECT set_config('app.tenant', $1, false)")
        .bind(globex.tenant_id.to_string())
        .execute(&mut door)
        .await
        .unwrap();
    let own: i64 = sqlx::query_scalar(count).fetch_one(&mut door).await.unwrap();
    assert_eq!(own, 2);
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    for number in 0..5 {
        let code = format!("P-{number}");
        here.bed
            .publish(&PromiseMade { promised_date: format!("2026-04-{:02}", 9 - number / 2), ..promise(&acme, &code) })
            .await;
    }
    here.bed.applied().await;
    let mut path = "/v1/promises?limit=2&status=open".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = here.get(&acme, &path).await;
        seen.extend(page["promises"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/promises?limit=2&status=open&after={next}");
    }
    assert_eq!(seen[0], "P-4");
    seen.sort();
    assert_eq!(seen, ["P-0", "P-1", "P-2", "P-3", "P-4"]);
}

#[tokio::test]
async fn what_cannot_be_asked_is_a_problem_and_not_a_fault() {
    let here = Neighbourhood::new().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.applied().await;
    let client = reqwest::Client::new();
    for path in [
        "/v1/promises?status=lost",
        "/v1/promises?customer=C-1",
        "/v1/promises?limit=0",
        "/v1/promises?limit=100000",
        "/v1/promises?colour=red",
        "/v1/alerts?status=loud",
        "/v1/alerts?after=%00",
    ] {
        let url = format!("{}{path}", here.bed.base_url());
        let refused = client.get(&url).bearer_auth(&acme.key).send().await.unwrap();
        assert_eq!(refused.status(), 400, "{path}");
        assert_eq!(refused.headers()["content-type"], "application/problem+json", "{path}");
        assert_eq!(client.get(&url).send().await.unwrap().status(), 401, "{path}");
    }
}
