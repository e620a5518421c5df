//! How an invoice stands beside its terms and its money: delivered, submitted, accepted or rejected by the buyer, assigned to
//! a factor, voided (R27, L13, L15).
//!
//! Words come in any order, also before their invoice. Of the words of one slot the newest change counts; the standing is a
//! function of these alone.
//!
//! | slot | words | decides |
//! | --- | --- | --- |
//! | void | voided, reinstated | nothing is owed, and nothing settles it; telling the invoice again does not bring it back |
//! | delivery | delivered | the delivery date, over what the invoice said itself |
//! | submission | submitted | that the buyer has it |
//! | verdict | accepted, rejected | what the buyer says; a submission that is newer than a rejection is another try |
//! | assignment | assigned, reassigned back | who is to be paid |
//!
//! Beside them stand two sums that are owed and not asked for: instruments in hand, and credit notes on their way.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::order::ChangeOrder;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    Voided,
    Reinstated,
    Delivered,
    Submitted,
    Accepted,
    Rejected,
    Assigned,
    ReassignedBack,
}

impl Word {
    const ALL: [Self; 8] = [
        Self::Voided,
        Self::Reinstated,
        Self::Delivered,
        Self::Submitted,
        Self::Accepted,
        Self::Rejected,
        Self::Assigned,
        Self::ReassignedBack,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Voided => "voided",
            Self::Reinstated => "reinstated",
            Self::Delivered => "delivered",
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Assigned => "assigned",
            Self::ReassignedBack => "reassigned_back",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|word| word.as_str() == text)
    }

    /// The type of the fact that says it.
    pub(crate) const fn fact_type(self) -> &'static str {
        match self {
            Self::Voided => "invoice.voided",
            Self::Reinstated => "invoice.reinstated",
            Self::Delivered => "invoice.delivered",
            Self::Submitted => "invoice.submitted",
            Self::Accepted => "invoice.accepted",
            Self::Rejected => "invoice.rejected",
            Self::Assigned => "invoice.assigned",
            Self::ReassignedBack => "invoice.reassigned_back",
        }
    }

    pub(crate) const fn slot(self) -> Slot {
        match self {
            Self::Voided | Self::Reinstated => Slot::Void,
            Self::Delivered => Slot::Delivery,
            Self::Submitted => Slot::Submission,
            Self::Accepted | Self::Rejected => Slot::Verdict,
            Self::Assigned | Self::ReassignedBack => Slot::Assignment,
        }
    }
}

/// Words of one slot take each other's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    Void,
    Delivery,
    Submission,
    Verdict,
    Assignment,
}

impl Slot {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Void => "void",
            Self::Delivery => "delivery",
            Self::Submission => "submission",
            Self::Verdict => "verdict",
            Self::Assignment => "assignment",
        }
    }
}

/// A word in force.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    /// Number of the invoice.
    pub(crate) invoice: String,
    pub(crate) word: Word,
    pub(crate) on: NaiveDate,
    /// A code; empty where there is none.
    pub(crate) reason: String,
    /// Channel, portal or factor; empty where there is none.
    pub(crate) detail: String,
    pub(crate) payee: String,
    /// Whose word it is.
    pub(crate) source_id: Uuid,
    pub(crate) order: ChangeOrder,
}

/// What follows from the marks of one invoice. What is absent was not said, or does not hold any more.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standing {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) voided: Option<Voided>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delivered: Option<Delivered>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) submitted: Option<Submitted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<Verdict>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) assigned: Option<Assigned>,
    /// Sum of the instruments in hand that were given for it, in its currency.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub(crate) instruments: Decimal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected: Option<Expected>,
}

