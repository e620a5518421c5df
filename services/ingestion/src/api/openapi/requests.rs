//! What is no fact: a line of a list, what a person decides, and what is suggested.
#![allow(dead_code, reason = "described here, read where they arrive")]

use utoipa::ToSchema;

use super::credits::{PaidPart, Part};
use super::values::{AmountOrZero, AnyAmount, Country, CurrencyCode, Day, Key, Text};

/// A line of a list of open items: what a source shows of one invoice at one moment. With a negative amount, money on account
/// instead: a payment or credit note that settles nothing yet, `invoice` being its own number.
#[derive(ToSchema)]
pub(crate) struct OpenItem {
    invoice: Key,
    /// Code; the tenant's first legal entity when absent.
    #[schema(required = false)]
    legal_entity: Key,
    customer: Key,
    #[schema(required = false)]
    customer_name: Text,
    #[schema(required = false)]
    country: Country,
    #[schema(required = false)]
    payer: Key,
    currency: CurrencyCode,
    open_amount: AnyAmount,
    /// Of the whole invoice, not less than what is open and of its sign.
    #[schema(required = false)]
    amount: AnyAmount,
    #[schema(required = false)]
    expected_withholding: AmountOrZero,
    #[schema(required = false)]
    issue_date: Day,
    /// Always told of an invoice.
    #[schema(required = false)]
    due_date: Day,
    #[schema(required = false)]
    effective_due_date: Day,
    #[schema(required = false)]
    delivered_date: Day,
    /// How far the source has dunned it; without a day, on the list's. Only of invoices that are new here.
    #[schema(required = false, value_type = String, pattern = "^[0-9]$")]
    dunning_level: String,
    #[schema(required = false)]
    last_dunned_on: Day,
}

/// Whose a payment is that came with clues, and what it pays.
#[derive(ToSchema)]
pub(crate) struct Allocation {
    /// Code of the payment's source.
    source: Key,
    /// Its number there.
    payment: Key,
    payer: Key,
    currency: CurrencyCode,
    /// Code; the tenant's first legal entity when absent or null.
    #[schema(required = false)]
    legal_entity: Option<Key>,
    /// Without an amount, a part takes what is open of its invoice. Invoices of several payers need amounts: each gets its share.
    #[schema(required = false, max_items = 1000)]
    invoices: Vec<PaidPart>,
}

/// Why a line is given up.
#[derive(ToSchema)]
pub(crate) struct Discard {
    reason: Text,
}

/// Whose a payment may be.
#[derive(ToSchema)]
pub(crate) struct Suggestion {
    payer: String,
    rule: String,
    /// 1.00 is certain; 0.80 and more: the payer is, or rules disagree; 0.50 and more: likely; less: a hint.
    #[schema(pattern = r"^[01]\.[0-9]{2}$", example = "0.70")]
    confidence: String,
    /// For people.
    reason: String,
    /// Numbers of the invoices that it may pay.
    invoices: Vec<String>,
}

/// What is known of a payer who is not known.
#[derive(ToSchema)]
pub(crate) struct KnownClues {
    #[schema(required = false)]
    account: String,
    #[schema(required = false)]
    name: String,
    #[schema(required = false)]
    references: Vec<String>,
    #[schema(required = false)]
    text: String,
    /// What the payment says that it pays.
    #[schema(required = false)]
    remittance: Vec<Part>,
}

/// What a rule decided was not accepted; it is decided anew when something has changed.
#[derive(ToSchema)]
pub(crate) struct RuleRefusal {
    code: String,
    detail: String,
}
