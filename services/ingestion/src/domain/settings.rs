//! What a tenant chooses of how its debtors are treated.

use serde::{Deserialize, Serialize};

/// A delivery that took a quarter is late by anybody's count.
pub(crate) const MOST_LATE_DELIVERY_DAYS: u32 = 90;
/// A pause of six weeks is a decision of its own: a hold.
pub(crate) const MOST_CLAIM_PAUSE_DAYS: u32 = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Days from issue to delivery after which an invoice was delivered late.
    pub(crate) late_delivery_days: u32,
    /// Bank days that a debtor's word pauses its items. Counted on weekdays: tenants have no calendar of their own yet.
    pub(crate) claim_pause_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        // A week is what a monthly closing and a courier take; three days what it takes to find a payment, a document or a copy
        // of an invoice (L11).
        Self { late_delivery_days: 7, claim_pause_days: 3 }
    }
}

impl Settings {
    /// The member that is out of its range, and the range.
    pub(crate) fn out_of_range(self) -> Option<(&'static str, u32, u32)> {
        let ranges = [
            ("late_delivery_days", self.late_delivery_days, 0, MOST_LATE_DELIVERY_DAYS),
            ("claim_pause_days", self.claim_pause_days, 1, MOST_CLAIM_PAUSE_DAYS),
        ];
        let wrong = ranges.into_iter().find(|(_, told, least, most)| told < least || told > most);
        wrong.map(|(member, _, least, most)| (member, least, most))
    }
}
