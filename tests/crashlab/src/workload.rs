//! What happens to two companies in a handful of days: invoices that fall due, payments in odd cents, late, partial and
//! too large, corrections, credit notes, disputes, promises, and sources that cover their days, or not yet.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

use crate::dice::Dice;
use crate::told::{Fact, Moment, Part, TENANTS, Told};

pub(crate) const CUSTOMERS: [&str; 4] = ["C1", "C2", "C3", "C4"];
const CURRENCIES: [&str; 2] = ["COP", "USD"];
/// Days from the due date on which some strategy has a step.
const STEPS: [i64; 4] = [-7, 0, 3, 10];

pub(crate) fn shift(day: NaiveDate, days: i64) -> NaiveDate {
    let by = Days::new(days.unsigned_abs());
    if days < 0 { day - by } else { day + by }
}

/// The days that are lived.
pub(crate) fn days(seed: u64) -> Vec<NaiveDate> {
    let mut dice = Dice::of(seed, 1);
    let mut day = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    let mut days = vec![day];
    for _ in 1..5 {
        day = shift(day, [1, 1, 1, 2, 3][dice.index(5)]);
        days.push(day);
    }
    days
}

pub(crate) fn facts(seed: u64, days: &[NaiveDate], blind: Option<usize>) -> Vec<Fact> {
    (0..TENANTS.len())
        .flat_map(|tenant| {
            let dice = Dice::of(seed, 10 + tenant as u64);
            let mut story = Story { tenant, days, dice, facts: Vec::new(), payments: 0, blind };
            story.tell();
            story.facts
        })
        .collect()
}

struct Story<'a> {
    tenant: usize,
    days: &'a [NaiveDate],
    dice: Dice,
    facts: Vec<Fact>,
    payments: usize,
    blind: Option<usize>,
}

/// An invoice while its story is told.
struct Bill {
    number: String,
    customer: String,
    currency: String,
    amount: Decimal,
    told_on: usize,
}

fn cents(amount: u64) -> Decimal {
    Decimal::new(i64::try_from(amount).unwrap_or(1), 2)
}

