//! Pauses of reminders. Whatever asks for one (a person, an issue, a debtor's answer) ends up as one primitive, the hold, so that
//! whoever sends reads one kind of row.

use chrono::NaiveDate;
use primitives::BusinessCalendar;

/// Bank days after a scheduled payment in which it may still come in.
pub(crate) const SCHEDULE_BANK_DAYS: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoldKind {
    Manual,
    Hardship,
    Legal,
    Insolvency,
    Claim,
    Issue,
    DocumentMissing,
    InvoiceNotReceived,
}

impl HoldKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Hardship => "hardship",
            Self::Legal => "legal",
            Self::Insolvency => "insolvency",
            Self::Claim => "claim",
            Self::Issue => "issue",
            Self::DocumentMissing => "document_missing",
            Self::InvoiceNotReceived => "invoice_not_received",
        }
    }

    /// One of those that a source may place; the others follow from other facts.
    pub(crate) fn placed(text: &str) -> Option<Self> {
        [Self::Manual, Self::Hardship, Self::Legal, Self::Insolvency].into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whoever cannot pay at all is not asked about one invoice while the hold names another.
    pub(crate) const fn is_of_customer(self) -> bool {
        matches!(self, Self::Hardship)
    }
}

/// What a debtor answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Paid,
    Scheduled { on: NaiveDate },
    InvoiceNotReceived,
    DocumentMissing { document: &'static str },
}

impl Answer {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Scheduled { .. } => "scheduled",
            Self::InvoiceNotReceived => "invoice_not_received",
            Self::DocumentMissing { .. } => "document_missing",
        }
    }

    pub(crate) const fn hold(self) -> HoldKind {
        match self {
            Self::Paid | Self::Scheduled { .. } => HoldKind::Claim,
            Self::InvoiceNotReceived => HoldKind::InvoiceNotReceived,
            Self::DocumentMissing { .. } => HoldKind::DocumentMissing,
        }
    }

    /// The last day of the pause, in the debtor's calendar, where a word without a day pauses for `pause_days` bank days. It needs no zone: an answer names a civil day of the debtor, and the
    /// end of the pause is one.
    pub(crate) fn until(self, claimed_on: NaiveDate, pause_days: u32) -> NaiveDate {
        let weekdays = BusinessCalendar::default();
        match self {
            Self::Scheduled { on } => weekdays.open_days_after(on, SCHEDULE_BANK_DAYS),
            Self::Paid | Self::InvoiceNotReceived | Self::DocumentMissing { .. } => {
                weekdays.open_days_after(claimed_on, pause_days)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn an_answer_pauses_for_bank_days() {
        let friday = date("2026-03-06");
        assert_eq!(Answer::Paid.until(friday, 3), date("2026-03-11"), "the weekend does not count");
        assert_eq!(Answer::Paid.until(date("2026-03-07"), 3), date("2026-03-11"), "said on a Saturday");
        assert_eq!(Answer::InvoiceNotReceived.until(friday, 3), date("2026-03-11"));
        assert_eq!(Answer::Scheduled { on: friday }.until(date("2026-03-02"), 3), date("2026-03-09"));
        assert_eq!(Answer::Scheduled { on: date("2026-03-10") }.until(friday, 9), date("2026-03-11"));
    }

    #[test]
    fn only_the_word_of_a_person_is_placed() {
        assert_eq!(HoldKind::placed("hardship"), Some(HoldKind::Hardship));
        assert_eq!(HoldKind::placed("claim"), None);
    }
}
