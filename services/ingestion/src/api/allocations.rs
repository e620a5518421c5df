//! `POST /v1/allocations`: a person says whose a payment is and what it pays. And the rules that say so by themselves: after
//! every acceptance they are tried on what waits for a payer.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Problem, SmallBody, json_object};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::accept::{Verdict, accept};
use super::openapi::requests::Allocation;
use super::reading::batch::Line;
use super::receipts::Receipt;
use super::refusal;
use crate::domain::cash::{Candidate, Clues, Evidence, Match, matches};
use crate::domain::ledger::AccountKey;
use crate::store;
use crate::store::cash::UnidentifiedRow;

/// Payments that the rules are tried on after one acceptance, oldest first.
const TRIED_AT_ONCE: i64 = 500;
/// Suggestions that are kept for a person.
const MAX_SUGGESTIONS: usize = 5;
/// Open invoices of one payer that are compared with an amount.
const MAX_INVOICES: usize = 1_000;

/// What a person decides. Amounts are strings; without one, a part takes what is open of its invoice.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// Code of the payment's source, and its number there.
    source: String,
    payment: String,
    payer: String,
    currency: String,
    #[serde(default)]
    legal_entity: Option<String>,
    #[serde(default)]
    invoices: Vec<Value>,
}

/// Says whose a payment is, and what it pays.
///
/// Scope `facts:write`. Of two decisions about one payment the later one counts.
#[utoipa::path(post, path = "/v1/allocations", operation_id = "allocate_payment", tag = "ledger",
    request_body(content = Allocation, description = "A person's decision",
        example = json!({"source": "bank", "payment": "P-002", "payer": "C-001", "currency": "COP", "invoices": [{"invoice": "F-1001"}]})),
    responses((status = 201, description = "It is a fact now", body = Receipt)))]
