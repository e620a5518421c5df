//! The envelope of a fact (D1): CloudEvents in JSON.
//!
//! Attributes of CloudEvents have no `_`: `sourceversion` and `legalentity` are ours by another name. What only tells how
//! an event travels is no part of the fact: told again through another door it is the same fact.

use chrono::NaiveDate;

use super::json::{self, Json};
use super::members::{Members, Noted, Read, Refusal};
use super::{Finding, canonical, data, sha256};
use crate::domain::fact::Fact;
use crate::domain::order::ChangeOrder;

/// Integers beyond this lose digits in readers that use floats, and in the canonical form (RFC 8785).
pub(crate) const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Names without `_`, and ours.
const ALIASES: [(&str, &str); 2] = [("sourceversion", "source_version"), ("legalentity", "legal_entity")];

/// How it travels, not what it says; of these the version and the type of the content are checked.
const TRANSPORT: [&str; 6] = ["specversion", "datacontenttype", "dataschema", "subject", "traceparent", "tracestate"];

/// A fact with what is kept of its text.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) fact: Fact,
    /// SHA-256 of the canonical form of all members supplied.
    pub(crate) sha256: [u8; 32],
    /// The member `data` in its canonical form.
    pub(crate) data: String,
    /// The same without what names a person; none where nothing does.
    pub(crate) impersonal: Option<String>,
}

/// Reads one fact, or says all that is wrong with it; `today` is the middle of the window of dates.
pub(crate) fn fact(bytes: &[u8], today: NaiveDate) -> Result<Parsed, Vec<Finding>> {
    let json = json::parse(bytes).and_then(with_our_names).map_err(|finding| vec![finding])?;
    let mut findings = Vec::new();
    let parsed = read(&json, today, &mut findings);
    match parsed {
        Ok(fact) if findings.is_empty() => {
            let json = said(json);
            let mut canonical = Vec::new();
            canonical::write(&json, &mut canonical);
            let data = data_of(&json, |_| true);
            let personal = fact.body.personal();
            let names_somebody = personal.iter().any(|name| data_of(&json, |member| member == *name) != "{}");
            let impersonal = names_somebody.then(|| data_of(&json, |name| !personal.contains(&name)));
            Ok(Parsed { fact, sha256: sha256(&canonical), data, impersonal })
        }
        _ => Err(findings),
    }
}

fn read(json: &Json, today: NaiveDate, findings: &mut Vec<Finding>) -> Read<Fact> {
    let mut envelope = Members::of(json, "#", today, findings)?;
    let spec_version = envelope.choice("specversion", &["1.0"], "1.0");
    let content_type = envelope.optional("datacontenttype", is_json);
    for name in TRANSPORT {
        envelope.raw(name);
    }
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
    content_type?;
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

fn with_our_names(json: Json) -> Result<Json, Finding> {
    let Json::Object(mut members) = json else { return Ok(json) };
    for (theirs, ours) in ALIASES {
        let has_both = [theirs, ours].iter().all(|name| members.iter().any(|(member, _)| member == name));
        if has_both {
            let pointer = json::below("#", theirs);
            return Err(Finding::new("duplicate-member", pointer, format!("it is another name of {ours}")));
        }
        for (member, _) in members.iter_mut().filter(|(member, _)| member == theirs) {
            ours.clone_into(member);
        }
    }
    Ok(Json::Object(members))
}

/// What is stored and hashed.
fn said(json: Json) -> Json {
    let Json::Object(mut members) = json else { return json };
    members.retain(|(name, _)| !TRANSPORT.contains(&name.as_str()));
    // Headers know no numbers.
    for (name, value) in &mut members {
        if let Json::Number(number) = value
            && name == "source_version"
        {
            *value = Json::Text(std::mem::take(number));
        }
    }
    Json::Object(members)
}

/// The canonical form of those members of `data` that are wanted.
fn data_of(json: &Json, is_wanted: impl Fn(&str) -> bool) -> String {
    let Json::Object(members) = json else { return String::new() };
    let data = members.iter().find(|(name, _)| name == "data");
    let Some((_, Json::Object(data))) = data else { return String::new() };
    let mut canonical = Vec::new();
    let wanted = data.iter().filter(|(name, _)| is_wanted(name));
    canonical::write_members(wanted.map(|(name, value)| (name.as_str(), value)), &mut canonical);
    String::from_utf8(canonical).unwrap_or_default()
}

fn is_json(media_type: &str) -> Result<(), Refusal> {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Refusal { code: "unknown-value", detail: "the content of a fact is application/json".to_owned() })
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
