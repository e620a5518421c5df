//! The envelope of a fact (D1): CloudEvents in JSON.

use chrono::NaiveDate;

use super::json::{self, Json};
use super::members::{Members, Noted, Read};
use super::{Finding, data, sha256};
use crate::domain::fact::Fact;
use crate::domain::order::ChangeOrder;

/// Integers beyond this lose digits in readers that use floats, and in the canonical form (RFC 8785).
const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A fact with what is kept of its text.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) fact: Fact,
    /// SHA-256 of the canonical form of all members supplied.
    pub(crate) sha256: [u8; 32],
    /// The member `data`.
    pub(crate) data: serde_json::Value,
}

/// Reads one fact, or says all that is wrong with it; `today` is the middle of the window of dates.
pub(crate) fn fact(bytes: &[u8], today: NaiveDate) -> Result<Parsed, Vec<Finding>> {
    let json = json::parse(bytes).map_err(|finding| vec![finding])?;
    let mut findings = Vec::new();
    let parsed = read(&json, today, &mut findings);
    match parsed {
        Ok(fact) if findings.is_empty() => {
            let value = json.to_value();
            let canonical = serde_json_canonicalizer::to_vec(&value)
                .map_err(|error| vec![Finding::new("malformed-json", "#", error.to_string())])?;
            let data = value.get("data").cloned().unwrap_or_default();
            Ok(Parsed { fact, sha256: sha256(&canonical), data })
        }
        _ => Err(findings),
    }
}

fn read(json: &Json, today: NaiveDate, findings: &mut Vec<Finding>) -> Read<Fact> {
    let mut envelope = Members::of(json, "#", today, findings)?;
    let spec_version = envelope.choice("specversion", &["1.0"], "1.0");
    let id = envelope.key("id");
    let source = envelope.key("source");
    let fact_type = envelope.required("type", |value| Ok(value.to_owned()));
    let time = envelope.instant("time");
    let source_version = version(&mut envelope);
    let actor = envelope.optional_key("actor");
    let approval = envelope.optional_key("approval");
    let tenant = envelope.optional_key("tenant");
    let legal_entity = envelope.optional_key("legal_entity");
    let content = envelope.raw("data");
    if content.is_none() {
        envelope.missing("data");
    }
    let body = match (&fact_type, content) {
        (Ok(fact_type), Some(content)) => data::body(fact_type, content, &mut envelope),
        _ => Err(Noted),
    };
    envelope.finish();
    spec_version?;
    let (id, source, time, source_version) = (id?, source?, time?, source_version?);
    Ok(Fact {
        order: ChangeOrder::new(source_version.as_deref(), time, &id, &source),
        source,
        id,
        occurred_at: time,
        source_version,
        actor: actor?,
        approval: approval?,
        tenant: tenant?,
        legal_entity: legal_entity?,
        body: body?,
    })
}

/// A string, or an integer that every reader understands alike.
fn version(envelope: &mut Members<'_>) -> Read<Option<String>> {
    let name = "source_version";
    match envelope.raw(name) {
        Some(Json::Number(number)) => {
            if number.parse::<u64>().is_ok_and(|integer| integer <= SAFE_INTEGER) {
                return Ok(Some(number.clone()));
            }
            Err(envelope.note(
                name,
                "wrong-type",
                format!("an integer from 0 to {SAFE_INTEGER}, or a string, is expected"),
            ))
        }
        _ => envelope.optional_key(name),
    }
}
