//! Closes one span of days of one tenant: what was known late is forgotten back to its day, the span is learned, and when
//! the tenant has caught up, what changed is published. One transaction.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::decided::Decided;
use super::{DayClose, Due, publish};
use crate::ScoringSettings;
use crate::domain::assessment::{Terms, assess};
use crate::domain::calendar::{Span, month_start};
use crate::domain::close::{Assessed, Close};
use crate::domain::model::learner::Learner;
use crate::domain::segment::StructuralDelay;
use crate::store::learners::recall;
use crate::store::learning::{self, Progress};
use crate::store::{assessments, calibrations, customers, foretold, invoices, rules, shifts, states};

/// Days of which every state is kept, so that a late fact is learned again from its own day on. One that is later still is
/// learned again from the first of its month on.
const KEPT_DAYS: u64 = 45;

/// True when there may be more to do for this tenant.
#[tracing::instrument(name = "sweep.day_close", skip_all, fields(tenant.id = %tenant_id))]
pub(super) async fn run(sweep: &DayClose, tenant_id: Uuid, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut tx = sweep.pool.begin().await?;
    learning::lock(&mut tx, &BTreeSet::from([tenant_id])).await?;
    // Read again under the lock: a handler or another replica may have been here since.
    let Some(mut tenant) = learning::progress(&mut tx, Some(tenant_id)).await?.pop() else { return Ok(false) };
    let Some(due) = Due::of(&tenant, now) else { return Ok(false) };
    if let Some(from) = forgotten_from(&tenant) {
        tenant.learned_through = learning::forget(&mut tx, tenant_id, from).await?;
        tenant.thinned_through =
            tenant.learned_through.and_then(|day| tenant.thinned_through.map(|thin| thin.min(day)));
        tenant.assessing_after = None;
    }
    if let Some((day, after)) = tenant.learned_through.zip(tenant.assessing_after) {
        tenant.assessing_after = assess_page(&mut tx, tenant_id, day, after, &sweep.settings).await?;
    } else if let Some(span) = next_span(&mut tx, &tenant, due, &sweep.settings).await? {
        let everyone = learn(&mut tx, &tenant, span).await?;
        learning::advance(&mut tx, tenant_id, span.through, everyone).await?;
        metrics::counter!("puntual_scoring_days_closed_total")
            .increment(u64::try_from(span.days().count()).unwrap_or(0));
        tenant.learned_through = Some(span.through);
        tenant.assessing_after = everyone.then_some(Uuid::nil());
        invoices::falling_due(&mut tx, tenant_id, span.through).await?;
        let kept_from = span.through.checked_sub_days(Days::new(KEPT_DAYS));
        if let Some(through) = kept_from.filter(|through| tenant.thinned_through.is_none_or(|day| day < *through)) {
            states::thin(&mut tx, tenant_id, tenant.thinned_through, through).await?;
            learning::thinned(&mut tx, tenant_id, through).await?;
        }
    }
    let caught_up = tenant.assessing_after.is_none() && due.next_day(&tenant).is_none();
    let published_all = match tenant.learned_through {
        Some(day) if caught_up => publish::run(&mut tx, tenant_id, day, now, &sweep.settings).await?,
        _ => true,
    };
    tx.commit().await?;
    Ok(!(caught_up && published_all))
}

