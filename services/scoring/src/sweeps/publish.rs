//! Tells the house what the last close changed.
//!
//! The latest assessment of a customer is published whenever it is not the one that was published last. No threshold
//! holds back small changes: what others know of a customer would then depend on when this role was running, and not
//! on the facts alone.

use chrono::{DateTime, NaiveDate, Utc};
use contracts::SCHEMA_REV;
use contracts::scoring::{CustomerScored, SegmentAssigned};
use contracts::{stream, wire};
use messaging::Outbox;
use sqlx::PgConnection;
use uuid::Uuid;

use super::decided::Decided;
use crate::ScoringSettings;
use crate::domain::calendar::last_month_end;
use crate::domain::close::{Assessed, owners};
use crate::store::published::{self, Pending, Said};
use crate::store::{assessments, calibrations, customers, learning, rules, states};

/// Publishes at most one batch; true when nothing is left.
pub(super) async fn run(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    learned_through: NaiveDate,
    now: DateTime<Utc>,
    settings: &ScoringSettings,
) -> Result<bool, sqlx::Error> {
    let missing = assessments::missing(conn, tenant_id, settings.publish_batch).await?;
    if !missing.is_empty() {
        introduce(conn, tenant_id, &missing, learned_through).await?;
    }
    let mut pending = published::pending(conn, tenant_id, settings.publish_batch).await?;
    if pending.is_empty() {
        return Ok(true);
    }
    let full = i64::try_from(pending.len()).is_ok_and(|count| count >= settings.publish_batch);
    let mut outbox = Outbox::new(stream::SCORING, now);
    for customer in &mut pending {
        say(&mut outbox, tenant_id, customer, now);
    }
    published::save(conn, tenant_id, &pending).await?;
    outbox.save(conn).await?;
    Ok(!full)
}

/// Assesses customers of whom nothing is known, as the last day on which everybody was assessed would have: then it does
/// not matter whether they came before it or after.
async fn introduce(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    missing: &[Uuid],
    learned_through: NaiveDate,
) -> Result<(), sqlx::Error> {
    let begun = rules::in_force(conn, tenant_id, learned_through).await?.since;
    let Some(day) = last_month_end(learned_through).max(begun) else { return Ok(()) };
    let Some(next) = day.succ_opt() else { return Ok(()) };
    let zone = learning::time_zone(conn, tenant_id).await?;
    let decided = Decided::on(conn, tenant_id, &zone, day).await?;
    let with_mates: Vec<Uuid> = decided.with_mates(missing.iter().copied()).into_iter().collect();
    let groups = customers::groups(conn, tenant_id, Some(&with_mates)).await?;
    let book = states::before(conn, tenant_id, &owners(&groups), next).await?;
    let structural = calibrations::in_force(conn, tenant_id, day).await?;
    let assessed: Vec<Assessed> = missing
        .iter()
        .map(|customer_id| {
            let assessment = book.assess(*customer_id, &groups, structural, decided.ruling(), next);
            Assessed { day, customer_id: *customer_id, assessment, segment_since: day }
        })
        .collect();
    assessments::save(conn, tenant_id, &assessed, decided.ruling().rules).await
}

fn say(outbox: &mut Outbox, tenant_id: Uuid, customer: &mut Pending, now: DateTime<Utc>) {
    let Pending { latest, published, .. } = &*customer;
    let score = |said: &Said| {
        (said.assessed_on, said.p_late, said.mean_days_late, said.observations, said.model_version.clone())
    };
    let segment = |said: &Said| (said.segment.clone(), said.reasons.clone(), said.rules_version.clone());
    let new_score = published.as_ref().map(score) != Some(score(latest));
    let new_segment = published.as_ref().map(segment) != Some(segment(latest));
    if new_score {
        customer.score_version = customer.score_version.saturating_add(1);
        outbox.push(&scored(tenant_id, customer.customer_id, customer.score_version, &customer.latest, now));
    }
    if new_segment {
        customer.segment_version = customer.segment_version.saturating_add(1);
        outbox.push(&assigned(tenant_id, customer.customer_id, customer.segment_version, &customer.latest, now));
    }
}

pub(crate) fn scored(
    tenant_id: Uuid,
    customer_id: Uuid,
    version: i64,
    said: &Said,
    now: DateTime<Utc>,
) -> CustomerScored {
    CustomerScored {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant_id.to_string(),
        customer_id: customer_id.to_string(),
        version: u64::try_from(version).unwrap_or(0),
        p_late: said.p_late.to_string(),
        mean_days_late: said.mean_days_late.map(|days| days.to_string()).unwrap_or_default(),
        observations: u32::try_from(said.observations).unwrap_or(0),
        learned_through: said.assessed_on.to_string(),
        model_version: said.model_version.clone(),
        scored_at: Some(wire::timestamp(now)),
    }
}

pub(crate) fn assigned(
    tenant_id: Uuid,
    customer_id: Uuid,
    version: i64,
    said: &Said,
    now: DateTime<Utc>,
) -> SegmentAssigned {
    SegmentAssigned {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant_id.to_string(),
        customer_id: customer_id.to_string(),
        version: u64::try_from(version).unwrap_or(0),
        segment: said.segment.clone(),
        rules_version: said.rules_version.clone(),
        reasons: said.reasons.clone(),
        assigned_at: Some(wire::timestamp(now)),
    }
}
