//! The day close (D9): learns the evidence of a span of days in (day, invoice) order and assesses whom it touched.
//!
//! The result is a function of the facts and of the state before the span. Which facts came first, in how many batches
//! or how many spans the days were cut, leaves no trace: the same code closes yesterday and learns a year again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::calendar::Span;
use super::evidence::{Evidence, Invoice};
use super::model::statistics::weighted_mean;
use super::rates::Levels;
use super::segment::{Assessment, Habit, Rules, Segment, StructuralDelay, Surroundings, assess};
use super::standing::{GroupHabit, Standings};
use super::state::{Owner, State};

/// States by owner; an owner without one has an empty state.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Book(BTreeMap<Owner, State>);

impl Book {
    pub(crate) fn insert(&mut self, owner: Owner, state: State) {
        self.0.insert(owner, state);
    }

    fn learn(&mut self, owner: Owner, invoice: &Invoice, evidence: Evidence) {
        self.0.entry(owner).or_insert_with_key(State::empty).learn(invoice, evidence);
    }

    fn get(&self, owner: &Owner) -> State {
        self.0.get(owner).cloned().unwrap_or_else(|| State::empty(owner))
    }

    /// What is said about a customer for `day`, when the book holds what was known before it.
    pub(crate) fn assess(
        &self,
        customer_id: Uuid,
        groups: &BTreeMap<Uuid, String>,
        structural: StructuralDelay,
        ruling: Ruling<'_>,
        day: NaiveDate,
    ) -> Assessment {
        let states = self.states_of(customer_id, groups);
        let around = Surroundings {
            standing: ruling.standings.of(customer_id),
            group: ruling.standings.group_of(customer_id).map(|group| {
                let members = group.members.iter().map(|member| self.states_of(*member, groups));
                (group, group_habit(members, structural, day))
            }),
        };
        assess(states.levels(), structural, around, ruling.rules, day)
    }

    fn states_of(&self, customer_id: Uuid, groups: &BTreeMap<Uuid, String>) -> States {
        let group = groups.get(&customer_id).cloned().unwrap_or_default();
        States {
            tenant: self.get(&Owner::Tenant),
            group: self.get(&Owner::Group(group)),
            customer: self.get(&Owner::Customer(customer_id)),
        }
    }
}

/// Everybody whose state is read or written when the customers of these groups are assessed.
pub(crate) fn owners(groups: &BTreeMap<Uuid, String>) -> BTreeSet<Owner> {
    let customers = groups.keys().copied().map(Owner::Customer);
    let pools = groups.values().cloned().map(Owner::Group);
    customers.chain(pools).chain([Owner::Tenant]).collect()
}

struct States {
    tenant: State,
    group: State,
    customer: State,
}

impl States {
    fn levels(&self) -> Levels<'_> {
        Levels { tenant: &self.tenant, group: &self.group, customer: &self.customer }
    }
}

/// Means of the members' shares, weighted by observations, in the order of their ids; plain zero when nobody has any.
fn group_habit(members: impl Iterator<Item = States>, structural: StructuralDelay, day: NaiveDate) -> GroupHabit {
    let habits: Vec<Habit> = members.map(|states| Habit::of(states.levels(), structural, day)).collect();
    let mean = |share: fn(&Habit) -> f64| {
        weighted_mean(habits.iter().map(|habit| (f64::from(habit.observations), share(habit)))).unwrap_or(0.0)
    };
    GroupHabit { late_share: mean(|habit| habit.late_share), severe_share: mean(|habit| habit.severe_share) }
}

/// What decides besides what was learned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ruling<'a> {
    pub rules: &'a Rules,
    /// As of the last day of the span; empty when the rules read nothing but habits.
    pub standings: &'a Standings,
}

