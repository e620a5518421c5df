//! `GET /v1/messages?day=…&customer=…`: the messages of a tenant, newest day first.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, NaiveDate, Utc};
use runtime::{Caller, Door, Problem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{day, hex, unreadable};
use crate::store::why;

const LIMIT: i64 = 500;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    day: Option<String>,
    /// Id or code.
    customer: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    messages: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    message_id: Uuid,
    customer_id: Uuid,
    customer_code: String,
    status: String,
    reason: String,
    day: NaiveDate,
    level: i32,
    template: String,
    language: String,
    invoice_ids: Vec<Uuid>,
    attempts: i32,
    rendered_sha256: Option<String>,
    changed_at: DateTime<Utc>,
}

pub(super) async fn list(
    State(door): State<Door>,
    caller: Caller,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    caller.require("read")?;
    let Query(params) = params.map_err(|rejection| unreadable(&rejection))?;
    let day = params.day.as_deref().map(day).transpose()?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let customer_id = match &params.customer {
        None => None,
        Some(named) => {
            let found = why::customer(&mut tx, caller.tenant_id, named).await?;
            Some(found.ok_or_else(Problem::not_found)?.customer_id)
        }
    };
    let rows = why::messages(&mut tx, caller.tenant_id, day, customer_id, LIMIT).await?;
    tx.commit().await?;
    let messages = rows.into_iter().map(|row| Listed {
        message_id: row.message_id,
        customer_id: row.customer_id,
        customer_code: row.code,
        status: row.status,
        reason: row.reason,
        day: row.day,
        level: row.level,
        template: row.template,
        language: row.language,
        invoice_ids: row.invoice_ids,
        attempts: row.attempts,
        rendered_sha256: row.rendered_sha256.as_deref().map(hex),
        changed_at: row.changed_at,
    });
    Ok(Json(Answer { messages: messages.collect() }))
}
