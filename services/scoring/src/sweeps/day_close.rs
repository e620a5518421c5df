//! Closes one span of days of one tenant: what was known late is forgotten back to its day, the span is learned, and when
//! the tenant has caught up, what changed is published. One transaction.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::decided::Decided;
use super::{DayClose, Due, publish};
use crate::ScoringSettings;
use crate::domain::calendar::Span;
use crate::domain::close::{Close, owners};
use crate::domain::segment::StructuralDelay;
use crate::store::learning::{self, Progress};
use crate::store::{assessments, calibrations, customers, invoices, rules, states};

/// True when there may be more to do for this tenant.
#[tracing::instrument(name = "sweep.day_close", skip_all, fields(tenant.id = %tenant_id))]
pub(super) async fn run(sweep: &DayClose, tenant_id: Uuid, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut tx = sweep.pool.begin().await?;
    learning::lock(&mut tx, &BTreeSet::from([tenant_id])).await?;
    // Read again under the lock: a handler or another replica may have been here since.
    let Some(mut tenant) = learning::progress(&mut tx, Some(tenant_id)).await?.pop() else { return Ok(false) };
    let Some(due) = Due::of(&tenant, now) else { return Ok(false) };
    if let Some(dirty_from) = tenant.dirty_from {
        tenant.learned_through = learning::forget(&mut tx, tenant_id, dirty_from).await?;
    }
    if let Some(span) = next_span(&mut tx, &tenant, due, &sweep.settings).await? {
        learn(&mut tx, &tenant, span).await?;
        learning::advance(&mut tx, tenant_id, span.through).await?;
        metrics::counter!("puntual_scoring_days_closed_total")
            .increment(u64::try_from(span.days().count()).unwrap_or(0));
        tenant.learned_through = Some(span.through);
    }
    let caught_up = due.next_day(&tenant).is_none();
    let published_all = match tenant.learned_through {
        Some(day) if caught_up => publish::run(&mut tx, tenant_id, day, now, &sweep.settings).await?,
        _ => true,
    };
    tx.commit().await?;
    Ok(!(caught_up && published_all))
}

async fn next_span(
    conn: &mut PgConnection,
    tenant: &Progress,
    due: Due,
    settings: &ScoringSettings,
) -> Result<Option<Span>, sqlx::Error> {
    let Some((from, through)) = due.next_day(tenant).zip(due.through) else { return Ok(None) };
    let Some(span) = Span::starting(from, through) else { return Ok(None) };
    let span = rules::under_one_set(conn, tenant.tenant_id, span).await?;
    invoices::affordable(conn, tenant.tenant_id, span, settings.invoices_per_close).await.map(Some)
}

async fn learn(conn: &mut PgConnection, tenant: &Progress, span: Span) -> Result<(), sqlx::Error> {
    let tenant_id = tenant.tenant_id;
    let facts = invoices::with_evidence(conn, tenant_id, span).await?;
    let touched: BTreeSet<Uuid> = facts.iter().map(|invoice| invoice.customer_id).collect();
    let calibrated = if span.ends_a_month() { Some(calibrate(conn, tenant_id, span.through).await?) } else { None };
    let decided = Decided::on(conn, tenant_id, &tenant.time_zone, span.through).await?;
    let moved = decided.moved(conn, tenant_id, span, &touched).await?;
    let assessed = decided.assessed(&touched, &moved, calibrated.is_some());
    let groups = customers::groups(conn, tenant_id, assessed.as_deref()).await?;
    let everyone: Vec<Uuid> = groups.keys().copied().collect();
    let mut book = states::before(conn, tenant_id, &owners(&groups), span.from).await?;
    let close = Close {
        span,
        invoices: &facts,
        groups: &groups,
        previous: &assessments::segments(conn, tenant_id, &everyone).await?,
        structural: calibrations::in_force(conn, tenant_id, span.from).await?,
        calibrated,
        ruling: decided.ruling(),
        everybody: assessed.is_none(),
        moved: &moved,
    };
    let closed = close.run(&mut book);
    if !closed.states.is_empty() {
        states::save(conn, tenant_id, &closed.states).await?;
    }
    if !closed.assessments.is_empty() {
        assessments::save(conn, tenant_id, &closed.assessments, decided.ruling().rules).await?;
    }
    if let Some(structural) = calibrated {
        calibrations::save(conn, tenant_id, span.through, structural).await?;
    }
    Ok(())
}

/// The structural delay as it is known at the end of `day`.
async fn calibrate(conn: &mut PgConnection, tenant_id: Uuid, day: NaiveDate) -> Result<StructuralDelay, sqlx::Error> {
    let (median, invoices) = invoices::median_delay(conn, tenant_id, day).await?;
    Ok(StructuralDelay::from_median(median, invoices))
}
