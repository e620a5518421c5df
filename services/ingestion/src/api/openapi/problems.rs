//! How doors refuse: the codes of the problem documents of each.

use serde_json::json;
use utoipa::openapi::path::{Operation, Paths};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Ref};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, Type};

use super::operations;

type Codes = &'static [&'static str];

/// What cannot be read at all.
const UNREADABLE: Codes = &["empty-body", "malformed-json", "encoding", "too-deep"];
/// What a fact may be refused for.
const REFUSED: Codes = &[
    "amount-format",
    "amount-range",
    "amount-required",
    "amount-scale",
    "amount-sign",
    "amount-zero",
    "country",
    "currency",
    "currency-mismatch",
    "date-format",
    "date-invalid",
    "date-offset",
    "date-order",
    "date-range",
    "duplicate-member",
    "email",
    "instalments-sum",
    "language",
    "missing-member",
    "parts-exceed-amount",
    "personal-data",
    "rate",
    "rate-mismatch",
    "reference-conflict",
    "text-blank",
    "text-control",
    "text-empty",
    "text-encoding",
    "time-zone",
    "too-long",
    "too-many-items",
    "unknown-field",
    "unknown-legal-entity",
    "unknown-payment",
    "unknown-source",
    "unknown-type",
    "unknown-value",
    "wrong-type",
];
const CONFLICT: Codes = &["idempotency-conflict", "promise-conflict"];
const SMALL_BODY: Codes = &["body-incomplete"];
/// What a table may be refused for as a whole.
const TABLE: Codes = &["csv-field-count", "csv-field-limit", "csv-header", "csv-quote", "empty-body"];
/// And a document.
const DOCUMENT: Codes = &[
    "balance",
    "batch-sum",
    "currency-conversion",
    "customer-unknown",
    "due-date-unknown",
    "duplicate-statement",
    "negative-amount",
    "not-a-receivable",
    "not-stamped",
    "statement-line",
    "totals",
    "unknown-format",
    "uuid-format",
    "xml-namespace",
];
const MALFORMED_DOCUMENT: Codes = &["malformed-xml", "xml-attributes", "xml-character", "xml-doctype"];

