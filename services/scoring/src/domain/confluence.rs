//! Properties of learning as a whole: facts in any order, split and duplicated, learned in any spans, learned again
//! after a late fact. A small model stands in for the tables.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::assessment::{Explanation, Ruling, Terms, assess};
use super::calendar::Span;
use super::close::{Assessed, Close, Previous};
use super::evidence::{Invoice, first_difference};
use super::model::learner::{Bill, Learner, Prediction};
use super::model::memory::Scored;
use super::model::shift::Shift;
use super::segment::{Rules, Segment, StructuralDelay};
use super::standing::Standings;
use super::state::Owner;

const CUSTOMERS: u128 = 4;

fn day(offset: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(u64::from(offset))
}

/// The tables of one tenant, and the handler and sweep over them.
#[derive(Debug, Default)]
struct Tenant {
    invoices: BTreeMap<Uuid, (u32, Invoice)>,
    learned_through: Option<NaiveDate>,
    dirty_from: Option<NaiveDate>,
    states: BTreeMap<(Owner, NaiveDate), Vec<u8>>,
    scored: BTreeMap<Uuid, (NaiveDate, Prediction, Scored)>,
    assessments: BTreeMap<(Uuid, NaiveDate), Assessed>,
    calibrations: BTreeMap<NaiveDate, StructuralDelay>,
    shifts: BTreeMap<(Uuid, NaiveDate), Shift>,
}

impl Tenant {
    fn receive_all<'a>(&mut self, events: impl IntoIterator<Item = &'a (u32, Invoice)>) {
        for (version, invoice) in events {
            self.receive(*version, invoice);
        }
    }

    fn receive(&mut self, version: u32, invoice: &Invoice) {
        let known = self.invoices.get(&invoice.invoice_id);
        if known.is_some_and(|(known, _)| *known >= version) {
            return;
        }
        let amount = Decimal::ONE_HUNDRED;
        let changed = first_difference(known.map(|(_, invoice)| (invoice, amount)), (invoice, amount));
        if changed.is_some_and(|day| self.learned_through.is_some_and(|through| day <= through)) {
            self.dirty_from = self.dirty_from.into_iter().chain(changed).min();
        }
        self.invoices.insert(invoice.invoice_id, (version, invoice.clone()));
    }

    fn close_through(&mut self, closable: NaiveDate) {
        if let Some(dirty_from) = self.dirty_from.take() {
            self.states.retain(|(_, day), _| *day < dirty_from);
            self.scored.retain(|_, (day, ..)| *day < dirty_from);
            self.assessments.retain(|(_, day), _| *day < dirty_from);
            self.calibrations.retain(|day, _| *day < dirty_from);
            self.shifts.retain(|(_, day), _| *day < dirty_from);
            self.learned_through =
                dirty_from.pred_opt().filter(|_| self.first_known().is_some_and(|first| first < dirty_from));
        }
        let first = self.first_known();
        while let Some(from) = self.learned_through.and_then(|day| day.succ_opt()).or(first) {
            let Some(span) = Span::starting(from, closable) else { break };
            self.close(span);
            self.learned_through = Some(span.through);
        }
    }

    fn first_known(&self) -> Option<NaiveDate> {
        self.invoices.values().map(|(_, invoice)| invoice.issued_on).min()
    }

    fn learner(&self, from: NaiveDate) -> Learner {
        let mut learner = Learner::new();
        let latest: BTreeMap<&Owner, &Vec<u8>> =
            self.states.iter().map(|((owner, _), memory)| (owner, memory)).collect();
        for (owner, memory) in latest {
            learner.recall(owner, memory).unwrap();
        }
        for (invoice_id, (_, _, scored)) in &self.scored {
            learner.recall_scored(*invoice_id, Scored::read(&scored.written()).unwrap());
        }
        let open = |invoice: &&Invoice| {
            invoice.issued_on < from && invoice.settled_on.is_none_or(|settled_on| settled_on >= from)
        };
        for invoice in self.invoices.values().map(|(_, invoice)| invoice).filter(open) {
            learner.owes(invoice, Decimal::ONE_HUNDRED);
        }
        learner
    }

    fn previous(&self) -> BTreeMap<Uuid, Previous> {
        let with_history = self.assessments.values().filter(|it| it.assessment.observations > 0);
        with_history.map(|it| (it.customer_id, it.as_previous())).collect()
    }

    fn close(&mut self, span: Span) {
        let bill = |(_, invoice): &(u32, Invoice)| Bill {
            invoice: invoice.clone(),
            group: group(invoice.customer_id.as_u128()).into(),
            amount: Decimal::ONE_HUNDRED,
            on_paper: false,
            disputed_on: None,
        };
        let bills: Vec<Bill> = self.invoices.values().rev().map(bill).collect();
        let groups = (0..CUSTOMERS).map(|id| (Uuid::from_u128(id), group(id).to_owned())).collect();
        let (standings, moved) = (Standings::default(), BTreeMap::new());
        let ruling = Ruling { rules: Rules::standard(), standings: &standings };
        let structural = self.calibrations.values().next_back().copied().unwrap_or(StructuralDelay::NONE);
        let mut learner = self.learner(span.from);
        let previous = self.previous();
        let everyone_follows = span.ends_a_month();
        let closed = Close {
            span,
            bills: &bills,
            groups: &groups,
            previous: &previous,
            structural,
            ruling,
            moved: &moved,
            everyone_follows,
        }
        .run(&mut learner);
        self.states.extend(closed.states.into_iter().map(|(day, owner, memory)| ((owner, day), memory)));
        let scored = closed.predictions.into_iter().map(|it| (it.invoice_id, (it.day, it.prediction, it.scored)));
        self.scored.extend(scored);
        self.assessments.extend(closed.assessments.into_iter().map(|it| ((it.customer_id, it.day), it)));
        self.shifts.extend(closed.shifts.into_iter().map(|(id, shift)| ((id, shift.found_on), shift)));
        if everyone_follows {
            let day = span.through;
            let structural = calibrate(self.invoices.values().map(|(_, invoice)| invoice), day);
            self.calibrations.insert(day, structural);
            let learner = self.learner(day.succ_opt().unwrap());
            let (terms, previous) =
                (Terms { groups: &groups, structural, ruling, day: day.succ_opt().unwrap() }, self.previous());
            for id in 0..CUSTOMERS {
                let customer_id = Uuid::from_u128(id);
                let assessment = assess(&learner, customer_id, terms);
                let assessed = Assessed::new(day, customer_id, assessment, previous.get(&customer_id));
                self.assessments.insert((customer_id, day), assessed);
            }
        }
    }

    /// The state to the last bit.
    fn digest(&self, through: NaiveDate) -> Vec<String> {
        let states = self.states.iter().filter(|((_, day), _)| *day <= through);
        let states = states.map(|((owner, day), memory)| format!("{owner:?} {day} {}", digest(memory)));
        let scored = self.scored.iter().filter(|(_, (day, ..))| *day <= through);
        let scored = scored
            .map(|(id, (day, prediction, scored))| format!("{id} {day} {prediction:?} {}", digest(&scored.written())));
        let said = self.assessments.iter().filter(|((_, day), _)| *day <= through);
        let said = said.map(|((id, day), it)| format!("{id} {day} {it:?}"));
        states.chain(scored).chain(said).chain([format!("{:?}", self.shifts)]).collect()
    }
}

