//! `POST /v1/segmentation-rules/{version}/preview`: who would move where, if this version had decided at the last close.
//! Nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::NaiveDate;
use chrono_tz::Tz;
use runtime::{Caller, Door, Named, Problem};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::find;
use crate::domain::assessment::{Ruling, Terms, assess};
use crate::domain::rules::Rules;
use crate::domain::segment::{Segment, StructuralDelay};
use crate::store::learners::recall;
use crate::store::previews::{self, Portfolio};
use crate::store::{calibrations, customers, learning, rules, standings};

/// Customers that are assessed at once.
const PAGE: i64 = 2_000;
const MOST_SAMPLES: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Asked {
    /// Customers that move, named at most; 20 unless told, 100 at most.
    #[serde(default = "twenty")]
    sample: usize,
}

fn twenty() -> usize {
    20
}

#[derive(Debug, Serialize)]
pub(in super::super) struct Preview {
    version: String,
    /// The day at whose close everybody was looked at; null: no day was closed, so everybody is as good as new.
    as_of: Option<NaiveDate>,
    customers: u64,
    moved: u64,
    /// Every pair of segments with customers in it.
    moves: Vec<Move>,
    /// The first of those that move, by id.
    sample: Vec<Mover>,
}

#[derive(Debug, Serialize)]
struct Move {
    from: &'static str,
    to: &'static str,
    customers: u64,
}

#[derive(Debug, Serialize)]
struct Mover {
    customer_id: Uuid,
    code: String,
    from: &'static str,
    to: &'static str,
    reasons: Vec<String>,
}

pub(super) async fn preview(
    State(door): State<Door>,
    caller: Caller,
    Named(name): Named<String>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Preview>, Problem> {
    caller.require("read")?;
    let Query(asked) = query.map_err(|rejection| Problem::parameter("sample", rejection.body_text()))?;
    if asked.sample > MOST_SAMPLES {
        return Err(Problem::parameter("sample", format!("a number up to {MOST_SAMPLES} is expected")));
    }
    let mut tx = door.begin(caller.tenant_id).await?;
    let rules = match find(&mut tx, caller.tenant_id, &name).await? {
        Some(row) => rules::compiled(&row.document, Some(row.version)).map_err(sqlx::Error::from)?,
        None => Rules::standard().clone(),
    };
    let as_of = learning::learned_through(&mut tx, caller.tenant_id).await?;
    let mut preview = Preview {
        version: rules.version.clone(),
        as_of,
        customers: 0,
        moved: 0,
        moves: Vec::new(),
        sample: Vec::new(),
    };
    if let Some(day) = as_of {
        let zone = learning::time_zone(&mut tx, caller.tenant_id).await?;
        let zone: Tz = zone.parse().map_err(|_| Problem::unavailable())?;
        look(&mut tx, caller.tenant_id, day, zone, &rules, asked.sample, &mut preview).await?;
    }
    Ok(Json(preview))
}

/// Everybody, page by page, in the order of ids.
async fn look(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    day: NaiveDate,
    zone: Tz,
    rules: &Rules,
    samples: usize,
    preview: &mut Preview,
) -> Result<(), sqlx::Error> {
    let standings = standings::as_of(conn, tenant_id, day, zone, &rules.families()).await?;
    let ruling = Ruling { rules, standings: &standings };
    let structural = calibrations::in_force(conn, tenant_id, day).await?;
    let mut moves: BTreeMap<(&'static str, &'static str), u64> = BTreeMap::new();
    let mut after = Uuid::nil();
    loop {
        let page = previews::page(conn, tenant_id, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.customer_id;
        for (customer, to, reasons) in decide(conn, tenant_id, day, ruling, structural, page).await? {
            // Who has no score yet is new.
            let from = customer.segment.as_deref().and_then(Segment::parse).unwrap_or(Segment::New).as_str();
            let (to, id, code) = (to.as_str(), customer.customer_id, customer.code);
            preview.customers = preview.customers.saturating_add(1);
            let count = moves.entry((from, to)).or_default();
            *count = count.saturating_add(1);
            if from != to {
                preview.moved = preview.moved.saturating_add(1);
                if preview.sample.len() < samples {
                    preview.sample.push(Mover { customer_id: id, code, from, to, reasons });
                }
            }
        }
    }
    preview.moves = moves.into_iter().map(|((from, to), customers)| Move { from, to, customers }).collect();
    Ok(())
}

/// The segment of each customer of a page, with its reasons.
async fn decide(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    day: NaiveDate,
    ruling: Ruling<'_>,
    structural: StructuralDelay,
    page: Vec<Portfolio>,
) -> Result<Vec<(Portfolio, Segment, Vec<String>)>, sqlx::Error> {
    let Some(tomorrow) = day.succ_opt() else { return Ok(Vec::new()) };
    let ids = page.iter().map(|customer| customer.customer_id);
    let mates = ids.clone().filter_map(|id| ruling.standings.group_of(id)).flat_map(|group| group.members.clone());
    let read: BTreeSet<Uuid> = ids.clone().chain(mates).collect();
    let read: Vec<Uuid> = read.into_iter().collect();
    let groups = customers::groups(conn, tenant_id, &read).await?;
    let learner = recall(conn, tenant_id, &groups, tomorrow).await?;
    let terms = Terms { groups: &groups, structural, ruling, day: tomorrow };
    let decided = page.into_iter().map(|customer| {
        let assessment = assess(&learner, customer.customer_id, terms);
        (customer, assessment.segment, assessment.segment_reasons)
    });
    Ok(decided.collect())
}
