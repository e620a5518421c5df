//! One tenant never sees another's rows.

use crate::books::{Books, Office, tell};

#[tokio::test(flavor = "multi_thread")]
async fn two_tenants_never_meet() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    let globex = office.bed.tenant("globex").await;
    tell(&office, &Books(&acme).quarter()).await;
    let due = Books(&globex).invoice(("G-1", "C-1"), ("COP", "7.00"), ("2026-06-01", "2026-06-10"), &[]);
    tell(&office, &[Books(&globex).customer("C-1", "Solo Globex"), due]).await;

    let aging = office.json(&globex.key, "/v1/aging").await;
    let amounts: Vec<&str> = aging.as_array().unwrap().iter().map(|row| row["amount"].as_str().unwrap()).collect();
    assert_eq!(amounts, ["0.00", "7.00", "0.00", "0.00", "0.00", "0.00"]);
    let kpis = office.json(&globex.key, "/v1/kpis").await;
    assert_eq!(kpis["dso"].as_array().unwrap().len(), 1);
    assert_eq!(kpis["reminders"]["decisions"], 0);
    assert_eq!(kpis["promises"]["kept"], 0);
    assert_eq!(kpis["alerts"], 0);
    assert_eq!(kpis["unapplied"], serde_json::json!([]));

    let page = office.html(&globex.key, "/").await;
    assert!(page.contains("Solo Globex"));
    assert!(!page.contains("Tornillo") && !page.contains("USD"));
    let page = office.html(&acme.key, "/").await;
    assert!(page.contains("Tornillo") && !page.contains("Solo Globex"));
}

/// Without a tenant set, the door sees nothing at all, in any table of this role (D16).
#[tokio::test(flavor = "multi_thread")]
async fn the_door_without_a_tenant_sees_nothing() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    tell(&office, &Books(&acme).quarter()).await;
    let door = sqlx::PgPool::connect(&office.bed.database_url("door")).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'api_keys' ORDER BY 1",
    )
    .fetch_all(&office.bed.owner())
    .await
    .unwrap();
    assert!(tables.len() >= 12, "{tables:?}");
    for table in tables {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let rows: i64 = sqlx::query_scalar(query).fetch_one(&door).await.unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}
