//! What a source knows of a customer beyond who it is: how far it is trusted, and how it takes and pays invoices (L2, L13).

use primitives::Money;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CustomerFile {
    /// Up to how much the source gives credit; zero: cash only.
    pub(crate) credit_limit: Option<Money>,
    /// As an agency or the source's own committee writes it: a text, not a number of ours.
    pub(crate) rating: Option<String>,
    /// NIT, RFC, CUIT, RUT …; of a natural person it is personal data.
    pub(crate) tax_id: Option<String>,
    pub(crate) preferred_channel: Option<String>,
    /// The buyer takes an invoice only through its portal or desk: what was not submitted is late because of us.
    pub(crate) requires_submission: bool,
    pub(crate) calendar: BuyerCalendar,
}

/// When a buyer takes invoices, and when it pays. Empty lists: any day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BuyerCalendar {
    /// `mon` to `sun`, in the order of the week.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) payment_weekdays: Vec<String>,
    /// Days of the month, ascending, 1 to 31; one that a month lacks is its last day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) payment_days: Vec<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reception_weekdays: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reception_days: Vec<u8>,
    /// `hh:mm` in the buyer's zone: what comes later is of the next reception day. Empty: midnight.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reception_cut_off: String,
}
