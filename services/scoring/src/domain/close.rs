//! The day close (D9): foretells what was issued on each day of a span, learns its evidence in (day, invoice) order and
//! assesses whom it touched.
//!
//! The result is a function of the facts and of the state before the span. Which facts came first, in how many batches
//! or how many spans the days were cut, leaves no trace: the same code closes yesterday and learns a year again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::assessment::{Assessment, Gist, Ruling, Terms, assess};
use super::calendar::Span;
use super::evidence::{Invoice, THRESHOLDS};
use super::model::learner::{Bill, Learner, Prediction};
use super::model::memory::Scored;
use super::model::shift::Shift;
use super::segment::{Segment, StructuralDelay};
use super::state::Owner;

/// What was said of a customer last: its segment and its score, and since when.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Previous {
    pub segment: Segment,
    /// By which rules.
    pub rules_version: String,
    pub segment_since: NaiveDate,
    pub gist: Gist,
    pub score_since: NaiveDate,
}

/// A span with everything its close depends on beside what was learned.
#[derive(Debug)]
pub(crate) struct Close<'a> {
    pub span: Span,
    /// At least every invoice that is issued, settled or says anything in the span, any order.
    pub bills: &'a [Bill],
    /// Country of every customer to be assessed, and of those of their corporate groups.
    pub groups: &'a BTreeMap<Uuid, String>,
    /// Of those of the customers that had any history before the span.
    pub previous: &'a BTreeMap<Uuid, Previous>,
    /// In force during the span.
    pub structural: StructuralDelay,
    pub ruling: Ruling<'a>,
    /// Whom something else than evidence makes worth another look at the end of the span, and the segment it has: nothing
    /// is recorded of those who stay in it.
    pub moved: &'a BTreeMap<Uuid, Option<Segment>>,
    /// The last day is left out of the assessments: everybody is assessed at its end.
    pub everyone_follows: bool,
}

/// What a close adds to the record, by day.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Closed {
    /// What is known of every owner the day touched.
    pub states: Vec<(NaiveDate, Owner, Vec<u8>)>,
    /// What was said of an invoice on its issue date.
    pub predictions: Vec<Foretold>,
    pub assessments: Vec<Assessed>,
    /// Changes of habit that were found.
    pub shifts: Vec<(Uuid, Shift)>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Foretold {
    pub day: NaiveDate,
    pub invoice_id: Uuid,
    pub prediction: Prediction,
    pub scored: Scored,
}

/// An assessment with its place in the record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assessed {
    pub day: NaiveDate,
    pub customer_id: Uuid,
    pub assessment: Assessment,
    /// Day of the assessment that put the customer into its segment, by the same rules.
    pub segment_since: NaiveDate,
    /// Day of the assessment that first said as much as this one: that one is told.
    pub score_since: NaiveDate,
}

impl Assessed {
    pub(crate) fn new(day: NaiveDate, customer_id: Uuid, assessment: Assessment, previous: Option<&Previous>) -> Self {
        let segment = previous.filter(|previous| {
            (previous.segment, &previous.rules_version) == (assessment.segment, &assessment.rules_version)
        });
        let gist = Gist::of(assessment.p_late, assessment.mean_days_late, assessment.observations);
        let score = previous.filter(|previous| previous.gist == gist);
        Self {
            day,
            customer_id,
            segment_since: segment.map_or(day, |previous| previous.segment_since),
            score_since: score.map_or(day, |previous| previous.score_since),
            assessment,
        }
    }

    pub(crate) fn as_previous(&self) -> Previous {
        let Assessment { p_late, mean_days_late, observations, segment, .. } = self.assessment;
        Previous {
            segment,
            rules_version: self.assessment.rules_version.clone(),
            segment_since: self.segment_since,
            gist: Gist::of(p_late, mean_days_late, observations),
            score_since: self.score_since,
        }
    }
}

impl Close<'_> {
    /// Learns the span; `learner` holds the state before it of everybody it touches, and what they owed then.
    pub(crate) fn run(&self, learner: &mut Learner) -> Closed {
        let mut closed = Closed::default();
        let mut by_day = self.bills_by_day();
        let mut previous = self.previous.clone();
        for day in self.span.days() {
            let bills = by_day.remove(&day).unwrap_or_default();
            let Some(tomorrow) = day.succ_opt() else { break };
            let foretold = learner.close(day, &bills).into_iter();
            closed.predictions.extend(foretold.map(|(invoice_id, (prediction, scored))| Foretold {
                day,
                invoice_id,
                prediction,
                scored,
            }));
            let customers: BTreeMap<Uuid, &str> =
                bills.iter().map(|bill| (bill.invoice.customer_id, bill.group.as_str())).collect();
            let pools: BTreeSet<&str> = customers.values().copied().collect();
            let owners = customers.keys().copied().map(Owner::Customer);
            let pools = pools.into_iter().map(|group| Owner::Group(group.to_owned()));
            let tenant = (!bills.is_empty()).then_some(Owner::Tenant);
            for owner in owners.chain(pools).chain(tenant) {
                closed.states.push((day, owner.clone(), learner.memory_of(&owner)));
            }
            let found = customers.keys().filter_map(|id| Some((*id, learner.shift(*id)?)));
            closed.shifts.extend(found.filter(|(_, shift)| shift.found_on == day));
            let is_last = day == self.span.through;
            if self.everyone_follows && is_last {
                continue;
            }
            let moved = self.moved.keys().filter(|_| is_last).copied();
            let assessed: BTreeSet<Uuid> = customers.keys().copied().chain(moved).collect();
            let terms = Terms { groups: self.groups, structural: self.structural, ruling: self.ruling, day: tomorrow };
            for customer_id in assessed {
                let assessment = assess(learner, customer_id, terms);
                let only_moved = !customers.contains_key(&customer_id);
                if only_moved && self.moved.get(&customer_id) == Some(&Some(assessment.segment)) {
                    continue;
                }
                let assessed = Assessed::new(day, customer_id, assessment, previous.get(&customer_id));
                // Without history "since" means nothing: it would tell when the customer was heard of first.
                if assessed.assessment.observations > 0 {
                    previous.insert(customer_id, assessed.as_previous());
                }
                closed.assessments.push(assessed);
            }
        }
        closed
    }

    fn bills_by_day(&self) -> BTreeMap<NaiveDate, Vec<&Bill>> {
        let mut by_day: BTreeMap<NaiveDate, Vec<&Bill>> = BTreeMap::new();
        for bill in self.bills {
            for day in concerned(&bill.invoice).into_iter().filter(|day| self.span.contains(*day)) {
                by_day.entry(day).or_default().push(bill);
            }
        }
        by_day
    }
}

/// The days on which an invoice is issued, settled or says anything.
pub(crate) fn concerned(invoice: &Invoice) -> BTreeSet<NaiveDate> {
    let limits =
        THRESHOLDS.into_iter().filter_map(|it| invoice.due_on.checked_add_days(Days::new(u64::from(it.days()))));
    // What was settled says nothing after that.
    let limits = limits.filter(|limit| invoice.settled_on.is_none_or(|settled_on| *limit <= settled_on));
    limits.chain(invoice.settled_on).chain([invoice.issued_on]).map(|day| day.max(invoice.issued_on)).collect()
}
