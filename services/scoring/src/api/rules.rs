//! `/v1/segmentation-rules`: the tenant's own rules, their versions, what they would change, and who had them decide.
//!
//! Reading and previewing need the scope `read`; writing, activating and rolling back `facts:write`, as all that changes
//! what Puntual does.

mod activate;
mod create;
mod list;
mod preview;
mod rollback;
mod show;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use runtime::{Caller, Door, FieldError, Problem};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::rules::{Document, Finding};
use crate::store::learning;
use crate::store::rules::{self, ActivationRow, Actor, RulesRow};

/// Activations that an answer lists.
const LISTED: i64 = 100;

pub(super) fn router() -> Router<Door> {
    Router::new()
        .route("/v1/segmentation-rules", get(list::list).post(create::create))
        .route("/v1/segmentation-rules/rollback", post(rollback::rollback))
        .route("/v1/segmentation-rules/{version}", get(show::show))
        .route("/v1/segmentation-rules/{version}/preview", post(preview::preview))
        .route("/v1/segmentation-rules/{version}/activate", post(activate::activate))
}

/// A version whole. The house's own has no author.
#[derive(Debug, Serialize)]
#[allow(clippy::struct_field_names, reason = "a version has the same name wherever it stands")]
pub(super) struct Version {
    version: String,
    /// "draft" until it is activated, then "active" or "superseded".
    state: &'static str,
    #[serde(flatten)]
    document: Document,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<DateTime<Utc>>,
}

/// A version that began to decide.
#[derive(Debug, Serialize)]
#[allow(clippy::struct_field_names, reason = "an activation has the same name wherever it stands")]
pub(super) struct Activation {
    activation: i32,
    version: String,
    /// The civil day at whose close everybody is assessed by it; null: from the first day on.
    active_from: Option<NaiveDate>,
    /// `activated` or `rolled_back`.
    reason: String,
    activated_by: String,
    activated_at: DateTime<Utc>,
}

impl From<ActivationRow> for Activation {
    fn from(row: ActivationRow) -> Self {
        Self {
            activation: row.activation,
            version: rules::name(row.version),
            active_from: row.active_from,
            reason: row.reason,
            activated_by: row.activated_by,
            activated_at: row.activated_at,
        }
    }
}

impl Version {
    fn of(row: RulesRow, activations: &[ActivationRow]) -> Self {
        Self {
            version: rules::name(Some(row.version)),
            state: state(Some(row.version), activations),
            document: row.document.0,
            created_by: Some(row.created_by),
            created_at: Some(row.created_at),
        }
    }

    fn standard(activations: &[ActivationRow]) -> Self {
        Self {
            version: rules::name(None),
            state: state(None, activations),
            document: Document::standard(),
            created_by: None,
            created_at: None,
        }
    }
}

/// By the activations, the newest first; before any the house's own decide.
fn state(version: Option<i32>, activations: &[ActivationRow]) -> &'static str {
    let current = activations.first().and_then(|activation| activation.version);
    if current == version {
        "active"
    } else if version.is_none() || activations.iter().any(|activation| activation.version == version) {
        "superseded"
    } else {
        "draft"
    }
}

/// The version of a path; 404 for what names none.
async fn find(conn: &mut PgConnection, tenant_id: Uuid, name: &str) -> Result<Option<RulesRow>, Problem> {
    match rules::named(name).map_err(|_| Problem::not_found())? {
        None => Ok(None),
        Some(version) => {
            let row = rules::find(conn, tenant_id, version).await?;
            row.map(Some).ok_or_else(Problem::not_found)
        }
    }
}

/// Has a version decide from the last closed day on, which is learned again; the tenant is locked.
async fn begin(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    version: Option<i32>,
    reason: &str,
    actor: Actor<'_>,
) -> Result<Activation, Problem> {
    let activation = rules::activate(conn, tenant_id, version, reason, actor).await?;
    if let Some(day) = activation.active_from {
        learning::mark_dirty(conn, &[(tenant_id, day)].into()).await?;
    }
    Ok(activation.into())
}

fn actor(caller: &Caller, at: DateTime<Utc>) -> Actor<'_> {
    Actor { name: &caller.name, key_id: caller.key_id, at }
}

/// All that is wrong with a document, each with its place.
fn refused(findings: Vec<Finding>) -> Problem {
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "rules-invalid", "The rules cannot be used");
    findings.into_iter().fold(problem, |problem, finding| {
        problem.error(FieldError {
            pointer: Some(format!("#{}", finding.pointer)),
            code: finding.code.into(),
            detail: finding.detail,
            ..FieldError::default()
        })
    })
}
