//! The data of facts that say what is owed, and what is said of it.
#![allow(dead_code, reason = "described here, read by `reading`")]

use utoipa::ToSchema;

use super::values::{Amount, AmountOrZero, CurrencyCode, Day, Key, Text};

/// Members of whatever says that something is owed, behind those that are its own.
macro_rules! receivable {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(ToSchema)]
        pub(super) struct $name {
            $($own)*
            /// Other numbers by which facts may name it, like a fiscal UUID; each of one invoice only. Once told, they stay.
            #[schema(required = false, max_items = 10)]
            references: Vec<Key>,
            customer: Key,
            /// Who pays it; the customer's payer when absent.
            #[schema(required = false)]
            payer: Key,
            currency: CurrencyCode,
            amount: Amount,
            /// Tax that the payer will withhold; not more than the amount.
            #[schema(required = false)]
            expected_withholding: AmountOrZero,
            issue_date: Day,
            /// Not before it is issued.
            due_date: Day,
            #[schema(required = false)]
            delivered_date: Day,
            /// Agreed later than `due_date`.
            #[schema(required = false)]
            effective_due_date: Day,
            /// Through which another system has dunned it, before Puntual took over.
            #[schema(required = false)]
            last_dunned_on: Day,
        }
    };
}

receivable! {
    /// An invoice, or its correction.
    InvoiceIssued {
        invoice: Key,
    }
}

receivable! {
    /// More is owed than was invoiced: a receivable of its own, with its own number among those of invoices and its own due date.
    DebitNoteIssued {
        debit_note: Key,
        /// The invoice that it is about, which need not have come.
        #[schema(required = false)]
        invoice: Key,
    }
}

/// An invoice is not owed, as if it never had been: what had paid it is free again. Telling the invoice again does not bring it
/// back, `invoice.reinstated` does.
#[derive(ToSchema)]
pub(super) struct InvoiceVoided {
    invoice: Key,
    voided_on: Day,
    reason: VoidReason,
    /// Kept apart, erasable, and never told on.
    #[schema(required = false)]
    note: Text,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum VoidReason {
    Error,
    Duplicate,
    /// By another invoice.
    Replaced,
    /// The sale did not happen.
    NotCarriedOut,
    Other,
}

/// A void was told by mistake, or was refused by the buyer or the tax authority.
#[derive(ToSchema)]
pub(super) struct InvoiceReinstated {
    invoice: Key,
    reinstated_on: Day,
    #[schema(required = false)]
    note: Text,
}

/// The buyer has the invoice since that day, whatever day the invoice itself named.
#[derive(ToSchema)]
pub(super) struct InvoiceDelivered {
    invoice: Key,
    delivered_on: Day,
    /// `other` unless told.
    #[schema(required = false)]
    channel: DeliveryChannel,
    #[schema(required = false)]
    note: Text,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum DeliveryChannel {
    Email,
    Portal,
    Edi,
    Post,
    Hand,
    Other,
}

/// The invoice was put before the buyer: uploaded to its portal, handed in at its desk. After a rejection it is another try.
#[derive(ToSchema)]
pub(super) struct InvoiceSubmitted {
    invoice: Key,
    submitted_on: Day,
    #[schema(required = false)]
    portal: Key,
    #[schema(required = false)]
    note: Text,
}

/// The buyer has accepted the invoice, by word or because its time to object has passed.
#[derive(ToSchema)]
pub(super) struct InvoiceAccepted {
    invoice: Key,
    accepted_on: Day,
    #[schema(required = false)]
    note: Text,
}

/// The buyer does not take the invoice: it is not asked for until it is submitted again or accepted.
#[derive(ToSchema)]
pub(super) struct InvoiceRejected {
    invoice: Key,
    rejected_on: Day,
    reason: RejectionReason,
    #[schema(required = false)]
    note: Text,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum RejectionReason {
    Pricing,
    Quantity,
    Quality,
    Delivery,
    Duplicate,
    Terms,
    MissingDocument,
    WrongData,
    Other,
}

/// The claim was sold or assigned (factoring, confirming): the debtor pays somebody else, and is not asked to pay us.
#[derive(ToSchema)]
pub(super) struct InvoiceAssigned {
    invoice: Key,
    assigned_on: Day,
    factor: Key,
    /// Whom the debtor pays; the factor when absent.
    #[schema(required = false)]
    payee: Key,
    #[schema(required = false)]
    note: Text,
}

/// The claim is ours again.
#[derive(ToSchema)]
pub(super) struct InvoiceReassignedBack {
    invoice: Key,
    reassigned_on: Day,
    #[schema(required = false)]
    note: Text,
}
