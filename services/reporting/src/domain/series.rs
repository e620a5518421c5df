//! Receivables month by month, from what moved them.
//!
//! Every figure at a month's end is a running sum of dated movements (an invoice is issued, falls overdue, is settled in
//! part), so one pass over the movements of each month gives all month ends, and any past day gives what was true on it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::cei::collection_effectiveness;
use super::dso::{self, CountBack, MonthSales};
use super::month::Month;

/// What moved the receivables of one currency within one month, up to the day asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Movements {
    /// Invoices issued, less those voided; negative where more was voided than issued.
    pub(crate) sales: Decimal,
    /// Settlements that began to count.
    pub(crate) settled: Decimal,
    /// Invoices that became overdue, in full.
    pub(crate) fell_overdue: Decimal,
    /// Settlements of invoices that were overdue, dated to the day on which both were true.
    pub(crate) settled_overdue: Decimal,
}

/// Movements by currency and month.
pub(crate) type Ledger = BTreeMap<String, BTreeMap<Month, Movements>>;

/// The figures of one currency at the end of one month, or on the day asked for in the month of that day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MonthEnd {
    pub(crate) month: Month,
    pub(crate) currency: String,
    pub(crate) receivable: Decimal,
    pub(crate) overdue: Decimal,
    pub(crate) sales: Decimal,
    pub(crate) dso_simple: Option<Decimal>,
    pub(crate) dso_count_back: CountBack,
    pub(crate) dso_best_possible: Option<Decimal>,
    pub(crate) average_days_delinquent: Option<Decimal>,
    pub(crate) collection_effectiveness: Option<Decimal>,
}

/// Month ends from `first` to the month of `as_of`, by month and then currency. A currency begins with the first month
/// in which anything of it moved.
pub(crate) fn month_ends(ledger: &Ledger, first: Month, as_of: NaiveDate) -> Vec<MonthEnd> {
    let last = Month::of(as_of);
    let mut ends: Vec<MonthEnd> = ledger
        .iter()
        .flat_map(|(currency, months)| currency_month_ends(currency, months, last, as_of))
        .filter(|end| end.month >= first)
        .collect();
    ends.sort_by(|a, b| (a.month, &a.currency).cmp(&(b.month, &b.currency)));
    ends
}

