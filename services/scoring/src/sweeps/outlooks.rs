//! Foretells open invoices again as soon as a fact of their customer has come or something was learned of it: from the last
//! closed state and what is owed now (D9). It waits while days are still to be closed, so a large load is not foretold
//! over and over.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use contracts::scoring::{InvoicePredicted, RiskRaised};
use contracts::{SCHEMA_REV, stream, wire};
use messaging::{Outbox, Wake};
use primitives::civil;
use runtime::{Clock, Sweep};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Due;
use super::publish::{contributions, text};
use crate::ScoringSettings;
use crate::domain::model::memory::MODEL_VERSION;
use crate::domain::outlook::Outlook;
use crate::pressure::Pressure;
use crate::store::learning::{self, Progress};
use crate::store::outlooks::{self, Debt, OutlookRow, Owed};
use crate::store::{customers, learners};

/// Foretells the invoices of customers about whom something is new.
#[derive(Debug)]
pub(crate) struct Outlooks {
    pub pool: PgPool,
    pub clock: Clock,
    pub wake: Wake,
    pub pressure: Arc<Pressure>,
    pub settings: ScoringSettings,
}

impl Sweep for Outlooks {
    fn name(&self) -> &'static str {
        "outlooks"
    }

    /// One batch for each tenant that has any.
    async fn run(&self) -> anyhow::Result<bool> {
        if !self.pressure.allows() {
            return Ok(false);
        }
        let mut conn = self.pool.acquire().await?;
        let now = self.clock.now(&mut conn).await?;
        let tenants = outlooks::stale_tenants(&mut conn).await?;
        drop(conn);
        let (mut more, mut failed) = (false, None);
        for tenant_id in tenants {
            // One tenant that cannot be foretold must not keep those behind it waiting (I9).
            match self.foretell(tenant_id, now).await {
                Ok(there_is) => more |= there_is,
                Err(error) => {
                    tracing::error!(tenant.id = %tenant_id, error = format!("{error:#}"), "nothing is foretold");
                    failed.get_or_insert(error);
                }
            }
        }
        match failed {
            Some(error) if !more => Err(error),
            _ => Ok(more),
        }
    }
}

impl Outlooks {
    /// True when there may be more.
    #[tracing::instrument(name = "sweep.outlooks", skip_all, fields(tenant.id = %tenant_id))]
    async fn foretell(&self, tenant_id: Uuid, now: DateTime<Utc>) -> anyhow::Result<bool> {
        let mut tx = self.pool.begin().await?;
        // Neither a close nor a handler may change what is read here half way.
        learning::share(&mut tx, tenant_id).await?;
        let Some(tenant) = learning::progress(&mut tx, Some(tenant_id)).await?.pop() else { return Ok(false) };
        let Some(today) = today(&tenant, now) else { return Ok(false) };
        let limit = self.settings.outlook_batch;
        let customers = outlooks::take_stale(&mut tx, tenant_id, limit).await?;
        if customers.is_empty() {
            return Ok(false);
        }
        let changes = changed(&mut tx, &tenant, &customers, today, self.settings.risk_threshold).await?;
        if !changes.is_empty() {
            let rows: Vec<OutlookRow> = changes.iter().map(|change| change.row.clone()).collect();
            outlooks::save(&mut tx, tenant_id, &rows).await?;
            let risks = changes.iter().filter(|change| change.risk_told).map(|change| change.row.invoice_id);
            let debts = outlooks::debts(&mut tx, tenant_id, &risks.collect::<Vec<_>>()).await?;
            let mut outbox = Outbox::new(stream::SCORING, now);
            for Change { row, risk_told } in &changes {
                outbox.push(&predicted(tenant_id, row, now));
                if let Some(about) = debts.get(&row.invoice_id).filter(|_| *risk_told) {
                    outbox.push(&risk(tenant_id, row, about, now));
                }
            }
            outbox.save(&mut tx).await?;
        }
        tx.commit().await?;
        self.wake.notify();
        Ok(i64::try_from(customers.len()).is_ok_and(|count| count >= limit))
    }
}

/// The civil day of a tenant that has nothing left to close; `None` otherwise.
fn today(tenant: &Progress, now: DateTime<Utc>) -> Option<NaiveDate> {
    let zone: Tz = tenant.time_zone.parse().ok()?;
    let due = Due::of(tenant, now);
    let is_busy = due.is_some_and(|due| due.is_behind(tenant));
    (!is_busy).then(|| civil::day_of(now, zone))
}

/// An invoice of which there is something new to tell.
struct Change {
    row: OutlookRow,
    /// It has become a risk, or is none any more.
    risk_told: bool,
}

