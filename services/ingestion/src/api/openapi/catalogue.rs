//! Every type of fact with an example, in the order of a life.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::credits::{
    ClearingObserved, CreditNoteExpected, CreditNoteIssued, CreditObserved, FxRatePublished, InstrumentChanged,
    InstrumentReceived, PaymentAllocated, PaymentReceived, PaymentReversed, SettlementRecorded, WithholdingExpected,
    WithholdingRecorded,
};
use super::customers::CustomerUpserted;
use super::facts::{
    ContactUpserted, DisputeOpened, DisputeResolved, DueDateExtended, PlanAgreed, PlanWithdrawn, PromiseMade,
    PromiseWithdrawn, SourceCovered,
};
use super::invoices::{
    DebitNoteIssued, InvoiceAccepted, InvoiceAssigned, InvoiceDelivered, InvoiceIssued, InvoiceReassignedBack,
    InvoiceReinstated, InvoiceRejected, InvoiceSubmitted, InvoiceVoided,
};
use super::{conduct, reach};

/// Type, source and data of an example; its data.
pub(super) type Described = (&'static str, &'static str, fn() -> RefOr<Schema>, fn(&mut Vec<Named>), Value);
pub(super) type Named = (String, RefOr<Schema>);

/// Every type that is read. What a promise, an allocation or a dispute is about comes before it.
pub(super) fn all() -> Vec<Described> {
    [owed(), settled(), said(), conduct::all(), reach::all(), covered()].concat()
}

pub(super) fn described<T: ToSchema>(fact_type: &'static str, source: &'static str, data: Value) -> Described {
    (fact_type, source, T::schema, T::schemas, data)
}

/// Who owes, and what.
fn owed() -> Vec<Described> {
    vec![
        described::<CustomerUpserted>(
            "customer.upserted",
            "erp",
            json!({"customer": "C-001", "name": "Comercial Andina", "country": "CO", "time_zone": "America/Bogota",
                   "credit_limit": "5000000.00", "credit_limit_currency": "COP", "rating": "BB+", "group": "G-ANDINO",
                   "calendar": {"payment_weekdays": ["fri"], "reception_days": [1, 15], "reception_cut_off": "16:30"}}),
        ),
        described::<ContactUpserted>(
            "contact.upserted",
            "erp",
            json!({"contact": "K-001", "customer": "C-001", "name": "Ana Pérez", "email": "pagos@andina.example"}),
        ),
        described::<InvoiceIssued>(
            "invoice.issued",
            "erp",
            json!({"invoice": "F-1001", "customer": "C-001", "currency": "COP", "amount": "1250000.00",
                   "issue_date": "2026-03-01", "due_date": "2026-03-31"}),
        ),
        described::<InvoiceDelivered>(
            "invoice.delivered",
            "erp",
            json!({"invoice": "F-1001", "delivered_on": "2026-03-03", "channel": "email"}),
        ),
        described::<InvoiceSubmitted>(
            "invoice.submitted",
            "erp",
            json!({"invoice": "F-1001", "submitted_on": "2026-03-03", "portal": "ANDINA-PROVEEDORES"}),
        ),
        described::<InvoiceRejected>(
            "invoice.rejected",
            "erp",
            json!({"invoice": "F-1001", "rejected_on": "2026-03-04", "reason": "missing_document",
                   "note": "falta la orden de compra"}),
        ),
        described::<InvoiceAccepted>(
            "invoice.accepted",
            "erp",
            json!({"invoice": "F-1001", "accepted_on": "2026-03-06"}),
        ),
        described::<InvoiceAssigned>(
            "invoice.assigned",
            "erp",
            json!({"invoice": "F-1001", "assigned_on": "2026-03-10", "factor": "FACTORING-SUR"}),
        ),
        described::<InvoiceReassignedBack>(
            "invoice.reassigned_back",
            "erp",
            json!({"invoice": "F-1001", "reassigned_on": "2026-03-20"}),
        ),
        described::<DebitNoteIssued>(
            "debit_note.issued",
            "erp",
            json!({"debit_note": "ND-001", "invoice": "F-1001", "customer": "C-001", "currency": "COP",
                   "amount": "25000.00", "issue_date": "2026-03-10", "due_date": "2026-04-10"}),
        ),
        described::<InvoiceVoided>(
            "invoice.voided",
            "erp",
            json!({"invoice": "F-1002", "voided_on": "2026-03-12", "reason": "duplicate"}),
        ),
        described::<InvoiceReinstated>(
            "invoice.reinstated",
            "erp",
            json!({"invoice": "F-1002", "reinstated_on": "2026-03-13"}),
        ),
        described::<DueDateExtended>(
            "due_date.extended",
            "erp",
            json!({"invoice": "F-1001", "effective_due_date": "2026-04-15", "reason": "late harvest"}),
        ),
    ]
}

