//! Promises by their rules: the earliest of paid, replaced and withdrawn ends one; else its covered deadline does.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::Truth;
use crate::told::{Fact, Told};
use crate::workload::shift;

#[derive(Debug, Clone)]
pub(crate) struct Promise {
    pub invoice: String,
    pub made: NaiveDate,
    pub until: NaiveDate,
    pub paid: Decimal,
    /// What ended it by itself, and on which day.
    pub ended: Option<(NaiveDate, &'static str)>,
    covered: Option<NaiveDate>,
}

impl Promise {
    /// Its state on the morning of a civil day.
    pub(crate) fn status(&self, today: NaiveDate) -> &'static str {
        let past = today > self.until;
        match self.ended {
            Some((_, status)) => status,
            None if !past => "open",
            None if self.covered.is_some_and(|day| day > self.until) || today > bank_days_after(self.until, 3) => {
                if self.paid > Decimal::ZERO {
                    "partially_kept"
                } else {
                    "broken"
                }
            }
            None => "due_unconfirmed",
        }
    }
}

/// Monday to Friday.
pub(crate) fn bank_days_after(day: NaiveDate, count: u32) -> NaiveDate {
    use chrono::Datelike;
    let (mut day, mut left) = (day, count);
    while left > 0 {
        day = shift(day, 1);
        if day.weekday().number_from_monday() <= 5 {
            left -= 1;
        }
    }
    day
}

pub(super) fn judge(facts: &[&Fact], truth: &mut Truth) {
    for fact in facts {
        let Told::Promise { code, invoice, amount, made, until, .. } = &fact.told else { continue };
        let replaced = facts
            .iter()
            .filter(|other| other.tenant == fact.tenant)
            .filter_map(|other| match &other.told {
                Told::Promise { invoice: about, made: later, .. } if about == invoice && later > made => Some(*later),
                _ => None,
            })
            .min();
        let withdrawn = facts
            .iter()
            .filter(|other| other.tenant == fact.tenant)
            .filter_map(|other| match &other.told {
                Told::Withdrawn { code: named, on } if named == code => Some(*on),
                _ => None,
            })
            .min();
        let about = truth.invoices.get(&(fact.tenant, invoice.clone()));
        let mut settled = about.map(|about| about.settled.clone()).unwrap_or_default();
        settled.sort();
        let before: Decimal = settled.iter().filter(|(on, _)| on < made).map(|(_, sum)| *sum).sum();
        let owed = about.map(|about| (about.amount - before).max(Decimal::ZERO));
        let required = owed.map_or(*amount, |owed| owed.min(*amount));
        let window: Vec<_> = settled.into_iter().filter(|(on, _)| on >= made && on <= until).collect();
        let mut sum = Decimal::ZERO;
        let mut kept = (required <= Decimal::ZERO).then_some(*made);
        for (on, amount) in &window {
            sum += *amount;
            if sum >= required && kept.is_none() {
                kept = Some(*on);
            }
        }
        let mut ended: Option<(NaiveDate, &'static str)> = None;
        for (day, status) in [(kept, "kept"), (replaced, "replaced"), (withdrawn, "withdrawn")] {
            if let Some(day) = day.filter(|day| day <= until)
                && ended.is_none_or(|(earlier, _)| day < earlier)
            {
                ended = Some((day, status));
            }
        }
        if let Some((day, "replaced" | "withdrawn")) = ended {
            sum = window.iter().filter(|(on, _)| *on <= day).map(|(_, sum)| *sum).sum();
        }
        let promise = Promise {
            invoice: invoice.clone(),
            made: *made,
            until: *until,
            paid: sum.clamp(Decimal::ZERO, *amount),
            ended,
            covered: truth.covered.get(&(fact.tenant, "bank".to_owned())).copied(),
        };
        truth.promises.insert((fact.tenant, code.clone()), promise);
    }
}
