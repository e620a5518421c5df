//! From events to projections, and from projections to plans. Handlers only keep what they are told, the newest version
//! of each thing; what follows from it is derived anew, so that order and repetition do not matter (I7).

mod consents;
mod contacts;
mod customers;
mod delivery_reports;
mod holds;
mod invoices;
mod promise_changes;
mod promises_made;
mod segments;
mod sources;
mod tenants;

use std::collections::BTreeMap;

use contracts::Event;
use contracts::ingestion::{
    ConsentChanged, ContactChanged, CustomerChanged, DeliveryReported, HoldChanged, InvoiceChanged, PromiseMade,
    SourceChanged,
};
use contracts::promises::PromiseChanged;
use contracts::scoring::SegmentAssigned;
use messaging::{Delivery, Handler, HandlerError};
use sqlx::PgConnection;

use crate::store::customers::MasterData;
use crate::store::keys::Key;
use crate::store::plan::Plans;
use crate::store::{Keys, customers as customer_rows};

/// Facts, and who may knock.
pub(crate) struct Ingestion;

impl Handler for Ingestion {
    fn subjects(&self) -> Vec<&'static str> {
        let facts = [
            CustomerChanged::SUBJECT,
            ContactChanged::SUBJECT,
            InvoiceChanged::SUBJECT,
            PromiseMade::SUBJECT,
            HoldChanged::SUBJECT,
            ConsentChanged::SUBJECT,
            DeliveryReported::SUBJECT,
            SourceChanged::SUBJECT,
        ];
        runtime::access::SUBJECTS.into_iter().chain(facts).collect()
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        let customers = customers::read(batch)?;
        let invoices = invoices::read(batch)?;
        let mut renewed = tenants::apply(conn, batch).await?;
        sources::apply(conn, batch).await?;
        contacts::apply(conn, batch).await?;
        promises_made::apply(conn, batch).await?;
        holds::apply(conn, batch).await?;
        consents::apply(conn, batch).await?;
        delivery_reports::apply(conn, batch).await?;

        let mut touched = renewed.clone();
        touched.extend(customers.iter().map(|row| (row.tenant_id, row.customer_id)));
        touched.extend(invoices.iter().map(|row| (row.tenant_id, row.customer_id)));
        let named: Keys = invoices.iter().map(|row| (row.tenant_id, row.invoice_id)).collect();
        touched.extend(crate::store::invoices::customers_of(conn, &named).await?);
        let touched: Keys = touched.into_iter().collect();
        let before = customer_rows::lock(conn, &touched).await?;
        customer_rows::save(conn, &customers).await?;
        // Master data comes more often than a zone changes.
        let moved = |row: &&MasterData| {
            before.get(&(row.tenant_id, row.customer_id)).is_none_or(|before| before.time_zone != row.time_zone)
        };
        renewed.extend(customers.iter().filter(moved).map(|row| (row.tenant_id, row.customer_id)));

        let plans = Plans::load(conn, &touched).await?;
        let steps = plans.of(conn, &invoices).await?;
        crate::store::invoices::save(conn, &invoices, &steps).await?;
        plans.renew(conn, &renewed.into_iter().collect()).await?;
        plans.settle(conn).await?;
        Ok(())
    }
}

/// Which strategy a customer gets.
pub(crate) struct Scoring;

impl Handler for Scoring {
    fn subjects(&self) -> Vec<&'static str> {
        vec![SegmentAssigned::SUBJECT]
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        segments::apply(conn, batch).await
    }
}

/// What became of promises.
pub(crate) struct Promises;

impl Handler for Promises {
    fn subjects(&self) -> Vec<&'static str> {
        vec![PromiseChanged::SUBJECT]
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        promise_changes::apply(conn, batch).await
    }
}

/// The newest of each thing, in order of key: what one statement can write.
fn newest<T>(rows: impl IntoIterator<Item = T>, key: impl Fn(&T) -> Key, version: impl Fn(&T) -> i64) -> Vec<T> {
    let mut newest = BTreeMap::<Key, T>::new();
    for row in rows {
        let known = newest.get(&key(&row)).map(&version);
        if known.is_none_or(|known| known < version(&row)) {
            newest.insert(key(&row), row);
        }
    }
    newest.into_values().collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::newest;

    #[test]
    fn of_each_thing_the_newest_remains_in_order_of_key() {
        let rows = [(2, 1, "old"), (1, 5, "new"), (2, 3, "new"), (1, 4, "old"), (2, 3, "again")];
        let key = |row: &(u128, i64, &str)| (Uuid::nil(), Uuid::from_u128(row.0));
        let kept: Vec<_> = newest(rows, key, |row| row.1).into_iter().map(|row| (row.0, row.2)).collect();
        assert_eq!(kept, [(1, "new"), (2, "new")]);
    }
}