impl Story<'_> {
    fn push(&mut self, id: String, version: u32, day: usize, told: Told) {
        let moment = if day > 0 && self.dice.percent(20) { Moment::Meanwhile } else { Moment::Feed };
        self.facts.push(Fact { tenant: self.tenant, id, version, day, moment, told });
    }

    fn tell(&mut self) {
        for code in CUSTOMERS {
            let late = usize::from(self.dice.percent(10));
            self.push(format!("customer-{code}"), 1, late, Told::Customer { code: code.to_owned() });
            self.push(format!("contact-{code}"), 1, 0, Told::Contact { customer: code.to_owned() });
        }
        let invoices = self.dice.between(9, 13);
        for number in 1..=invoices {
            self.invoice(number);
        }
        if let Some(day) = self.blind {
            self.blind_stops(day);
        }
        self.coverage();
    }

    fn invoice(&mut self, number: u64) {
        let number = format!("F-{number:03}");
        let told_on = if self.dice.percent(75) { 0 } else { self.dice.index(3) };
        let falls = self.dice.index(self.days.len());
        let due = shift(self.days[falls], -*self.dice.pick(&STEPS));
        let issued = shift(due.min(self.days[0]), -i64::try_from(self.dice.between(5, 20)).unwrap_or(5));
        let bill = Bill {
            number: number.clone(),
            customer: (*self.dice.pick(&CUSTOMERS)).to_owned(),
            currency: (*self.dice.pick(&CURRENCIES)).to_owned(),
            amount: cents(self.dice.between(1_000, 90_000)),
            told_on,
        };
        let told = |amount, effective| Told::Invoice {
            number: bill.number.clone(),
            customer: bill.customer.clone(),
            currency: bill.currency.clone(),
            amount,
            issued,
            due,
            effective,
        };
        self.push(format!("invoice-{number}-1"), 1, told_on, told(bill.amount, None));
        if self.dice.percent(15) {
            let (day, extended) = (self.dice.index(self.days.len()), self.dice.percent(50));
            let second = if extended {
                told(bill.amount, Some(shift(due, 2)))
            } else {
                told(bill.amount + cents(self.dice.between(1, 999)), None)
            };
            self.push(format!("invoice-{number}-2"), 2, day, second);
        }
        match self.dice.weighted(&[20, 14, 12, 8, 8, 8, 10, 30, 6]) {
            0 => {}
            1 => self.pay_in_parts(&bill, 1),
            2 => {
                let parts = self.dice.between(2, 4);
                self.pay_in_parts(&bill, parts);
            }
            3 => self.dust(&bill),
            4 => self.overpay(&bill),
            5 => self.credit(&bill),
            6 => self.dispute(&bill),
            7 => self.promise(&bill),
            _ => self.unnamed(&bill),
        }
    }

    fn later(&mut self, from: usize) -> usize {
        from + self.dice.index(self.days.len() - from)
    }

    fn pay(&mut self, bill: &Bill, day: usize, on: NaiveDate, amount: Decimal, named: Option<Decimal>) {
        self.payments += 1;
        let number = format!("P-{:03}", self.payments);
        let told = |amount: Decimal, named: Option<Decimal>| Told::Payment {
            number: number.clone(),
            payer: bill.customer.clone(),
            currency: bill.currency.clone(),
            amount,
            on,
            parts: named
                .map(|amount| Part { invoice: bill.number.clone(), amount: Some(amount) })
                .into_iter()
                .collect(),
        };
        if self.dice.percent(15) {
            // Told wrongly first; the correction may overtake it.
            let wrong = amount + cents(self.dice.between(1, 500));
            let other = self.later(day.min(self.days.len() - 1));
            self.push(format!("payment-{number}-1"), 1, other, told(wrong, named.map(|_| wrong)));
            self.push(format!("payment-{number}-2"), 2, day, told(amount, named));
        } else {
            self.push(format!("payment-{number}-1"), 1, day, told(amount, named));
        }
    }

    fn value_date(&mut self, day: usize) -> NaiveDate {
        let back = [0, 0, 0, 1, 2, 5][self.dice.index(6)];
        shift(self.days[day], -back)
    }

    fn pay_in_parts(&mut self, bill: &Bill, parts: u64) {
        let mut left = bill.amount;
        for part in 1..=parts {
            let day = self.later(bill.told_on);
            let amount =
                if part == parts && self.dice.percent(60) { left } else { (left / Decimal::from(3)).round_dp(2) };
            if amount.is_zero() {
                continue;
            }
            left -= amount;
            let on = self.value_date(day);
            self.pay(bill, day, on, amount, Some(amount));
        }
    }

    /// Amounts that have no exact binary form, many times.
    fn dust(&mut self, bill: &Bill) {
        for _ in 0..self.dice.between(8, 14) {
            let day = self.later(bill.told_on);
            let amount = cents([10, 20, 30, 7][self.dice.index(4)]);
            let on = self.value_date(day);
            self.pay(bill, day, on, amount, Some(amount));
        }
    }

    fn overpay(&mut self, bill: &Bill) {
        let day = self.later(bill.told_on);
        let amount = bill.amount + cents(self.dice.between(1, 20_000));
        let on = self.value_date(day);
        let named = if self.dice.percent(50) { bill.amount } else { amount };
        self.pay(bill, day, on, amount, Some(named));
    }

    fn unnamed(&mut self, bill: &Bill) {
        let day = self.later(bill.told_on);
        let on = self.value_date(day);
        self.pay(bill, day, on, bill.amount, None);
    }

    fn credit(&mut self, bill: &Bill) {
        let day = self.later(bill.told_on);
        let amount = (bill.amount / Decimal::from(4)).round_dp(2);
        let told = Told::CreditNote {
            number: format!("N-{}", bill.number),
            customer: bill.customer.clone(),
            currency: bill.currency.clone(),
            amount,
            on: self.days[day],
            parts: vec![Part { invoice: bill.number.clone(), amount: Some(amount) }],
        };
        self.push(format!("note-{}", bill.number), 1, day, told);
        if self.dice.percent(60) {
            let day = self.later(bill.told_on);
            let on = self.value_date(day);
            self.pay(bill, day, on, bill.amount - amount, Some(bill.amount - amount));
        }
    }

    fn dispute(&mut self, bill: &Bill) {
        let day = self.later(bill.told_on);
        let code = format!("D-{}", bill.number);
        let amount = self.dice.percent(40).then(|| (bill.amount / Decimal::from(2)).round_dp(2));
        let on = self.days[day];
        let told = Told::DisputeOpened { code: code.clone(), invoice: bill.number.clone(), amount, on };
        self.push(format!("dispute-{}", bill.number), 1, day, told);
        if self.dice.percent(60) {
            let end = if self.dice.percent(50) { day } else { self.later(day) };
            let told = Told::DisputeResolved { code, on: self.days[end] };
            self.push(format!("resolved-{}", bill.number), 1, end, told);
        }
    }

    fn promise(&mut self, bill: &Bill) {
        let last = self.days.len() - 1;
        let day = bill.told_on.max(self.dice.index(last));
        let due = if self.dice.percent(60) { (day + self.dice.index(2)).min(last) } else { self.later(day) };
        let made = self.days[day];
        let code = format!("Z-{}", bill.number);
        let told = |code: String, made: NaiveDate, until: NaiveDate| Told::Promise {
            code,
            customer: bill.customer.clone(),
            invoice: bill.number.clone(),
            currency: bill.currency.clone(),
            amount: bill.amount,
            made,
            until,
        };
        self.push(format!("promise-{code}"), 1, day, told(code.clone(), made, self.days[due]));
        if self.dice.percent(20) {
            let on = self.days[self.later(day).min(last)];
            let told_on = if self.dice.percent(60) { day } else { self.later(day) };
            self.push(format!("withdrawn-{code}"), 1, told_on, Told::Withdrawn { code: code.clone(), on });
        }
        if day < last && self.dice.percent(15) {
            let again = day + 1;
            let until = self.days[self.later(again)];
            self.push(format!("promise-{code}-2"), 1, again, told(format!("{code}-2"), self.days[again], until));
        }
        match self.dice.weighted(&[35, 35, 30]) {
            // Nobody pays.
            0 => {}
            // In time by its value date; told in time, around the deadline, or when all is over.
            1 => {
                let on = self.days[day + self.dice.index(due - day + 1)];
                let after = [0, 0, 1, 1, 2, 2][self.dice.index(6)];
                let told_on = (due + after).min(last);
                self.pay(bill, told_on, on, bill.amount, Some(bill.amount));
            }
            // In part.
            _ => {
                let told_on = self.later(day);
                let on = self.value_date(told_on);
                let amount = (bill.amount / Decimal::from(2)).round_dp(2);
                self.pay(bill, told_on, on, amount, Some(amount));
            }
        }
    }

    /// Invoices with a step on the day, and what stops it told at the last moment.
    fn blind_stops(&mut self, day: usize) {
        for (index, kind) in ["paid", "disputed", "promised", "paid"].into_iter().enumerate() {
            let bill = Bill {
                number: format!("F-9{index:02}"),
                customer: CUSTOMERS[index].to_owned(),
                currency: "COP".to_owned(),
                amount: cents(self.dice.between(1_000, 90_000)),
                told_on: 0,
            };
            let (issued, due) = (shift(self.days[0], -15), self.days[day]);
            let told = Told::Invoice {
                number: bill.number.clone(),
                customer: bill.customer.clone(),
                currency: bill.currency.clone(),
                amount: bill.amount,
                issued,
                due,
                effective: None,
            };
            let mut blind = |id: String, told: Told| {
                self.facts.push(Fact { tenant: self.tenant, id, version: 1, day, moment: Moment::Blind, told });
            };
            let number = bill.number.clone();
            match kind {
                "paid" => blind(
                    format!("payment-X-{number}"),
                    Told::Payment {
                        number: format!("X-{number}"),
                        payer: bill.customer.clone(),
                        currency: bill.currency.clone(),
                        amount: bill.amount,
                        on: due,
                        parts: vec![Part { invoice: number.clone(), amount: Some(bill.amount) }],
                    },
                ),
                "disputed" => blind(
                    format!("dispute-{number}"),
                    Told::DisputeOpened { code: format!("D-{number}"), invoice: number.clone(), amount: None, on: due },
                ),
                _ => blind(
                    format!("promise-Z-{number}"),
                    Told::Promise {
                        code: format!("Z-{number}"),
                        customer: bill.customer.clone(),
                        invoice: number.clone(),
                        currency: bill.currency.clone(),
                        amount: bill.amount,
                        made: due,
                        until: shift(due, 1),
                    },
                ),
            }
            self.facts.push(Fact {
                tenant: self.tenant,
                id: format!("invoice-{number}-1"),
                version: 1,
                day: 0,
                moment: Moment::Feed,
                told,
            });
        }
    }

    /// One company's bank is often behind; its invoices are always told.
    fn coverage(&mut self) {
        for (index, day) in self.days.iter().copied().enumerate() {
            let behind = self.tenant == 1 && self.dice.percent(45) && self.blind != Some(index);
            for source in ["erp", "bank"] {
                if source == "bank" && behind {
                    continue;
                }
                self.facts.push(Fact {
                    tenant: self.tenant,
                    id: format!("covered-{source}-{day}"),
                    version: 1,
                    day: index,
                    moment: Moment::Feed,
                    told: Told::Covered { source: source.to_owned(), day },
                });
            }
        }
    }
}

/// What is told on a day after all faults: everything before it is known.
pub(crate) fn closing(day: NaiveDate, index: usize) -> Vec<Fact> {
    (0..TENANTS.len())
        .flat_map(|tenant| {
            ["erp", "bank"].map(|source| Fact {
                tenant,
                id: format!("covered-{source}-{day}"),
                version: 1,
                day: index,
                moment: Moment::Feed,
                told: Told::Covered { source: source.to_owned(), day },
            })
        })
        .collect()
}
