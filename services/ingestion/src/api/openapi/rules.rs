//! How money is applied.
#![allow(dead_code, reason = "described here, read by `reading`")]

use serde::Deserialize;
use utoipa::ToSchema;

use super::values::{Amount, Country, CurrencyCode, Key, Text};

/// The whole chain: what is not in it is not done.
#[derive(ToSchema)]
pub(crate) struct CashRules {
    /// In the order in which they are tried; each once, `tolerance` once of each kind.
    #[schema(max_items = 20)]
    rules: Vec<CashRule>,
}

/// A rule. The first five find whose a payment is, `amount` and `oldest_first` what it pays, `exchange` what it settles in
/// another currency, the others why less came than was owed.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub(crate) enum CashRule {
    /// The invoices that a payment without a payer says it pays, with their amounts.
    Remittance {},
    /// Numbers of invoices among the references (RF, fiscal UUIDs, own numbers) and in the text.
    Reference {
        /// True unless told.
        #[schema(required = false)]
        in_text: bool,
    },
    /// The payer that has paid from this account before.
    Account {},
    /// The payer of this name, where the amount fits.
    Name {},
    /// For a payer that was found: the one open invoice of this amount, or the only few that make it up. For nobody: suggestions.
    Amount {
        /// Invoices that may make it up; 1 unless told.
        #[schema(required = false, pattern = "^[1-4]$")]
        up_to: String,
    },
    /// A payer's oldest invoices first, where nothing says which.
    OldestFirst {},
    /// What is missing is tax that the payer keeps back: its certificate is missing, the money is not asked for.
    Withholding {
        /// Of payers; all that are known when empty. AR, CO, EC, MX, PE are.
        #[schema(required = false, max_items = 200)]
        countries: Vec<Country>,
        /// Whether usual rates explain what no invoice has announced; false unless told.
        #[schema(required = false)]
        usual_rates: bool,
    },
    /// What is missing was deducted for a reason that the payment tells: it is disputed.
    Deduction {
        #[schema(required = false, max_items = 200)]
        reasons: Vec<DeductionReason>,
    },
    /// Invoices in one currency may be paid in another. What the exchange leaves of an invoice is settled as `fx_difference`
    /// where it is within `per_cent` and `limit`, both where both are told; nothing is where none is.
    Exchange {
        #[schema(min_items = 1, max_items = 200)]
        pairs: Vec<Pair>,
    },
    /// What is missing is too little to ask for: a settlement of its own kind closes the invoice. Where limits and `per_cent` are
    /// told, both hold; one of them is needed.
    Tolerance {
        /// `rounding` unless told.
        #[serde(rename = "as")]
        #[schema(required = false)]
        kind: ToleratedAs,
        /// Of the invoice; above 0, up to 10.
        #[schema(required = false, pattern = r"^[0-9]+(\.[0-9]{1,4})?$", example = "0.5")]
        per_cent: String,
        #[schema(required = false, max_items = 200)]
        limits: Vec<Limit>,
    },
}

/// A payer's word for why it deducts, and the reason of the dispute; words that are not here mean `other`.
#[derive(ToSchema, Deserialize)]
pub(crate) struct DeductionReason {
    told: Text,
    #[schema(pattern = "^(pricing|quantity|quality|delivery|duplicate|terms|other)$")]
    means: String,
}

#[derive(ToSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToleratedAs {
    Rounding,
    BankCharge,
}

/// Two currencies, each pair once.
#[derive(ToSchema, Deserialize)]
#[schema(as = ExchangePair)]
pub(crate) struct Pair {
    paid: CurrencyCode,
    owed: CurrencyCode,
    /// Whose rates, as `fx_rate.published` names them: those of the payment's value date. What the payment says that it
    /// settles when absent.
    #[schema(required = false)]
    rates: Key,
    /// Of the invoice; above 0, up to 10.
    #[schema(required = false, pattern = r"^[0-9]+(\.[0-9]{1,4})?$", example = "0.5")]
    per_cent: String,
    /// In the currency that is owed.
    #[schema(required = false)]
    limit: Amount,
}

#[derive(ToSchema, Deserialize)]
pub(crate) struct Limit {
    currency: CurrencyCode,
    amount: Amount,
}

/// What a tenant chooses; what is left out is as Puntual has it.
#[derive(ToSchema)]
pub(crate) struct TenantSettings {
    /// Days from issue to delivery after which an invoice was delivered late: reminders count from the delivery then. 7 unless told.
    #[schema(required = false, minimum = 0, maximum = 90)]
    late_delivery_days: u32,
    /// Bank days that a debtor's word pauses its items; 3 unless told.
    #[schema(required = false, minimum = 1, maximum = 30)]
    claim_pause_days: u32,
}
