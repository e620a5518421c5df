use contracts::ingestion::{ApiKeyChanged, TenantChanged};
use ingestion::operator::{self, NewLegalEntity, NewTenant};
use reqwest::StatusCode;
use runtime::Clock;
use testkit::TestTenant;

use crate::world::{self, invoice};

fn initech() -> NewTenant {
    NewTenant {
        slug: "initech".into(),
        name: "Initech S.A.".into(),
        time_zone: "America/Lima".into(),
        send_hour: 9,
        language: "es".into(),
        legal_entities: vec![NewLegalEntity {
            code: "PE01".into(),
            name: "Initech Peru".into(),
            country: "PE".into(),
            time_zone: "America/Lima".into(),
        }],
    }
}

#[tokio::test]
async fn a_tenant_its_key_and_its_sources_are_made_from_the_command_line() {
    let world = world::start().await;
    let pool = world.bed.worker();
    let tenant_id = operator::create_tenant(&pool, Clock::Database, initech()).await.unwrap();
    assert!(operator::create_tenant(&pool, Clock::Database, initech()).await.is_err(), "it exists");
    world.sources("initech").await;
    let key =
        operator::create_key(&pool, Clock::Database, "initech", "erp", &["facts:write".to_owned()]).await.unwrap();
    assert!(operator::create_key(&pool, Clock::Database, "nobody", "erp", &["read".to_owned()]).await.is_err());
    assert!(operator::create_key(&pool, Clock::Database, "initech", "erp", &["all".to_owned()]).await.is_err());

    let tenant = TestTenant { key: key.clone(), tenant_id, ..TestTenant::new("initech") };
    let told = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    assert_eq!(world.post_as(&tenant, &told).await.status, StatusCode::CREATED);
    assert_eq!(world.get_as(&tenant, "/v1/ledger/digest").await.status, StatusCode::FORBIDDEN, "the key may not read");
    assert_eq!(world.get_as(&tenant, "/v1/receipts/erp/invoice%20F-1").await.status, StatusCode::OK);

    let published = world.bed.published::<ApiKeyChanged>().await;
    let key_id = published[0].key_id.parse().unwrap();
    operator::revoke_key(&pool, Clock::Database, key_id).await.unwrap();
    assert_eq!(world.post_as(&tenant, &told).await.status, StatusCode::UNAUTHORIZED);
    let versions: Vec<_> =
        world.bed.published::<ApiKeyChanged>().await.iter().map(|key| (key.version, key.revoked)).collect();
    assert_eq!(versions, [(1, false), (2, true)]);
    let secret = key.rsplit('_').next().unwrap();
    assert_eq!(world.bed.published::<TenantChanged>().await[0].slug, "initech");
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM api_keys k WHERE k::text LIKE '%' || $1 || '%'")
        .bind(secret)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(stored, 0, "the secret is not kept");
    world.role.stop().await;
}
