//! The data of facts that settle receivables.
#![allow(dead_code, reason = "described here, read by `reading`")]

use utoipa::ToSchema;

use super::values::{Amount, AmountOrZero, CurrencyCode, Day, Key, Rate, Text};

/// Money has come. From whom is said by `payer`, or else has to be found by `clues`: one of the two, not both.
#[derive(ToSchema)]
pub(super) struct PaymentReceived {
    payment: Key,
    #[schema(required = false)]
    payer: Key,
    currency: CurrencyCode,
    amount: Amount,
    value_date: Day,
    #[schema(required = false)]
    received_date: Day,
    /// Payments of one account with the same reference, amount and value date count once.
    #[schema(required = false)]
    bank_reference: Key,
    /// What it pays; the oldest invoices where it does not say. The parts may sum to less than the amount.
    #[schema(required = false, max_items = 1000)]
    remittance: Vec<PaidPart>,
    #[schema(required = false)]
    clues: Clues,
}

/// An invoice that is meant.
#[derive(ToSchema)]
pub(super) struct Part {
    invoice: Key,
    /// Whatever is open when absent.
    #[schema(required = false)]
    amount: Amount,
    /// What the payer keeps back of it.
    #[schema(required = false)]
    deduction: Amount,
    /// Why, in the payer's words; only with a deduction.
    #[schema(required = false)]
    reason: Text,
}

/// An invoice that a payment pays.
#[derive(ToSchema)]
pub(super) struct PaidPart {
    invoice: Key,
    /// In the payment's currency; whatever is open when absent.
    #[schema(required = false)]
    amount: Amount,
    /// What the payer keeps back of it.
    #[schema(required = false)]
    deduction: Amount,
    /// Why, in the payer's words; only with a deduction.
    #[schema(required = false)]
    reason: Text,
    /// Where the invoice is in another currency; only with an amount, and where the cash rules say so.
    #[schema(required = false)]
    settles: Settles,
}

/// What a part of a payment settles, as the payment tells it.
#[derive(ToSchema)]
pub(super) struct Settles {
    /// Of the invoice.
    currency: CurrencyCode,
    amount: Amount,
    /// Beside the amounts, which it has to fit: units of the one currency for one of the other.
    #[schema(required = false)]
    rate: Rate,
    #[schema(required = false)]
    rate_date: Day,
}

/// What one unit of a currency was worth in another. Told again for a day it replaces what was told before, and what was paid at
/// it is exchanged anew.
#[derive(ToSchema)]
pub(super) struct FxRatePublished {
    /// Whose rates they are: the name by which cash rules ask for them.
    #[schema(example = "TRM")]
    rates: Key,
    base: CurrencyCode,
    /// Another one than the base.
    quote: CurrencyCode,
    /// Units of quote for one unit of base.
    rate: Rate,
    /// The first day on which it holds.
    rate_date: Day,
    /// And the last, 31 days later at most; the same day unless told.
    #[schema(required = false)]
    through: Day,
}

/// What the bank says of a payer whom it does not name.
#[derive(ToSchema)]
#[schema(as = PaymentClues)]
pub(super) struct Clues {
    #[schema(required = false)]
    account: Text,
    #[schema(required = false)]
    name: Text,
    #[schema(required = false, max_items = 100)]
    references: Vec<Text>,
    #[schema(required = false)]
    text: Text,
}

