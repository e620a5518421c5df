//! What ingestion tells. A batch is applied kind by kind, so that rows are always locked in one order: sources, invoices,
//! words, promises.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contracts::Event;
use contracts::ingestion::{InvoiceChanged, PromiseMade, PromiseWithdrawn, SourceChanged};
use faults::Bug;
use messaging::{Delivery, Handler, HandlerError};
use runtime::{Clock, access};
use sqlx::PgConnection;

use crate::domain::judgement::Moment;
use crate::domain::policy::Policy;
use crate::judge::judge_all;
use crate::store::{self, StoreError};
use crate::timers;

mod invoice_changed;
mod promise_made;
mod promise_withdrawn;
mod source_changed;

pub(crate) struct IngestionEvents {
    pub(crate) clock: Clock,
    pub(crate) policy: Arc<Policy>,
}

pub(crate) fn subjects() -> Vec<&'static str> {
    let own = [InvoiceChanged::SUBJECT, PromiseMade::SUBJECT, PromiseWithdrawn::SUBJECT, SourceChanged::SUBJECT];
    [own.as_slice(), access::SUBJECTS.as_slice()].concat()
}

impl Handler for IngestionEvents {
    fn subjects(&self) -> Vec<&'static str> {
        subjects()
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        access::apply(conn, batch).await?;
        let sources = source_changed::read(batch)?;
        let changed = invoice_changed::read(batch)?;
        let made = promise_made::read(batch)?;
        let withdrawn = promise_withdrawn::read(batch)?;

        store::sources::save(conn, &sources).await?;
        let named: BTreeSet<_> = made
            .iter()
            .flat_map(|promise| promise.invoice_ids.iter().map(|invoice_id| (promise.key.tenant_id, *invoice_id)))
            .collect();
        let newer = store::invoices::save_and_lock(conn, &changed, &named).await?;
        let words = promise_made::words(&made, withdrawn);
        store::words::save_and_lock(conn, &words).await?;
        let now = self.clock.now(conn).await?;
        let made: Vec<_> = made
            .into_iter()
            .map(|promise| {
                let terms = self.policy.terms(&promise);
                (promise, terms)
            })
            .collect();
        store::promises::insert(conn, &made, now).await?;
        if faults::seeded(Bug::PromiseTimerInMemory) {
            timers::start(made.iter().map(|(promise, _)| promise.key));
        }

        let spoken_of: BTreeSet<_> = words.into_keys().collect();
        let invoices: BTreeSet<_> = newer.into_iter().chain(named).collect();
        let standing = store::promises::lock_affected(conn, &spoken_of, &invoices).await?;
        judge_all(conn, standing, &self.policy, now, |_| Moment::OnArrival).await?;
        // Last: it locks promises, and whoever waits for an invoice must hold none.
        store::sources::wake_covered(conn, &sources).await?;
        Ok(())
    }
}

impl From<StoreError> for HandlerError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sql(error) => error.into(),
            malformed => Self::reject(malformed.to_string()),
        }
    }
}

/// Keeps the newest of the versions of one aggregate in a batch.
fn keep_newest<K: Ord, V>(newest: &mut BTreeMap<K, V>, key: K, value: V, version: fn(&V) -> i64) {
    if newest.get(&key).is_none_or(|known| version(known) < version(&value)) {
        newest.insert(key, value);
    }
}
