//! One simulated debtor: what it owes by its own books, and what it does on a day.
//!
//! A day's throws come from streams of their own per debtor, day and purpose, so that neither the order of the debtors
//! nor what the others do changes what this one does.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::behaviour::{PayDays, is_workday, next_workday, plus_days};
use super::bill::{Bill, Credit, Dispute, Part};
use super::country::MEDIAN_USD_INVOICE;
use super::dice::{Dice, Purpose};
use super::portfolio::Customer;
use super::reaction::{self, Answer};
use super::row::{Feed, Row, time_of};

const DISPUTE_REASONS: [&str; 6] = ["pricing", "quantity", "quality", "delivery", "duplicate", "terms"];

pub(crate) struct Debtor {
    pub(crate) customer: Customer,
    /// By invoice number; what is settled by this debtor's books is gone.
    bills: BTreeMap<String, Bill>,
    /// Promises it takes back: day and code.
    withdrawals: Vec<(NaiveDate, String)>,
    /// Rows that the bank exports a second time.
    resent: Vec<Row>,
}

/// What a debtor's day needs to know of the world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Today {
    pub(crate) seed: u64,
    pub(crate) day: NaiveDate,
    /// How far the demo has come, in hundredths: declining debtors get worse with it.
    pub(crate) elapsed_percent: i32,
}

impl Debtor {
    pub(crate) fn new(customer: Customer) -> Self {
        Self { customer, bills: BTreeMap::new(), withdrawals: Vec::new(), resent: Vec::new() }
    }

    /// Lives through one day: what the seller's systems and the bank will report about it tomorrow.
    /// `mentions` says whether today's mail lists an invoice.
    pub(crate) fn live(&mut self, today: Today, mentions: impl Fn(&str) -> bool) -> Vec<Row> {
        let mut rows = std::mem::take(&mut self.resent);
        self.follow_up(today.day, &mut rows);
        self.receive_invoice(today, &mut rows);
        self.read_mail(today, mentions, &mut rows);
        self.pay(today, &mut rows);
        self.bills.retain(|_, bill| !bill.is_settled());
        rows
    }

    fn row(&self, feed: Feed, fact: &'static str, day: NaiveDate) -> Row {
        Row::new(feed, fact, &time_of(day), self.customer.country.code)
    }

    /// What was set in motion on earlier days: resolutions, credit notes, certificates, withdrawals.
    fn follow_up(&mut self, day: NaiveDate, rows: &mut Vec<Row>) {
        let entity = self.customer.country.code;
        let row = |feed, fact| Row::new(feed, fact, &time_of(day), entity);
        for bill in self.bills.values_mut() {
            if let Some(dispute) = bill.dispute.take_if(|dispute| dispute.resolved_on <= day) {
                let outcome = if dispute.accepted { "accepted" } else { "rejected" };
                rows.push(
                    row(Feed::Crm, "dispute.resolved")
                        .with("dispute", &dispute.code)
                        .with("resolved_on", day.to_string())
                        .with("outcome", outcome),
                );
                if dispute.accepted {
                    bill.credit = Some(Credit { on: day, amount: dispute.amount.unwrap_or(bill.owed) });
                }
                bill.pay_on = self.customer.behaviour.habit().pay_days.next(plus_days(day, 4));
            }
            if let Some(credit) = bill.credit.take_if(|credit| credit.on <= day) {
                let amount = bill.take_credit(credit.amount);
                if amount > Decimal::ZERO {
                    rows.push(
                        row(Feed::Erp, "credit_note.issued")
                            .with("credit_note", format!("NC-{}-{}", bill.number, day.format("%y%m%d")))
                            .with("customer", &self.customer.code)
                            .with("payer", self.customer.payer.as_deref().unwrap_or(""))
                            .with("amount", amount.to_string())
                            .with("currency", bill.currency)
                            .with("issue_date", day.to_string())
                            .with("invoices", format!("{}:{amount}", bill.number)),
                    );
                }
            }
            if let Some(certificate) = bill.certificate.take_if(|certificate| certificate.on <= day) {
                bill.owed -= certificate.amount;
                rows.push(
                    row(Feed::Erp, "withholding.recorded")
                        .with("withholding", format!("RT-{}", bill.number))
                        .with("payer", self.customer.payer())
                        .with("invoice", &bill.number)
                        .with("amount", certificate.amount.to_string())
                        .with("currency", bill.currency)
                        .with("value_date", day.to_string())
                        .with("certificate", format!("CERT-{}", bill.number)),
                );
            }
        }
        let (due, later) = std::mem::take(&mut self.withdrawals).into_iter().partition(|(on, _)| *on <= day);
        self.withdrawals = later;
        let due: Vec<(NaiveDate, String)> = due;
        rows.extend(due.into_iter().map(|(_, code)| {
            row(Feed::Crm, "promise.withdrawn").with("promise", code).with("withdrawn_on", day.to_string())
        }));
    }

