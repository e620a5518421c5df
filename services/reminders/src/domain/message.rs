//! A message and its machine: planned → claimed → sending → sent, suppressed, failed or uncertain (R1, R3).

use uuid::Uuid;

use super::decide::{Decision, Outcome};

/// Where the hand-off of a message stands. Every statement that changes it names the state it leaves and the attempt it
/// belongs to, so that a worker that comes back from a long pause cannot undo what another one did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    Planned,
    Claimed,
    Sending,
    Sent,
    Suppressed,
    Failed,
    Uncertain,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Claimed => "claimed",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Suppressed => "suppressed",
            Self::Failed => "failed",
            Self::Uncertain => "uncertain",
        }
    }
}

/// How a hand-off ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HandOff {
    /// The relay took the message.
    Accepted,
    /// The relay refused this message for good (5xx).
    Refused(String),
    /// The relay refused this message for now (4xx).
    RefusedForNow(String),
    /// There was no relay to speak of; nothing was handed over, and it says nothing about this message.
    Unreachable(String),
    /// Its turn did not come while the last check was fresh.
    NotTried,
    /// Its content was on the way when the connection or the time was lost: it may have been taken.
    Unknown(String),
}

impl HandOff {
    /// For counting.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused(_) => "refused",
            Self::RefusedForNow(_) => "refused_for_now",
            Self::Unreachable(_) => "unreachable",
            Self::NotTried => "not_tried",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// What becomes of a message that was `sending`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) status: Status,
    pub(crate) reason: String,
    /// Refusals for now, this one included.
    pub(crate) attempts: i32,
    /// Until the message is tried again; meaningful for `planned` only.
    pub(crate) wait_seconds: i64,
}

/// `attempts` counts earlier refusals for now.
pub(crate) fn settle(outcome: &HandOff, attempts: i32, max_attempts: i32) -> Settled {
    let settled = |status, reason: &str| Settled { status, reason: reason.to_owned(), attempts, wait_seconds: 0 };
    match outcome {
        HandOff::Accepted => settled(Status::Sent, ""),
        HandOff::Refused(answer) => settled(Status::Failed, answer),
        HandOff::Unknown(cause) => settled(Status::Uncertain, cause),
        HandOff::NotTried => settled(Status::Planned, ""),
        HandOff::Unreachable(cause) => Settled { wait_seconds: back_off_seconds(1), ..settled(Status::Planned, cause) },
        HandOff::RefusedForNow(answer) => {
            let attempts = attempts.saturating_add(1);
            let status = if attempts >= max_attempts { Status::Failed } else { Status::Planned };
            Settled { attempts, wait_seconds: back_off_seconds(attempts), ..settled(status, answer) }
        }
    }
}

/// How long a message that was not handed off waits: half a minute, doubling up to a quarter of an hour.
fn back_off_seconds(attempts: i32) -> i64 {
    (30_i64 << attempts.saturating_sub(1).clamp(0, 5)).min(900)
}

/// One step that a message could carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) invoice_id: Uuid,
    pub(crate) decision: Decision,
}

/// The step that sets level, template and tone of a message: the highest offset among those to be sent (L10), among
/// equals the first in order.
pub(crate) fn leading(carried: &[Carried]) -> Option<&Carried> {
    carried
        .iter()
        .filter(|item| item.decision.outcome == Outcome::Send)
        .min_by_key(|item| std::cmp::Reverse(item.decision.offset_days))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a hand-off may lead. `uncertain` is an end: it is never sent again.
    const AFTER_SENDING: [Status; 4] = [Status::Planned, Status::Sent, Status::Failed, Status::Uncertain];

    #[test]
    fn only_what_surely_was_not_handed_off_is_tried_again() {
        let answer = String::from("answer");
        let cases = [
            (HandOff::Accepted, 0, Status::Sent, 0),
            (HandOff::Refused(answer.clone()), 0, Status::Failed, 0),
            (HandOff::Unknown(answer.clone()), 0, Status::Uncertain, 0),
            (HandOff::RefusedForNow(answer.clone()), 0, Status::Planned, 30),
            (HandOff::RefusedForNow(answer.clone()), 1, Status::Planned, 60),
            (HandOff::RefusedForNow(answer.clone()), 2, Status::Failed, 120),
            (HandOff::Unreachable(answer.clone()), 2, Status::Planned, 30),
            (HandOff::NotTried, 2, Status::Planned, 0),
        ];
        for (outcome, attempts, status, wait_seconds) in cases {
            let settled = settle(&outcome, attempts, 3);
            assert_eq!((settled.status, settled.wait_seconds), (status, wait_seconds), "{outcome:?}");
            assert!(AFTER_SENDING.contains(&settled.status));
        }
    }

    #[test]
    fn waiting_grows_up_to_a_quarter_of_an_hour() {
        let waits: Vec<i64> = [0, 1, 2, 3, 6, 200].into_iter().map(back_off_seconds).collect();
        assert_eq!(waits, [30, 30, 60, 120, 900, 900]);
    }
}
