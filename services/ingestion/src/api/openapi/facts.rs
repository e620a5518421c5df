//! The types of facts: what the data of each may say, and an example of each in the order of a life.
#![allow(dead_code, reason = "described here, read by `reading`")]

use serde_json::{Value, json};
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, Array, Discriminator, Object, ObjectBuilder, OneOfBuilder, Ref, Schema,
};
use utoipa::openapi::{Components, RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

use super::credits::{
    ClearingObserved, CreditNoteIssued, CreditObserved, PaymentAllocated, PaymentReceived, PaymentReversed,
    SettlementRecorded, WithholdingExpected, WithholdingRecorded,
};
use super::values::{Amount, AmountOrZero, Country, CurrencyCode, Day, Email, Key, Language, Moment, Text, TimeZone};
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

/// A debtor, as the source knows it.
#[derive(ToSchema)]
struct CustomerUpserted {
    customer: Key,
    name: Text,
    /// `company` unless told.
    #[schema(required = false)]
    party_kind: PartyKind,
    #[schema(required = false)]
    country: Country,
    #[schema(required = false)]
    time_zone: TimeZone,
    /// In which it is written to.
    #[schema(required = false)]
    language: Language,
    #[schema(required = false)]
    tier: Key,
    /// Who pays for it; itself when absent.
    #[schema(required = false)]
    payer: Key,
    #[schema(required = false)]
    group: Key,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum PartyKind {
    Company,
    NaturalPerson,
}

/// A person at a debtor who is written to.
#[derive(ToSchema)]
struct ContactUpserted {
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

/// An invoice, or its correction.
#[derive(ToSchema)]
struct InvoiceIssued {
    invoice: Key,
    /// Other numbers by which facts may name it, like a fiscal UUID; each of one invoice only. Once told, they stay.
    #[schema(required = false, max_items = 10)]
    references: Vec<Key>,
    customer: Key,
    /// Who pays it; the customer's payer when absent.
    #[schema(required = false)]
    payer: Key,
    currency: CurrencyCode,
    amount: Amount,
    /// Tax that the payer will withhold; not more than the amount.
    #[schema(required = false)]
    expected_withholding: AmountOrZero,
    issue_date: Day,
    /// Not before it is issued.
    due_date: Day,
    #[schema(required = false)]
    delivered_date: Day,
    /// Agreed later than `due_date`.
    #[schema(required = false)]
    effective_due_date: Day,
    /// Through which another system has dunned it, before Puntual took over.
    #[schema(required = false)]
    last_dunned_on: Day,
}

/// A later day was agreed for an invoice; `approval` of the envelope says by whom. Telling the invoice again does not undo it.
#[derive(ToSchema)]
struct DueDateExtended {
    invoice: Key,
    effective_due_date: Day,
    reason: Text,
}

/// The debtor does not agree with an invoice.
#[derive(ToSchema)]
struct DisputeOpened {
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
enum Reason {
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
struct DisputeResolved {
    dispute: Key,
    resolved_on: Day,
    #[schema(required = false)]
    outcome: Text,
}

/// A debtor has promised to pay. A promise does not change: a new agreement is a new promise that `replaces` it.
#[derive(ToSchema)]
struct PromiseMade {
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
enum Channel {
    Email,
    Call,
    Whatsapp,
    Visit,
    Portal,
    Other,
}

/// A promise does not hold any more. Of two withdrawals the earlier day counts.
#[derive(ToSchema)]
struct PromiseWithdrawn {
    promise: Key,
    withdrawn_on: Day,
}

/// The source has told all that it knows up to a moment, which is not in the future.
#[derive(ToSchema)]
struct SourceCovered {
    covered_until: Moment,
}

/// Type, source and data of an example; its data.
type Described = (&'static str, &'static str, fn() -> RefOr<Schema>, fn(&mut Vec<Named>), Value);
type Named = (String, RefOr<Schema>);

/// Every type that is read. What a promise, an allocation or a dispute is about comes before it.
#[allow(clippy::too_many_lines, reason = "one list, one entry for each type")]
fn all() -> Vec<Described> {
    fn described<T: ToSchema>(fact_type: &'static str, source: &'static str, data: Value) -> Described {
        (fact_type, source, T::schema, T::schemas, data)
    }
    let part = json!([{"invoice": "F-1001", "amount": "400000.00"}]);
    vec![
        described::<CustomerUpserted>(
            "customer.upserted",
            "erp",
            json!({"customer": "C-001", "name": "Comercial Andina", "country": "CO", "time_zone": "America/Bogota"}),
        ),
        described::<ContactUpserted>(
            "contact.upserted",
            "erp",
            json!({"contact": "K-001", "customer": "C-001", "name": "Ana Pérez", "email": "pagos@andina.example"}),
        ),
        described::<InvoiceIssued>(
            "invoice.issued",
            "erp",
            json!({"invoice": "F-1001", "customer": "C-001", "currency": "COP", "amount": "1250000.00",
                   "issue_date": "2026-03-01", "due_date": "2026-03-31"}),
        ),
        described::<DueDateExtended>(
            "due_date.extended",
            "erp",
            json!({"invoice": "F-1001", "effective_due_date": "2026-04-15", "reason": "late harvest"}),
        ),
        described::<PaymentReceived>(
            "payment.received",
            "bank",
            json!({"payment": "P-001", "payer": "C-001", "currency": "COP", "amount": "400000.00",
                   "value_date": "2026-03-05", "remittance": part}),
        ),
        described::<PaymentReceived>(
            "payment.received",
            "bank",
            json!({"payment": "P-002", "currency": "COP", "amount": "100000.00", "value_date": "2026-03-06",
                   "clues": {"name": "COM ANDINA SAS", "text": "ABONO"}}),
        ),
        described::<PaymentAllocated>(
            "payment.allocated",
            "bank",
            json!({"payment": "P-002", "payer": "C-001", "currency": "COP", "invoices": [{"invoice": "F-1001"}]}),
        ),
        described::<PaymentReversed>(
            "payment.reversed",
            "bank",
            json!({"payment": "P-001", "reversal": "R-001", "currency": "COP", "amount": "100000.00",
                   "reversed_on": "2026-03-08", "reason": "insufficient funds"}),
        ),
        described::<CreditNoteIssued>(
            "credit_note.issued",
            "erp",
            json!({"credit_note": "N-001", "customer": "C-001", "currency": "COP", "amount": "50000.00",
                   "issue_date": "2026-03-07", "invoices": [{"invoice": "F-1001"}]}),
        ),
        described::<WithholdingExpected>(
            "withholding.expected",
            "erp",
            json!({"invoice": "F-1001", "currency": "COP", "amount": "31250.00", "regime": "retefuente 2.5 %"}),
        ),
        described::<WithholdingRecorded>(
            "withholding.recorded",
            "erp",
            json!({"withholding": "W-001", "payer": "C-001", "invoice": "F-1001", "currency": "COP",
                   "amount": "31250.00", "value_date": "2026-03-08", "certificate": "CERT-9"}),
        ),
        described::<SettlementRecorded>(
            "settlement.recorded",
            "erp",
            json!({"settlement": "S-001", "kind": "discount", "payer": "C-001", "invoice": "F-1001",
                   "currency": "COP", "amount": "1000.00", "value_date": "2026-03-08"}),
        ),
        described::<ClearingObserved>(
            "clearing.observed",
            "erp",
            json!({"clearing": "L-001", "payer": "C-001", "invoice": "F-1001", "currency": "COP",
                   "amount": "0.00", "value_date": "2026-03-09"}),
        ),
        described::<CreditObserved>(
            "credit.observed",
            "erp",
            json!({"credit": "A-001", "payer": "C-001", "currency": "COP", "amount": "25000.00", "value_date": "2026-03-09"}),
        ),
        described::<DisputeOpened>(
            "dispute.opened",
            "erp",
            json!({"dispute": "D-001", "invoice": "F-1001", "reason": "quality", "amount": "20000.00",
                   "opened_on": "2026-03-10"}),
        ),
        described::<DisputeResolved>(
            "dispute.resolved",
            "erp",
            json!({"dispute": "D-001", "resolved_on": "2026-03-12", "outcome": "goods were exchanged"}),
        ),
        described::<PromiseMade>(
            "promise.made",
            "erp",
            json!({"promise": "Z-001", "customer": "C-001", "invoices": ["F-1001"], "currency": "COP",
                   "amount": "500000.00", "promised_date": "2026-04-15", "made_on": "2026-04-01", "channel": "call"}),
        ),
        described::<PromiseWithdrawn>(
            "promise.withdrawn",
            "erp",
            json!({"promise": "Z-001", "withdrawn_on": "2026-04-02"}),
        ),
        described::<SourceCovered>("source.covered", "bank", json!({"covered_until": "2026-03-31T23:59:59Z"})),
    ]
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
