//! What only rules read: attributes of `customer.changed`, `dispute.changed`, `promise.changed`, and amounts of
//! `invoice.changed`. Every version is kept with the instant it was told, so that order and repetition leave no trace; a
//! closed day is learned again when the rules that decided it ask for what is told late.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use contracts::ingestion::{CustomerChanged, DisputeChanged};
use contracts::promises::PromiseChanged;
use contracts::wire::{self, Malformed};
use messaging::{Delivery, HandlerError, decode_with_time};
use primitives::civil;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Dirty;
use crate::domain::features::Family;
use crate::domain::receivable;
use crate::store::invoices::{self, InvoiceRow};
use crate::store::rules;
use crate::store::standings::{self, ConductRow, MasterRow};

/// What a batch tells of customers.
#[derive(Debug, Default)]
pub(super) struct Told {
    master: Vec<MasterRow>,
    conduct: Vec<ConductRow>,
}

impl Told {
    pub(super) fn of_ingestion(batch: &[Delivery]) -> Result<Self, HandlerError> {
        let customers = decode_with_time::<CustomerChanged>(batch)?;
        let disputes = decode_with_time::<DisputeChanged>(batch)?;
        let master = customers.iter().map(|(told_at, event)| master(*told_at, event));
        Ok(Self {
            master: master.filter_map(Result::transpose).collect::<Result<_, Malformed>>()?,
            conduct: disputes
                .iter()
                .map(|(told_at, event)| dispute(*told_at, event))
                .collect::<Result<_, Malformed>>()?,
        })
    }

    pub(super) fn of_promises(batch: &[Delivery]) -> Result<Self, HandlerError> {
        let promises = decode_with_time::<PromiseChanged>(batch)?;
        let conduct = promises.iter().map(|(told_at, event)| promise(*told_at, event));
        Ok(Self { conduct: conduct.collect::<Result<_, Malformed>>()?, ..Self::default() })
    }

    /// Whom promises and disputes are about.
    pub(super) fn customers(&self) -> BTreeSet<(Uuid, Uuid)> {
        self.conduct.iter().map(|row| (row.tenant_id, row.customer_id)).collect()
    }

    pub(super) fn tenants(&self) -> impl Iterator<Item = Uuid> {
        let master = self.master.iter().map(|row| row.tenant_id);
        master.chain(self.conduct.iter().map(|row| row.tenant_id))
    }
}

/// Keeps what is new; the tenants are locked.
pub(super) async fn apply(conn: &mut PgConnection, told: &Told, dirty: &mut Dirty) -> Result<(), HandlerError> {
    let mut new = Vec::new();
    if !told.master.is_empty() {
        let told = standings::save_master(conn, &told.master).await?;
        new.extend(told.into_iter().map(|(tenant_id, told_at)| (tenant_id, Family::Master, told_at)));
    }
    if !told.conduct.is_empty() {
        let told = standings::save_conduct(conn, &told.conduct).await?;
        new.extend(told.into_iter().map(|(tenant_id, told_at)| (tenant_id, Family::Conduct, told_at)));
    }
    if new.is_empty() {
        return Ok(());
    }
    let tenants: BTreeSet<Uuid> = new.iter().map(|(tenant_id, ..)| *tenant_id).collect();
    let zones = standings::zones(conn, &tenants.into_iter().collect::<Vec<_>>()).await?;
    // A tenant without a zone has never closed a day.
    let told = new.into_iter().filter_map(|(tenant_id, family, told_at)| {
        let day = civil::day_of(told_at, *zones.get(&tenant_id)?);
        Some(rules::Told { tenant_id, family, day })
    });
    alter(conn, told, dirty).await
}

/// Days of which these invoices alter the open book; they are not written yet.
pub(super) async fn book_changes(
    conn: &mut PgConnection,
    rows: &[InvoiceRow],
    dirty: &mut Dirty,
) -> Result<(), HandlerError> {
    let tenants: BTreeSet<Uuid> = rows.iter().map(|row| row.tenant_id).collect();
    let asking = rules::asking_for(conn, &tenants.into_iter().collect::<Vec<_>>(), Family::Book).await?;
    if asking.is_empty() {
        return Ok(());
    }
    let rows = || rows.iter().filter(|row| asking.contains(&row.tenant_id));
    let known = invoices::receivables(conn, rows().map(|row| (row.tenant_id, row.invoice.invoice_id))).await?;
    let told = rows().filter_map(|row| {
        let known = known.get(&(row.tenant_id, row.invoice.invoice_id));
        let day = receivable::first_difference(known, &row.receivable())?;
        Some(rules::Told { tenant_id: row.tenant_id, family: Family::Book, day })
    });
    alter(conn, told, dirty).await
}

async fn alter(
    conn: &mut PgConnection,
    told: impl Iterator<Item = rules::Told>,
    dirty: &mut Dirty,
) -> Result<(), HandlerError> {
    for (tenant_id, day) in rules::altered(conn, told).await? {
        dirty.from(tenant_id, day);
    }
    Ok(())
}

/// `None` while there is nothing that a rule could read: most customers stay like that.
fn master(told_at: DateTime<Utc>, event: &CustomerChanged) -> Result<Option<MasterRow>, Malformed> {
    let limit = wire::optional_decimal("credit_limit", &event.credit_limit)?;
    let row = MasterRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        version: wire::version("version", event.version)?,
        told_at,
        tier: event.tier.clone(),
        rating: event.rating.clone(),
        group_code: event.group_code.clone(),
        credit_limit: limit.map(|limit| (event.credit_limit_currency.clone(), limit)),
    };
    let says_nothing =
        row.tier.is_empty() && row.rating.is_empty() && row.group_code.is_empty() && row.credit_limit.is_none();
    // A later version may take back what an earlier one said.
    Ok((row.version > 1 || !says_nothing).then_some(row))
}

fn dispute(told_at: DateTime<Utc>, event: &DisputeChanged) -> Result<ConductRow, Malformed> {
    Ok(ConductRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        kind: "dispute",
        subject_id: wire::id("dispute_id", &event.dispute_id)?,
        version: wire::version("version", event.version)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        told_at,
        status: event.status.clone(),
        day: wire::date("opened_on", &event.opened_on)?,
    })
}

fn promise(told_at: DateTime<Utc>, event: &PromiseChanged) -> Result<ConductRow, Malformed> {
    Ok(ConductRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        kind: "promise",
        subject_id: wire::id("promise_id", &event.promise_id)?,
        version: wire::version("version", event.version)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        told_at,
        status: event.status.clone(),
        day: wire::date("promised_date", &event.promised_date)?,
    })
}
