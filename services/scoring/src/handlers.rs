//! What scoring hears. Handlers only write facts (D9); nothing is learned here.

mod customer_changed;
mod dispute_changed;
mod invoice_changed;
mod source_changed;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use contracts::Event;
use contracts::ingestion::{CustomerChanged, DisputeChanged, InvoiceChanged, SourceChanged};
use contracts::promises::PromiseChanged;
use messaging::{Delivery, Handler, HandlerError, decode_all};
use runtime::access;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::pressure::Pressure;
use crate::store;

/// The consumer of ingestion's stream.
#[derive(Debug)]
pub(crate) struct Facts {
    pressure: Arc<Pressure>,
}

impl Facts {
    pub(crate) fn new(pressure: Arc<Pressure>) -> Self {
        Self { pressure }
    }
}

impl Handler for Facts {
    fn subjects(&self) -> Vec<&'static str> {
        let own = [CustomerChanged::SUBJECT, InvoiceChanged::SUBJECT, DisputeChanged::SUBJECT, SourceChanged::SUBJECT];
        own.into_iter().chain(access::SUBJECTS).collect()
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        self.pressure.saw(batch.len());
        access::apply(conn, batch).await?;
        source_changed::apply(conn, &decode_all(batch)?).await?;
        let customers = customer_changed::read(&decode_all(batch)?)?;
        let invoices = invoice_changed::read(&decode_all(batch)?)?;
        let disputes = dispute_changed::read(&decode_all(batch)?)?;
        let told = standing::Told::of_ingestion(batch)?;
        let named = customers.keys().chain(invoices.keys()).chain(disputes.keys()).map(|(tenant_id, _)| *tenant_id);
        let tenants: BTreeSet<Uuid> = named.chain(told.tenants()).collect();
        if tenants.is_empty() {
            return Ok(());
        }
        // From here on no day of these tenants can be closed until the batch is committed.
        store::learning::lock(conn, &tenants).await?;
        let mut dirty = Dirty::default();
        customer_changed::apply(conn, &customers, &mut dirty).await?;
        invoice_changed::apply(conn, &invoices, &mut dirty).await?;
        dispute_changed::apply(conn, &disputes, &mut dirty).await?;
        standing::apply(conn, &told, &mut dirty).await?;
        if !dirty.0.is_empty() {
            store::learning::mark_dirty(conn, &dirty.0).await?;
        }
        Ok(())
    }
}

/// The consumer of promises' stream.
#[derive(Debug)]
pub(crate) struct Promises;

impl Handler for Promises {
    fn subjects(&self) -> Vec<&'static str> {
        vec![PromiseChanged::SUBJECT]
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        let told = standing::Told::of_promises(batch)?;
        let tenants: BTreeSet<Uuid> = told.tenants().collect();
        if tenants.is_empty() {
            return Ok(());
        }
        store::learning::lock(conn, &tenants).await?;
        let mut dirty = Dirty::default();
        // The other stream may not have told of them yet.
        store::customers::ensure(conn, &told.customers()).await?;
        standing::apply(conn, &told, &mut dirty).await?;
        Ok(store::learning::mark_dirty(conn, &dirty.0).await?)
    }
}

/// The first day of each tenant whose learning the batch alters.
#[derive(Debug, Default)]
struct Dirty(BTreeMap<Uuid, NaiveDate>);

impl Dirty {
    fn from(&mut self, tenant_id: Uuid, day: NaiveDate) {
        self.0.entry(tenant_id).and_modify(|first| *first = day.min(*first)).or_insert(day);
    }
}
