//! A tenant as the model knows it, and the close of a day (D9): what was issued is scored with what was known before the
//! day, then the day's evidence is learned in the order of the invoices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use uuid::Uuid;

use super::super::evidence::{Evidence, Invoice, Observation, Threshold};
use super::super::rates::Levels;
use super::super::reason::Reason;
use super::super::segment::{Habit, StructuralDelay};
use super::super::state::{LONGEST_DAYS_LATE, Owner, Slot, State};
use super::arithmetic::{exp, ln, ln_1p, sigmoid};
use super::forecast::Forecast;
use super::inputs::{Family, Input, Known, OpenBook};
use super::memory::{Customer, Illegible, Pool, Scored, Whole, read, written};
use super::pace::EARLIEST;
use super::reasons::reasons;
use super::record::Standing;
use super::regression::Regression;
use super::shift::Shift;
use super::statistics::{HalfLife, mean};

/// An invoice with what else the model looks at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bill {
    pub invoice: Invoice,
    /// Whose habits the customer is presumed to share until it has its own.
    pub group: String,
    pub amount: Decimal,
    /// Sent on paper.
    pub on_paper: bool,
    /// The day on which it was disputed first.
    pub disputed_on: Option<NaiveDate>,
}

/// How likely, how late, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prediction {
    /// What each family of inputs adds; their sum in this order is the log-odds of being late, to the last bit. Empty when
    /// it is late already.
    pub contributions: Vec<(Family, f64)>,
    /// `None` when it is late already: there are no odds any more.
    pub log_odds: Option<f64>,
    pub p_late: f64,
    /// `None` when it waits longer than delays are told apart.
    pub forecast: Option<Forecast>,
    /// Days from the due date to the payer's next payment run: what of the forecast is structure and not behaviour.
    pub structural_days: u32,
    pub reasons: Vec<Reason>,
}

/// Everything learned of one tenant, or the part of it that a close touches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Learner {
    tenant: Whole,
    groups: BTreeMap<String, Pool>,
    customers: BTreeMap<Uuid, Customer>,
    /// Customers whose invoices the same payer pays, by each of them, itself among them; only where there are several.
    siblings: BTreeMap<Uuid, Arc<BTreeSet<Uuid>>>,
    /// What was scored and is not cleared.
    scored: BTreeMap<Uuid, Scored>,
}

impl Learner {
    pub(crate) fn new() -> Self {
        Self {
            tenant: Whole::empty(),
            groups: BTreeMap::new(),
            customers: BTreeMap::new(),
            siblings: BTreeMap::new(),
            scored: BTreeMap::new(),
        }
    }

    /// What is known of an owner, as it is kept.
    pub(crate) fn memory_of(&self, owner: &Owner) -> Vec<u8> {
        match owner {
            Owner::Tenant => written(&self.tenant),
            Owner::Group(group) => self.groups.get(group).map_or_else(|| written(&Pool::empty(group)), written),
            Owner::Customer(id) => self.customers.get(id).map_or_else(|| written(&Customer::empty(*id)), written),
        }
    }

    /// Takes in what was kept of an owner.
    pub(crate) fn recall(&mut self, owner: &Owner, bytes: &[u8]) -> Result<(), Illegible> {
        match owner {
            Owner::Tenant => self.tenant = read(owner, bytes)?,
            Owner::Group(group) => {
                self.groups.insert(group.clone(), read(owner, bytes)?);
            }
            Owner::Customer(customer_id) => {
                self.customers.insert(*customer_id, read(owner, bytes)?);
            }
        }
        Ok(())
    }

    pub(crate) fn recall_scored(&mut self, invoice_id: Uuid, scored: Scored) {
        self.scored.insert(invoice_id, scored);
    }

    /// An invoice that was issued and not settled before the first day to be closed.
    pub(crate) fn owes(&mut self, invoice: &Invoice, amount: Decimal) {
        self.customer(invoice.customer_id).open.insert(invoice.invoice_id, (invoice.due_on, size(amount)));
    }

    /// Customers that one payer pays for.
    pub(crate) fn share_a_payer(&mut self, customers: BTreeSet<Uuid>) {
        if customers.len() > 1 {
            let customers = Arc::new(customers);
            self.siblings.extend(customers.iter().map(|customer_id| (*customer_id, Arc::clone(&customers))));
        }
    }

    /// The last change of a customer's habit.
    pub(crate) fn shift(&self, customer_id: Uuid) -> Option<Shift> {
        self.customers.get(&customer_id).and_then(|customer| customer.watch.shift)
    }