fn digest(bytes: &[u8]) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, bytes)
}

fn group(customer: u128) -> &'static str {
    if customer.is_multiple_of(2) { "CO" } else { "MX" }
}

fn calibrate<'a>(invoices: impl Iterator<Item = &'a Invoice>, through: NaiveDate) -> StructuralDelay {
    let paid = invoices.filter(|invoice| invoice.paid && invoice.issued_on <= through);
    let settled = paid.filter_map(|invoice| invoice.settled_on.map(|settled| (settled, invoice.due_on)));
    let mut delays: Vec<i32> = settled
        .filter(|(settled, _)| *settled <= through)
        .map(|(settled, due)| i32::try_from((settled - due).num_days()).unwrap())
        .collect();
    delays.sort_unstable();
    let median = delays.get(delays.len().saturating_sub(1) / 2).copied();
    StructuralDelay::from_median(median, u32::try_from(delays.len()).unwrap())
}

prop_compose! {
    fn facts()(rows in prop::collection::vec((0..CUSTOMERS, 0..60_u32, 0..45_u32, prop::option::of(-20..60_i32), 0..20_u8), 1..30)) -> Vec<Invoice> {
        let rows = rows.into_iter().zip(1_u128..);
        rows.map(|((customer, issued, term, delay, kind), number)| {
            let due = issued + term;
            let settled = delay.map(|delay| day(due.saturating_add_signed(delay)));
            Invoice {
                invoice_id: Uuid::from_u128(number),
                customer_id: Uuid::from_u128(customer),
                issued_on: day(issued),
                due_on: day(due),
                settled_on: settled,
                paid: settled.is_some() && kind != 0,
                inferred: settled.is_some() && kind < 5,
            }
        })
        .collect()
    }
}

