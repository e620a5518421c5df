//! What was sent to debtors, and what was held back and why.

use std::collections::BTreeMap;

/// Decisions of one outcome, joined to where the message that carries them stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecisionGroup {
    /// "send", "suppressed", "superseded".
    pub(crate) outcome: String,
    pub(crate) reason: String,
    /// Status and reason of the message; `None` while it has not been heard of.
    pub(crate) message_status: Option<String>,
    pub(crate) message_reason: Option<String>,
    pub(crate) decisions: i64,
}

/// Messages of one status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MessageGroup {
    pub(crate) status: String,
    pub(crate) messages: i64,
}

/// Both are counted (D10): a decision is about one invoice and step, a message may carry several.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ContactTally {
    pub(crate) decisions: i64,
    /// Messages handed over.
    pub(crate) sent: i64,
    /// Messages of which nobody knows whether they left.
    pub(crate) uncertain: i64,
    pub(crate) failed: i64,
    /// Messages on their way.
    pub(crate) pending: i64,
    /// Decisions that reached nobody, by reason: held back when decided, or by the last check before the hand-off.
    pub(crate) held_back: BTreeMap<String, i64>,
}

impl ContactTally {
    pub(crate) fn of(decisions: &[DecisionGroup], messages: &[MessageGroup]) -> Self {
        let mut tally = Self { decisions: decisions.iter().map(|group| group.decisions).sum(), ..Self::default() };
        for group in decisions {
            if let Some(reason) = held_back_by(group) {
                *tally.held_back.entry(reason.to_owned()).or_default() += group.decisions;
            }
        }
        for group in messages {
            let count = match group.status.as_str() {
                "sent" => &mut tally.sent,
                "uncertain" => &mut tally.uncertain,
                "failed" => &mut tally.failed,
                "planned" | "claimed" | "sending" => &mut tally.pending,
                _ => continue,
            };
            *count += group.messages;
        }
        tally
    }

    pub(crate) fn held_back_total(&self) -> i64 {
        self.held_back.values().sum()
    }
}

/// The reason that kept a decision from its debtor; the outcome itself where no reason was given.
fn held_back_by(group: &DecisionGroup) -> Option<&str> {
    let named = |reason: &'_ str| !reason.is_empty();
    if group.outcome != "send" {
        return Some(if named(&group.reason) { &group.reason } else { &group.outcome });
    }
    if group.message_status.as_deref() != Some("suppressed") {
        return None;
    }
    Some(group.message_reason.as_deref().filter(|reason| named(reason)).unwrap_or("suppressed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(outcome: &str, reason: &str, message: Option<(&str, &str)>, decisions: i64) -> DecisionGroup {
        DecisionGroup {
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            message_status: message.map(|(status, _)| status.to_owned()),
            message_reason: message.map(|(_, reason)| reason.to_owned()),
            decisions,
        }
    }

    #[test]
    fn a_decision_is_held_back_when_made_or_at_the_last_check() {
        let decisions = [
            decided("send", "", Some(("sent", "")), 10),
            decided("send", "", Some(("suppressed", "paid")), 2),
            decided("send", "", None, 1),
            decided("suppressed", "paid", None, 3),
            decided("suppressed", "promised", None, 4),
            decided("superseded", "", None, 5),
        ];
        let messages = [("sent", 8), ("suppressed", 2), ("failed", 1), ("uncertain", 1), ("sending", 1)]
            .map(|(status, messages)| MessageGroup { status: status.to_owned(), messages });
        let tally = ContactTally::of(&decisions, &messages);
        let held: Vec<(&str, i64)> = tally.held_back.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
        assert_eq!(held, [("paid", 5), ("promised", 4), ("superseded", 5)]);
        assert_eq!((tally.decisions, tally.sent, tally.failed, tally.uncertain, tally.pending), (25, 8, 1, 1, 1));
        assert_eq!(tally.held_back_total(), 14);
    }
}
