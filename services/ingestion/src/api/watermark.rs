//! `GET /v1/feeds/{source}/watermark`: what was accepted of a source by day, type and currency, so that it can prove that
//! nothing is missing (I10).

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, Days, NaiveDate, Utc};
use runtime::{Caller, Door, Named, Problem};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::openapi::values::{Day, Key};
use crate::domain::text;
use crate::store;
use crate::store::watermarks::WatermarkRow;

/// Days that are told at once.
const MAX_DAYS: u64 = 400;
const DEFAULT_DAYS: u64 = 31;

/// Days of the facts' own time, in UTC; the last month unless told.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Window {
    /// First day; 31 days before the last unless told, at most 400.
    #[param(value_type = Day, required = false, example = "2026-02-01")]
    from: Option<String>,
    /// Last day; today unless told.
    #[param(value_type = Day, required = false, example = "2026-03-31")]
    through: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Watermark {
    source: String,
    from: NaiveDate,
    through: NaiveDate,
    facts: u64,
    /// Exclusive or over the first eight bytes of SHA-256 of each fact's id, hexadecimal.
    ids_xor: String,
    /// When the last of them was accepted, and its id.
    recorded_at: Option<DateTime<Utc>>,
    last_id: Option<String>,
    days: Vec<Total>,
}

/// Facts of one day, type and currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WatermarkTotal)]
struct Total {
    day: NaiveDate,
    #[serde(rename = "type")]
    fact_type: String,
    /// Absent where facts have no amount.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    currency: String,
    facts: u64,
    amount: Decimal,
    ids_xor: String,
}

/// What was accepted of a source, by day, type and currency.
///
/// Scope `read` or `facts:write`. With it a source can prove that nothing is missing.
#[utoipa::path(get, path = "/v1/feeds/{source}/watermark", operation_id = "get_watermark", tag = "facts",
    params(("source" = Key, Path, description = "Code of the source", example = "erp"), Window),
    responses((status = 200, description = "Counts, sums and a hash of the ids", body = Watermark)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    Named(source): Named<String>,
    query: Result<Query<Window>, QueryRejection>,
) -> Result<Json<Watermark>, Problem> {
    super::may_ask(&caller)?;
    text::natural_key(&source).map_err(|_| Problem::not_found())?;
    let Query(window) = query.map_err(|rejection| Problem::parameter("query", rejection.body_text()))?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let today = super::accept::now(&door, &mut tx).await?.date_naive();
    let (from, through) = days(&window, today)?;
    let rows = store::watermarks::of_source(&mut tx, caller.tenant_id, &source, from, through).await?;
    let rows = rows.ok_or_else(Problem::not_found)?;
    let last = rows.iter().max_by_key(|row| row.recorded_at);
    Ok(Json(Watermark {
        source,
        from,
        through,
        facts: rows.iter().map(|row| row.facts.unsigned_abs()).sum(),
        ids_xor: hex(rows.iter().fold(0, |xor, row| xor ^ row.ids_xor)),
        recorded_at: last.map(|row| row.recorded_at),
        last_id: last.map(|row| row.last_id.clone()),
        days: rows.iter().map(Total::from).collect(),
    }))
}

impl From<&WatermarkRow> for Total {
    fn from(row: &WatermarkRow) -> Self {
        Self {
            day: row.day,
            fact_type: row.fact_type.clone(),
            currency: row.currency.clone(),
            facts: row.facts.unsigned_abs(),
            amount: row.amount,
            ids_xor: hex(row.ids_xor),
        }
    }
}

fn days(window: &Window, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), Problem> {
    let day = |name: &'static str, told: Option<&str>| {
        let day = told.map(|told| text::date(told, today));
        day.transpose().map_err(|error| Problem::parameter(name, error.to_string()))
    };
    let through = day("through", window.through.as_deref())?.unwrap_or(today);
    let month_before = through.checked_sub_days(Days::new(DEFAULT_DAYS)).unwrap_or(through);
    let from = day("from", window.from.as_deref())?.unwrap_or(month_before);
    let longest = from.checked_add_days(Days::new(MAX_DAYS)).unwrap_or(from);
    if through < from || through > longest {
        return Err(Problem::parameter("from", format!("at most {MAX_DAYS} days before {through} are expected")));
    }
    Ok((from, through))
}

fn hex(xor: i64) -> String {
    format!("{xor:016x}")
}
