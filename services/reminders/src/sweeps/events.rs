//! What others are told.

use contracts::reminders::{MessageChanged, ReminderDecided};
use contracts::{SCHEMA_REV, wire};
use messaging::Outbox;

use crate::store::decisions::Decided;
use crate::store::messages::Row;

pub(crate) fn message_changed(outbox: &mut Outbox, message: &Row) {
    outbox.push(&MessageChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: message.tenant_id.to_string(),
        message_id: message.message_id.to_string(),
        version: message.version.unsigned_abs(),
        customer_id: message.customer_id.to_string(),
        contact_id: message.contact_id.map(|id| id.to_string()).unwrap_or_default(),
        channel: message.channel.clone(),
        status: message.status.clone(),
        reason: message.reason.clone(),
        day: message.day.to_string(),
        invoice_ids: message.invoice_ids.iter().map(ToString::to_string).collect(),
        level: message.level.unsigned_abs(),
        changed_at: Some(wire::timestamp(message.changed_at)),
    });
}

pub(crate) fn reminder_decided(outbox: &mut Outbox, decided: &Decided) {
    let carried = decided.outcome == crate::domain::decide::Outcome::Send;
    outbox.push(&ReminderDecided {
        schema_rev: SCHEMA_REV,
        tenant_id: decided.tenant_id.to_string(),
        decision_id: decided.decision_id.to_string(),
        customer_id: decided.customer_id.to_string(),
        invoice_id: decided.invoice_id.to_string(),
        strategy: decided.strategy.clone(),
        strategy_version: decided.strategy_version.unsigned_abs(),
        step: decided.step.unsigned_abs(),
        offset_days: decided.offset_days,
        outcome: decided.outcome.as_str().to_owned(),
        reason: decided.outcome.reason().to_owned(),
        message_id: if carried { decided.message_id.to_string() } else { String::new() },
        day: decided.day.to_string(),
        decided_at: Some(wire::timestamp(decided.at)),
    });
}
