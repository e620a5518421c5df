//! What is said of an invoice besides its terms: that it was delivered, submitted, accepted, rejected, assigned, voided.

use chrono::NaiveDate;

use crate::domain::standing::Word;

/// One word about one invoice, which may not have come yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) invoice: String,
    pub(crate) word: Word,
    /// The day on which it happened.
    pub(crate) on: NaiveDate,
    /// A code: why it was voided or rejected.
    pub(crate) reason: Option<String>,
    /// Channel of a delivery, portal of a submission, factor of an assignment.
    pub(crate) detail: Option<String>,
    /// Whom the debtor pays from now on, where that is not the factor.
    pub(crate) payee: Option<String>,
}
