//! What must be true, worked out in memory from the accepted facts alone: the ledger by its rules, then the promises.
//! Written from the rules (field-rules.md, the READMEs of the services), not from the services' code.

mod book;
mod promises;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::told::{Fact, Told};

pub(crate) use promises::{Promise, bank_days_after};

/// (tenant, the source's own number).
pub(crate) type Key = (usize, String);

#[derive(Debug, Clone)]
pub(crate) struct Invoice {
    pub currency: String,
    pub amount: Decimal,
    pub due: NaiveDate,
    pub effective: NaiveDate,
    pub open: Decimal,
    /// (value date, amount), in the order of the fold.
    pub settled: Vec<(NaiveDate, Decimal)>,
    pub disputed: Decimal,
}

#[derive(Debug, Clone)]
pub(crate) struct Credit {
    pub currency: String,
    pub amount: Decimal,
    pub applied: Decimal,
    pub on_account: Decimal,
    pub waiting: Decimal,
}

/// The state of everything, once `facts` are known.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub invoices: BTreeMap<Key, Invoice>,
    pub credits: BTreeMap<Key, Credit>,
    pub promises: BTreeMap<Key, Promise>,
    /// Disputes: (invoice, amount, resolved).
    pub disputes: BTreeMap<Key, (String, Option<Decimal>, bool)>,
    /// The latest day before which a source has told everything.
    pub covered: BTreeMap<(usize, String), NaiveDate>,
}

/// Of several changes of one object the highest version is in force.
fn newest<'a>(facts: &[&'a Fact], name: impl Fn(&'a Told) -> Option<&'a str>) -> BTreeMap<Key, &'a Fact> {
    let mut found: BTreeMap<Key, &Fact> = BTreeMap::new();
    for fact in facts {
        if let Some(name) = name(&fact.told) {
            let place = found.entry((fact.tenant, name.to_owned())).or_insert(fact);
            if fact.version > place.version {
                *place = fact;
            }
        }
    }
    found
}

pub(crate) fn fold<'a>(facts: impl IntoIterator<Item = &'a Fact>) -> Truth {
    let facts: Vec<&Fact> = facts.into_iter().collect();
    let mut truth = Truth::default();
    book::fold(&facts, &mut truth);
    for fact in &facts {
        match &fact.told {
            Told::DisputeOpened { code, invoice, amount, .. } => {
                truth.disputes.insert((fact.tenant, code.clone()), (invoice.clone(), *amount, false));
            }
            Told::Covered { source, day } => {
                let until = truth.covered.entry((fact.tenant, source.clone())).or_insert(*day);
                *until = (*until).max(*day);
            }
            _ => {}
        }
    }
    for fact in &facts {
        if let Told::DisputeResolved { code, .. } = &fact.told
            && let Some(dispute) = truth.disputes.get_mut(&(fact.tenant, code.clone()))
        {
            dispute.2 = true;
        }
    }
    for ((tenant, _), (invoice, amount, resolved)) in &truth.disputes {
        if let Some(invoice) = truth.invoices.get_mut(&(*tenant, invoice.clone()))
            && !resolved
        {
            invoice.disputed = (invoice.disputed + amount.unwrap_or(invoice.open)).min(invoice.open);
        }
    }
    promises::judge(&facts, &mut truth);
    truth
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told::{Moment, Part};

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    fn fact(id: &str, told: Told) -> Fact {
        Fact { tenant: 0, id: id.to_owned(), version: 1, day: 0, moment: Moment::Feed, told }
    }

    fn invoice(number: &str, amount: &str, due: u32) -> Fact {
        fact(
            number,
            Told::Invoice {
                number: number.to_owned(),
                customer: "C1".to_owned(),
                currency: "COP".to_owned(),
                amount: amount.parse().unwrap(),
                issued: day(1),
                due: day(due),
                effective: None,
            },
        )
    }

    fn payment(number: &str, amount: &str, on: u32, invoice: Option<&str>) -> Fact {
        let amount: Decimal = amount.parse().unwrap();
        let parts = invoice.map(|invoice| Part { invoice: invoice.to_owned(), amount: Some(amount) });
        fact(
            number,
            Told::Payment {
                number: number.to_owned(),
                payer: "C1".to_owned(),
                currency: "COP".to_owned(),
                amount,
                on: day(on),
                parts: parts.into_iter().collect(),
            },
        )
    }

    #[test]
    fn what_is_paid_too_much_pays_the_oldest() {
        let facts = [invoice("A", "10.00", 9), invoice("B", "5.00", 4), payment("P", "12.50", 3, Some("A"))];
        let truth = fold(&facts);
        assert_eq!(truth.invoices[&(0, "A".into())].open, Decimal::ZERO);
        assert_eq!(truth.invoices[&(0, "B".into())].open, Decimal::new(250, 2));
    }

    #[test]
    fn a_promise_is_judged_by_value_dates() {
        let promise = fact(
            "Z",
            Told::Promise {
                code: "Z".to_owned(),
                customer: "C1".to_owned(),
                invoice: "A".to_owned(),
                currency: "COP".to_owned(),
                amount: Decimal::from(10),
                made: day(2),
                until: day(5),
            },
        );
        let covered = fact("c", Told::Covered { source: "bank".to_owned(), day: day(6) });
        let cases = [(5, "10", "kept"), (5, "3", "partially_kept"), (6, "10", "broken"), (1, "10", "kept")];
        for (on, amount, expected) in cases {
            let facts = [invoice("A", "10", 9), promise.clone(), payment("P", amount, on, Some("A")), covered.clone()];
            assert_eq!(fold(&facts).promises[&(0, "Z".into())].status(day(6)), expected, "{on} {amount}");
        }
        assert_eq!(fold(&[invoice("A", "10", 9), promise]).promises[&(0, "Z".into())].status(day(5)), "open");
    }
}