/// Credit notes that are on their way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Expected {
    pub(crate) amount: Decimal,
    pub(crate) from: NaiveDate,
    /// Settled by credit notes since then.
    pub(crate) credited: Decimal,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Voided {
    pub(crate) on: NaiveDate,
    pub(crate) reason: String,
    pub(crate) source_id: Uuid,
    /// The credit that settles all of it.
    pub(crate) credit_id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivered {
    pub(crate) on: NaiveDate,
    pub(crate) channel: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Submitted {
    pub(crate) on: NaiveDate,
    pub(crate) portal: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) accepted: bool,
    pub(crate) on: NaiveDate,
    /// Of a rejection.
    pub(crate) reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Assigned {
    pub(crate) on: NaiveDate,
    pub(crate) factor: String,
    pub(crate) payee: String,
}

impl Standing {
    /// `void_credit_id` is the id of the credit that would settle the invoice as void.
    pub(crate) fn of(marks: &BTreeMap<Slot, Mark>, void_credit_id: Uuid) -> Self {
        let mark = |slot: Slot, word: Word| marks.get(&slot).filter(|mark| mark.word == word);
        let submission = mark(Slot::Submission, Word::Submitted);
        let verdict = marks.get(&Slot::Verdict).filter(|verdict| {
            let tried_again = submission.is_some_and(|submission| submission.order > verdict.order);
            verdict.word == Word::Accepted || !tried_again
        });
        Self {
            voided: mark(Slot::Void, Word::Voided).map(|mark| Voided {
                on: mark.on,
                reason: mark.reason.clone(),
                source_id: mark.source_id,
                credit_id: void_credit_id,
            }),
            delivered: mark(Slot::Delivery, Word::Delivered)
                .map(|mark| Delivered { on: mark.on, channel: mark.detail.clone() }),
            submitted: submission.map(|mark| Submitted { on: mark.on, portal: mark.detail.clone() }),
            verdict: verdict.map(|mark| Verdict {
                accepted: mark.word == Word::Accepted,
                on: mark.on,
                reason: mark.reason.clone(),
            }),
            assigned: mark(Slot::Assignment, Word::Assigned).map(|mark| Assigned {
                on: mark.on,
                factor: mark.detail.clone(),
                payee: if mark.payee.is_empty() { mark.detail.clone() } else { mark.payee.clone() },
            }),
            instruments: Decimal::ZERO,
            expected: None,
        }
    }

    /// The part of what is open that instruments in hand are meant for.
    pub(crate) fn covered(&self, open: Decimal) -> Decimal {
        self.instruments.min(open)
    }

    /// What credit notes are still expected to take off, at most what is open.
    pub(crate) fn expected_credit(&self, open: Decimal) -> Decimal {
        let left = self.expected.as_ref().map(|expected| (expected.amount - expected.credited).max(Decimal::ZERO));
        left.unwrap_or_default().min(open)
    }

    /// Where the invoice is with its buyer: empty, `submitted`, `accepted` or `rejected`.
    pub(crate) fn acceptance(&self) -> &'static str {
        match (&self.verdict, &self.submitted) {
            (Some(verdict), _) if verdict.accepted => "accepted",
            (Some(_), _) => "rejected",
            (None, Some(_)) => "submitted",
            (None, None) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mark(word: Word, hour: u32) -> Mark {
        let order = ChangeOrder::new(None, format!("2026-01-10T{hour:02}:00:00Z").parse().unwrap(), "id", "erp");
        Mark {
            invoice: "F-1".to_owned(),
            word,
            on: "2026-01-10".parse().unwrap(),
            reason: String::new(),
            detail: "X".to_owned(),
            payee: String::new(),
            source_id: Uuid::nil(),
            order,
        }
    }

    /// What the store keeps: the newest word of each slot.
    fn standing(words: impl IntoIterator<Item = Mark>) -> Standing {
        let mut marks: BTreeMap<Slot, Mark> = BTreeMap::new();
        for mark in words {
            let slot = mark.word.slot();
            if marks.get(&slot).is_none_or(|known| known.order < mark.order) {
                marks.insert(slot, mark);
            }
        }
        Standing::of(&marks, Uuid::nil())
    }

    #[test]
    fn a_submission_after_a_rejection_is_another_try_and_after_an_acceptance_it_is_not() {
        let cases = [
            (vec![], ""),
            (vec![(Word::Submitted, 1)], "submitted"),
            (vec![(Word::Submitted, 1), (Word::Rejected, 2)], "rejected"),
            (vec![(Word::Submitted, 3), (Word::Rejected, 2)], "submitted"),
            (vec![(Word::Rejected, 2)], "rejected"),
            (vec![(Word::Submitted, 3), (Word::Accepted, 2)], "accepted"),
            (vec![(Word::Rejected, 2), (Word::Accepted, 4)], "accepted"),
        ];
        for (words, expected) in cases {
            let standing = standing(words.iter().map(|(word, hour)| mark(*word, *hour)));
            assert_eq!(standing.acceptance(), expected, "{words:?}");
        }
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_of_the_same_words_stands_alike(
            (words, arrivals) in prop::collection::vec(0_usize..8, 1..12).prop_flat_map(|words| {
                let told: Vec<Mark> = (0..).zip(words).map(|(hour, word)| mark(Word::ALL[word], hour)).collect();
                let mut twice = told.clone();
                twice.extend(told.iter().step_by(2).cloned());
                (Just(told), Just(twice).prop_shuffle())
            })
        ) {
            prop_assert_eq!(standing(arrivals), standing(words));
        }
    }
}
