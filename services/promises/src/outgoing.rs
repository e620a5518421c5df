//! What the role tells others: domain values in their wire form.

use chrono::{DateTime, Utc};
use contracts::promises::{AlertChanged, PromiseChanged};
use contracts::{SCHEMA_REV, wire};

use crate::domain::alert::Alert;
use crate::store::promises::Standing;

pub(crate) fn promise_changed(standing: &Standing, changed_at: DateTime<Utc>) -> PromiseChanged {
    let promise = &standing.promise;
    PromiseChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: promise.key.tenant_id.to_string(),
        promise_id: promise.key.promise_id.to_string(),
        version: standing.version.unsigned_abs(),
        customer_id: promise.customer_id.to_string(),
        invoice_ids: promise.invoice_ids.iter().map(ToString::to_string).collect(),
        amount: promise.amount.to_string(),
        currency: promise.amount.currency().to_string(),
        paid_amount: standing.state.paid.to_string(),
        promised_date: promise.promised_date.to_string(),
        status: standing.state.status.to_string(),
        late_information: standing.state.late_information,
        changed_at: Some(wire::timestamp(changed_at)),
        legal_entity_id: promise.legal_entity_id.to_string(),
        made_on: promise.made_on.to_string(),
        plan_id: promise.instalment.as_ref().map(|instalment| instalment.plan_id.to_string()).unwrap_or_default(),
        instalment: promise.instalment.as_ref().map_or(0, |instalment| instalment.number.unsigned_abs()),
    }
}

pub(crate) fn alert_changed(alert: &Alert) -> AlertChanged {
    AlertChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: alert.tenant_id.to_string(),
        alert_id: alert.id.to_string(),
        version: alert.version.unsigned_abs(),
        kind: alert.kind.clone(),
        customer_id: alert.customer_id.to_string(),
        subject_id: alert.promise_id.to_string(),
        status: alert.status.as_str().to_owned(),
        amount: alert.missing.to_string(),
        currency: alert.missing.currency().to_string(),
        raised_at: Some(wire::timestamp(alert.raised_at)),
        cleared_at: alert.cleared_at.map(wire::timestamp),
    }
}
