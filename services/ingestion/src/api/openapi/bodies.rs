//! The bodies that doors for facts read, with examples that work.

use serde_json::{Value, json};
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, Paths};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, Ref, Schema};
use utoipa::openapi::{RefOr, Required, Type};

use super::{facts, operations};

const CUSTOMERS: &str = include_str!("examples/customers.csv");
const INVOICE: &str = include_str!("examples/invoice.xml");
const STATEMENT: &str = include_str!("examples/statement.sta");
const PROFILE: &str = include_str!("examples/profile.yaml");
const OPEN_ITEMS: &str = include_str!("examples/open_items.csv");

/// Gives each door its body.
pub(super) fn describe(paths: &mut Paths) {
    for operation in operations(paths) {
        let body = match operation.operation_id.as_deref() {
            Some("tell_facts") => told(),
            Some("send_list") => list(),
            Some("mend_quarantined") => mended(),
            Some("put_profile") => profile(),
            _ => continue,
        };
        set(operation, body);
    }
}

fn set(operation: &mut Operation, body: RequestBodyBuilder) {
    let body: RequestBody = body.required(Some(Required::True)).build();
    operation.request_body = Some(body.into());
}

fn told() -> RequestBodyBuilder {
    // A customer and an invoice.
    let lines: Vec<Value> = facts::examples().into_iter().step_by(2).take(2).map(|(_, fact)| fact).collect();
    let ndjson = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let event = json!({"specversion": "1.0", "id": "example event", "source": "erp", "type": "customer.upserted",
        "time": "2026-03-01T12:00:00Z", "sourceversion": "7", "datacontenttype": "application/json", "subject": "C-002",
        "data": {"customer": "C-002", "name": "Ferretería El Tornillo"}});
    let text = "text, in UTF-8 unless `charset` says `windows-1252`; `source` is told in the query";
    RequestBodyBuilder::new()
        .description(Some(
            "One fact, or many. A CloudEvent in binary mode is `application/json` too: its attributes come as headers \
             that begin with `ce-`, percent-encoded, and the body is its `data`.",
        ))
        .content("application/json", content(Ref::from_schema_name("Fact"), facts::examples()))
        .content("application/cloudevents+json", content(Ref::from_schema_name("Fact"), one("structured mode", event)))
        .content(
            "application/x-ndjson",
            content(string("Up to 5,000 lines, each a fact."), one("two facts", Value::String(ndjson))),
        )
        .content("application/cloudevents-batch+json", content(many(), one("two facts", Value::Array(lines))))
        .content(
            "text/csv",
            content(
                string(&format!("Rows in one of the layouts of `puntual feed --layouts`; {text}.")),
                one("customers", CUSTOMERS.into()),
            ),
        )
        .content(
            "application/xml",
            content(
                string("UBL 2.1, CFDI 4.0 or camt.053; `source` is told in the query."),
                one("an invoice in UBL", INVOICE.into()),
            ),
        )
        .content(
            "application/x-mt940",
            content(string("A statement of a bank; `source` is told in the query."), one("MT940", STATEMENT.into())),
        )
}

fn list() -> RequestBodyBuilder {
    let item = json!({"invoice": "F-2001", "customer": "C-001", "currency": "COP", "open_amount": "80000.00",
        "amount": "100000.00", "issue_date": "2026-02-01", "due_date": "2026-03-03"});
    RequestBodyBuilder::new()
        .description(Some("One `OpenItem` a line, all that are open; up to 64 MiB."))
        .content(
            "text/csv",
            content(
                string("A header line with the names of members of `OpenItem`, then a line for each."),
                one("two items", OPEN_ITEMS.into()),
            ),
        )
        .content(
            "application/x-ndjson",
            content(string("An `OpenItem` in each line."), one("one item", format!("{item}\n").into())),
        )
}

fn mended() -> RequestBodyBuilder {
    let (_, fact) = facts::examples().swap_remove(0);
    RequestBodyBuilder::new()
        .description(Some("The fact as it should have been."))
        .content("application/json", content(Ref::from_schema_name("Fact"), one("a customer", fact)))
}

fn profile() -> RequestBodyBuilder {
    RequestBodyBuilder::new()
        .description(Some("At most 256 KiB of YAML; `puntual feed --check` tries it on a file."))
        .content(
            "application/yaml",
            content(string("A profile, as `puntual feed --profile FILE` takes it."), one("invoices", PROFILE.into())),
        )
}

fn one(name: &str, value: Value) -> Vec<(String, Value)> {
    vec![(name.to_owned(), value)]
}

fn content(schema: impl Into<RefOr<Schema>>, examples: Vec<(String, Value)>) -> Content {
    let examples = examples.into_iter().map(|(name, value)| (name, ExampleBuilder::new().value(Some(value)).build()));
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build()
}

fn string(description: &str) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).into()
}

/// What is no fact in a batch waits in the quarantine, and the batch is accepted all the same.
fn many() -> RefOr<Schema> {
    let other = ObjectBuilder::new().schema_type(utoipa::openapi::schema::SchemaType::AnyValue);
    let other = other.description(Some("What is no fact waits in the quarantine."));
    let item = AnyOfBuilder::new().item(Ref::from_schema_name("Fact")).item(other);
    ArrayBuilder::new().items(item).max_items(Some(5_000)).into()
}
