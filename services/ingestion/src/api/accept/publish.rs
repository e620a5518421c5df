//! Rows as events of the contract.

use contracts::ingestion::{
    BuyerCalendar, ConsentChanged, ContactChanged, ContactLogged, CreditChanged, CustomerChanged, DeliveryReported,
    DisputeChanged, HoldChanged, InvoiceChanged, IssueChanged, PromiseMade, PromiseWithdrawn, Settlement,
    SourceChanged,
};
use contracts::{SCHEMA_REV, wire};
use primitives::{Currency, Money};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::resolve::Scope;
use crate::domain::{fact, receivable};
use crate::store::credits::CreditRow;
use crate::store::disputes::DisputeRow;
use crate::store::holds::HoldRow;
use crate::store::issues::IssueRow;
use crate::store::parties::{ContactRow, CustomerRow};
use crate::store::promises::{PromiseRow, WithdrawalRow};
use crate::store::reach::{AttemptRow, ConsentRow, ReportRow};
use crate::store::receivables::ReceivableRow;
use crate::store::settlements::SettlementRow;
use crate::store::sources::SourceRow;

/// Versions are positive: a check in every table says so.
fn version(version: i64) -> u64 {
    version.unsigned_abs()
}

/// Languages in which the house writes; for the others a reader takes the tenant's.
fn language(language: &str) -> String {
    if matches!(language, "es" | "en") { language.to_owned() } else { String::new() }
}

/// The wire form of an amount: at the scale of its currency.
fn text(amount: Decimal, currency: &str) -> String {
    let money = Currency::parse(currency).and_then(|currency| Money::new(amount, currency));
    money.map_or_else(|_| amount.to_string(), |money| money.to_string())
}

pub(crate) fn customer(scope: &Scope, row: &CustomerRow) -> CustomerChanged {
    CustomerChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        customer_id: row.customer_id.to_string(),
        version: version(row.version),
        code: row.code.clone(),
        party_kind: row.party_kind.clone(),
        name: row.name.clone(),
        country: row.country.clone(),
        time_zone: row.time_zone.clone(),
        language: language(&row.language),
        tier: row.tier.clone(),
        payer_id: row.payer_id.to_string(),
        group_code: row.group_code.clone(),
        provisional: row.provisional,
        credit_limit: row.credit_limit.map(|limit| text(limit, &row.credit_limit_currency)).unwrap_or_default(),
        credit_limit_currency: row.credit_limit_currency.clone(),
        rating: row.rating.clone(),
        tax_id: row.tax_id.clone(),
        preferred_channel: row.preferred_channel.clone(),
        requires_submission: row.requires_submission,
        calendar: Some(calendar(&row.calendar)),
    }
}

fn calendar(told: &fact::BuyerCalendar) -> BuyerCalendar {
    let days = |days: &[u8]| days.iter().map(|day| u32::from(*day)).collect();
    BuyerCalendar {
        payment_weekdays: told.payment_weekdays.clone(),
        payment_days: days(&told.payment_days),
        reception_weekdays: told.reception_weekdays.clone(),
        reception_days: days(&told.reception_days),
        reception_cut_off: told.reception_cut_off.clone(),
    }
}

pub(crate) fn contact(scope: &Scope, row: &ContactRow) -> ContactChanged {
    ContactChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        contact_id: row.contact_id.to_string(),
        version: version(row.version),
        customer_id: row.customer_id.to_string(),
        role: row.role.clone(),
        name: row.name.clone(),
        email: row.email.clone(),
        language: language(&row.language),
        active: row.active,
    }
}

