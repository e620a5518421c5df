//! `GET /v1/ledger/balance`: what was owed as of any past moment, on two axes of time (D5). What Puntual knew at a moment does not
//! change any more: the journal is only added to, and of invoices it is kept what a correction replaced.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use primitives::Currency;
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Problem};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::openapi::values::{CurrencyCode, Day, Key, Moment};
use crate::domain::text;
use crate::store;
use crate::store::balance::{Asked, ItemRow, TotalRow};

/// Open items that are told at once.
const MAX_LIMIT: i64 = 1_000;
const DEFAULT_LIMIT: i64 = 100;

/// Which past, and whose.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Past {
    /// As it was known at this moment; now unless told.
    #[param(value_type = Moment, required = false)]
    as_of: Option<String>,
    /// Of what counts until the end of this civil day; the day of `as_of` in the tenant's zone unless told.
    #[param(value_type = Day, required = false)]
    on: Option<String>,
    /// Code: what this customer had bought, whoever pays for it.
    #[param(value_type = Key, required = false)]
    customer: Option<String>,
    /// Code: what this payer was to pay, whoever had bought it.
    #[param(value_type = Key, required = false, example = "C-001")]
    payer: Option<String>,
    #[param(value_type = CurrencyCode, required = false, example = "COP")]
    currency: Option<String>,
    /// Open items to be left out: `next` of the answer before.
    #[param(value_type = u32, required = false, minimum = 0, maximum = 2_147_483_647, example = 0)]
    from: Option<String>,
    /// Open items at once; 100 unless told.
    #[param(value_type = u16, required = false, minimum = 1, maximum = 1000, example = 10)]
    limit: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Balance {
    as_of: DateTime<Utc>,
    on: NaiveDate,
    totals: Vec<TotalRow>,
    /// Of one customer or payer, the oldest first; absent where neither was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    items: Option<Vec<ItemRow>>,
    /// Where the next items are; absent with the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    next: Option<i64>,
}

/// What was owed as of a past moment?
///
/// Scope `read`. As Puntual knew it at `as_of`, of what counts until `on`: late facts, corrections, bounces and voids that came
/// after the moment are not in it. Asked for a moment a few seconds ago, facts that were being accepted then may still join.
#[utoipa::path(get, path = "/v1/ledger/balance", operation_id = "get_balance", tag = "ledger", params(Past),
    responses((status = 200, description = "Totals by legal entity and currency, and the open items of one", body = Balance)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    query: Result<Query<Past>, QueryRejection>,
) -> Result<Json<Balance>, Problem> {
    caller.require("read")?;
    let Query(past) = query.map_err(|rejection| Problem::parameter("query", rejection.body_text()))?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let now = super::accept::now(&door, &mut tx).await?;
    let asked = past.asked(&mut tx, caller.tenant_id, now).await?;
    let (from, limit) = past.page()?;
    let totals = store::balance::totals(&mut tx, caller.tenant_id, &asked).await?;
    let (mut items, mut next) = (None, None);
    if asked.customer_id.is_some() || asked.payer_id.is_some() {
        // One more, to know whether there are more.
        let page = (from, limit.saturating_add(1));
        let mut rows = store::balance::items(&mut tx, caller.tenant_id, &asked, page).await?;
        let told = usize::try_from(limit).unwrap_or(usize::MAX);
        next = (rows.len() > told).then(|| from.saturating_add(limit));
        rows.truncate(told);
        items = Some(rows);
    }
    Ok(Json(Balance { as_of: asked.as_of, on: asked.on, totals, items, next }))
}

impl Past {
    async fn asked(&self, conn: &mut PgConnection, tenant_id: Uuid, now: DateTime<Utc>) -> Result<Asked, Problem> {
        let today = now.date_naive();
        let as_of = self.as_of.as_deref().map(|told| text::instant(told, today)).transpose();
        let as_of = as_of.map_err(|error| Problem::parameter("as_of", error.to_string()))?.unwrap_or(now);
        if as_of > now {
            return Err(Problem::parameter("as_of", "what will be known is not known yet"));
        }
        let on = self.on.as_deref().map(|told| text::date(told, today)).transpose();
        let on = if let Some(on) = on.map_err(|error| Problem::parameter("on", error.to_string()))? {
            on
        } else {
            let zone = store::context::tenant(conn, tenant_id).await?.time_zone.parse::<Tz>().unwrap_or(Tz::UTC);
            as_of.with_timezone(&zone).date_naive()
        };
        let customer = |name: &'static str, code: Option<&String>| {
            let id =
                |code: &String| text::natural_key(code).map(|code| ids::derive(tenant_id, Kind::Customer, &[code]));
            code.map(id).transpose().map_err(|error| Problem::parameter(name, error.to_string()))
        };
        let currency = self.currency.as_deref().map(Currency::parse).transpose();
        let currency = currency.map_err(|error| Problem::parameter("currency", error.to_string()))?;
        Ok(Asked {
            as_of,
            on,
            customer_id: customer("customer", self.customer.as_ref())?,
            payer_id: customer("payer", self.payer.as_ref())?,
            currency: currency.map(|currency| currency.code().to_owned()),
        })
    }

    /// From where on, and how many.
    fn page(&self) -> Result<(i64, i64), Problem> {
        let number = |name: &'static str, told: Option<&String>, unless_told: i64, from: i64, through: i64| {
            let Some(told) = told else { return Ok(unless_told) };
            let number = told.parse().ok().filter(|number| (from..=through).contains(number));
            number.ok_or_else(|| Problem::parameter(name, format!("a number from {from} to {through} is expected")))
        };
        let from = number("from", self.from.as_ref(), 0, 0, i32::MAX.into())?;
        Ok((from, number("limit", self.limit.as_ref(), DEFAULT_LIMIT, 1, MAX_LIMIT)?))
    }
}
