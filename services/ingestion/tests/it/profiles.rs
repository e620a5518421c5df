use contracts::ingestion::InvoiceChanged;
use ingestion::operator::{self, NewSource};
use reqwest::{Method, StatusCode};
use runtime::Clock;
use serde_json::json;

use crate::world::{self, Answer, World};

const INVOICES: &str = include_str!("../../src/api/openapi/examples/profile.yaml");

async fn ask(world: &World, method: Method, name: &str, body: &str) -> Answer {
    let request = world.http.request(method, format!("{}/v1/profiles/{name}", world.bed.base_url()));
    let request = request.bearer_auth(&world.acme.key).header("content-type", "application/yaml");
    world::answer(request.body(body.to_owned())).await
}

async fn send(world: &World, path: &str, body: &str) -> Answer {
    let request = world.http.post(format!("{}{path}", world.bed.base_url())).header("content-type", "text/csv");
    world::answer(request.bearer_auth(&world.acme.key).body(body.to_owned())).await
}

#[tokio::test]
async fn a_file_is_read_by_the_profile_of_its_tenant() {
    let world = world::start().await;
    let rows = "Factura;Cliente;Total;Emitida;Vence\nF-1;C-1;1.250.000,50;01/03/2026;31/03/2026\n";
    let path = "/v1/facts?source=erp&profile=acme-invoices";
    let early = send(&world, path, rows).await;
    assert_eq!(early.slug(), "query-parameter", "{early:?}");

    let kept = ask(&world, Method::PUT, "acme-invoices", INVOICES).await;
    assert_eq!(
        (kept.status, &kept.body["version"], &kept.body["yields"]),
        (StatusCode::CREATED, &json!(1), &json!("facts"))
    );
    assert_eq!(kept.body["actor"], world.get("/v1/profiles/acme-invoices").await.body["actor"]);
    let told = send(&world, path, rows).await;
    assert_eq!((told.status, &told.body["applied"]), (StatusCode::ACCEPTED, &json!(1)), "{told:?}");
    let invoice = world.bed.published::<InvoiceChanged>().await.pop().unwrap();
    assert_eq!((&*invoice.amount, &*invoice.due_date), ("1250000.50", "2026-03-31"));

    // Another tenant knows nothing of it.
    let other = world.bed.tenant("globex").await;
    assert_eq!(world.get_as(&other, "/v1/profiles/acme-invoices").await.status, StatusCode::NOT_FOUND);
    world.role.stop().await;
}

#[tokio::test]
async fn a_list_is_read_by_the_profile_of_its_tenant() {
    let world = world::start().await;
    let list = NewSource {
        code: "list".into(),
        application_authority: "erp".into(),
        mode: "snapshot".into(),
        covers: vec!["invoices".into()],
    };
    operator::create_source(&world.bed.worker(), Clock::Database, "acme", list).await.unwrap();
    let profile = "name: cartera\ninput: {format: csv, delimiter: \";\"}\nrules:\n  - to: open_item\n    data: {invoice: Doc, customer: Cliente, currency: {constant: COP}, open_amount: Saldo, due_date: Vence}\n";
    assert_eq!(ask(&world, Method::PUT, "cartera", profile).await.status, StatusCode::CREATED);
    let rows = "Doc;Cliente;Saldo;Vence\nF-7;C-1;80000.00;2026-03-31\n";
    let sent = send(&world, "/v1/snapshots?source=list&as_of=2026-03-02T06:00:00Z&profile=cartera", rows).await;
    assert_eq!((sent.status, &sent.body["items"]["new"]), (StatusCode::OK, &json!(1)), "{sent:?}");
    let wrong_door = send(&world, "/v1/facts?source=erp&profile=cartera", rows).await;
    assert_eq!(wrong_door.slug(), "query-parameter", "{wrong_door:?}");
    world.role.stop().await;
}

#[tokio::test]
async fn versions_of_a_profile_are_kept_and_a_wrong_one_changes_nothing() {
    let world = world::start().await;
    ask(&world, Method::PUT, "acme-invoices", INVOICES).await;
    let same = ask(&world, Method::PUT, "acme-invoices", INVOICES).await;
    assert_eq!((same.status, &same.body["version"]), (StatusCode::OK, &json!(1)));
    let second = INVOICES.replace("about: What", "about: All that");
    let changed = ask(&world, Method::PUT, "acme-invoices", &second).await;
    assert_eq!((changed.status, &changed.body["version"]), (StatusCode::OK, &json!(2)));

    let wrong = ask(&world, Method::PUT, "acme-invoices", &INVOICES.replace("invoice.issued", "invoice.written")).await;
    assert_eq!((wrong.status, wrong.slug()), (StatusCode::UNPROCESSABLE_ENTITY, "profile-invalid"), "{wrong:?}");
    assert_eq!(wrong.pointer(), "#/rules/0/to");
    let torn = ask(&world, Method::PUT, "acme-invoices", "name: [").await;
    assert!(torn.slug() == "profile-invalid" && torn.body["errors"][0]["line"].is_u64(), "{torn:?}");
    let renamed = ask(&world, Method::PUT, "other", INVOICES).await;
    assert_eq!((renamed.slug(), renamed.pointer()), ("profile-name", "#/name"), "{renamed:?}");
    let long = format!("{INVOICES}# {}", "x".repeat(256 * 1024));
    assert_eq!(ask(&world, Method::PUT, "acme-invoices", &long).await.slug(), "profile-invalid");
    for (method, slug) in [(Method::PUT, "profile-reserved"), (Method::DELETE, "profile-reserved")] {
        assert_eq!(ask(&world, method, "sap-open-items", INVOICES).await.slug(), slug);
    }

    let first = world.get("/v1/profiles/acme-invoices?version=1").await.body;
    assert_eq!((&first["version"], &first["yaml"]), (&json!(1), &json!(INVOICES)));
    assert_eq!(world.get("/v1/profiles/sap-open-items").await.body["version"], 0);
    let listed = |answer: Answer| {
        let profiles = answer.body["profiles"].as_array().unwrap().clone();
        profiles.iter().filter(|profile| profile["version"] != 0).count()
    };
    assert_eq!(listed(world.get("/v1/profiles").await), 1);
    assert_eq!(ask(&world, Method::DELETE, "acme-invoices", "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask(&world, Method::DELETE, "acme-invoices", "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(listed(world.get("/v1/profiles").await), 0);
    assert_eq!(world.get("/v1/profiles/acme-invoices?version=2").await.body["yaml"], json!(second));
    let again = ask(&world, Method::PUT, "acme-invoices", INVOICES).await;
    assert_eq!((again.status, &again.body["version"]), (StatusCode::CREATED, &json!(4)));
    world.role.stop().await;
}
