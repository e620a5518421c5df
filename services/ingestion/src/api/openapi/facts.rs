//! The types of facts: what the data of each may say, and an example of each in the order of a life.
#![allow(dead_code, reason = "described here, read by `reading`")]

use serde_json::{Value, json};
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, Array, Discriminator, Object, ObjectBuilder, OneOfBuilder, Ref, Schema,
};
use utoipa::openapi::{Components, RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

use super::catalogue::{Named, all};
use super::values::{Amount, CurrencyCode, Day, Email, Key, Language, Moment, Text, TimeZone};
use crate::api::reading::SAFE_INTEGER;

/// What every fact has besides `type` and `data`: CloudEvents in JSON.
#[derive(ToSchema)]
struct Envelope {
    /// The source's own id of the fact: with the source, the key of its idempotency.
    id: Key,
    /// Code of the registered source that tells it.
    source: Key,
    /// When it happened.
    time: Moment,
    /// Orders the changes of one object: a numeric one outranks all changes without.
    #[schema(required = false)]
    source_version: SourceVersion,
    /// The name of `source_version` in CloudEvents; not both.
    #[schema(required = false, rename = "sourceversion")]
    source_version_attribute: SourceVersion,
    /// Code of one of the tenant's legal entities; its first when absent.
    #[schema(required = false)]
    legal_entity: Key,
    /// The name of `legal_entity` in CloudEvents; not both.
    #[schema(required = false, rename = "legalentity")]
    legal_entity_attribute: Key,
    /// Slug of the tenant that the sender believes to speak for.
    #[schema(required = false)]
    tenant: Key,
    /// Who did it.
    #[schema(required = false)]
    actor: Key,
    /// Who approved it.
    #[schema(required = false)]
    approval: Key,
    /// Of CloudEvents.
    #[schema(required = false)]
    specversion: SpecVersion,
    /// Of `data`: always JSON.
    #[schema(required = false, value_type = String, pattern = r"^ *[Aa][Pp][Pp][Ll][Ii][Cc][Aa][Tt][Ii][Oo][Nn]/[Jj][Ss][Oo][Nn] *(;.*)?$", example = "application/json")]
    datacontenttype: String,
    /// How it travels, not what it says: not read.
    #[schema(required = false)]
    dataschema: Value,
    /// How it travels, not what it says: not read.
    #[schema(required = false)]
    subject: Value,
    /// How it travels, not what it says: not read.
    #[schema(required = false)]
    traceparent: Value,
    /// How it travels, not what it says: not read.
    #[schema(required = false)]
    tracestate: Value,
}

#[derive(ToSchema)]
enum SpecVersion {
    #[schema(rename = "1.0")]
    One,
}

/// An integer that every reader understands alike, or a text.
struct SourceVersion;

impl ToSchema for SourceVersion {
    fn schemas(schemas: &mut Vec<Named>) {
        schemas.push((Key::name().into_owned(), Key::schema()));
    }
}

impl PartialSchema for SourceVersion {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0_u64)).maximum(Some(SAFE_INTEGER));
        let either = AnyOfBuilder::new().item(number).item(Ref::from_schema_name(Key::name()));
        either.description(Some("An integer that every reader understands alike, or a text.")).into()
    }
}

