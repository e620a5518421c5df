//! The data of facts about pauses, problems and debtors' answers.
#![allow(dead_code, reason = "described here, read by `reading`")]

use serde_json::json;
use utoipa::ToSchema;

use super::catalogue::{Described, described};
use super::facts::Reason;
use super::values::{Amount, Code, CurrencyCode, Day, Key, Text};

/// An example of each, as of [`super::catalogue`].
pub(super) fn all() -> Vec<Described> {
    vec![
        described::<HoldPlaced>(
            "hold.placed",
            "erp",
            json!({"hold": "H-001", "customer": "C-001", "invoices": ["F-1001"], "kind": "manual",
                   "reason": "waits for the new purchase order", "placed_on": "2026-04-02", "until": "2026-04-30"}),
        ),
        described::<HoldLifted>("hold.lifted", "erp", json!({"hold": "H-001", "lifted_on": "2026-04-10"})),
        described::<IssueRaised>(
            "issue.raised",
            "erp",
            json!({"issue": "I-001", "customer": "C-001", "invoices": ["F-1001"], "reason": "delivery",
                   "description": "two pallets arrived wet", "raised_on": "2026-03-09", "owner": "ventas-norte"}),
        ),
        described::<IssueResolved>(
            "issue.resolved",
            "erp",
            json!({"issue": "I-001", "resolved_on": "2026-03-10", "outcome": "converted", "dispute": "D-001"}),
        ),
        described::<PaymentClaimed>(
            "payment.claimed",
            "erp",
            json!({"claim": "A-001", "customer": "C-001", "invoices": ["F-1001"], "currency": "COP",
                   "amount": "400000.00", "claimed_on": "2026-04-06", "paid_on": "2026-04-05",
                   "proof": "https://files.example/transfer.pdf"}),
        ),
        described::<PaymentScheduled>(
            "payment.scheduled",
            "erp",
            json!({"claim": "A-002", "customer": "C-001", "invoices": ["F-1001"], "claimed_on": "2026-04-06",
                   "scheduled_for": "2026-04-17"}),
        ),
        described::<InvoiceNotReceived>(
            "invoice.not_received",
            "erp",
            json!({"claim": "A-003", "customer": "C-001", "invoices": ["F-1001"], "claimed_on": "2026-04-06"}),
        ),
        described::<DocumentMissing>(
            "document.missing",
            "erp",
            json!({"claim": "A-004", "customer": "C-001", "invoices": ["F-1001"], "document": "purchase_order",
                   "claimed_on": "2026-04-06"}),
        ),
    ]
}

/// Reminders pause, for a whole customer or for some invoices, from this day on. Told anew, the later word counts.
#[derive(ToSchema)]
pub(super) struct HoldPlaced {
    hold: Key,
    customer: Key,
    /// The whole customer when none is named; always of the whole customer is `hardship`.
    #[schema(required = false, max_items = 1000)]
    invoices: Vec<Key>,
    kind: HoldKind,
    /// Kept where it can be erased.
    #[schema(required = false)]
    reason: Text,
    placed_on: Day,
    /// The last day of the pause; until it is lifted when absent. Not before `placed_on`.
    #[schema(required = false)]
    until: Day,
}

/// Those that a person places. Pauses for issues, claims, missing documents and invoices follow from facts of their own.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum HoldKind {
    Manual,
    Hardship,
    Legal,
    Insolvency,
}

/// A pause has ended, and does not begin again: another one is another hold.
#[derive(ToSchema)]
pub(super) struct HoldLifted {
    hold: Key,
    /// The first day without it.
    lifted_on: Day,
}

/// Somebody of the creditor has seen a problem that the debtor has not disputed yet. Its items pause at once.
#[derive(ToSchema)]
pub(super) struct IssueRaised {
    issue: Key,
    customer: Key,
    /// The whole customer when none is named.
    #[schema(required = false, max_items = 1000)]
    invoices: Vec<Key>,
    reason: Reason,
    /// Kept where it can be erased.
    #[schema(required = false)]
    description: Text,
    raised_on: Day,
    /// Who has to solve it.
    #[schema(required = false)]
    owner: Code,
    #[schema(required = false)]
    raised_by: Code,
}

/// An issue has ended, and does not begin again. One that was `converted` goes on pausing until its dispute is known.
#[derive(ToSchema)]
pub(super) struct IssueResolved {
    issue: Key,
    resolved_on: Day,
    /// `solved` unless told.
    #[schema(required = false)]
    outcome: IssueOutcome,
    /// The dispute that it has become: with `converted`, and only then.
    #[schema(required = false)]
    dispute: Key,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum IssueOutcome {
    Solved,
    Unfounded,
    Converted,
    Other,
}

/// The debtor says that it has paid: its items pause for three bank days.
#[derive(ToSchema)]
pub(super) struct PaymentClaimed {
    /// Number of the answer; told anew, of whatever type, the later word counts.
    claim: Key,
    customer: Key,
    /// The whole customer when none is named.
    #[schema(required = false, max_items = 1000)]
    invoices: Vec<Key>,
    /// Needed with an amount.
    #[schema(required = false)]
    currency: CurrencyCode,
    #[schema(required = false)]
    amount: Amount,
    /// Civil day of the debtor.
    claimed_on: Day,
    /// Not after it was claimed.
    #[schema(required = false)]
    paid_on: Day,
    /// Where the proof is. Kept where it can be erased.
    #[schema(required = false)]
    proof: Text,
}

/// The debtor says that it will pay: its items pause until that day, and a bank day longer.
#[derive(ToSchema)]
pub(super) struct PaymentScheduled {
    claim: Key,
    customer: Key,
    /// The whole customer when none is named.
    #[schema(required = false, max_items = 1000)]
    invoices: Vec<Key>,
    /// Needed with an amount.
    #[schema(required = false)]
    currency: CurrencyCode,
    #[schema(required = false)]
    amount: Amount,
    claimed_on: Day,
    /// Not before it was claimed.
    scheduled_for: Day,
    /// Where the proof is. Kept where it can be erased.
    #[schema(required = false)]
    proof: Text,
}

/// The debtor says that it never had an invoice: it pauses for three bank days.
#[derive(ToSchema)]
pub(super) struct InvoiceNotReceived {
    claim: Key,
    customer: Key,
    #[schema(min_items = 1, max_items = 1000)]
    invoices: Vec<Key>,
    /// Needed with an amount.
    #[schema(required = false)]
    currency: CurrencyCode,
    #[schema(required = false)]
    amount: Amount,
    claimed_on: Day,
}

/// The debtor cannot pay without a document: its items pause for three bank days.
#[derive(ToSchema)]
pub(super) struct DocumentMissing {
    claim: Key,
    customer: Key,
    /// The whole customer when none is named.
    #[schema(required = false, max_items = 1000)]
    invoices: Vec<Key>,
    document: Document,
    /// Needed with an amount.
    #[schema(required = false)]
    currency: CurrencyCode,
    #[schema(required = false)]
    amount: Amount,
    claimed_on: Day,
}

/// A purchase order, an acceptance of services (hoja de entrada de servicios), the debtor's receipt for the invoice, or another.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Document {
    PurchaseOrder,
    Hes,
    Contrarrecibo,
    Other,
}
