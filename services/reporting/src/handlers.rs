//! What this role listens to: one projection per message, each newest-version-first or once, so that any order and any
//! repetition of the same events leaves the same rows.

mod alert_changed;
mod credit_changed;
mod customer_changed;
mod customer_scored;
mod dispute_changed;
mod invoice_changed;
mod message_changed;
mod promise_changed;
mod reminder_decided;
mod segment_assigned;

use contracts::{Event, ingestion, promises, reminders, scoring};
use messaging::{Delivery, Handler, HandlerError};
use runtime::access;
use sqlx::PgConnection;

/// Receivables, credits, customers, disputes, and who may knock.
pub(crate) struct FromIngestion;

impl Handler for FromIngestion {
    fn subjects(&self) -> Vec<&'static str> {
        let mut subjects = access::SUBJECTS.to_vec();
        subjects.extend([
            ingestion::CustomerChanged::SUBJECT,
            ingestion::InvoiceChanged::SUBJECT,
            ingestion::CreditChanged::SUBJECT,
            ingestion::DisputeChanged::SUBJECT,
        ]);
        subjects
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        access::apply(&mut *conn, batch).await?;
        customer_changed::handle(&mut *conn, batch).await?;
        invoice_changed::handle(&mut *conn, batch).await?;
        credit_changed::handle(&mut *conn, batch).await?;
        dispute_changed::handle(conn, batch).await
    }
}

/// Scores and segments.
pub(crate) struct FromScoring;

impl Handler for FromScoring {
    fn subjects(&self) -> Vec<&'static str> {
        vec![scoring::CustomerScored::SUBJECT, scoring::SegmentAssigned::SUBJECT]
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        customer_scored::handle(&mut *conn, batch).await?;
        segment_assigned::handle(conn, batch).await
    }
}

/// Decisions and messages.
pub(crate) struct FromReminders;

impl Handler for FromReminders {
    fn subjects(&self) -> Vec<&'static str> {
        vec![reminders::ReminderDecided::SUBJECT, reminders::MessageChanged::SUBJECT]
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        reminder_decided::handle(&mut *conn, batch).await?;
        message_changed::handle(conn, batch).await
    }
}

/// Promises and alerts.
pub(crate) struct FromPromises;

impl Handler for FromPromises {
    fn subjects(&self) -> Vec<&'static str> {
        vec![promises::PromiseChanged::SUBJECT, promises::AlertChanged::SUBJECT]
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        promise_changed::handle(&mut *conn, batch).await?;
        alert_changed::handle(conn, batch).await
    }
}

/// A count as PostgreSQL's `integer` stores it.
fn small(field: &'static str, count: u32) -> Result<i32, HandlerError> {
    i32::try_from(count).map_err(|_| HandlerError::reject(format!("field {field} is out of range")))
}
