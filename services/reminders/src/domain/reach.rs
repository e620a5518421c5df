//! Whether a contact may be written to, by what it has said and by what became of earlier messages.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why not. Of several the first holds: what somebody said comes before what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bar {
    ConsentWithdrawn,
    Complained,
    WrongContact,
    Bounced,
}

/// The newest word about a contact, or about all contacts of its customer, and e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consent {
    pub(crate) status: String,
    pub(crate) cause: String,
    pub(crate) changed_on: NaiveDate,
}

/// What became of one message to a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) id: Uuid,
    pub(crate) outcome: String,
    pub(crate) permanent: bool,
    pub(crate) reported_at: DateTime<Utc>,
    /// Where the message went; `None`: the report names the contact only, or the message was erased.
    pub(crate) address: Option<String>,
}

impl Consent {
    fn bar(&self) -> Option<Bar> {
        match (self.status.as_str(), self.cause.as_str()) {
            ("granted", _) => None,
            (_, "complaint") => Some(Bar::Complained),
            (_, "wrong_contact") => Some(Bar::WrongContact),
            _ => Some(Bar::ConsentWithdrawn),
        }
    }
}

/// What keeps a contact at `address` from being written to. A complaint holds until a consent is given on a later day; of the other
/// reports the latest counts, and one about another address says nothing about this one.
pub(crate) fn bar(consents: &[Consent], reports: &[Report], address: &str) -> Option<Bar> {
    let said = consents.iter().filter_map(Consent::bar).min();
    let granted = consents.iter().filter(|consent| consent.bar().is_none()).map(|consent| consent.changed_on).max();
    let is_meant = |report: &&Report| {
        report.address.as_ref().is_none_or(|sent_to| sent_to.trim().eq_ignore_ascii_case(address.trim()))
    };
    let (complaints, others): (Vec<&Report>, Vec<&Report>) =
        reports.iter().filter(is_meant).partition(|report| report.outcome == "complained");
    let complained = complaints
        .iter()
        .any(|report| granted.is_none_or(|granted| granted <= report.reported_at.date_naive()))
        .then_some(Bar::Complained);
    let last = others.into_iter().max_by_key(|report| (report.reported_at, report.id));
    let bounced = last.is_some_and(|report| report.outcome != "delivered" && report.permanent).then_some(Bar::Bounced);
    [said, complained, bounced].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn consent(status: &str, cause: &str, day: u32) -> Consent {
        let changed_on = NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        Consent { status: status.into(), cause: cause.into(), changed_on }
    }

    fn report(day: u32, outcome: &str, permanent: bool, address: Option<&str>) -> Report {
        Report {
            id: Uuid::from_u128(day.into()),
            outcome: outcome.into(),
            permanent,
            reported_at: NaiveDate::from_ymd_opt(2026, 3, day).unwrap().and_hms_opt(12, 0, 0).unwrap().and_utc(),
            address: address.map(str::to_owned),
        }
    }

    #[test]
    fn what_was_said_and_what_came_back() {
        let bounce = |day, address| report(day, "bounced", true, address);
        let cases = [
            ("nothing", vec![], vec![], None),
            ("withdrawn", vec![consent("withdrawn", "told", 1)], vec![], Some(Bar::ConsentWithdrawn)),
            ("an unknown word", vec![consent("perhaps", "told", 1)], vec![], Some(Bar::ConsentWithdrawn)),
            ("wrong", vec![consent("withdrawn", "wrong_contact", 1)], vec![], Some(Bar::WrongContact)),
            (
                "allowed, but the customer complained",
                vec![consent("granted", "told", 9), consent("withdrawn", "complaint", 1)],
                vec![],
                Some(Bar::Complained),
            ),
            ("bounced", vec![consent("granted", "told", 9)], vec![bounce(2, None)], Some(Bar::Bounced)),
            ("for now", vec![], vec![report(2, "bounced", false, None)], None),
            ("delivered since", vec![], vec![report(3, "delivered", false, None), bounce(2, None)], None),
            ("came back since", vec![], vec![report(3, "delivered", false, None), bounce(4, None)], Some(Bar::Bounced)),
            ("elsewhere", vec![], vec![bounce(2, Some("old@x"))], None),
            ("here", vec![], vec![bounce(2, Some("Ana@X"))], Some(Bar::Bounced)),
            ("marked as unwanted", vec![], vec![report(2, "complained", false, None)], Some(Bar::Complained)),
            (
                "delivered is no consent",
                vec![],
                vec![report(2, "complained", false, None), report(3, "delivered", false, None)],
                Some(Bar::Complained),
            ),
            ("asked for since", vec![consent("granted", "told", 3)], vec![report(2, "complained", false, None)], None),
        ];
        for (what, consents, reports, expected) in cases {
            assert_eq!(bar(&consents, &reports, "ana@x"), expected, "{what}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_reports_does_not_matter(
            days in prop::collection::vec((1_u32..9, 0_usize..3, any::<bool>()), 0..6),
            turn in 0_usize..6,
        ) {
            let mut reports: Vec<Report> = days
                .iter()
                .zip(0_u128..)
                .map(|((day, outcome, permanent), number)| Report {
                    id: Uuid::from_u128(number),
                    ..report(*day, ["delivered", "bounced", "complained"][*outcome], *permanent, None)
                })
                .collect();
            let expected = bar(&[], &reports, "ana@x");
            reports.rotate_left(turn.min(days.len()));
            reports.extend(reports.clone());
            prop_assert_eq!(bar(&[], &reports, "ana@x"), expected);
        }
    }
}