pub(crate) fn invoice(scope: &Scope, row: &ReceivableRow, settlements: &[SettlementRow]) -> InvoiceChanged {
    let standing = &row.standing;
    let of = |text: Option<&String>| text.cloned().unwrap_or_default();
    let (covered, expected_credit) = (standing.covered(row.open_amount), standing.expected_credit(row.open_amount));
    let expected_net = receivable::expected_net(
        row.open_amount,
        row.expected_withholding,
        row.withheld_amount,
        covered + expected_credit,
    );
    InvoiceChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        invoice_id: row.invoice_id.to_string(),
        version: version(row.version),
        legal_entity_id: row.legal_entity_id.to_string(),
        customer_id: row.customer_id.to_string(),
        payer_id: row.payer_id.to_string(),
        number: row.number.clone(),
        currency: row.currency.clone(),
        amount: text(row.amount, &row.currency),
        open_amount: text(row.open_amount, &row.currency),
        expected_net: text(expected_net, &row.currency),
        issue_date: row.issue_date.to_string(),
        due_date: row.due_date.to_string(),
        effective_due_date: row.effective_due_date.to_string(),
        delivered_date: wire::date_text(row.delivered_date),
        status: if row.open_amount.is_zero() { "settled" } else { "open" }.to_owned(),
        settled_on: wire::date_text(row.settled_on),
        settlements: settlements.iter().map(|settlement| applied(settlement, &row.currency)).collect(),
        disputed_amount: text(row.disputed_amount, &row.currency),
        recorded_at: Some(wire::timestamp(scope.now)),
        last_dunned_on: wire::date_text(row.last_dunned_on),
        document: row.document.clone(),
        corrects_invoice_id: row.corrects_invoice_id.map(|id| id.to_string()).unwrap_or_default(),
        voided_on: wire::date_text(standing.voided.as_ref().map(|voided| voided.on)),
        delivery_channel: of(standing.delivered.as_ref().map(|delivered| &delivered.channel)),
        delivery_delay_days: receivable::delivery_delay_days(row.issue_date, row.delivered_date),
        acceptance: standing.acceptance().to_owned(),
        submitted_on: wire::date_text(standing.submitted.as_ref().map(|submitted| submitted.on)),
        answered_on: wire::date_text(standing.verdict.as_ref().map(|verdict| verdict.on)),
        rejection_reason: of(standing.verdict.as_ref().map(|verdict| &verdict.reason)),
        factor: of(standing.assigned.as_ref().map(|assigned| &assigned.factor)),
        payee: of(standing.assigned.as_ref().map(|assigned| &assigned.payee)),
        assigned_on: wire::date_text(standing.assigned.as_ref().map(|assigned| assigned.on)),
        covered_amount: text(covered, &row.currency),
        expected_credit: text(expected_credit, &row.currency),
    }
}

fn applied(row: &SettlementRow, currency: &str) -> Settlement {
    Settlement {
        settlement_id: row.settlement_id.to_string(),
        credit_id: row.credit_id.to_string(),
        kind: row.kind.clone(),
        amount: text(row.amount, currency),
        value_date: row.value_date.to_string(),
        recorded_at: Some(wire::timestamp(row.recorded_at)),
        inferred: row.inferred,
    }
}

pub(crate) fn credit(scope: &Scope, row: &CreditRow) -> CreditChanged {
    CreditChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        credit_id: row.credit_id.to_string(),
        version: version(row.version),
        legal_entity_id: row.legal_entity_id.to_string(),
        payer_id: row.payer_id.to_string(),
        kind: row.kind.clone(),
        number: row.number.clone(),
        currency: row.currency.clone(),
        amount: text(row.amount, &row.currency),
        applied: text(row.applied, &row.currency),
        on_account: text(row.on_account, &row.currency),
        waiting: text(row.waiting, &row.currency),
        held: text(row.held, &row.currency),
        value_date: row.value_date.to_string(),
        recorded_at: Some(wire::timestamp(row.recorded_at)),
    }
}

/// `invoice` is the row's invoice: a dispute is published once it is known.
pub(crate) fn dispute(scope: &Scope, row: &DisputeRow, invoice: &ReceivableRow) -> DisputeChanged {
    // The fact did not know the currency: what is finer than its minor unit cannot be disputed.
    let scale = Currency::parse(&invoice.currency).map_or(2, |currency| currency.scale());
    let amount = row.amount.map(|amount| text(amount.trunc_with_scale(scale), &invoice.currency));
    DisputeChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        dispute_id: row.dispute_id.to_string(),
        version: version(row.version),
        invoice_id: row.invoice_id.to_string(),
        customer_id: invoice.customer_id.to_string(),
        reason: row.reason.clone(),
        status: if row.resolved_on.is_some() { "resolved" } else { "open" }.to_owned(),
        amount: amount.unwrap_or_default(),
        currency: invoice.currency.clone(),
        opened_on: row.opened_on.to_string(),
        resolved_on: wire::date_text(row.resolved_on),
        recorded_at: Some(wire::timestamp(row.recorded_at)),
    }
}

pub(crate) fn promise_made(scope: &Scope, row: &PromiseRow) -> PromiseMade {
    PromiseMade {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        promise_id: row.promise_id.to_string(),
        code: row.code.clone(),
        customer_id: row.customer_id.to_string(),
        legal_entity_id: row.legal_entity_id.to_string(),
        invoice_ids: row.invoices.iter().map(|invoice| invoice.invoice_id.to_string()).collect(),
        amount: text(row.amount, &row.currency),
        currency: row.currency.clone(),
        promised_date: row.promised_date.to_string(),
        time_zone: row.time_zone.clone(),
        made_on: row.made_on.to_string(),
        channel: row.channel.clone(),
        replaces_promise_id: row.replaces_promise_id.map(|id| id.to_string()).unwrap_or_default(),
        recorded_at: Some(wire::timestamp(row.recorded_at)),
        plan_id: row.plan.as_ref().map(|plan| plan.plan_id.to_string()).unwrap_or_default(),
        plan_code: row.plan.as_ref().map(|plan| plan.code.clone()).unwrap_or_default(),
        instalment: row.plan.as_ref().map_or(0, |plan| plan.instalment.unsigned_abs()),
        instalments: row.plan.as_ref().map_or(0, |plan| plan.instalments.unsigned_abs()),
        amount_before: row.plan.as_ref().map(|plan| text(plan.amount_before, &row.currency)).unwrap_or_default(),
    }
}

