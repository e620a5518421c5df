//! `PUT` and `GET /v1/settings`: what a tenant chooses of how its debtors are treated. Every version is kept with who chose it; the
//! other roles are told with the tenant.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use contracts::stream;
use messaging::Outbox;
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Problem, SmallBody, json_object};
use serde::Serialize;
use utoipa::ToSchema;

use super::openapi::rules::TenantSettings as Described;
use super::reading::Finding;
use super::refusal;
use crate::domain::settings::Settings;
use crate::store;
use crate::store::settings::SettingsRow;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingsInForce)]
pub(super) struct Shown {
    /// Zero: nobody has chosen, these are Puntual's.
    version: i64,
    late_delivery_days: u32,
    claim_pause_days: u32,
    /// Who chose them; absent where nobody has, as is when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recorded_at: Option<DateTime<Utc>>,
}

/// Shows the settings in force.
///
/// Scope `read`.
#[utoipa::path(get, path = "/v1/settings", operation_id = "get_settings", tag = "ledger",
    responses((status = 200, description = "The settings in force", body = Shown)))]
pub(super) async fn get(caller: Caller, State(door): State<Door>) -> Result<Json<Shown>, Problem> {
    caller.require("read")?;
    let mut tx = door.begin(caller.tenant_id).await?;
    Ok(Json(Shown::of(store::settings::find(&mut tx, caller.tenant_id).await?)))
}

/// Chooses them; what is left out is as Puntual has it.
///
/// Scope `facts:write`. The same again change nothing; others are the next version. Pauses that were placed stay as they are.
#[utoipa::path(put, path = "/v1/settings", operation_id = "put_settings", tag = "ledger",
    request_body(content = Described, description = "All that is chosen",
        example = json!({"late_delivery_days": 10, "claim_pause_days": 5})),
    responses((status = 200, description = "The settings in force", body = Shown)))]
pub(super) async fn put(caller: Caller, State(door): State<Door>, SmallBody(body): SmallBody) -> Response {
    match choose(&caller, &door, &body).await {
        Ok(shown) => Json(shown).into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn choose(caller: &Caller, door: &Door, body: &[u8]) -> Result<Shown, Problem> {
    caller.require("facts:write")?;
    let tenant_id = caller.tenant_id;
    let told: Settings = json_object(body).map_err(|detail| {
        Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The body cannot be read").detail(detail)
    })?;
    if let Some((member, least, most)) = told.out_of_range() {
        let detail = format!("a number from {least} to {most} is expected");
        return Err(refusal::problem(&[Finding::new("unknown-value", format!("#/{member}"), detail)]));
    }
    let mut tx = door.begin(tenant_id).await?;
    let now = super::accept::now(door, &mut tx).await?;
    store::locks::take(&mut tx, tenant_id, &[ids::derive(tenant_id, Kind::Settings, &[])]).await?;
    let last = store::settings::find(&mut tx, tenant_id).await?;
    if last.as_ref().is_some_and(|last| last.settings.0 == told) {
        return Ok(Shown::of(last));
    }
    let row = SettingsRow {
        version: last.map_or(1, |last| last.version + 1),
        settings: sqlx::types::Json(told),
        actor: caller.name.clone(),
        recorded_at: now,
    };
    store::settings::add(&mut tx, tenant_id, &row).await?;
    let mut outbox = Outbox::new(stream::INGESTION, now);
    outbox.push(&store::tenants::next_version(&mut tx, tenant_id).await?);
    outbox.save(&mut tx).await?;
    tx.commit().await?;
    door.wake.notify();
    Ok(Shown::of(Some(row)))
}

impl Shown {
    fn of(row: Option<SettingsRow>) -> Self {
        let Settings { late_delivery_days, claim_pause_days } =
            row.as_ref().map(|row| row.settings.0).unwrap_or_default();
        Self {
            version: row.as_ref().map_or(0, |row| row.version),
            late_delivery_days,
            claim_pause_days,
            recorded_at: row.as_ref().map(|row| row.recorded_at),
            actor: row.map(|row| row.actor),
        }
    }
}