/// What settles it, or will.
fn settled() -> Vec<Described> {
    let part = json!([{"invoice": "F-1001", "amount": "400000.00"}]);
    vec![
        described::<PaymentReceived>(
            "payment.received",
            "bank",
            json!({"payment": "P-001", "payer": "C-001", "currency": "COP", "amount": "400000.00",
                   "value_date": "2026-03-05", "remittance": part}),
        ),
        described::<PaymentReceived>(
            "payment.received",
            "bank",
            json!({"payment": "P-002", "currency": "COP", "amount": "100000.00", "value_date": "2026-03-06",
                   "clues": {"name": "COM ANDINA SAS", "text": "ABONO"}}),
        ),
        described::<PaymentAllocated>(
            "payment.allocated",
            "bank",
            json!({"payment": "P-002", "payer": "C-001", "currency": "COP", "invoices": [{"invoice": "F-1001"}]}),
        ),
        described::<PaymentReversed>(
            "payment.reversed",
            "bank",
            json!({"payment": "P-001", "reversal": "R-001", "currency": "COP", "amount": "100000.00",
                   "reversed_on": "2026-03-08", "reason": "insufficient funds"}),
        ),
        described::<FxRatePublished>(
            "fx_rate.published",
            "bank",
            json!({"rates": "TRM", "base": "USD", "quote": "COP", "rate": "4012.35", "rate_date": "2026-03-06",
                   "through": "2026-03-09"}),
        ),
        described::<CreditNoteIssued>(
            "credit_note.issued",
            "erp",
            json!({"credit_note": "N-001", "customer": "C-001", "currency": "COP", "amount": "50000.00",
                   "issue_date": "2026-03-07", "invoices": [{"invoice": "F-1001"}]}),
        ),
        described::<WithholdingExpected>(
            "withholding.expected",
            "erp",
            json!({"invoice": "F-1001", "currency": "COP", "amount": "31250.00", "regime": "retefuente 2.5 %"}),
        ),
        described::<WithholdingRecorded>(
            "withholding.recorded",
            "erp",
            json!({"withholding": "W-001", "payer": "C-001", "invoice": "F-1001", "currency": "COP",
                   "amount": "31250.00", "value_date": "2026-03-08", "certificate": "CERT-9"}),
        ),
        described::<SettlementRecorded>(
            "settlement.recorded",
            "erp",
            json!({"settlement": "S-001", "kind": "discount", "payer": "C-001", "invoice": "F-1001",
                   "currency": "COP", "amount": "1000.00", "value_date": "2026-03-08"}),
        ),
        described::<ClearingObserved>(
            "clearing.observed",
            "erp",
            json!({"clearing": "L-001", "payer": "C-001", "invoice": "F-1001", "currency": "COP",
                   "amount": "0.00", "value_date": "2026-03-09"}),
        ),
        described::<CreditObserved>(
            "credit.observed",
            "erp",
            json!({"credit": "A-001", "payer": "C-001", "currency": "COP", "amount": "25000.00", "value_date": "2026-03-09"}),
        ),
        described::<CreditNoteExpected>(
            "credit_note.expected",
            "erp",
            json!({"expected": "B-001", "invoice": "F-1001", "currency": "COP", "amount": "12500.00",
                   "expected_on": "2026-03-09", "reason": "rebate"}),
        ),
        described::<InstrumentReceived>(
            "instrument.received",
            "erp",
            json!({"instrument": "CH-001", "kind": "cheque", "payer": "C-001", "currency": "COP", "amount": "200000.00",
                   "received_on": "2026-03-09", "matures_on": "2026-05-09", "invoices": [{"invoice": "F-1001"}]}),
        ),
        described::<InstrumentChanged>(
            "instrument.changed",
            "erp",
            json!({"instrument": "CH-001", "state": "cleared", "on": "2026-05-11"}),
        ),
    ]
}

/// What debtors object to and promise.
fn said() -> Vec<Described> {
    vec![
        described::<DisputeOpened>(
            "dispute.opened",
            "erp",
            json!({"dispute": "D-001", "invoice": "F-1001", "reason": "quality", "amount": "20000.00",
                   "opened_on": "2026-03-10"}),
        ),
        described::<DisputeResolved>(
            "dispute.resolved",
            "erp",
            json!({"dispute": "D-001", "resolved_on": "2026-03-12", "outcome": "goods were exchanged"}),
        ),
        described::<PromiseMade>(
            "promise.made",
            "erp",
            json!({"promise": "Z-001", "customer": "C-001", "invoices": ["F-1001"], "currency": "COP",
                   "amount": "500000.00", "promised_date": "2026-04-15", "made_on": "2026-04-01", "channel": "call"}),
        ),
        described::<PromiseWithdrawn>(
            "promise.withdrawn",
            "erp",
            json!({"promise": "Z-001", "withdrawn_on": "2026-04-02"}),
        ),
        described::<PlanAgreed>(
            "plan.agreed",
            "erp",
            json!({"plan": "PL-001", "customer": "C-001", "invoices": ["F-1001"], "currency": "COP", "amount": "600000.00",
                   "agreed_on": "2026-04-03", "instalments": [{"promised_date": "2026-04-30", "amount": "300000.00"},
                   {"promised_date": "2026-05-31", "amount": "300000.00"}]}),
        ),
        described::<PlanWithdrawn>("plan.withdrawn", "erp", json!({"plan": "PL-001", "withdrawn_on": "2026-05-02"})),
    ]
}

fn covered() -> Vec<Described> {
    vec![described::<SourceCovered>("source.covered", "bank", json!({"covered_until": "2026-03-31T23:59:59Z"}))]
}