/// From where on everything is learned again: all of it under other formulas, from the first of a month on where no state
/// of the day before is kept.
#[allow(clippy::option_option, reason = "nothing to forget, everything to forget, or from a day on")]
fn forgotten_from(tenant: &Progress) -> Option<Option<NaiveDate>> {
    if tenant.learned_through.is_some() && !tenant.is_of_this_model() {
        return Some(None);
    }
    let dirty_from = tenant.dirty_from?;
    let is_thinned = tenant.thinned_through.is_some_and(|thinned| dirty_from <= thinned);
    Some(Some(if is_thinned { month_start(dirty_from) } else { dirty_from }))
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

/// True when everybody is still to be assessed for the last day: it ends a month, or rules begin to decide on it.
async fn learn(conn: &mut PgConnection, tenant: &Progress, span: Span) -> Result<bool, sqlx::Error> {
    let tenant_id = tenant.tenant_id;
    let bills = invoices::concerned(conn, tenant_id, span).await?;
    let touched: BTreeSet<Uuid> = bills.iter().map(|bill| bill.invoice.customer_id).collect();
    let decided = Decided::on(conn, tenant_id, &tenant.time_zone, span.through).await?;
    let moved = decided.moved(conn, tenant_id, span, &touched).await?;
    let read = decided.with_mates(touched.iter().chain(moved.keys()).copied());
    let groups = customers::groups(conn, tenant_id, &read.into_iter().collect::<Vec<_>>()).await?;
    let assessed: Vec<Uuid> = touched.iter().chain(moved.keys()).copied().collect();
    let mut learner = recall(conn, tenant_id, &groups, span.from).await?;
    let issued_before = bills.iter().map(|bill| &bill.invoice).filter(|invoice| invoice.issued_on < span.from);
    let issued_before: Vec<Uuid> = issued_before.map(|invoice| invoice.invoice_id).collect();
    foretold::recall(conn, tenant_id, &issued_before, &mut learner).await?;
    let everyone_follows = decided.is_everybody(span.ends_a_month());
    let close = Close {
        span,
        bills: &bills,
        groups: &groups,
        previous: &assessments::previous(conn, tenant_id, &assessed).await?,
        structural: calibrations::in_force(conn, tenant_id, span.from).await?,
        ruling: decided.ruling(),
        moved: &moved,
        everyone_follows,
    };
    let closed = close.run(&mut learner);
    if !closed.states.is_empty() {
        states::save(conn, tenant_id, &closed.states).await?;
    }
    if !closed.predictions.is_empty() {
        foretold::save(conn, tenant_id, &closed.predictions).await?;
    }
    if !closed.assessments.is_empty() {
        assessments::save(conn, tenant_id, &closed.assessments, decided.ruling().rules).await?;
    }
    if !closed.shifts.is_empty() {
        shifts::save(conn, tenant_id, &closed.shifts).await?;
    }
    show_record(&learner, tenant_id, span.through);
    if span.ends_a_month() {
        let structural = calibrate(conn, tenant_id, span.through).await?;
        calibrations::save(conn, tenant_id, span.through, structural).await?;
    }
    Ok(everyone_follows)
}

/// How well a tenant has been foretold, for whoever watches the model.
fn show_record(learner: &Learner, tenant_id: Uuid, day: NaiveDate) {
    let Some(standing) = learner.standing(day) else { return };
    let gauges = [
        ("puntual_scoring_brier", Some(standing.brier)),
        ("puntual_scoring_brier_of_base_rate", Some(standing.brier_of_base_rate)),
        ("puntual_scoring_calibration_error", Some(standing.calibration_error)),
        ("puntual_scoring_drift", Some(standing.drift)),
        ("puntual_scoring_days_off", standing.days_off),
        ("puntual_scoring_p80_coverage", standing.p80_coverage),
    ];
    for (name, value) in gauges {
        if let Some(value) = value {
            metrics::gauge!(name, "tenant" => tenant_id.to_string()).set(value);
        }
    }
}

/// Assesses a page of everybody for `day`; returns after whom to go on.
async fn assess_page(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    day: NaiveDate,
    after: Uuid,
    settings: &ScoringSettings,
) -> Result<Option<Uuid>, sqlx::Error> {
    let page = customers::page(conn, tenant_id, after, settings.customers_per_assessment).await?;
    assess_all(conn, tenant_id, &page, day).await?;
    let is_full = i64::try_from(page.len()).is_ok_and(|count| count >= settings.customers_per_assessment);
    let after = page.last().copied().filter(|_| is_full);
    learning::assessed(conn, tenant_id, after).await?;
    Ok(after)
}

/// Records what is to be said of these customers at the close of `day`.
pub(super) async fn assess_all(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    page: &[Uuid],
    day: NaiveDate,
) -> Result<(), sqlx::Error> {
    let Some(next) = day.succ_opt().filter(|_| !page.is_empty()) else { return Ok(()) };
    let zone = learning::time_zone(conn, tenant_id).await?;
    let decided = Decided::on(conn, tenant_id, &zone, day).await?;
    let read: Vec<Uuid> = decided.with_mates(page.iter().copied()).into_iter().collect();
    let groups = customers::groups(conn, tenant_id, &read).await?;
    let learner = recall(conn, tenant_id, &groups, next).await?;
    let structural = calibrations::in_force(conn, tenant_id, day).await?;
    let previous = assessments::previous(conn, tenant_id, page).await?;
    let terms = Terms { groups: &groups, structural, ruling: decided.ruling(), day: next };
    let assessed = page.iter().map(|customer_id| {
        let assessment = assess(&learner, *customer_id, terms);
        Assessed::new(day, *customer_id, assessment, previous.get(customer_id))
    });
    assessments::save(conn, tenant_id, &assessed.collect::<Vec<_>>(), decided.ruling().rules).await
}

/// The structural delay as it is known at the end of `day`.
async fn calibrate(conn: &mut PgConnection, tenant_id: Uuid, day: NaiveDate) -> Result<StructuralDelay, sqlx::Error> {
    let (median, invoices) = invoices::median_delay(conn, tenant_id, day).await?;
    Ok(StructuralDelay::from_median(median, invoices))
}