fn currency_month_ends(
    currency: &str,
    months: &BTreeMap<Month, Movements>,
    last: Month,
    as_of: NaiveDate,
) -> Vec<MonthEnd> {
    let Some(start) = months.keys().next().copied() else { return Vec::new() };
    let mut history: Vec<MonthSales> = Vec::new();
    let (mut receivable, mut overdue) = (Decimal::ZERO, Decimal::ZERO);
    let mut ends = Vec::new();
    for month in start.through(last) {
        let moved = months.get(&month).cloned().unwrap_or_default();
        let opening = receivable;
        receivable += moved.sales - moved.settled;
        overdue += moved.fell_overdue - moved.settled_overdue;
        let days = month.days_until(as_of);
        history.push(MonthSales { sales: moved.sales, days });
        let current = receivable - overdue;
        ends.push(MonthEnd {
            month,
            currency: currency.to_owned(),
            receivable,
            overdue,
            sales: moved.sales,
            dso_simple: dso::simple(receivable, moved.sales, days),
            dso_count_back: dso::count_back(receivable, history.iter().rev().copied()),
            dso_best_possible: dso::best_possible(current, moved.sales, days),
            average_days_delinquent: dso::average_days_delinquent(overdue, moved.sales, days),
            collection_effectiveness: collection_effectiveness(opening, moved.sales, receivable, current),
        });
    }
    ends
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::receivable::{counts_on, overdue_from};
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[derive(Debug)]
    struct Item {
        issued: NaiveDate,
        due: NaiveDate,
        amount: Decimal,
        settlements: Vec<(NaiveDate, Decimal)>,
    }

    fn item(issued: i64, term: i64, amount: i64, settlements: &[(i64, i64)]) -> Item {
        let start = day("2026-01-01");
        let issued = start + chrono::Duration::days(issued);
        Item {
            issued,
            due: issued + chrono::Duration::days(term),
            amount: Decimal::from(amount),
            settlements: settlements
                .iter()
                .map(|(after, part)| (start + chrono::Duration::days(*after), Decimal::from(*part)))
                .collect(),
        }
    }

    /// What the store answers, said in Rust.
    fn ledger(items: &[Item], as_of: NaiveDate) -> Ledger {
        let mut months: BTreeMap<Month, Movements> = BTreeMap::new();
        let mut put = |on: NaiveDate, add: &dyn Fn(&mut Movements)| {
            if on <= as_of {
                add(months.entry(Month::of(on)).or_default());
            }
        };
        for item in items {
            let overdue = overdue_from(item.issued, item.due);
            put(item.issued, &|moved| moved.sales += item.amount);
            put(overdue, &|moved| moved.fell_overdue += item.amount);
            for (value_date, part) in &item.settlements {
                let counts = counts_on(*value_date, item.issued);
                put(counts, &|moved| moved.settled += part);
                put(counts.max(overdue), &|moved| moved.settled_overdue += part);
            }
        }
        if months.is_empty() { Ledger::new() } else { Ledger::from([("COP".to_owned(), months)]) }
    }

    fn open_on(items: &[Item], as_of: NaiveDate) -> (Decimal, Decimal) {
        let mut sums = (Decimal::ZERO, Decimal::ZERO);
        for item in items.iter().filter(|item| item.issued <= as_of) {
            let settled: Decimal = item.settlements.iter().filter(|(on, _)| *on <= as_of).map(|(_, part)| part).sum();
            sums.0 += item.amount - settled;
            if item.due < as_of {
                sums.1 += item.amount - settled;
            }
        }
        sums
    }

    #[test]
    fn the_running_month_counts_the_days_it_has_had() {
        let as_of = day("2026-02-14");
        let items = [item(0, 30, 310, &[(40, 200)]), item(33, 30, 140, &[])];
        let ends = month_ends(&ledger(&items, as_of), Month::of(day("2026-01-01")), as_of);
        assert_eq!(ends.len(), 2);
        assert_eq!(ends[0].dso_simple, Some(Decimal::from(31)));
        assert_eq!(ends[0].overdue, Decimal::ZERO, "due on the 31st, which is not overdue on that day");
        assert_eq!(ends[1].receivable, Decimal::from(250));
        assert_eq!(ends[1].overdue, Decimal::from(110));
        assert_eq!(ends[1].dso_simple, Some(Decimal::from(25)), "250 / 140 × 14 days");
        assert_eq!(ends[1].dso_count_back, CountBack::Days(Decimal::from(25)), "14 days, then 110 / 310 × 31");
        assert_eq!(ends[1].average_days_delinquent, Some(Decimal::from(11)));
    }

    #[test]
    fn a_month_in_which_nothing_moved_is_still_there() {
        let as_of = day("2026-03-31");
        let ends = month_ends(&ledger(&[item(0, 30, 310, &[])], as_of), Month::of(day("2026-01-01")), as_of);
        let months: Vec<String> = ends.iter().map(|end| end.month.to_string()).collect();
        assert_eq!(months, ["2026-01", "2026-02", "2026-03"]);
        assert_eq!(ends[2].dso_simple, None);
        assert_eq!(ends[2].dso_count_back, CountBack::Days(Decimal::from(90)));
    }

    prop_compose! {
        fn any_item()(issued in 0_i64..200, term in -5_i64..90, amount in 1_i64..1_000, parts in prop::collection::vec((0_i64..260, 1_i64..500), 0..4)) -> Item {
            let mut left = amount;
            let mut settlements = Vec::new();
            for (on, part) in parts {
                let part = part.min(left);
                if part > 0 {
                    settlements.push((on, part));
                    left -= part;
                }
            }
            item(issued, term, amount, &settlements)
        }
    }

    proptest! {
        #[test]
        fn the_running_sums_are_what_is_open_on_that_day(items in prop::collection::vec(any_item(), 0..30), asked in 0_i64..300) {
            let as_of = day("2026-01-01") + chrono::Duration::days(asked);
            let ends = month_ends(&ledger(&items, as_of), Month::of(as_of), as_of);
            let expected = open_on(&items, as_of);
            let got = ends.last().map_or((Decimal::ZERO, Decimal::ZERO), |end| (end.receivable, end.overdue));
            prop_assert_eq!(got, expected);
        }

        #[test]
        fn later_days_never_change_earlier_month_ends(items in prop::collection::vec(any_item(), 0..30), asked in 40_i64..300) {
            let as_of = day("2026-01-01") + chrono::Duration::days(asked);
            let first = Month::of(day("2026-01-01"));
            let earlier = Month::of(as_of).back(1);
            let now = month_ends(&ledger(&items, as_of), first, as_of);
            let then = month_ends(&ledger(&items, earlier.last_day()), first, earlier.last_day());
            let until_then: Vec<&MonthEnd> = now.iter().filter(|end| end.month <= earlier).collect();
            prop_assert_eq!(until_then, then.iter().collect::<Vec<_>>());
        }
    }
}