/// Whose a payment is that came with clues, said by a rule or a person. Told anew, the later word counts.
#[derive(ToSchema)]
pub(super) struct PaymentAllocated {
    payment: Key,
    payer: Key,
    currency: CurrencyCode,
    #[schema(required = false, max_items = 1000)]
    invoices: Vec<PaidPart>,
    /// `person` unless told.
    #[schema(required = false)]
    rule: Rule,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Rule {
    Remittance,
    Reference,
    Account,
    Name,
    Person,
}

/// The bank takes a payment back, or a part of it.
#[derive(ToSchema)]
pub(super) struct PaymentReversed {
    /// Needed; where a bank does not say it, a person has to complete the line.
    payment: Key,
    /// Number of the reversal: told twice it counts once. The payment's own when absent.
    #[schema(required = false)]
    reversal: Key,
    /// Needed with an amount.
    #[schema(required = false)]
    currency: CurrencyCode,
    /// All of it when absent.
    #[schema(required = false)]
    amount: Amount,
    reversed_on: Day,
    #[schema(required = false)]
    reason: Text,
    #[schema(required = false)]
    clues: Clues,
}

/// Less is owed than was invoiced.
#[derive(ToSchema)]
pub(super) struct CreditNoteIssued {
    credit_note: Key,
    customer: Key,
    /// The customer when absent.
    #[schema(required = false)]
    payer: Key,
    currency: CurrencyCode,
    amount: Amount,
    issue_date: Day,
    #[schema(required = false, max_items = 1000)]
    invoices: Vec<Part>,
}

/// Tax that the payer has kept from one invoice.
#[derive(ToSchema)]
pub(super) struct WithholdingRecorded {
    withholding: Key,
    payer: Key,
    invoice: Key,
    currency: CurrencyCode,
    amount: Amount,
    value_date: Day,
    #[schema(required = false)]
    certificate: Key,
}

/// Tax that the payer is known to keep back of an invoice, before its certificate comes: it is not asked for. Instead of what
/// the invoice has announced; telling the invoice again does not undo it.
#[derive(ToSchema)]
pub(super) struct WithholdingExpected {
    invoice: Key,
    currency: CurrencyCode,
    /// All that is withheld of the invoice, what is recorded included; zero: nothing is.
    amount: AmountOrZero,
    /// Which taxes, in words.
    #[schema(required = false)]
    regime: Text,
}

/// What settles an invoice besides cash, credit notes and withholdings.
#[derive(ToSchema)]
pub(super) struct SettlementRecorded {
    settlement: Key,
    kind: SettlementKind,
    payer: Key,
    invoice: Key,
    currency: CurrencyCode,
    amount: Amount,
    value_date: Day,
    /// True: what payments left of the invoice. It counts only while it closes it; false unless told.
    #[schema(required = false)]
    closes: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum SettlementKind {
    Discount,
    FxDifference,
    Rounding,
    BankCharge,
    WriteOff,
}

/// Money of a payer that lies on account where the source applies cash: a payment or credit note in its list of open items.
/// It settles nothing; told again with zero it is gone.
#[derive(ToSchema)]
pub(super) struct CreditObserved {
    credit: Key,
    payer: Key,
    currency: CurrencyCode,
    amount: AmountOrZero,
    value_date: Day,
}

/// Less of an invoice is open than was known, and nobody says why. Told again with zero: it is open after all.
#[derive(ToSchema)]
pub(super) struct ClearingObserved {
    clearing: Key,
    payer: Key,
    invoice: Key,
    currency: CurrencyCode,
    amount: AmountOrZero,
    value_date: Day,
}

/// Paper was given for invoices. It settles them once it is cleared; until then they stay owed and are not asked for.
#[derive(ToSchema)]
pub(super) struct InstrumentReceived {
    instrument: Key,
    kind: InstrumentKind,
    payer: Key,
    currency: CurrencyCode,
    amount: Amount,
    received_on: Day,
    matures_on: Day,
    /// Each invoice once. A single one may go without an amount: it is meant with all of the instrument.
    #[schema(required = false, max_items = 1000)]
    invoices: Vec<Part>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum InstrumentKind {
    Cheque,
    Echeq,
    Letra,
    Pagare,
}

/// An instrument went on its way; before any word it is in the portfolio.
#[derive(ToSchema)]
pub(super) struct InstrumentChanged {
    instrument: Key,
    state: InstrumentState,
    on: Day,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum InstrumentState {
    Portfolio,
    Deposited,
    /// Passed on to a third party: it covers its invoices still.
    Endorsed,
    Cleared,
    /// Its invoices are asked for again.
    Rejected,
}

/// A credit note is on its way: so much less is asked for, and nothing less is owed. Credit notes of the invoice use it up. Told
/// again it is corrected; zero: not expected any more.
#[derive(ToSchema)]
pub(super) struct CreditNoteExpected {
    /// The source's own number of the expectation.
    expected: Key,
    invoice: Key,
    currency: CurrencyCode,
    amount: AmountOrZero,
    /// Credit notes from this day on use it up.
    expected_on: Day,
    reason: ExpectedReason,
    /// Kept apart, erasable, and never told on.
    #[schema(required = false)]
    note: Text,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum ExpectedReason {
    Rebate,
    Return,
    PriceAdjustment,
    Promotion,
    Other,
}