    /// How well the model has foretold, as of `day`; `None` before the first label.
    pub(crate) fn standing(&self, day: NaiveDate) -> Option<Standing> {
        self.tenant.record.standing(day)
    }

    /// Closes `day`: `bills` holds at least every invoice that was issued, settled or says anything on it, in any order.
    /// Returns what is said of those issued, by invoice.
    pub(crate) fn close(&mut self, day: NaiveDate, bills: &[&Bill]) -> BTreeMap<Uuid, (Prediction, Scored)> {
        let mut bills = bills.to_vec();
        bills.sort_by_key(|bill| bill.invoice.invoice_id);
        let issued = bills.iter().filter(|bill| bill.invoice.issued_on == day);
        // What was paid in advance needs no forecast, and would teach that invoices are paid before they exist.
        let unpaid = issued.filter(|bill| bill.invoice.settled_on.is_none_or(|settled_on| settled_on >= day));
        let predictions = unpaid.map(|bill| (bill.invoice.invoice_id, self.predict(bill))).collect();
        let mut paid: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        for bill in bills.iter().filter(|bill| bill.invoice.issued_on <= day) {
            paid.entry(bill.invoice.customer_id).or_default().extend(self.learn(day, bill));
        }
        for (customer_id, mut delays) in paid {
            delays.sort_unstable();
            if let Some(median) = delays.get(delays.len().saturating_sub(1) / 2) {
                self.customer(customer_id).watch.paid(customer_id, day, clipped(*median));
            }
        }
        predictions
    }

    /// Scores an invoice with what was known before its issue date, and remembers what it was scored with.
    fn predict(&mut self, bill: &Bill) -> (Prediction, Scored) {
        let day = bill.invoice.issued_on;
        let roles = self.on(bill, day, |known, _| known.inputs().iter().map(|(_, _, role, _)| *role).collect());
        self.tenant.regression.get_or_insert_with(|| Regression::new(roles));
        let (prediction, scored) = self.on(bill, day, |known, overdue_days| {
            let inputs = known.inputs();
            let contributions = self.contributions(&inputs);
            let log_odds = total(&contributions);
            let p_late = sigmoid(log_odds);
            let (forecast, foretold) = self.tenant.forecaster.forecast(&known, overdue_days, p_late);
            let structural_days = known.pace.payment_days.structural_days(known.due_on, day);
            let prediction = Prediction {
                reasons: reasons(&known, &contributions, structural_days),
                contributions,
                log_odds: Some(log_odds),
                p_late,
                forecast: Some(forecast),
                structural_days,
            };
            (prediction, Scored { inputs: inputs.iter().map(|(.., value)| *value).collect(), p_late, foretold })
        });
        self.scored.insert(bill.invoice.invoice_id, scored.clone());
        (prediction, scored)
    }

    /// What can be said on `day` of an invoice that is unpaid by then: from what was learned before, and what waiting and a
    /// dispute say beside it (Bayes).
    pub(crate) fn outlook(&self, bill: &Bill, day: NaiveDate) -> Prediction {
        let day = day.max(bill.invoice.issued_on);
        self.on(bill, day, |known, overdue_days| {
            let days_past_due = |day: NaiveDate| i32::try_from((day - known.due_on).num_days()).unwrap_or(i32::MAX);
            let structural_days = known.pace.payment_days.structural_days(known.due_on, day);
            // Unpaid through yesterday, and on its issue date through the day before.
            let unpaid = (days_past_due(known.issued_on) - 1, days_past_due(day) - 1);
            let outlook = self.tenant.forecaster.outlook(&known, overdue_days, unpaid);
            if days_past_due(day) > 0 {
                let days = u32::try_from(days_past_due(day)).unwrap_or(0);
                return Prediction {
                    contributions: Vec::new(),
                    log_odds: None,
                    p_late: 1.0,
                    forecast: outlook.forecast(1.0),
                    structural_days,
                    reasons: [Reason::PastDue { days }]
                        .into_iter()
                        .chain(reasons(&known, &self.contributions(&known.inputs()), structural_days))
                        .collect(),
                };
            }
            let mut contributions = self.contributions(&known.inputs());
            for (family, contribution) in &mut contributions {
                match family {
                    Family::Waiting => *contribution = -ln(outlook.patience),
                    Family::Dispute if bill.disputed_on.is_some_and(|disputed_on| disputed_on <= day) => {
                        *contribution = self.tenant.disputes.log_ratio(day);
                    }
                    _ => {}
                }
            }
            let log_odds = total(&contributions);
            let p_late = sigmoid(log_odds);
            Prediction {
                reasons: reasons(&known, &contributions, structural_days),
                contributions,
                log_odds: Some(log_odds),
                p_late,
                forecast: outlook.forecast(p_late),
                structural_days,
            }
        })
    }

