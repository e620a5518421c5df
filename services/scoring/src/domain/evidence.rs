//! What an invoice says about its payer's habit, and on which civil day it says so (scoring.md §1 rule 2).
//!
//! "More than k days late" settles once, at min(clear, due + k): on time when it was cleared by then, late when that day
//! ended unpaid. k runs over whole weeks, because payment runs are weekly and because a threshold that is net of a
//! tenant's structural delay can then be chosen when a segment is decided, not when the label is learned.
//!
//! Nothing is known of an invoice before its issue date, even if it was paid in advance. An invoice that was credited
//! away without any cash says nothing from that day on; that it passed its due date unpaid before then stays true,
//! because what was known on a day does not change with what came later.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use uuid::Uuid;

/// Weeks of the thresholds: more than 0, 7, … 42 days late.
pub(crate) const THRESHOLDS: [Threshold; 7] =
    [Threshold(0), Threshold(1), Threshold(2), Threshold(3), Threshold(4), Threshold(5), Threshold(6)];

/// "More than this many weeks after the due date"; 0 is plainly late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Threshold(u8);

impl Threshold {
    pub(crate) const LATE: Self = Self(0);

    /// The threshold of so many days, rounded down to whole weeks, at most the last one.
    pub(crate) fn of_days(days: u32) -> Self {
        THRESHOLDS.into_iter().rev().find(|threshold| threshold.days() <= days).unwrap_or(Self::LATE)
    }

    pub(crate) fn days(self) -> u32 {
        u32::from(self.0) * 7
    }

    pub(crate) fn weeks(self) -> usize {
        usize::from(self.0)
    }
}

