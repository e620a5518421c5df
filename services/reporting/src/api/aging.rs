//! `GET /v1/aging?as_of=YYYY-MM-DD&clock=original|effective`: what was open at the end of a day, by days past due.

use axum::Json;
use axum::extract::State;
use runtime::{Caller, Door, Problem};
use serde::Serialize;

use super::desk::Desk;
use super::parameters::Parameters;
use crate::domain::aging::{AgingClock, AgingRow, age};
use crate::store::aging;

/// Words of the parameter `clock`.
const CLOCKS: [(&str, AgingClock); 2] = [("original", AgingClock::Original), ("effective", AgingClock::Effective)];

#[derive(Debug, Serialize)]
pub(super) struct Row {
    bucket: &'static str,
    currency: String,
    /// Decimal at the currency's scale.
    amount: String,
    count: i64,
}

pub(super) async fn show(
    caller: Caller,
    State(door): State<Door>,
    parameters: Parameters,
) -> Result<Json<Vec<Row>>, Problem> {
    parameters.only(&["as_of", "clock"])?;
    let as_of = parameters.date("as_of")?;
    let clock = parameters.one_of("clock", &CLOCKS)?.unwrap_or_default();
    let mut desk = Desk::open(&door, &caller).await?;
    let as_of = as_of.unwrap_or(desk.today);
    let open = aging::open_by_days(&mut desk.conn, desk.tenant_id, as_of, clock).await?;
    Ok(Json(age(&open).into_iter().map(row).collect()))
}

fn row(row: AgingRow) -> Row {
    Row {
        bucket: row.bucket.code(),
        amount: super::page::numbers::wire_amount(row.amount, &row.currency),
        currency: row.currency,
        count: row.items,
    }
}
