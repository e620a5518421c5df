//! `POST /v1/allocations`: a person says whose a payment is and what it pays.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use runtime::{Caller, Door, Problem, SmallBody, json_object};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::accept::{Verdict, accept};
use super::openapi::requests::Allocation;
use super::reading::batch::Line;
use super::receipts::Receipt;
use super::{refusal, rules};

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
    rules::apply(door, caller).await;
    Ok(match verdicts.into_iter().next() {
        Some(Verdict::Accepted(receipt) | Verdict::Replayed(receipt)) => {
            (StatusCode::CREATED, Json(Receipt::from(receipt))).into_response()
        }
        Some(Verdict::Refused(findings)) => refusal::problem(&findings).into_response(),
        None => Problem::unavailable().into_response(),
    })
}
