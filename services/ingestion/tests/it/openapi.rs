//! The OpenAPI document is true: its doors are there, and its examples work as they stand.

use ingestion::operator::{self, NewSource};
use reqwest::{Method, RequestBuilder, StatusCode};
use runtime::Clock;
use serde_json::{Map, Value, json};

use crate::world::{self, Answer, World};

/// A world with a source of lists, as the document says.
async fn start() -> (World, Value) {
    let world = world::start().await;
    let list = NewSource {
        code: "list".into(),
        application_authority: "erp".into(),
        mode: "snapshot".into(),
        covers: vec!["invoices".into()],
    };
    operator::create_source(&world.bed.worker(), Clock::Database, "acme", list).await.unwrap();
    let document = world::answer(world.http.get(format!("{}/openapi.json", world.bed.base_url()))).await;
    assert_eq!(document.status, StatusCode::OK);
    (world, document.body)
}

fn members(value: &Value) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE)
}

/// Method, path and operation of every door.
fn doors(document: &Value) -> Vec<(Method, &str, &Value)> {
    let paths = members(&document["paths"]).iter();
    let doors = paths.flat_map(|(path, item)| {
        members(item).iter().map(move |(method, door)| (method.to_uppercase().parse().unwrap(), path.as_str(), door))
    });
    doors.collect()
}

/// A request with those parameters that have an example; `id` stands for every other name in the path.
fn request(world: &World, (method, path, door): &(Method, &str, &Value), id: &str) -> RequestBuilder {
    let mut url = (*path).to_owned();
    let mut query = Vec::new();
    for parameter in door["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let example = parameter.get("example").map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
        if parameter["in"] == "path" {
            url = url.replace(&format!("{{{name}}}"), example.as_deref().unwrap_or(id));
        } else if let Some(example) = example {
            query.push((name.to_owned(), example));
        }
    }
    let query: Vec<String> = query.into_iter().map(|(name, example)| format!("{name}={example}")).collect();
    world.http.request(method.clone(), format!("{}{url}?{}", world.bed.base_url(), query.join("&")))
}

/// Media type and text of each example of a body.
fn examples(door: &Value) -> Vec<(&str, String)> {
    let contents = members(&door["requestBody"]["content"]).iter();
    let examples = contents.flat_map(|(media_type, content)| {
        let named = members(&content["examples"]).values().map(|example| &example["value"]);
        named.chain(content.get("example")).map(move |example| (media_type.as_str(), text(example)))
    });
    examples.collect()
}

fn text(example: &Value) -> String {
    example.as_str().map_or_else(|| example.to_string(), str::to_owned)
}

#[tokio::test]
async fn what_the_document_names_is_there_and_needs_a_key() {
    let (world, document) = start().await;
    let doors = doors(&document);
    assert!(doors.len() > 20, "{}", doors.len());
    for door in &doors {
        let answer = world::answer(request(&world, door, "00000000-0000-0000-0000-000000000000")).await;
        let is_open = door.2.get("security").is_some();
        let expected = if is_open { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        assert_eq!(answer.status, expected, "{door:?}");
    }
    let page = world::answer(world.http.get(format!("{}/docs", world.bed.base_url()))).await.body;
    let page = page.as_str().unwrap().replace("&#x2f;", "/");
    for (method, path, _) in &doors {
        assert!(page.contains(&format!("{method} {path}")), "{method} {path}");
    }
    for name in members(&document["components"]["schemas"]).keys() {
        assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
    }
    assert!(!page.contains("<script") && !page.contains("https://unpkg"), "the page needs nothing else");
    world.role.stop().await;
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let (world, document) = start().await;
    let mut waiting = vec![&document];
    while let Some(value) = waiting.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
        }
        waiting.extend(members(value).values().chain(value.as_array().into_iter().flatten()));
    }
    world.role.stop().await;
}

#[tokio::test]
async fn every_example_works_as_it_stands() {
    let (world, document) = start().await;
    let doors = doors(&document);
    let (told, others): (Vec<_>, Vec<_>) = doors.iter().partition(|(_, path, _)| *path == "/v1/facts");
    let mut tried = 0;
    for door in told.iter().chain(others.iter()) {
        for (media_type, body) in examples(door.2) {
            let id = id_for(&world, door.1).await;
            let request = request(&world, door, &id).header("content-type", media_type).bearer_auth(&world.acme.key);
            let answer = world::answer(later(request, door.1, tried).body(body.clone())).await;
            assert!(answer.status.is_success(), "{} {media_type} {body}: {answer:?}", door.1);
            assert_eq!(answer.body.get("quarantined").unwrap_or(&json!(0)), &json!(0), "{body}: {answer:?}");
            tried += 1;
        }
    }
    assert!(tried > 25, "{tried}");
    for door in doors.iter().filter(|(method, _, door)| *method == Method::GET && door.get("security").is_none()) {
        let id = id_for(&world, door.1).await;
        let answer = world::answer(request(&world, door, &id).bearer_auth(&world.acme.key)).await;
        let needs_a_name = door.1.starts_with("/v1/receipts");
        assert!(needs_a_name || answer.status.is_success(), "{} {answer:?}", door.1);
    }
    world.digest(&world.acme).await;
    world.role.stop().await;
}

/// Lists of one source go forward in time: each example shows another moment.
fn later(request: RequestBuilder, path: &str, tried: i32) -> RequestBuilder {
    if path != "/v1/snapshots" {
        return request;
    }
    let (client, request) = request.build_split();
    let mut request = request.unwrap();
    let query =
        request.url().query().unwrap().replace("T06:00:00Z", &format!("T06:{:02}:{:02}Z", tried / 60, tried % 60));
    request.url_mut().set_query(Some(&query));
    RequestBuilder::from_parts(client, request)
}

/// An id that the path may name: of a line that waits, or of a list.
async fn id_for(world: &World, path: &str) -> String {
    if path.starts_with("/v1/quarantine/") {
        let answer = world.send(&world.acme, "application/x-ndjson", format!("{{\"no fact\": \"{path}\"}}")).await;
        return id(&answer, "/problems/0/quarantine_id");
    }
    if path.starts_with("/v1/snapshots/") {
        return id(&world.get("/v1/snapshots?source=list").await, "/0/snapshot_id");
    }
    String::new()
}

fn id(answer: &Answer, pointer: &str) -> String {
    answer.body.pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
}

#[tokio::test]
async fn every_type_of_fact_is_described() {
    let (world, document) = start().await;
    let mapping = members(&document["components"]["schemas"]["Fact"]["discriminator"]["mapping"]);
    // What the reader knows, as it says itself.
    let source = include_str!("../../src/api/reading/data.rs");
    let known = source.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" => "));
    let known: std::collections::BTreeSet<_> = known.map(|(name, _)| name).filter(|name| name.contains('.')).collect();
    assert_eq!(known.len(), 46, "{known:?}");
    assert_eq!(known, mapping.keys().map(String::as_str).collect());
    world.role.stop().await;
}
