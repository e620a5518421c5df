//! A tenant as the model knows it, and the close of a day (D9): what was issued is scored with what was known before the
//! day, then the day's evidence is learned in the order of the invoices.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use uuid::Uuid;

use super::super::evidence::{Invoice, Observation, Threshold};
use super::super::rates::Levels;
use super::super::segment::{Habit, Rules, Segment, StructuralDelay, decide};
use super::super::state::{Owner, State};
use super::arithmetic::{ln_1p, sigmoid};
use super::forecast::{Forecast, Forecaster, Foretold};
use super::inputs::{Family, Known, OpenBook};
use super::pace::{Pace, PoolPace};
use super::regression::Regression;
use super::statistics::HalfLife;

/// An invoice with what else the model looks at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bill {
    pub invoice: Invoice,
    /// Whose habits the customer is presumed to share until it has its own.
    pub group: String,
    pub amount: Decimal,
    /// Sent on paper.
    pub on_paper: bool,
    /// Learned when it is cleared, never before.
    pub disputed: bool,
}

/// What is said of an invoice on its issue date.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prediction {
    pub invoice_id: Uuid,
    /// What each family of inputs adds; their sum in this order is the log-odds of being late, to the last bit.
    pub contributions: Vec<(Family, f64)>,
    pub log_odds: f64,
    pub p_late: f64,
    pub forecast: Forecast,
    /// Days from the due date to the payer's next weekly run: what of the forecast is structure and not behaviour.
    pub structural_days: u32,
}

/// Everything learned of one tenant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Learner {
    tenant: Pool,
    groups: BTreeMap<String, Pool>,
    customers: BTreeMap<Uuid, Customer>,
    regression: Option<Regression>,
    forecaster: Forecaster,
    /// What was scored and is not cleared.
    scored: BTreeMap<Uuid, Scored>,
}

/// What an invoice was scored with, to be judged when its label settles and when it is cleared.
#[derive(Debug, Clone, PartialEq)]
struct Scored {
    inputs: Vec<f64>,
    foretold: Foretold,
}

#[derive(Debug, Clone, PartialEq)]
struct Pool {
    rates: State,
    pace: PoolPace,
}

#[derive(Debug, Clone, PartialEq)]
struct Customer {
    rates: State,
    pace: Pace,
    /// Due date and amount by invoice.
    open: BTreeMap<Uuid, (NaiveDate, f64)>,
}

impl Pool {
    fn empty(owner: &Owner) -> Self {
        Self { rates: State::empty(owner), pace: PoolPace::default() }
    }
}

impl Customer {
    fn empty(customer_id: Uuid) -> Self {
        let rates = State::empty(&Owner::Customer(customer_id));
        Self { rates, pace: Pace::default(), open: BTreeMap::new() }
    }

    /// What it owes before `day`, and by how many days each overdue invoice is late.
    fn book(&self, day: NaiveDate) -> (OpenBook, Vec<i32>) {
        let mut book = OpenBook::default();
        let mut overdue_days = Vec::new();
        for (due_on, amount) in self.open.values() {
            let days = i32::try_from((day - *due_on).num_days()).unwrap_or(0);
            if days > 0 {
                book.overdue += 1.0;
                book.overdue_amount += amount;
                book.oldest_overdue_days = book.oldest_overdue_days.max(f64::from(days));
                overdue_days.push(days);
            } else {
                book.not_due += 1.0;
                book.not_due_amount += amount;
            }
        }
        (book, overdue_days)
    }
}

impl Learner {
    pub(crate) fn new() -> Self {
        Self {
            tenant: Pool::empty(&Owner::Tenant),
            groups: BTreeMap::new(),
            customers: BTreeMap::new(),
            regression: None,
            forecaster: Forecaster::default(),
            scored: BTreeMap::new(),
        }
    }

    /// Closes `day`: `bills` holds at least every invoice that was issued, settled or says anything on it, in any order.
    /// Returns what is said of those issued, by invoice.
    pub(crate) fn close(&mut self, day: NaiveDate, bills: &[&Bill]) -> Vec<Prediction> {
        let mut bills = bills.to_vec();
        bills.sort_by_key(|bill| bill.invoice.invoice_id);
        let issued = bills.iter().filter(|bill| bill.invoice.issued_on == day);
        // What was paid in advance needs no forecast, and would teach that invoices are paid before they exist.
        let unpaid = issued.filter(|bill| bill.invoice.settled_on.is_none_or(|settled_on| settled_on >= day));
        let predictions: Vec<Prediction> = unpaid.map(|bill| self.predict(bill)).collect();
        for bill in &bills {
            self.learn(day, bill);
        }
        predictions
    }

