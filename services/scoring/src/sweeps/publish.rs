//! Tells the house what the last close changed.
//!
//! Of a customer's assessments the one is told that first said what the latest says, to the hundredth and the day: no more
//! often than a person would call it different, and still a function of the facts alone, not of when this role was running.

use chrono::{DateTime, NaiveDate, Utc};
use contracts::SCHEMA_REV;
use contracts::scoring::{Contribution, CustomerScored, PatternShifted, SegmentAssigned};
use contracts::{stream, wire};
use messaging::Outbox;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::day_close::assess_all;
use crate::ScoringSettings;
use crate::domain::calendar::last_month_end;
use crate::domain::model::inputs::Family;
use crate::domain::model::shift::PAYMENTS_PER_FALSE_ALARM;
use crate::store::published::{self, Pending, Score, Segmented, Shifted};
use crate::store::{assessments, rules};

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
    assess_all(conn, tenant_id, missing, day).await
}

fn say(outbox: &mut Outbox, tenant_id: Uuid, customer: &mut Pending, now: DateTime<Utc>) {
    let customer_id = customer.customer_id;
    if customer.told_score.as_ref() != Some(&customer.score) {
        customer.score_version = customer.score_version.saturating_add(1);
        outbox.push(&scored(tenant_id, customer_id, customer.score_version, &customer.score, now));
    }
    if customer.told_segment.as_ref() != Some(&customer.segmented) {
        customer.segment_version = customer.segment_version.saturating_add(1);
        outbox.push(&assigned(tenant_id, customer_id, customer.segment_version, &customer.segmented, now));
    }
    if customer.told_shift != customer.shifted {
        customer.shift_version = customer.shift_version.saturating_add(1);
        outbox.push(&shifted(tenant_id, customer_id, customer.shift_version, customer.shifted.as_ref(), now));
    }
}

pub(crate) fn scored(
    tenant_id: Uuid,
    customer_id: Uuid,
    version: i64,
    said: &Score,
    now: DateTime<Utc>,
) -> CustomerScored {
    CustomerScored {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant_id.to_string(),
        customer_id: customer_id.to_string(),
        version: u64::try_from(version).unwrap_or(0),
        p_late: said.p_late.to_string(),
        mean_days_late: text(said.mean_days_late),
        observations: u32::try_from(said.observations).unwrap_or(0),
        learned_through: said.assessed_on.to_string(),
        model_version: said.model_version.clone(),
        scored_at: Some(wire::timestamp(now)),
        log_odds: said.contributions.iter().sum::<Decimal>().normalize().to_string(),
        contributions: contributions(&said.contributions),
        reasons: said.reasons.clone(),
        p50_delay: text(said.p50_delay),
        p80_delay: text(said.p80_delay),
        structural_days: u32::try_from(said.structural_days).unwrap_or(0),
    }
}

pub(crate) fn assigned(
    tenant_id: Uuid,
    customer_id: Uuid,
    version: i64,
    said: &Segmented,
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

pub(crate) fn shifted(
    tenant_id: Uuid,
    customer_id: Uuid,
    version: i64,
    said: Option<&Shifted>,
    now: DateTime<Utc>,
) -> PatternShifted {
    let event = PatternShifted {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant_id.to_string(),
        customer_id: customer_id.to_string(),
        version: u64::try_from(version).unwrap_or(0),
        status: "withdrawn".into(),
        told_at: Some(wire::timestamp(now)),
        ..PatternShifted::default()
    };
    let Some(said) = said else { return event };
    PatternShifted {
        status: "shifted".into(),
        since: said.since.to_string(),
        found_on: said.found_on.to_string(),
        delay_before: said.delay_before.to_string(),
        delay_after: said.delay_after.to_string(),
        payments_before: u32::try_from(said.payments_before).unwrap_or(0),
        payments_after: u32::try_from(said.payments_after).unwrap_or(0),
        payments_per_false_alarm: PAYMENTS_PER_FALSE_ALARM,
        ..event
    }
}

/// Families in their fixed order; those that add nothing are left out.
pub(crate) fn contributions(of: &[Decimal]) -> Vec<Contribution> {
    let families = Family::ALL.iter().zip(of).filter(|(_, log_odds)| !log_odds.is_zero());
    families
        .map(|(family, log_odds)| Contribution {
            family: family.as_str().to_owned(),
            log_odds: log_odds.normalize().to_string(),
        })
        .collect()
}

pub(crate) fn text(days: Option<Decimal>) -> String {
    days.map(|days| days.to_string()).unwrap_or_default()
}
