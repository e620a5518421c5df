//! `PUT` and `GET /v1/cash-rules`: how a tenant's money is applied. Every version is kept with who chose it.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Problem, SmallBody};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::openapi::rules::CashRules as Described;
use super::{reading, refusal, rules};
use crate::domain::cash::chain::Chain;
use crate::store;
use crate::store::cash::OutcomeRow;
use crate::store::cash_rules::CashRulesRow;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CashRulesInForce)]
pub(super) struct Shown {
    /// Zero: nobody has chosen, these are Puntual's.
    version: i64,
    /// In the order in which they are tried.
    #[schema(value_type = Vec<super::openapi::rules::CashRule>)]
    rules: Value,
    /// Who chose them; absent where nobody has, as is when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recorded_at: Option<DateTime<Utc>>,
    /// How often persons agreed with what rules had suggested; over all versions.
    outcomes: Vec<OutcomeRow>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The last unless told.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 1_000_000)]
    version: Option<String>,
}

/// Shows how money is applied.
///
/// Scope `read`.
#[utoipa::path(get, path = "/v1/cash-rules", operation_id = "get_cash_rules", tag = "ledger", params(Which),
    responses((status = 200, description = "The rules in force, or those of a version", body = Shown)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Shown>, Problem> {
    caller.require("read")?;
    let Query(which) = query.map_err(|rejection| Problem::parameter("query", rejection.body_text()))?;
    let version = which.version.map(|version| {
        let version = version.parse::<i64>().ok().filter(|version| (1..=1_000_000).contains(version));
        version.ok_or_else(|| Problem::parameter("version", "a number from 1 on is expected"))
    });
    let version = version.transpose()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let row = store::cash_rules::find(&mut tx, caller.tenant_id, version).await?;
    let shown = match (row, version) {
        (Some(row), _) => Shown::from(row),
        (None, None) => Shown::default(),
        (None, Some(_)) => return Err(Problem::not_found()),
    };
    let outcomes = store::cash::outcomes(&mut tx, caller.tenant_id).await?;
    Ok(Json(Shown { outcomes, ..shown }))
}

/// Chooses how money is applied.
///
/// Scope `facts:write`. The rules are tried in their order on what waits for a payer, at once and after every acceptance.
/// The same rules again change nothing; others are the next version. What was applied stays applied.
#[utoipa::path(put, path = "/v1/cash-rules", operation_id = "put_cash_rules", tag = "ledger",
    request_body(content = Described, description = "The whole chain", example = json!({"rules": [
        {"rule": "remittance"}, {"rule": "reference"}, {"rule": "account"}, {"rule": "name"}, {"rule": "amount", "up_to": "3"},
        {"rule": "oldest_first"}, {"rule": "withholding", "countries": ["CO"], "usual_rates": true},
        {"rule": "deduction", "reasons": [{"told": "AVERIA", "means": "quality"}]},
        {"rule": "tolerance", "as": "rounding", "per_cent": "0.5", "limits": [{"currency": "COP", "amount": "500.00"}]},
        {"rule": "exchange", "pairs": [{"paid": "COP", "owed": "USD", "rates": "TRM", "per_cent": "1", "limit": "20.00"}]}]})),
    responses((status = 200, description = "The rules in force", body = Shown)))]
pub(super) async fn put(caller: Caller, State(door): State<Door>, SmallBody(body): SmallBody) -> Response {
    match choose(&caller, &door, &body).await {
        Ok(shown) => Json(shown).into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn choose(caller: &Caller, door: &Door, body: &[u8]) -> Result<Shown, Problem> {
    caller.require("facts:write")?;
    let tenant_id = caller.tenant_id;
    let mut tx = door.begin(tenant_id).await?;
    let now = super::accept::now(door, &mut tx).await?;
    let chain = reading::cash_rules::chain(body, 0, now.date_naive()).map_err(|wrong| refusal::problem(&wrong))?;
    let told: Value = serde_json::from_slice(body).map_err(|_| Problem::unavailable())?;
    store::locks::take(&mut tx, tenant_id, &[ids::derive(tenant_id, Kind::CashRules, &[])]).await?;
    let last = store::cash_rules::find(&mut tx, tenant_id, None).await?;
    if let Some(last) = last.as_ref().filter(|last| last.rules == told) {
        let outcomes = store::cash::outcomes(&mut tx, tenant_id).await?;
        return Ok(Shown { outcomes, ..Shown::from(last.clone()) });
    }
    let row = CashRulesRow {
        version: last.map_or(1, |last| last.version + 1),
        rules: told,
        explains: chain.explains(),
        actor: caller.name.clone(),
        recorded_at: now,
    };
    store::cash_rules::add(&mut tx, tenant_id, &row).await?;
    let outcomes = store::cash::outcomes(&mut tx, tenant_id).await?;
    tx.commit().await?;
    rules::apply(door, caller).await;
    Ok(Shown { outcomes, ..Shown::from(row) })
}

/// The rules in force. What was right when it was chosen may be wrong for a later release: then Puntual's own are.
pub(super) async fn in_force(conn: &mut PgConnection, tenant_id: Uuid, today: NaiveDate) -> Result<Chain, sqlx::Error> {
    let Some(row) = store::cash_rules::find(conn, tenant_id, None).await? else { return Ok(Chain::default()) };
    let read = reading::cash_rules::chain(row.rules.to_string().as_bytes(), row.version, today);
    Ok(read.unwrap_or_else(|wrong| {
        tracing::warn!(%tenant_id, version = row.version, ?wrong, "cash rules cannot be read any more");
        Chain::default()
    }))
}

impl Default for Shown {
    fn default() -> Self {
        let rules = Chain::default().rules;
        let rules: Vec<Value> = rules.iter().map(|rule| json!({"rule": rule.name()})).collect();
        Self { version: 0, rules: Value::Array(rules), actor: None, recorded_at: None, outcomes: Vec::new() }
    }
}

impl From<CashRulesRow> for Shown {
    fn from(row: CashRulesRow) -> Self {
        let rules = row.rules.get("rules").cloned().unwrap_or_default();
        Self {
            version: row.version,
            rules,
            actor: Some(row.actor),
            recorded_at: Some(row.recorded_at),
            outcomes: Vec::new(),
        }
    }
}