async fn changed(
    conn: &mut PgConnection,
    tenant: &Progress,
    customers: &[Uuid],
    today: NaiveDate,
    threshold: Decimal,
) -> Result<Vec<Change>, sqlx::Error> {
    let tenant_id = tenant.tenant_id;
    let owed = outlooks::owed(conn, tenant_id, customers).await?;
    let invoices: Vec<Uuid> = owed.keys().copied().collect();
    let mut told = outlooks::told(conn, tenant_id, customers, &invoices).await?;
    let groups: BTreeMap<Uuid, String> = customers::groups(conn, tenant_id, customers).await?;
    // What was paid today is not owed any more.
    let owed_before = today.succ_opt().unwrap_or(today);
    let learner = learners::recall_as_owed(conn, tenant_id, &groups, today, owed_before).await?;
    let mut changes = Vec::new();
    for (invoice_id, owed) in owed {
        let told = told.remove(&invoice_id);
        let outlook = Outlook::of(&learner, &owed.bill, today);
        changes.extend(change(tenant, today, &owed, told, outlook, threshold));
    }
    // What is left was settled since.
    changes.extend(told.into_values().filter(|row| !row.closed).map(|row| Change {
        risk_told: row.at_risk,
        row: OutlookRow {
            version: row.version.saturating_add(1),
            closed: true,
            risk_version: row.risk_version.saturating_add(i64::from(row.at_risk)),
            at_risk: false,
            as_of: today,
            ..row
        },
    }));
    Ok(changes)
}

fn change(
    tenant: &Progress,
    today: NaiveDate,
    owed: &Owed,
    told: Option<OutlookRow>,
    outlook: Outlook,
    threshold: Decimal,
) -> Option<Change> {
    let invoice = &owed.bill.invoice;
    let was_at_risk = told.as_ref().is_some_and(|told| told.at_risk);
    let at_risk = outlook.is_at_risk(threshold, was_at_risk);
    let predicted = told.as_ref().is_none_or(|told| {
        told.closed
            || told.customer_id != invoice.customer_id
            || told.model_version != MODEL_VERSION
            || outlook.is_news_after(told.p_late, told.p50_delay)
    });
    let risk_told = at_risk != was_at_risk;
    if !predicted && !risk_told {
        return None;
    }
    let version = told.as_ref().map_or(0, |told| told.version);
    let risk_version = told.as_ref().map_or(0, |told| told.risk_version);
    let row = OutlookRow {
        invoice_id: invoice.invoice_id,
        customer_id: invoice.customer_id,
        // Who is told of a risk is told what it comes from, too.
        version: version.saturating_add(1),
        closed: false,
        p_late: outlook.p_late,
        p50_delay: outlook.p50_delay,
        p80_delay: outlook.p80_delay,
        p90_delay: outlook.p90_delay,
        structural_days: i32::try_from(outlook.structural_days).unwrap_or(0),
        contributions: outlook.explanation.contributions,
        reasons: outlook.explanation.reasons.iter().map(ToString::to_string).collect(),
        invoice_version: owed.version,
        learned_through: tenant.learned_through,
        as_of: today,
        model_version: MODEL_VERSION.to_owned(),
        risk_version: risk_version.saturating_add(i64::from(risk_told)),
        at_risk,
        risk_threshold: if risk_told {
            Some(with_six_digits(threshold))
        } else {
            told.and_then(|told| told.risk_threshold)
        },
    };
    Some(Change { row, risk_told })
}

fn with_six_digits(mut share: Decimal) -> Decimal {
    share.rescale(6);
    share
}

pub(crate) fn predicted(tenant_id: Uuid, row: &OutlookRow, now: DateTime<Utc>) -> InvoicePredicted {
    let event = InvoicePredicted {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant_id.to_string(),
        invoice_id: row.invoice_id.to_string(),
        version: u64::try_from(row.version).unwrap_or(0),
        customer_id: row.customer_id.to_string(),
        status: "closed".into(),
        invoice_version: u64::try_from(row.invoice_version).unwrap_or(0),
        learned_through: row.learned_through.map(|day| day.to_string()).unwrap_or_default(),
        as_of: row.as_of.to_string(),
        model_version: row.model_version.clone(),
        predicted_at: Some(wire::timestamp(now)),
        ..InvoicePredicted::default()
    };
    if row.closed {
        return event;
    }
    let log_odds = (!row.contributions.is_empty()).then(|| row.contributions.iter().sum::<Decimal>().normalize());
    InvoicePredicted {
        status: "open".into(),
        p_late: row.p_late.to_string(),
        p50_delay: text(row.p50_delay),
        p80_delay: text(row.p80_delay),
        p90_delay: text(row.p90_delay),
        structural_days: u32::try_from(row.structural_days).unwrap_or(0),
        log_odds: text(log_odds),
        contributions: contributions(&row.contributions),
        reasons: row.reasons.clone(),
        ..event
    }
}

pub(crate) fn risk(tenant_id: Uuid, row: &OutlookRow, about: &Debt, now: DateTime<Utc>) -> RiskRaised {
    RiskRaised {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant_id.to_string(),
        invoice_id: row.invoice_id.to_string(),
        version: u64::try_from(row.risk_version).unwrap_or(0),
        customer_id: row.customer_id.to_string(),
        status: if row.at_risk { "raised" } else { "cleared" }.into(),
        p_late: row.p_late.to_string(),
        threshold: text(row.risk_threshold),
        due_date: about.due_date.to_string(),
        open_amount: about.open_amount.to_string(),
        currency: about.currency.clone(),
        reasons: row.reasons.clone(),
        raised_at: Some(wire::timestamp(now)),
    }
}