    /// Scores an invoice with what was known before its issue date, and remembers what it was scored with.
    fn predict(&mut self, bill: &Bill) -> Prediction {
        let (invoice, day) = (&bill.invoice, bill.invoice.issued_on);
        let nobody = Customer::empty(invoice.customer_id);
        let no_group = Pool::empty(&Owner::Group(String::new()));
        let customer = self.customers.get(&invoice.customer_id).unwrap_or(&nobody);
        let group = self.groups.get(&bill.group).unwrap_or(&no_group);
        let (book, overdue_days) = customer.book(day);
        let known = Known {
            levels: Levels { tenant: &self.tenant.rates, group: &group.rates, customer: &customer.rates },
            pace: &customer.pace,
            group: &group.pace,
            tenant: &self.tenant.pace,
            book,
            day,
            due_on: invoice.due_on,
            log_amount: log_amount(bill.amount),
            on_paper: bill.on_paper,
        };
        let inputs = known.inputs();
        let values: Vec<f64> = inputs.iter().map(|(_, _, _, value)| *value).collect();
        let regression = self
            .regression
            .get_or_insert_with(|| Regression::new(inputs.iter().map(|(_, _, role, _)| *role).collect()));
        let weights = regression.weights();
        let contributions = Family::ALL.map(|family| {
            let of_family = inputs.iter().zip(&weights).filter(|((_, of, _, _), _)| *of == family);
            (family, of_family.fold(0.0, |sum, ((_, _, _, value), weight)| sum + value * weight))
        });
        let log_odds = contributions.iter().fold(0.0, |sum, (_, contribution)| sum + contribution);
        let p_late = sigmoid(log_odds);
        let structural_days = customer.pace.payment_days.structural_days(invoice.due_on, day);
        let (forecast, foretold) = self.forecaster.forecast(&known, &overdue_days, p_late);
        self.scored.insert(invoice.invoice_id, Scored { inputs: values, foretold });
        Prediction {
            invoice_id: invoice.invoice_id,
            contributions: contributions.to_vec(),
            log_odds,
            p_late,
            forecast,
            structural_days,
        }
    }

    /// Learns what one invoice says on `day`.
    fn learn(&mut self, day: NaiveDate, bill: &Bill) {
        let invoice = &bill.invoice;
        if invoice.issued_on > day {
            return;
        }
        let customer =
            self.customers.entry(invoice.customer_id).or_insert_with(|| Customer::empty(invoice.customer_id));
        let group =
            self.groups.entry(bill.group.clone()).or_insert_with_key(|group| Pool::empty(&Owner::Group(group.clone())));
        for evidence in invoice.evidence().into_iter().filter(|evidence| evidence.day == day) {
            match evidence.observation {
                Observation::Over { threshold: Threshold::LATE, late } => {
                    if let (Some(regression), Some(scored)) =
                        (self.regression.as_mut(), self.scored.get(&invoice.invoice_id))
                    {
                        regression.learn(&scored.inputs, late);
                    }
                }
                Observation::Over { .. } => {}
                Observation::Cleared { delay_days, .. } => {
                    if let Some(scored) = self.scored.get(&invoice.invoice_id) {
                        self.forecaster.learn(&scored.foretold, f64::from(delay_days));
                    }
                }
            }
            self.tenant.rates.learn(invoice, evidence);
            group.rates.learn(invoice, evidence);
            customer.rates.learn(invoice, evidence);
            self.tenant.pace.learn(invoice, evidence, HalfLife::Days60, &customer.pace);
            group.pace.learn(invoice, evidence, HalfLife::Days90, &customer.pace);
            customer.pace.learn(invoice, evidence, bill.disputed);
        }
        if invoice.issued_on == day {
            let log_amount = log_amount(bill.amount);
            customer.pace.issued(day, log_amount);
            group.pace.issued(day, log_amount);
            self.tenant.pace.issued(day, log_amount);
        }
        if invoice.settled_on.is_some_and(|settled_on| settled_on <= day) {
            customer.open.remove(&invoice.invoice_id);
            self.scored.remove(&invoice.invoice_id);
        } else if invoice.issued_on == day {
            customer.open.insert(invoice.invoice_id, (invoice.due_on, amount(bill.amount)));
        }
    }

    /// The segment of each customer with what was known before `day`.
    pub(crate) fn segments(
        &self,
        groups: &BTreeMap<Uuid, String>,
        structural: StructuralDelay,
        rules: &Rules,
        day: NaiveDate,
    ) -> BTreeMap<Uuid, Segment> {
        let no_group = Pool::empty(&Owner::Group(String::new()));
        let segment = |(customer_id, customer): (&Uuid, &Customer)| {
            let group = groups.get(customer_id).and_then(|group| self.groups.get(group)).unwrap_or(&no_group);
            let levels = Levels { tenant: &self.tenant.rates, group: &group.rates, customer: &customer.rates };
            (*customer_id, decide(Habit::of(levels, structural, day), rules).0)
        };
        self.customers.iter().map(segment).collect()
    }
}

/// Amounts are compared by size: a statistic, not money.
fn amount(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(0.0).max(0.0)
}

fn log_amount(of: Decimal) -> f64 {
    ln_1p(amount(of))
}

#[cfg(test)]
mod properties;