pub(super) async fn post(caller: Caller, State(door): State<Door>, SmallBody(body): SmallBody) -> Response {
    match decide(&caller, &door, &body).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn decide(caller: &Caller, door: &Door, body: &[u8]) -> Result<Response, Problem> {
    caller.require("facts:write")?;
    let decision: Decision = json_object(body).map_err(|detail| {
        Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The body cannot be read").detail(detail)
    })?;
    let now = super::accept::now(door, &mut *door.pool.acquire().await?).await?;
    let mut fact = json!({
        "id": format!("allocation {}", Uuid::now_v7()),
        "source": decision.source,
        "type": "payment.allocated",
        "time": now.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        // Of two decisions about one payment the later one counts.
        "source_version": now.timestamp_micros(),
        "data": {
            "payment": decision.payment,
            "payer": decision.payer,
            "currency": decision.currency,
            "invoices": decision.invoices,
        },
    });
    if let (Some(entity), Some(members)) = (decision.legal_entity, fact.as_object_mut()) {
        members.insert("legal_entity".to_owned(), json!(entity));
    }
    let verdicts = accept(door, caller, &[Line::new(1, 0, fact.to_string().into())], None).await?;
    Ok(match verdicts.into_iter().next() {
        Some(Verdict::Accepted(receipt) | Verdict::Replayed(receipt)) => {
            (StatusCode::CREATED, Json(Receipt::from(receipt))).into_response()
        }
        Some(Verdict::Refused(findings)) => refusal::problem(&findings).into_response(),
        None => Problem::unavailable().into_response(),
    })
}

/// Tries the rules on the payments that wait for a payer. What they are certain of is accepted as a fact of its own; the
/// rest is suggested. A failure is told in the log: the next acceptance tries again.
pub(super) async fn try_rules(door: &Door, caller: &Caller) {
    if let Err(problem) = try_once(door, caller).await {
        tracing::warn!(status = %problem.status(), "rules of cash application could not be tried");
    }
}

async fn try_once(door: &Door, caller: &Caller) -> Result<(), Problem> {
    let mut tx = door.begin(caller.tenant_id).await?;
    let waiting = store::cash::open(&mut tx, caller.tenant_id, TRIED_AT_ONCE).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let now = super::accept::now(door, &mut tx).await?;
    let found = find(&mut tx, caller.tenant_id, &waiting).await?;
    let payers: BTreeSet<Uuid> = found.values().flatten().map(|found| found.payer_id).collect();
    let payers = store::parties::customers(&mut tx, caller.tenant_id, &payers.into_iter().collect::<Vec<_>>()).await?;
    let codes: BTreeMap<Uuid, String> = payers.into_iter().map(|row| (row.customer_id, row.code)).collect();
    let (mut facts, mut suggested) = (Vec::new(), Vec::new());
    for payment in &waiting {
        let matches = found.get(&payment.credit_id).map_or(&[][..], Vec::as_slice);
        if let Some(certain) = matches.first().filter(|found| found.confidence == 100) {
            facts.extend(allocation(payment, certain, &codes, now));
            continue;
        }
        let suggestions: Vec<Value> =
            matches.iter().take(MAX_SUGGESTIONS).filter_map(|found| suggestion(found, &codes)).collect();
        let suggestions = Value::Array(suggestions);
        if suggestions != payment.suggestions {
            suggested.push((payment.credit_id, suggestions));
        }
    }
    store::cash::suggest(&mut tx, caller.tenant_id, &suggested).await?;
    tx.commit().await?;
    if facts.is_empty() {
        return Ok(());
    }
    metrics::counter!("puntual_ingestion_payments_identified_total").increment(u64::try_from(facts.len()).unwrap_or(0));
    let lines: Vec<Line> =
        (1..).zip(facts).map(|(number, fact)| Line::new(number, 0, fact.to_string().into())).collect();
    let batch_id = ids::derive(caller.tenant_id, Kind::Quarantine, &["rules", &now.to_rfc3339()]);
    accept(door, caller, &lines, Some(batch_id)).await?;
    Ok(())
}

fn allocation(
    payment: &UnidentifiedRow,
    found: &Match,
    codes: &BTreeMap<Uuid, String>,
    now: chrono::DateTime<chrono::Utc>,
) -> Option<Value> {
    let invoices: Vec<Value> = found.invoices.iter().map(|number| json!({"invoice": number})).collect();
    Some(json!({
        "id": format!("rule {} {}", found.rule, payment.credit_id),
        "source": payment.source,
        "type": "payment.allocated",
        "time": now.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "source_version": now.timestamp_micros(),
        "legal_entity": payment.legal_entity,
        "actor": "puntual",
        "data": {
            "payment": payment.number,
            "payer": codes.get(&found.payer_id)?,
            "currency": payment.currency,
            "invoices": invoices,
            "rule": found.rule,
        },
    }))
}

fn suggestion(found: &Match, codes: &BTreeMap<Uuid, String>) -> Option<Value> {
    Some(json!({
        "payer": codes.get(&found.payer_id)?,
        "rule": found.rule,
        "confidence_percent": found.confidence,
        "invoices": found.invoices,
    }))
}

/// What each rule finds for each of the payments.
async fn find(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    waiting: &[UnidentifiedRow],
) -> Result<BTreeMap<Uuid, Vec<Match>>, sqlx::Error> {
    let clues: BTreeMap<Uuid, &Clues> =
        waiting.iter().filter_map(|row| Some((row.credit_id, &**row.clues.as_ref()?))).collect();
    let mut numbers: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for row in waiting {
        let Some(clues) = clues.get(&row.credit_id) else { continue };
        let named = clues.numbers().into_iter();
        let ids = named.map(|number| ids::derive(tenant_id, Kind::Invoice, &[&row.legal_entity, &number]));
        numbers.insert(row.credit_id, ids.collect());
    }
    let invoice_ids: Vec<Uuid> = numbers.values().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let invoices = store::receivables::by_ids(conn, tenant_id, &invoice_ids).await?;
    let invoices: BTreeMap<Uuid, _> = invoices.into_iter().map(|row| (row.invoice_id, row)).collect();
    let accounts: Vec<String> = clues.values().filter_map(|clues| clues.account.clone()).collect();
    let by_account = store::cash::payers_of_accounts(conn, tenant_id, &accounts).await?;
    let spellings: Vec<String> = clues.values().filter_map(|clues| clues.name.clone()).collect();
    let by_name = store::cash::payers_of_names(conn, tenant_id, &spellings).await?;

    let mut found = BTreeMap::new();
    for row in waiting {
        let Some(told) = clues.get(&row.credit_id) else { continue };
        let mentioned = numbers.get(&row.credit_id).into_iter().flatten().filter_map(|id| invoices.get(id));
        let named = mentioned
            .filter(|invoice| invoice.currency == row.currency && !invoice.open_amount.is_zero())
            .map(candidate)
            .collect();
        let mut evidence = Evidence { amount: row.amount, named, ..Evidence::default() };
        if let Some(account) = &told.account {
            evidence.payers_by_account = by_account.get(account).cloned().unwrap_or_default();
        }
        if let Some(name) = &told.name {
            evidence.payers_by_name = by_name.get(name).cloned().unwrap_or_default();
        }
        let mut keys = Vec::new();
        for payer_id in evidence.payers_by_account.union(&evidence.payers_by_name) {
            let currency = store::accounts::stored_currency(&row.currency)?;
            keys.push(AccountKey { legal_entity_id: row.legal_entity_id, payer_id: *payer_id, currency });
        }
        if !keys.is_empty() {
            let open = store::receivables::open(conn, tenant_id, &keys).await?;
            evidence.of_payers = open.iter().take(MAX_INVOICES).map(candidate).collect();
        }
        found.insert(row.credit_id, matches(&evidence));
    }
    Ok(found)
}

fn candidate(row: &store::receivables::ReceivableRow) -> Candidate {
    Candidate { number: row.number.clone(), payer_id: row.payer_id, open_amount: row.open_amount }
}