/// Operation, status, codes.
const REFUSALS: &[(&str, u16, &[Codes])] = &[
    ("tell_facts", 400, &[UNREADABLE, MALFORMED_DOCUMENT, &["body-incomplete", "idempotency-key", "query-parameter"]]),
    ("tell_facts", 403, &[&["insufficient-scope", "tenant-mismatch"]]),
    ("tell_facts", 409, &[CONFLICT, &["batch-key-conflict"]]),
    ("tell_facts", 413, &[&["body-too-large", "csv-too-wide", "line-too-long", "too-large", "too-many-lines"]]),
    ("tell_facts", 415, &[&["unsupported-encoding", "unsupported-media-type"]]),
    ("tell_facts", 422, &[REFUSED, TABLE, DOCUMENT]),
    ("send_list", 400, &[&["body-incomplete", "encoding", "query-parameter"]]),
    ("send_list", 409, &[&["snapshot-drop", "snapshot-older", "snapshot-running", "source-mode"]]),
    ("send_list", 413, &[&["body-too-large", "csv-too-wide"]]),
    ("send_list", 415, &[&["unsupported-encoding", "unsupported-media-type"]]),
    ("send_list", 422, &[TABLE, &["control-total"]]),
    ("list_lists", 400, &[&["query-parameter"]]),
    ("get_list", 404, &[&["not-found"]]),
    ("get_receipt", 404, &[&["not-found"]]),
    ("get_watermark", 400, &[&["query-parameter"]]),
    ("get_watermark", 404, &[&["not-found"]]),
    ("get_profile", 400, &[&["query-parameter"]]),
    ("get_profile", 404, &[&["not-found"]]),
    ("put_profile", 400, &[&["body-incomplete", "encoding"]]),
    ("put_profile", 409, &[&["profile-reserved", "too-many-profiles"]]),
    ("put_profile", 413, &[&["body-too-large"]]),
    ("put_profile", 415, &[&["unsupported-media-type"]]),
    ("put_profile", 422, &[&["profile-invalid", "profile-name"]]),
    ("remove_profile", 404, &[&["not-found"]]),
    ("remove_profile", 409, &[&["profile-reserved"]]),
    ("remove_profile", 422, &[&["profile-name"]]),
    ("list_quarantine", 400, &[&["query-parameter"]]),
    ("get_quarantined", 404, &[&["not-found"]]),
    ("redrive_quarantined", 400, &[UNREADABLE]),
    ("redrive_quarantined", 403, &[&["insufficient-scope", "tenant-mismatch"]]),
    ("redrive_quarantined", 404, &[&["not-found"]]),
    ("redrive_quarantined", 409, &[CONFLICT, &["already-decided"]]),
    ("redrive_quarantined", 413, &[&["line-too-long"]]),
    ("redrive_quarantined", 422, &[REFUSED]),
    ("mend_quarantined", 400, &[UNREADABLE, SMALL_BODY]),
    ("mend_quarantined", 403, &[&["insufficient-scope", "tenant-mismatch"]]),
    ("mend_quarantined", 404, &[&["not-found"]]),
    ("mend_quarantined", 409, &[CONFLICT, &["already-decided"]]),
    ("mend_quarantined", 413, &[&["body-too-large", "line-too-long"]]),
    ("mend_quarantined", 422, &[REFUSED]),
    ("discard_quarantined", 400, &[SMALL_BODY]),
    ("discard_quarantined", 404, &[&["not-found"]]),
    ("discard_quarantined", 409, &[&["already-decided"]]),
    ("discard_quarantined", 413, &[&["body-too-large"]]),
    ("discard_quarantined", 422, &[&["reason"]]),
    ("get_parked", 400, &[&["query-parameter"]]),
    ("list_holds", 400, &[&["query-parameter"]]),
    ("get_unapplied", 400, &[&["query-parameter"]]),
    ("get_cash_rules", 400, &[&["query-parameter"]]),
    ("get_cash_rules", 404, &[&["not-found"]]),
    ("put_settings", 400, &[UNREADABLE, SMALL_BODY]),
    ("put_settings", 413, &[&["body-too-large"]]),
    ("put_settings", 422, &[&["unknown-value"]]),
    ("put_cash_rules", 400, &[UNREADABLE, SMALL_BODY]),
    ("put_cash_rules", 413, &[&["body-too-large"]]),
    ("put_cash_rules", 422, &[REFUSED, &["duplicate-rule"]]),
    ("get_balance", 400, &[&["query-parameter"]]),
    ("list_missing_certificates", 400, &[&["query-parameter"]]),
    ("list_exchanges", 400, &[&["query-parameter"]]),
    ("list_late_deliveries", 400, &[&["query-parameter"]]),
    ("allocate_payment", 400, &[SMALL_BODY, &["malformed-json", "too-deep"]]),
    ("allocate_payment", 413, &[&["body-too-large", "line-too-long"]]),
    ("allocate_payment", 422, &[REFUSED]),
    ("list_dead_letters", 400, &[&["query-parameter"]]),
    ("list_dead_letter_attempts", 400, &[&["query-parameter"]]),
    ("redrive_dead_letter", 404, &[&["not-found"]]),
    ("redrive_dead_letters", 400, &[SMALL_BODY]),
    ("redrive_dead_letters", 413, &[&["body-too-large"]]),
    ("redrive_dead_letters", 422, &[&["unreadable-choice"]]),
];

/// Every door with a key may refuse so.
const ALWAYS: &[(u16, &[Codes])] = &[
    (401, &[&["unauthorized"]]),
    (403, &[&["insufficient-scope"]]),
    (408, &[&["timeout"]]),
    (500, &[&["internal"]]),
    (503, &[&["unavailable"]]),
];

/// Tells each door's refusals.
pub(super) fn describe(paths: &mut Paths) {
    for operation in operations(paths).filter(|operation| operation.security.is_none()) {
        let id = operation.operation_id.clone().unwrap_or_default();
        for (_, status, codes) in REFUSALS.iter().filter(|(of, ..)| *of == id) {
            refuses(operation, *status, codes);
        }
        for (status, codes) in ALWAYS {
            refuses(operation, *status, codes);
        }
    }
}

fn refuses(operation: &mut Operation, status: u16, codes: &[Codes]) {
    let codes: Vec<&str> = codes.concat();
    let kinds = codes.iter().map(|code| format!("https://puntual.dev/problems/{code}"));
    let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(kinds));
    let number = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([json!(status)]));
    let narrowed = ObjectBuilder::new().property("type", kind).property("status", number);
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(narrowed);
    let described = codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ");
    let mut response = ResponseBuilder::new()
        .description(described)
        .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build());
    let header = |text: &str| HeaderBuilder::new().description(Some(text)).build();
    match status {
        503 => response = response.header("Retry-After", header("Seconds")),
        415 => {
            response = response
                .header("Accept-Post", header("Media types that are read"))
                .header("Accept-Encoding", header("Codings that are inflated"));
        }
        _ => {}
    }
    operation.responses.responses.entry(status.to_string()).or_insert_with(|| response.build().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_belongs_to_a_door() {
        let mut document = super::super::DOCUMENT.clone();
        let known: Vec<_> = operations(&mut document.paths).filter_map(|door| door.operation_id.clone()).collect();
        for (id, ..) in REFUSALS {
            assert!(known.iter().any(|door| door == id), "{id}");
        }
    }
}