    fn receive_invoice(&mut self, today: Today, rows: &mut Vec<Row>) {
        let customer = &self.customer;
        let mut dice = Dice::of(today.seed, customer.index, today.day, Purpose::Invoice);
        if !is_workday(today.day) || !dice.chance(customer.orders_percent) {
            return;
        }
        let habit = customer.behaviour.habit();
        let in_dollars = dice.chance(customer.usd_percent);
        let (currency, median) = if in_dollars {
            ("USD", MEDIAN_USD_INVOICE)
        } else {
            (customer.country.currency, customer.country.median_invoice)
        };
        let scale = if currency == "CLP" { 0 } else { 2 };
        let size = Decimal::new(i64::from(customer.size_percent), 2);
        let mut amount = dice.amount(Decimal::from(median) * size, scale).max(Decimal::ONE);
        amount.rescale(scale);
        let due = plus_days(today.day, customer.terms_days);
        let declined = habit.decline_days.saturating_mul(today.elapsed_percent) / 100;
        let delay = dice.around(habit.delay_days.0, habit.delay_days.1).saturating_add(declined);
        let withhold = if habit.withholds {
            let share = Decimal::new(i64::from(customer.country.withheld_per_mille), 3);
            let mut withheld = (amount * share).round_dp(scale);
            withheld.rescale(scale);
            withheld
        } else {
            Decimal::ZERO
        };
        let part = dice.chance(habit.parts_percent).then(|| Part {
            percent: u32::try_from(dice.between(35, 70)).unwrap_or(50),
            rest_after: dice.between(8, 25),
        });
        let credit = dice.chance(3).then(|| {
            let share = Decimal::new(i64::from(dice.between(5, 20)), 2);
            let mut off = (amount * share).round_dp(scale);
            off.rescale(scale);
            Credit { on: plus_days(today.day, dice.between(3, 12)), amount: off }
        });
        let number = format!("{}-{}-{:04}", customer.country.code, today.day.format("%y%m%d"), customer.index + 1);
        rows.push(
            self.row(Feed::Erp, "invoice.issued", today.day)
                .with("invoice", &number)
                .with("customer", &customer.code)
                .with("payer", customer.payer.as_deref().unwrap_or(""))
                .with("amount", amount.to_string())
                .with("currency", currency)
                .with("issue_date", today.day.to_string())
                .with("due_date", due.to_string())
                .with("delivered_date", today.day.to_string())
                .with("expected_withholding", if withhold.is_zero() { String::new() } else { withhold.to_string() }),
        );
        let bill = Bill {
            number: number.clone(),
            currency,
            scale,
            owed: amount,
            withhold,
            due,
            pay_on: habit.pay_days.next(plus_days(due, delay)),
            part,
            credit,
            dispute: None,
            certificate: None,
            promised_until: None,
        };
        self.bills.insert(number, bill);
    }

    fn read_mail(&mut self, today: Today, mentions: impl Fn(&str) -> bool, rows: &mut Vec<Row>) {
        let listed: Vec<String> = self
            .bills
            .values()
            .filter(|bill| bill.is_payable(today.day) && mentions(&bill.number))
            .map(|bill| bill.number.clone())
            .collect();
        if listed.is_empty() {
            return;
        }
        let habit = self.customer.behaviour.habit();
        let mut dice = Dice::of(today.seed, self.customer.index, today.day, Purpose::Reaction);
        match reaction::answer(&habit, &mut dice) {
            Answer::Nothing => {}
            Answer::PaySooner { within_days } => {
                let soon = plus_days(today.day, within_days);
                for bill in self.bills.values_mut().filter(|bill| listed.contains(&bill.number)) {
                    // A friendly reminder before the due date brings nobody to pay before it.
                    bill.pay_on = bill.pay_on.min(habit.pay_days.next(soon.max(bill.due)));
                }
            }
            Answer::Promise(plan) => self.promise(today.day, &listed, plan, habit.pay_days, rows),
            Answer::Dispute { resolved_after_days, accepted, share_percent } => {
                let resolved_on = plus_days(today.day, resolved_after_days);
                let reason = dice.pick(&DISPUTE_REASONS).copied().unwrap_or("other");
                self.object(today.day, listed.first(), resolved_on, accepted, share_percent, reason, rows);
            }
        }
    }

