//! `GET /v1/model`: how well the model has foretold, measured on every label that settled.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use runtime::{Caller, Door, Problem};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::domain::model::learner::Learner;
use crate::domain::model::memory::MODEL_VERSION;
use crate::domain::model::record::Standing;
use crate::domain::model::statistics::{days, log_odds, probability};
use crate::domain::state::Owner;
use crate::store::{learning, states};

/// What was said on the issue date of invoices against what came of them, the last ninety days weighing most.
#[derive(Debug, Serialize)]
#[allow(clippy::struct_field_names, reason = "a version has the same name wherever it stands")]
pub(crate) struct Model {
    model_version: &'static str,
    learned_through: Option<NaiveDate>,
    /// Absent before the first label.
    record: Option<Record>,
}

#[derive(Debug, Serialize)]
struct Record {
    /// Settled labels, decayed.
    labels: Decimal,
    /// Mean squared difference between probability and outcome; and that of saying the share of late invoices of everyone.
    brier: Decimal,
    brier_of_base_rate: Decimal,
    log_loss: Decimal,
    /// Mean difference between probability and share of late invoices, over tenths of the probabilities.
    calibration_error: Decimal,
    reliability: Vec<Tenth>,
    /// Mean days between the median that was foretold and the day it was cleared.
    days_off: Option<Decimal>,
    /// Share of cleared invoices that stayed below their p80.
    p80_coverage: Option<Decimal>,
    /// Population stability index of the probabilities, the last ninety days against the last year: below 0.1 nothing has
    /// moved, above 0.25 much has.
    drift: Decimal,
}

/// A tenth of the probabilities.
#[derive(Debug, Serialize)]
struct Tenth {
    labels: Decimal,
    said: Decimal,
    late: Decimal,
}

pub(crate) async fn show(State(door): State<Door>, caller: Caller) -> Result<Json<Model>, Problem> {
    caller.require("read")?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let learned_through = learning::learned_through(&mut tx, caller.tenant_id).await?;
    let mut record = None;
    if let Some(next) = learned_through.and_then(|day| day.succ_opt()) {
        let mut learner = Learner::new();
        let tenant = BTreeSet::from([Owner::Tenant]);
        states::recall(&mut tx, caller.tenant_id, &tenant, next, &mut learner).await?;
        record = learner.standing(next).as_ref().map(body);
    }
    Ok(Json(Model { model_version: MODEL_VERSION, learned_through, record }))
}

fn body(standing: &Standing) -> Record {
    let share = |value: f64| probability(value).round_dp(4);
    Record {
        labels: days(standing.labels),
        brier: share(standing.brier),
        brier_of_base_rate: share(standing.brier_of_base_rate),
        log_loss: log_odds(standing.log_loss).round_dp(4),
        calibration_error: share(standing.calibration_error),
        reliability: standing
            .tenths
            .iter()
            .filter(|tenth| tenth.labels > 0.0)
            .map(|tenth| Tenth { labels: days(tenth.labels), said: share(tenth.said), late: share(tenth.late) })
            .collect(),
        days_off: standing.days_off.map(days),
        p80_coverage: standing.p80_coverage.map(share),
        drift: log_odds(standing.drift).round_dp(4),
    }
}
