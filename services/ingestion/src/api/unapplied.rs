//! `GET /v1/unapplied`: what settles nothing: by payer and currency what belongs to somebody, and the payments that wait for a
//! payer, with what the rules suggest.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::NaiveDate;
use runtime::{Caller, Door, Problem};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::openapi::requests::{KnownClues, RuleRefusal, Suggestion};
use super::quarantine::{Page, page};
use crate::domain::cash::Clues;
use crate::store;
use crate::store::cash::UnidentifiedRow;
use crate::store::proofs::UnappliedRow;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Unapplied {
    rows: Vec<UnappliedRow>,
    unidentified: Vec<Waiting>,
}

/// A payment that waits for a payer. `POST /v1/allocations` says whose it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnidentifiedPayment)]
pub(super) struct Waiting {
    source: String,
    payment: String,
    legal_entity: String,
    currency: String,
    amount: String,
    value_date: NaiveDate,
    /// Since the value date.
    age_days: i64,
    #[schema(value_type = Option<KnownClues>)]
    clues: Option<Clues>,
    /// The rule that came nearest, which made the first suggestion; null where none found anything.
    nearest_rule: Option<String>,
    /// The surest first.
    #[schema(value_type = Vec<Suggestion>)]
    suggestions: Value,
    /// Why the decision of a rule was not accepted; null where none was refused.
    #[schema(value_type = Option<RuleRefusal>)]
    refusal: Option<Value>,
}

impl Waiting {
    fn of(row: UnidentifiedRow, today: NaiveDate) -> Self {
        let nearest = row.suggestions.pointer("/0/rule").and_then(Value::as_str);
        Self {
            nearest_rule: nearest.map(str::to_owned),
            age_days: (today - row.value_date).num_days().max(0),
            source: row.source,
            payment: row.number,
            legal_entity: row.legal_entity,
            currency: row.currency,
            amount: row.amount.to_string(),
            value_date: row.value_date,
            clues: row.clues.map(|clues| clues.0),
            suggestions: row.suggestions,
            refusal: row.refusal,
        }
    }
}

/// What settles nothing.
///
/// Scope `read`. By payer and currency what belongs to somebody, and the payments that wait for a payer, with what the rules suggest.
#[utoipa::path(get, path = "/v1/unapplied", operation_id = "get_unapplied", tag = "ledger", params(Page),
    responses((status = 200, description = "Money that settles nothing", body = Unapplied)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Unapplied>, Problem> {
    caller.require("read")?;
    let limit = page(query)?.limit()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let today = super::accept::now(&door, &mut tx).await?.date_naive();
    let rows = store::proofs::unapplied(&mut tx, caller.tenant_id, today, limit).await?;
    let waiting = store::cash::open(&mut tx, caller.tenant_id, limit).await?;
    Ok(Json(Unapplied { rows, unidentified: waiting.into_iter().map(|row| Waiting::of(row, today)).collect() }))
}