    /// What can be said of the customer's next invoice, if it is like those before: of its usual amount and term, due on
    /// the weekday on which its invoices usually are.
    pub(crate) fn next_invoice(&self, customer_id: Uuid, group: &str, day: NaiveDate) -> Prediction {
        let customer = self.customers.get(&customer_id);
        let term = customer.and_then(|customer| mean(customer.pace.terms)).unwrap_or(USUAL_TERM);
        let term = u64::try_from(super::statistics::whole(term.round())).unwrap_or(0);
        let earliest = day.checked_add_days(Days::new(term)).unwrap_or(day);
        let seen =
            |due_on: &NaiveDate| customer.map_or(0.0, |customer| customer.rates.cell(Slot::weekday_of(*due_on), day).n);
        // The first of equals.
        let week: Vec<NaiveDate> = earliest.iter_days().take(7).collect();
        let due_on = week.iter().rev().max_by(|one, other| seen(one).total_cmp(&seen(other))).copied();
        let amount = customer.and_then(|customer| mean(customer.pace.amounts)).or(mean(self.tenant.pace.amounts));
        let bill = Bill {
            invoice: Invoice {
                invoice_id: Uuid::nil(),
                customer_id,
                issued_on: day,
                due_on: due_on.unwrap_or(earliest),
                settled_on: None,
                paid: false,
                inferred: false,
            },
            group: group.to_owned(),
            // ln(1 + amount) again below: to six digits, a statistic.
            amount: super::statistics::days(exp(amount.unwrap_or(0.0)) - 1.0),
            on_paper: false,
            disputed_on: None,
        };
        self.outlook(&bill, day)
    }

    /// How somebody pays, as segments are decided from it.
    pub(crate) fn habit(&self, customer_id: Uuid, group: &str, structural: StructuralDelay, day: NaiveDate) -> Habit {
        self.at(customer_id, group, day, |levels, _, _| Habit::of(levels, structural, day))
    }

    pub(crate) fn mean_days_late(&self, customer_id: Uuid, group: &str, day: NaiveDate) -> Option<f64> {
        self.at(customer_id, group, day, |levels, _, _| levels.mean_days_late(day))
    }

    /// Every customer of whom anything was learned.
    pub(crate) fn customers(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.customers.keys().copied()
    }

