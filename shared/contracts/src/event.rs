//! What every event of the contract says about itself.

use crate::{ingestion, promises, reminders, scoring};

/// A message that a service publishes for whoever subscribes.
pub trait Event: prost::Message + Default {
    /// Subject and CloudEvents type in one: `puntual.<service>.<noun>.<verb>.v<major>`.
    const SUBJECT: &'static str;
    /// Tenant whose data it carries.
    fn tenant(&self) -> &str;
    /// Customer whose data it carries; empty where it is about none.
    fn customer(&self) -> &str;
}

macro_rules! event {
    ($message:ty, $subject:literal) => {
        impl Event for $message {
            const SUBJECT: &'static str = $subject;
            fn tenant(&self) -> &str {
                &self.tenant_id
            }
            fn customer(&self) -> &str {
                ""
            }
        }
    };
    ($message:ty, $subject:literal, $customer:ident) => {
        impl Event for $message {
            const SUBJECT: &'static str = $subject;
            fn tenant(&self) -> &str {
                &self.tenant_id
            }
            fn customer(&self) -> &str {
                &self.$customer
            }
        }
    };
}

event!(ingestion::TenantChanged, "puntual.ingestion.tenant.changed.v1");
event!(ingestion::ApiKeyChanged, "puntual.ingestion.api_key.changed.v1");
event!(ingestion::SourceChanged, "puntual.ingestion.source.changed.v1");
event!(ingestion::CustomerChanged, "puntual.ingestion.customer.changed.v1", customer_id);
event!(ingestion::ContactChanged, "puntual.ingestion.contact.changed.v1", customer_id);
event!(ingestion::InvoiceChanged, "puntual.ingestion.invoice.changed.v1", customer_id);
event!(ingestion::CreditChanged, "puntual.ingestion.credit.changed.v1", payer_id);
event!(ingestion::DisputeChanged, "puntual.ingestion.dispute.changed.v1", customer_id);
event!(ingestion::PromiseMade, "puntual.ingestion.promise.made.v1", customer_id);
event!(ingestion::PromiseWithdrawn, "puntual.ingestion.promise.withdrawn.v1", customer_id);
event!(ingestion::HoldChanged, "puntual.ingestion.hold.changed.v1", customer_id);
event!(ingestion::IssueChanged, "puntual.ingestion.issue.changed.v1", customer_id);
event!(ingestion::ConsentChanged, "puntual.ingestion.consent.changed.v1", customer_id);
event!(ingestion::ContactLogged, "puntual.ingestion.contact.logged.v1", customer_id);
event!(ingestion::DeliveryReported, "puntual.ingestion.delivery.reported.v1");
event!(scoring::CustomerScored, "puntual.scoring.customer.scored.v1", customer_id);
event!(scoring::SegmentAssigned, "puntual.scoring.segment.assigned.v1", customer_id);
event!(scoring::InvoicePredicted, "puntual.scoring.invoice.predicted.v1", customer_id);
event!(scoring::PatternShifted, "puntual.scoring.pattern.shifted.v1", customer_id);
event!(scoring::RiskRaised, "puntual.scoring.risk.raised.v1", customer_id);
event!(reminders::ReminderDecided, "puntual.reminders.reminder.decided.v1", customer_id);
event!(reminders::MessageChanged, "puntual.reminders.message.changed.v1", customer_id);
event!(promises::PromiseChanged, "puntual.promises.promise.changed.v1", customer_id);
event!(promises::AlertChanged, "puntual.promises.alert.changed.v1", customer_id);