/// Every fact as its issue and, where it was settled, as its settlement: (version, invoice).
fn history(facts: &[Invoice]) -> Vec<(u32, Invoice)> {
    let issued = facts.iter().map(|it| (1, Invoice { settled_on: None, paid: false, inferred: false, ..it.clone() }));
    issued.chain(facts.iter().filter(|it| it.settled_on.is_some()).map(|it| (2, it.clone()))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_order_split_and_duplication_learns_the_same(
        facts in facts(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 120),
        closes in prop::collection::vec((0..120_usize, 0..150_u32), 0..8),
    ) {
        let events = history(&facts);
        let mut in_order = Tenant::default();
        in_order.receive_all(&events);
        in_order.close_through(day(150));

        let mut shuffled = Tenant::default();
        for (position, index) in order.iter().enumerate() {
            let (version, invoice) = index.get(&events);
            shuffled.receive(*version, invoice);
            for (_, through) in closes.iter().filter(|(at, _)| *at == position) {
                shuffled.close_through(day(*through));
            }
        }
        shuffled.receive_all(events.iter().rev());
        shuffled.close_through(day(150));
        prop_assert_eq!(in_order.digest(day(150)), shuffled.digest(day(150)));
    }

    #[test]
    fn what_happens_later_leaves_no_trace_in_earlier_days(facts in facts(), cut in 0..150_u32) {
        let cut = day(cut);
        let mut all = Tenant::default();
        all.receive_all(&history(&facts));
        all.close_through(day(150));

        let known = facts.iter().filter(|invoice| invoice.issued_on <= cut).map(|invoice| {
            let settled = invoice.settled_on.is_some_and(|settled_on| settled_on <= cut);
            if settled { invoice.clone() } else { Invoice { settled_on: None, paid: false, inferred: false, ..invoice.clone() } }
        });
        let mut then = Tenant::default();
        known.for_each(|invoice| then.receive(1, &invoice));
        then.close_through(cut);
        prop_assert_eq!(then.digest(cut), all.digest(cut));
    }

    #[test]
    fn probabilities_stay_inside(facts in facts()) {
        let mut tenant = Tenant::default();
        tenant.receive_all(&history(&facts));
        tenant.close_through(day(400));
        for Assessed { assessment, .. } in tenant.assessments.values() {
            prop_assert!(assessment.p_late > Decimal::ZERO && assessment.p_late < Decimal::ONE);
            let Explanation { contributions, log_odds, .. } = &assessment.explanation;
            prop_assert_eq!(Some(contributions.iter().sum::<Decimal>()), *log_odds);
        }
    }
}

/// A portfolio of ten invoices a customer: punctual, sometimes late, often late, with delays of 30 days.
fn portfolio(shift: i32) -> BTreeMap<Uuid, Segment> {
    let delays: [[i32; 10]; 4] =
        [[0; 10], [0, 3, 0, 0, 4, 0, 0, 0, 5, 0], [3, 5, 6, 2, 0, 3, 4, 5, 0, 2], [0, 30, 2, 30, 30, 4, 0, 30, 5, 30]];
    let mut tenant = Tenant::default();
    for (customer, delays) in (0_u128..).zip(delays) {
        for (position, delay) in (0_u32..).zip(delays) {
            let due = day(position * 5);
            let delay = delay + shift;
            tenant.receive(
                1,
                &Invoice {
                    invoice_id: Uuid::from_u128(customer * 100 + u128::from(position)),
                    customer_id: Uuid::from_u128(customer),
                    issued_on: day(0),
                    due_on: due,
                    settled_on: Some(due + Days::new(u64::try_from(delay).unwrap())),
                    paid: true,
                    inferred: false,
                },
            );
        }
    }
    tenant.close_through(super::calendar::month_end(day(150)));
    (0..CUSTOMERS)
        .map(|id| {
            let id = Uuid::from_u128(id);
            let said = tenant.assessments.range((id, day(0))..=(id, day(400))).next_back();
            (id, said.map_or(Segment::New, |(_, it)| it.assessment.segment))
        })
        .collect()
}

#[test]
fn a_week_more_for_everybody_moves_nobody() {
    let segments: Vec<Segment> = portfolio(0).into_values().collect();
    assert_eq!(segments, [Segment::Regular, Segment::OccasionalLate, Segment::OftenLate, Segment::HighRisk]);
    for weeks in 1..=4 {
        assert_eq!(portfolio(0), portfolio(weeks * 7), "{weeks} weeks");
    }
}