/// A person at a debtor who is written to.
#[derive(ToSchema)]
pub(super) struct ContactUpserted {
    contact: Key,
    customer: Key,
    name: Text,
    email: Email,
    /// `payables` unless told.
    #[schema(required = false)]
    role: Role,
    #[schema(required = false)]
    language: Language,
    /// True unless told.
    #[schema(required = false)]
    active: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Role {
    Payables,
    Buyer,
    Approver,
    Other,
}

/// A later day was agreed for an invoice; `approval` of the envelope says by whom. Telling the invoice again does not undo it.
#[derive(ToSchema)]
pub(super) struct DueDateExtended {
    invoice: Key,
    effective_due_date: Day,
    reason: Text,
}

/// The debtor does not agree with an invoice.
#[derive(ToSchema)]
pub(super) struct DisputeOpened {
    dispute: Key,
    invoice: Key,
    reason: Reason,
    /// In the invoice's currency; all that is open of it when absent.
    #[schema(required = false)]
    amount: Amount,
    opened_on: Day,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Reason {
    Pricing,
    Quantity,
    Quality,
    Delivery,
    Duplicate,
    Terms,
    Other,
}

/// A dispute has ended, and does not begin again.
#[derive(ToSchema)]
pub(super) struct DisputeResolved {
    dispute: Key,
    resolved_on: Day,
    #[schema(required = false)]
    outcome: Text,
}

/// A debtor has promised to pay. A promise does not change: a new agreement is a new promise that `replaces` it.
#[derive(ToSchema)]
pub(super) struct PromiseMade {
    promise: Key,
    customer: Key,
    #[schema(min_items = 1, max_items = 1000)]
    invoices: Vec<Key>,
    currency: CurrencyCode,
    amount: Amount,
    /// Not before it was made.
    promised_date: Day,
    made_on: Day,
    /// `other` unless told.
    #[schema(required = false)]
    channel: Channel,
    /// Number of the promise that this one takes the place of.
    #[schema(required = false)]
    replaces: Key,
    /// In which the promised day ends; the customer's when absent.
    #[schema(required = false)]
    time_zone: TimeZone,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Channel {
    Email,
    Call,
    Whatsapp,
    Visit,
    Portal,
    Other,
}

/// A promise does not hold any more. Of two withdrawals the earlier day counts.
#[derive(ToSchema)]
pub(super) struct PromiseWithdrawn {
    promise: Key,
    withdrawn_on: Day,
}

/// A debtor pays by instalments: each is a promise, kept by what is paid after those before it are. A plan does not change: a later
/// agreement about the same invoices takes its place. An instalment that is broken, or kept in part, breaks the plan, and what
/// comes after it does not hold any more.
#[derive(ToSchema)]
pub(super) struct PlanAgreed {
    plan: Key,
    customer: Key,
    #[schema(min_items = 1, max_items = 1000)]
    invoices: Vec<Key>,
    currency: CurrencyCode,
    /// What the instalments sum to.
    amount: Amount,
    /// One after the other.
    #[schema(min_items = 1, max_items = 300)]
    instalments: Vec<Instalment>,
    agreed_on: Day,
    /// `other` unless told.
    #[schema(required = false)]
    channel: Channel,
    /// In which the promised days end; the customer's when absent.
    #[schema(required = false)]
    time_zone: TimeZone,
}

/// What is paid until a day.
#[derive(ToSchema)]
pub(super) struct Instalment {
    /// Not before the plan was agreed, and after the instalment before.
    promised_date: Day,
    amount: Amount,
}

/// A plan does not hold any more; what was paid on it until then is paid. Of two withdrawals the earlier day counts.
#[derive(ToSchema)]
pub(super) struct PlanWithdrawn {
    plan: Key,
    withdrawn_on: Day,
}

/// The source has told all that it knows up to a moment, which is not in the future.
#[derive(ToSchema)]
pub(super) struct SourceCovered {
    covered_until: Moment,
}

/// Number and type of each example, and the fact.
pub(super) fn examples() -> Vec<(String, Value)> {
    (1..)
        .zip(all())
        .map(|(number, (fact_type, source, _, _, data))| {
            let fact = json!({"specversion": "1.0", "id": format!("example {number:02}"), "source": source,
                              "type": fact_type, "time": "2026-03-01T12:00:00Z", "data": data});
            (format!("{number:02} {fact_type}"), fact)
        })
        .collect()
}

/// Names the schemas of facts: `Fact`, one for each type, and what these are made of.
pub(super) fn describe(components: &mut Components) {
    let mut inner = Vec::new();
    Envelope::schemas(&mut inner);
    let envelope = object(Envelope::schema());
    let mut fact = OneOfBuilder::new();
    let mut kinds = Discriminator::new("type");
    for (fact_type, _, data, schemas, _) in all() {
        schemas(&mut inner);
        let (name, of_data) = (pascal(fact_type), format!("{}Data", pascal(fact_type)));
        if components.schemas.contains_key(&name) {
            continue;
        }
        let data = closed(object(data()));
        let mut whole = envelope.clone();
        whole.description.clone_from(&data.description);
        let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([fact_type]));
        whole.properties.insert("type".to_owned(), kind.into());
        whole.properties.insert("data".to_owned(), Ref::from_schema_name(&of_data).into());
        whole.required.extend(["type".to_owned(), "data".to_owned()]);
        let reference = Ref::from_schema_name(&name);
        kinds.mapping.insert(fact_type.to_owned(), reference.ref_location.clone());
        fact = fact.item(reference);
        components.schemas.insert(of_data, data.into());
        components.schemas.insert(name, closed(whole).into());
    }
    let fact = fact.description(Some("Something that happened outside.")).discriminator(Some(kinds));
    components.schemas.insert("Fact".to_owned(), fact.into());
    let batch = Array::new(Ref::from_schema_name("Fact"));
    components.schemas.insert("Facts".to_owned(), Schema::Array(batch).into());
    for (name, schema) in inner {
        let schema = match schema {
            RefOr::T(Schema::Object(object)) if !object.properties.is_empty() => closed(object).into(),
            other => other,
        };
        components.schemas.entry(name).or_insert(schema);
    }
}

/// What is not known is refused.
pub(super) fn closed(mut object: Object) -> Object {
    object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    object
}

pub(super) fn object(schema: RefOr<Schema>) -> Object {
    match schema {
        RefOr::T(Schema::Object(object)) => object,
        _ => Object::new(),
    }
}

/// `credit_note.issued` is `CreditNoteIssued`.
fn pascal(fact_type: &str) -> String {
    let words = fact_type.split(['.', '_']);
    words
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}