    fn at<T>(
        &self,
        customer_id: Uuid,
        group: &str,
        day: NaiveDate,
        ask: impl FnOnce(Levels<'_>, &Customer, &Pool) -> T,
    ) -> T {
        let (nobody, no_group) = (Customer::empty(customer_id), Pool::empty(group));
        let customer = self.customers.get(&customer_id).unwrap_or(&nobody);
        let group = self.groups.get(group).unwrap_or(&no_group);
        let others = self
            .siblings
            .get(&customer_id)
            .into_iter()
            .flat_map(|all| all.iter())
            .filter(|other| **other != customer_id);
        let others = others.filter_map(|other| self.customers.get(other)).map(|other| &other.rates);
        let payer = State::together(others, day);
        let levels = Levels {
            tenant: &self.tenant.rates,
            group: &group.rates,
            payer: payer.as_ref(),
            customer: &customer.rates,
        };
        ask(levels, customer, group)
    }

    fn on<T>(&self, bill: &Bill, day: NaiveDate, ask: impl FnOnce(Known<'_>, &[i32]) -> T) -> T {
        let invoice = &bill.invoice;
        self.at(invoice.customer_id, &bill.group, day, |levels, customer, group| {
            let (book, overdue_days): (OpenBook, Vec<i32>) = customer.book_without(invoice.invoice_id, day);
            let known = Known {
                levels,
                pace: &customer.pace,
                group: &group.pace,
                tenant: &self.tenant.pace,
                book,
                day,
                issued_on: invoice.issued_on,
                due_on: invoice.due_on,
                log_amount: log_size(bill.amount),
                on_paper: bill.on_paper,
            };
            ask(known, &overdue_days)
        })
    }

    /// What each family adds to the log-odds.
    fn contributions(&self, inputs: &[Input]) -> Vec<(Family, f64)> {
        let roles = || inputs.iter().map(|(_, _, role, _)| *role).collect();
        let values: Vec<f64> = inputs.iter().map(|(.., value)| *value).collect();
        let weights = match &self.tenant.regression {
            Some(regression) => regression.weights(&values),
            None => Regression::new(roles()).weights(&values),
        };
        let sum = |family| {
            let of_family = inputs.iter().zip(&weights).filter(|((_, of, _, _), _)| *of == family);
            of_family.fold(0.0, |sum, ((.., value), weight)| sum + value * weight)
        };
        Family::ALL.map(|family| (family, sum(family))).to_vec()
    }

    fn customer(&mut self, customer_id: Uuid) -> &mut Customer {
        self.customers.entry(customer_id).or_insert_with(|| Customer::empty(customer_id))
    }

    /// Learns what one invoice says on `day`; returns the delay that it was cleared with on the day, unless that was
    /// inferred.
    fn learn(&mut self, day: NaiveDate, bill: &Bill) -> Option<i32> {
        let invoice = &bill.invoice;
        let customer =
            self.customers.entry(invoice.customer_id).or_insert_with(|| Customer::empty(invoice.customer_id));
        let group = self.groups.entry(bill.group.clone()).or_insert_with_key(|group| Pool::empty(group));
        let mut cleared = None;
        for evidence in invoice.evidence().into_iter().filter(|evidence| evidence.day == day) {
            let scored = self.scored.get(&invoice.invoice_id);
            self.tenant.judge(bill, evidence, scored);
            if let Observation::Cleared { delay_days, inferred: false } = evidence.observation {
                cleared = Some(delay_days);
            }
            self.tenant.rates.learn(invoice, evidence);
            group.rates.learn(invoice, evidence);
            customer.rates.learn(invoice, evidence);
            self.tenant.pace.learn(invoice, evidence, HalfLife::Days60, &customer.pace);
            group.pace.learn(invoice, evidence, HalfLife::Days90, &customer.pace);
            let disputed = bill.disputed_on.is_some_and(|disputed_on| disputed_on <= day);
            customer.pace.learn(invoice, evidence, disputed);
        }
        if invoice.issued_on == day {
            let log_size = log_size(bill.amount);
            customer.pace.issued(day, log_size, invoice.due_on);
            group.pace.issued(day, log_size);
            self.tenant.pace.issued(day, log_size);
        }
        if invoice.settled_on.is_some_and(|settled_on| settled_on <= day) {
            customer.open.remove(&invoice.invoice_id);
            self.scored.remove(&invoice.invoice_id);
        } else if invoice.issued_on == day {
            customer.open.insert(invoice.invoice_id, (invoice.due_on, size(bill.amount)));
        }
        cleared
    }
}

/// Term of invoices before any was seen.
const USUAL_TERM: f64 = 30.0;

impl Whole {
    /// Compares what was said with what came.
    fn judge(&mut self, bill: &Bill, Evidence { day, observation }: Evidence, scored: Option<&Scored>) {
        match observation {
            Observation::Over { threshold: Threshold::LATE, late } => {
                let disputed = bill.disputed_on.is_some_and(|disputed_on| disputed_on < day);
                self.disputes.learn(day, late, disputed);
                if let (Some(regression), Some(scored)) = (self.regression.as_mut(), scored) {
                    regression.learn(&scored.inputs, late);
                    self.record.settled(day, scored.p_late, late);
                }
            }
            Observation::Over { .. } => {}
            Observation::Cleared { delay_days, .. } => {
                if let Some(scored) = scored {
                    let delay = f64::from(clipped(delay_days));
                    self.forecaster.learn(&scored.foretold, delay);
                    let [p50, p80, _] = scored.foretold.days();
                    self.record.cleared(day, delay, p50, p80);
                }
            }
        }
    }
}

fn clipped(delay_days: i32) -> i32 {
    delay_days.clamp(EARLIEST, LONGEST_DAYS_LATE)
}

fn total(contributions: &[(Family, f64)]) -> f64 {
    contributions.iter().fold(0.0, |sum, (_, contribution)| sum + contribution)
}

/// Amounts are compared by size: a statistic, not money.
fn size(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(0.0).max(0.0)
}

fn log_size(amount: Decimal) -> f64 {
    ln_1p(size(amount))
}

#[cfg(test)]
mod properties;