/// A span with everything its close depends on.
#[derive(Debug)]
pub(crate) struct Close<'a> {
    pub span: Span,
    /// At least every invoice with evidence in the span, any order.
    pub invoices: &'a [Invoice],
    /// Group of every customer to be assessed, and of those of their corporate groups; of all when everybody is.
    pub groups: &'a BTreeMap<Uuid, String>,
    /// Segment of those customers that had any history before the span, and since when.
    pub previous: &'a BTreeMap<Uuid, (Segment, NaiveDate)>,
    /// In force during the span.
    pub structural: StructuralDelay,
    /// From the end of the span on, when it ends a month.
    pub calibrated: Option<StructuralDelay>,
    pub ruling: Ruling<'a>,
    /// At the end of the span everybody is assessed again: it ends a month, or these rules begin to decide.
    pub everybody: bool,
    /// Whom something else than evidence makes worth another look at the end of the span, and the segment it has: nothing
    /// is recorded of those who stay in it.
    pub moved: &'a BTreeMap<Uuid, Option<Segment>>,
}

/// What a close adds to the record: a row per owner or customer and day, in that order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Closed {
    pub states: Vec<(NaiveDate, Owner, State)>,
    pub assessments: Vec<Assessed>,
}

/// An assessment with its place in the record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assessed {
    pub day: NaiveDate,
    pub customer_id: Uuid,
    pub assessment: Assessment,
    /// Day of the assessment that put the customer into its segment.
    pub segment_since: NaiveDate,
}

impl Close<'_> {
    /// Learns the span into `book`, which holds the state before it.
    pub(crate) fn run(&self, book: &mut Book) -> Closed {
        let mut closed = Closed::default();
        let mut by_day = self.evidence_by_day();
        let mut segments = self.previous.clone();
        for day in self.span.days() {
            let evidence = by_day.remove(&day).unwrap_or_default();
            let mut owners = BTreeSet::new();
            for (invoice, evidence) in &evidence {
                for owner in self.owners(invoice) {
                    book.learn(owner.clone(), invoice, *evidence);
                    owners.insert(owner);
                }
            }
            let calibrated = self.calibrated.filter(|_| day == self.span.through);
            let touched = evidence.iter().map(|(invoice, _)| invoice.customer_id);
            let touched: BTreeSet<Uuid> = touched.collect();
            let is_last = day == self.span.through;
            let others = self.groups.keys().filter(|_| is_last && self.everybody);
            let moved = self.moved.keys().filter(|_| is_last);
            let customers: BTreeSet<Uuid> = touched.iter().chain(others).chain(moved).copied().collect();
            let Some(tomorrow) = day.succ_opt() else { break };
            for customer_id in customers {
                let structural = calibrated.unwrap_or(self.structural);
                let assessment = book.assess(customer_id, self.groups, structural, self.ruling, tomorrow);
                let only_moved = !touched.contains(&customer_id) && !self.everybody;
                if only_moved && self.moved.get(&customer_id) == Some(&Some(assessment.segment)) {
                    continue;
                }
                let previous = segments.get(&customer_id).filter(|(segment, _)| *segment == assessment.segment);
                let segment_since = previous.map_or(day, |(_, since)| *since);
                // Without history "since" means nothing: it would tell when the customer was heard of first.
                if assessment.observations > 0 {
                    segments.insert(customer_id, (assessment.segment, segment_since));
                }
                closed.assessments.push(Assessed { day, customer_id, assessment, segment_since });
            }
            closed.states.extend(owners.into_iter().map(|owner| (day, owner.clone(), book.get(&owner))));
        }
        closed
    }

    fn evidence_by_day(&self) -> BTreeMap<NaiveDate, Vec<(&Invoice, Evidence)>> {
        let mut invoices: Vec<&Invoice> = self.invoices.iter().collect();
        invoices.sort_by_key(|invoice| invoice.invoice_id);
        let mut by_day: BTreeMap<NaiveDate, Vec<(&Invoice, Evidence)>> = BTreeMap::new();
        for invoice in invoices {
            for evidence in invoice.evidence().into_iter().filter(|evidence| self.span.contains(evidence.day)) {
                by_day.entry(evidence.day).or_default().push((invoice, evidence));
            }
        }
        by_day
    }

    fn owners(&self, invoice: &Invoice) -> [Owner; 3] {
        let group = self.group_of(invoice.customer_id).to_owned();
        [Owner::Tenant, Owner::Group(group), Owner::Customer(invoice.customer_id)]
    }

    fn group_of(&self, customer_id: Uuid) -> &str {
        self.groups.get(&customer_id).map_or("", String::as_str)
    }
}