pub(crate) fn promise_withdrawn(scope: &Scope, promise: &PromiseRow, row: &WithdrawalRow) -> PromiseWithdrawn {
    PromiseWithdrawn {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        promise_id: row.promise_id.to_string(),
        customer_id: promise.customer_id.to_string(),
        withdrawn_on: row.withdrawn_on.to_string(),
        recorded_at: Some(wire::timestamp(scope.now)),
    }
}

pub(crate) fn hold(scope: &Scope, row: &HoldRow) -> HoldChanged {
    HoldChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        hold_id: row.hold_id.to_string(),
        version: version(row.version),
        customer_id: row.customer_id.to_string(),
        invoice_ids: row.invoice_ids.iter().map(Uuid::to_string).collect(),
        kind: row.kind.clone(),
        placed_on: row.placed_on.to_string(),
        until: wire::date_text(row.until),
        lifted_on: wire::date_text(row.lifted_on),
        code: row.code.clone(),
        origin_id: row.origin_id.map(|id| id.to_string()).unwrap_or_default(),
        recorded_at: Some(wire::timestamp(row.recorded_at)),
    }
}

pub(crate) fn issue(scope: &Scope, row: &IssueRow) -> IssueChanged {
    IssueChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        issue_id: row.issue_id.to_string(),
        version: version(row.version),
        code: row.code.clone(),
        customer_id: row.customer_id.to_string(),
        invoice_ids: row.invoice_ids.iter().map(Uuid::to_string).collect(),
        reason: row.reason.clone(),
        status: if row.resolved_on.is_some() { "resolved" } else { "open" }.to_owned(),
        outcome: row.outcome.clone().unwrap_or_default(),
        dispute_id: row.dispute_id.map(|id| id.to_string()).unwrap_or_default(),
        owner: row.owner.clone().unwrap_or_default(),
        raised_on: row.raised_on.to_string(),
        resolved_on: wire::date_text(row.resolved_on),
        recorded_at: Some(wire::timestamp(row.recorded_at)),
    }
}

/// `owner` is the customer of the contact, where it is known.
pub(crate) fn consent(scope: &Scope, row: &ConsentRow, owner: Option<Uuid>) -> ConsentChanged {
    let text = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    ConsentChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        consent_id: row.consent_id.to_string(),
        version: version(row.version),
        contact_id: text(row.contact_id),
        customer_id: text(row.customer_id.or(owner)),
        channel: row.channel.clone(),
        status: row.status.clone(),
        cause: row.cause.clone(),
        changed_on: row.changed_on.to_string(),
        recorded_at: Some(wire::timestamp(row.recorded_at)),
    }
}

pub(crate) fn attempt(scope: &Scope, row: &AttemptRow) -> ContactLogged {
    ContactLogged {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        attempt_id: row.attempt_id.to_string(),
        customer_id: row.customer_id.to_string(),
        contact_id: row.contact_id.map(|id| id.to_string()).unwrap_or_default(),
        channel: row.channel.clone(),
        outcome: row.outcome.clone(),
        logged_on: row.logged_on.to_string(),
        by: row.logged_by.clone(),
        recorded_at: Some(wire::timestamp(row.recorded_at)),
    }
}

pub(crate) fn report(scope: &Scope, row: &ReportRow) -> DeliveryReported {
    DeliveryReported {
        schema_rev: SCHEMA_REV,
        tenant_id: scope.tenant_id.to_string(),
        report_id: row.report_id.to_string(),
        message_id: row.message_id.map(|id| id.to_string()).unwrap_or_default(),
        contact_id: row.contact_id.map(|id| id.to_string()).unwrap_or_default(),
        channel: row.channel.clone(),
        outcome: row.outcome.clone(),
        permanent: row.permanent,
        reported_at: Some(wire::timestamp(row.reported_at)),
        recorded_at: Some(wire::timestamp(row.recorded_at)),
    }
}

pub(crate) fn source(tenant_id: Uuid, row: &SourceRow) -> SourceChanged {
    SourceChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant_id.to_string(),
        source_id: row.source_id.to_string(),
        version: version(row.version),
        code: row.code.clone(),
        application_authority: row.application_authority.clone(),
        mode: row.mode.clone(),
        covers: row.covers.clone(),
        covered_until: row.covered_until.map(wire::timestamp),
    }
}