    fn promise(
        &mut self,
        day: NaiveDate,
        listed: &[String],
        plan: reaction::Plan,
        pay_days: PayDays,
        rows: &mut Vec<Row>,
    ) {
        let Some(currency) = listed.first().and_then(|number| self.bills.get(number)).map(|bill| bill.currency) else {
            return;
        };
        let latest = next_workday(plus_days(day, plan.in_days));
        // Who pays on certain days only promises such a day, where one comes soon.
        let promised = pay_days.last(plus_days(day, 1), latest).unwrap_or(latest);
        let code = format!("PP-{}-{}", self.customer.code, day.format("%y%m%d"));
        let mut amount = Decimal::ZERO;
        let mut invoices = Vec::new();
        for bill in self.bills.values_mut() {
            if bill.currency == currency && listed.contains(&bill.number) {
                amount += bill.cash_due();
                invoices.push(bill.number.clone());
                bill.promised_until = Some(promised);
                (bill.pay_on, bill.part) = match plan.outcome {
                    reaction::Outcome::Kept => (promised, None),
                    reaction::Outcome::Partly => (promised, Some(Part { percent: 50, rest_after: 20 })),
                    reaction::Outcome::Broken { late_days } => (pay_days.next(plus_days(promised, late_days)), None),
                };
            }
        }
        rows.push(
            self.row(Feed::Crm, "promise.made", day)
                .with("promise", &code)
                .with("customer", &self.customer.code)
                .with("invoices", invoices.join(";"))
                .with("amount", amount.to_string())
                .with("currency", currency)
                .with("promised_date", promised.to_string())
                .with("made_on", day.to_string())
                .with("channel", "email")
                .with("time_zone", self.customer.country.zone.name()),
        );
        if let Some(days) = plan.withdrawn_after_days {
            self.withdrawals.push((plus_days(day, days), code));
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one objection, used once")]
    fn object(
        &mut self,
        day: NaiveDate,
        number: Option<&String>,
        resolved_on: NaiveDate,
        accepted: bool,
        share_percent: Option<u32>,
        reason: &str,
        rows: &mut Vec<Row>,
    ) {
        let Some(bill) = number.and_then(|number| self.bills.get_mut(number)) else { return };
        let amount = share_percent.map(|percent| bill.share(percent));
        let code = format!("DI-{}-{}", bill.number, day.format("%y%m%d"));
        let row = Row::new(Feed::Crm, "dispute.opened", &time_of(day), self.customer.country.code)
            .with("dispute", &code)
            .with("invoice", &bill.number)
            .with("reason", reason)
            .with("amount", amount.map(|amount| amount.to_string()).unwrap_or_default())
            .with("opened_on", day.to_string());
        rows.push(row);
        bill.dispute = Some(Dispute { code, resolved_on, accepted, amount });
    }

    /// One payment per currency, on the days on which this debtor pays.
    fn pay(&mut self, today: Today, rows: &mut Vec<Row>) {
        let habit = self.customer.behaviour.habit();
        let day = today.day;
        if !habit.pays || !is_workday(day) {
            return;
        }
        let mut dice = Dice::of(today.seed, self.customer.index, day, Purpose::Payment);
        let mut payments: BTreeMap<&'static str, (Decimal, Vec<String>)> = BTreeMap::new();
        for bill in self.bills.values_mut() {
            // A promised day holds, whatever the days on which this debtor usually pays.
            if !habit.pay_days.includes(day) && bill.promised_until != Some(day) {
                continue;
            }
            let Some(cash) = bill.pay(day, &mut dice) else { continue };
            let (total, remittance) = payments.entry(bill.currency).or_default();
            *total += cash;
            remittance.push(format!("{}:{cash}", bill.number));
        }
        for (currency, (total, remittance)) in payments {
            let code = format!("{}-{}-{currency}", self.customer.code, day.format("%y%m%d"));
            let row = self
                .row(Feed::Bank, "payment.received", day)
                .with("payment", format!("PG-{code}"))
                .with("payer", self.customer.payer())
                .with("amount", total.to_string())
                .with("currency", currency)
                .with("value_date", day.to_string())
                .with("received_date", day.to_string())
                .with("bank_reference", format!("TRF {code}"))
                .with("remittance", if habit.remits { remittance.join(";") } else { String::new() });
            // Banks repeat themselves: the second copy must count for nothing.
            if Dice::of(today.seed, self.customer.index, day, Purpose::Resend).chance(1) {
                self.resent.push(row.clone());
            }
            rows.push(row);
        }
    }
}