/// The facts about one invoice that scoring learns from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_field_names, reason = "an id has the same name wherever it stands")]
pub(crate) struct Invoice {
    pub invoice_id: Uuid,
    pub customer_id: Uuid,
    pub issued_on: NaiveDate,
    /// The original due date: an agreed extension moves reminders, not lateness.
    pub due_on: NaiveDate,
    /// Value date of the settlement that brought the open amount to zero.
    pub settled_on: Option<NaiveDate>,
    /// True when at least part of it was settled by cash.
    pub paid: bool,
    /// True when an allocation rule and not a remittance chose the invoice for a payment.
    pub inferred: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Observation {
    /// Was it more than the threshold late?
    Over { threshold: Threshold, late: bool },
    /// It was cleared, so many days after its due date; negative when before.
    Cleared { delay_days: i32, inferred: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Evidence {
    pub day: NaiveDate,
    pub observation: Observation,
}

impl Invoice {
    /// Everything it says, thresholds ascending. Days that have not come are those of an invoice that stays unpaid.
    pub(crate) fn evidence(&self) -> Vec<Evidence> {
        let known = |day: NaiveDate| day.max(self.issued_on);
        let over = THRESHOLDS.into_iter().filter_map(|threshold| {
            let limit = self.due_on.checked_add_days(Days::new(u64::from(threshold.days())))?;
            match self.settled_on {
                Some(settled_on) if settled_on <= limit => self.paid.then_some((settled_on, threshold, false)),
                _ => Some((limit, threshold, true)),
            }
        });
        let mut evidence: Vec<Evidence> = over
            .map(|(day, threshold, late)| Evidence {
                day: known(day),
                observation: Observation::Over { threshold, late },
            })
            .collect();
        if let Some(settled_on) = self.settled_on.filter(|_| self.paid) {
            let days = (settled_on - self.due_on).num_days();
            let delay_days = i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX });
            let observation = Observation::Cleared { delay_days, inferred: self.inferred };
            evidence.push(Evidence { day: known(settled_on), observation });
        }
        evidence
    }
}

/// The first day whose learning differs between what was known of an invoice and what is known now. Its amount and what is
/// open count from its issue date.
pub(crate) fn first_difference(
    known: Option<(&Invoice, Decimal)>,
    (now, amount): (&Invoice, Decimal),
) -> Option<NaiveDate> {
    let Some((known, known_amount)) = known else { return Some(now.issued_on) };
    let lasting = |invoice: &Invoice| (invoice.customer_id, invoice.issued_on, invoice.due_on);
    if (lasting(known), known_amount) != (lasting(now), amount) {
        // Another customer, another weekday or another size: all that was said of it and with it moves.
        return Some(known.issued_on.min(now.issued_on));
    }
    let (before, after) = (known.evidence(), now.evidence());
    let gone = before.iter().filter(|evidence| !after.contains(evidence));
    let new = after.iter().filter(|evidence| !before.contains(evidence));
    // What was credited away says nothing, and is owed no more.
    let settled = known.settled_on.into_iter().chain(now.settled_on).filter(|_| known.settled_on != now.settled_on);
    gone.chain(new).map(|evidence| evidence.day).chain(settled.map(|day| day.max(now.issued_on))).min()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    pub(crate) fn invoice(number: u128, issued: &str, due: &str, settled: Option<&str>) -> Invoice {
        Invoice {
            invoice_id: Uuid::from_u128(number),
            customer_id: Uuid::from_u128(1),
            issued_on: date(issued),
            due_on: date(due),
            settled_on: settled.map(date),
            paid: settled.is_some(),
            inferred: false,
        }
    }

    fn over(invoice: &Invoice) -> Vec<(String, bool)> {
        let evidence = invoice.evidence().into_iter();
        evidence
            .filter_map(|evidence| match evidence.observation {
                Observation::Over { late, .. } => Some((evidence.day.to_string(), late)),
                Observation::Cleared { .. } => None,
            })
            .collect()
    }

    #[test]
    fn a_label_settles_once_at_the_earlier_of_payment_and_threshold() {
        let on_time = invoice(1, "2026-01-01", "2026-01-31", Some("2026-01-31"));
        assert!(over(&on_time).iter().all(|(day, late)| day == "2026-01-31" && !late));
        let late = invoice(1, "2026-01-01", "2026-01-31", Some("2026-02-10"));
        let expected = [("2026-01-31", true), ("2026-02-07", true), ("2026-02-10", false), ("2026-02-10", false)];
        assert_eq!(over(&late)[..4], expected.map(|(day, late)| (day.to_owned(), late)));
        assert_eq!(
            late.evidence().last().map(|evidence| evidence.observation),
            Some(Observation::Cleared { delay_days: 10, inferred: false })
        );
        let open = invoice(1, "2026-01-01", "2026-01-31", None);
        assert!(over(&open).iter().all(|(_, late)| *late));
    }

    #[test]
    fn nothing_is_known_before_the_issue_date() {
        let in_advance = invoice(1, "2026-01-10", "2026-01-31", Some("2026-01-02"));
        assert!(in_advance.evidence().iter().all(|evidence| evidence.day == date("2026-01-10")));
    }

    #[test]
    fn a_credited_invoice_says_nothing_but_that_it_was_overdue() {
        let before = Invoice { paid: false, ..invoice(1, "2026-01-01", "2026-01-31", Some("2026-01-20")) };
        assert_eq!(before.evidence(), []);
        let after = Invoice { paid: false, ..invoice(1, "2026-01-01", "2026-01-31", Some("2026-02-02")) };
        assert_eq!(over(&after), [("2026-01-31".to_owned(), true)]);
        assert_eq!(after.evidence().len(), 1);
    }

    #[test]
    fn a_change_is_felt_from_the_first_day_it_alters() {
        let open = invoice(1, "2026-01-01", "2026-01-31", None);
        let at = |settled| invoice(1, "2026-01-01", "2026-01-31", Some(settled));
        let moved = Invoice { customer_id: Uuid::from_u128(2), ..open.clone() };
        let credited = Invoice { paid: false, ..at("2026-01-20") };
        let cases = [
            (None, &open, Some("2026-01-01")),
            (Some(&open), &credited, Some("2026-01-20")),
            (Some(&open), &open, None),
            (Some(&open), &at("2026-01-20"), Some("2026-01-20")),
            // 2026-01-31 stays late; the next thing that was said, 2026-02-07, becomes untrue on the day it was paid
            (Some(&open), &at("2026-02-03"), Some("2026-02-03")),
            (Some(&at("2026-02-03")), &at("2026-02-05"), Some("2026-02-03")),
            (Some(&at("2026-02-03")), &open, Some("2026-02-03")),
            (Some(&open), &moved, Some("2026-01-01")),
        ];
        let amount = Decimal::ONE_HUNDRED;
        for (known, now, expected) in cases {
            let known = known.map(|known| (known, amount));
            assert_eq!(first_difference(known, (now, amount)), expected.map(date), "{known:?} {now:?}");
        }
        assert_eq!(first_difference(Some((&open, Decimal::ONE)), (&open, amount)), Some(date("2026-01-01")));
    }

    #[test]
    fn thresholds_are_whole_weeks() {
        let cases = [(0, 0), (6, 0), (7, 7), (20, 14), (27, 21), (28, 28), (41, 35), (42, 42), (90, 42)];
        for (days, threshold) in cases {
            assert_eq!(Threshold::of_days(days).days(), threshold);
        }
    }
}
