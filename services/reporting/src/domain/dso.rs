//! Days sales outstanding, four ways.
//!
//! Receivables and sales are both gross of tax and both of credit sales; cash on account that settles nothing yet does
//! not net receivables (it is shown apart); credit notes reduce receivables when they settle, never the sales of the
//! month they correct. The month that is still running counts with the days it has had.

use rust_decimal::Decimal;

use super::figure::ratio;

/// Sales of one month and the calendar days it counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MonthSales {
    pub(crate) sales: Decimal,
    pub(crate) days: i64,
}

/// The count-back answer, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CountBack {
    Days(Decimal),
    /// Receivables exceed everything ever sold on record: they are at least this old, and no number can be given.
    AtLeast(Decimal),
}

impl CountBack {
    pub(crate) fn days(self) -> Decimal {
        match self {
            Self::Days(days) | Self::AtLeast(days) => days,
        }
    }
}

/// Receivable / credit sales of the period × days of the period. 15,000 / 10,000 × 30 = 45.
pub(crate) fn simple(receivable: Decimal, sales: Decimal, days: i64) -> Option<Decimal> {
    ratio(receivable * Decimal::from(days), sales)
}

/// Simple DSO of what is not yet overdue: what would be left if everybody paid on the due date.
pub(crate) fn best_possible(current: Decimal, sales: Decimal, days: i64) -> Option<Decimal> {
    simple(current, sales, days)
}

/// DSO − best possible DSO = overdue / credit sales × days. A stock; not the mean lateness of what was paid.
pub(crate) fn average_days_delinquent(overdue: Decimal, sales: Decimal, days: i64) -> Option<Decimal> {
    simple(overdue, sales, days)
}

/// Peels month after month of sales off the receivable, `latest_first`: a month whose sales are covered adds all its
/// days, the last one the share that is left. A month without sales is crossed with its days.
pub(crate) fn count_back(receivable: Decimal, latest_first: impl IntoIterator<Item = MonthSales>) -> CountBack {
    let mut remaining = receivable;
    let mut days = Decimal::ZERO;
    for month in latest_first {
        if remaining <= Decimal::ZERO {
            break;
        }
        let month_days = Decimal::from(month.days);
        if month.sales > remaining {
            let share = (remaining * month_days).checked_div(month.sales).unwrap_or(month_days);
            return CountBack::Days(days + share);
        }
        days += month_days;
        remaining -= month.sales.max(Decimal::ZERO);
    }
    if remaining > Decimal::ZERO { CountBack::AtLeast(days) } else { CountBack::Days(days) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::figure::rounded;
    use super::*;

    /// Sales and days of months, the latest first.
    type Months = &'static [(i64, i64)];

    fn months(rows: &[(i64, i64)]) -> Vec<MonthSales> {
        rows.iter().map(|(sales, days)| MonthSales { sales: Decimal::from(*sales), days: *days }).collect()
    }

    fn counted(receivable: i64, rows: &[(i64, i64)]) -> CountBack {
        match count_back(Decimal::from(receivable), months(rows)) {
            CountBack::Days(days) => CountBack::Days(rounded(days, 3)),
            exhausted @ CountBack::AtLeast(_) => exhausted,
        }
    }

    fn days(text: &str) -> CountBack {
        CountBack::Days(text.parse().unwrap())
    }

    #[test]
    fn the_published_vectors_of_the_simple_forms() {
        let (ten, thirty) = (Decimal::from(10_000), 30);
        assert_eq!(simple(Decimal::from(15_000), ten, thirty), Some(Decimal::from(45)));
        assert_eq!(best_possible(Decimal::from(4_000), ten, thirty), Some(Decimal::from(12)));
        assert_eq!(average_days_delinquent(Decimal::from(11_000), ten, thirty), Some(Decimal::from(33)));
        assert_eq!(simple(Decimal::from(1), Decimal::ZERO, thirty), None);
    }

    #[test]
    fn the_published_vectors_of_the_count_back() {
        assert_eq!(counted(212_000, &[(100_000, 30), (80_000, 30), (70_000, 30)]), days("73.714"));
        assert_eq!(counted(2_100_000, &[(900_000, 31), (800_000, 28), (700_000, 31)]), days("76.714"));
    }

    #[test]
    fn the_edges_of_the_count_back() {
        let cases: &[(&str, i64, Months, CountBack)] = &[
            ("nothing is owed", 0, &[(100, 30)], days("0.000")),
            ("nothing is owed and nothing was sold", 0, &[], days("0.000")),
            ("a month is covered to the cent", 100, &[(100, 30), (0, 31)], days("30.000")),
            ("a month without sales adds its days", 150, &[(100, 30), (0, 31), (100, 30)], days("76.000")),
            ("so does one with more credits than sales", 150, &[(100, 30), (-5, 31), (100, 30)], days("76.000")),
            ("the running month counts the days it has had", 50, &[(100, 10)], days("5.000")),
            ("history runs out", 250, &[(100, 30), (100, 31)], CountBack::AtLeast(Decimal::from(61))),
        ];
        for (case, receivable, rows, expected) in cases {
            assert_eq!(counted(*receivable, rows), *expected, "{case}");
        }
    }

    proptest! {
        #[test]
        fn owing_more_never_means_fewer_days(
            rows in prop::collection::vec((0_i64..1_000, 28_i64..32), 0..24),
            less in 0_i64..20_000, more in 0_i64..5_000,
        ) {
            let shorter = count_back(Decimal::from(less), months(&rows)).days();
            let longer = count_back(Decimal::from(less + more), months(&rows)).days();
            prop_assert!(shorter <= longer);
            prop_assert!(longer <= Decimal::from(rows.iter().map(|(_, days)| days).sum::<i64>()));
        }

        #[test]
        fn best_possible_and_delinquent_add_up_to_simple(
            current in 0_i64..1_000_000, overdue in 0_i64..1_000_000, sales in 1_i64..1_000_000, days in 1_i64..32,
        ) {
            let (current, overdue, sales) = (Decimal::from(current), Decimal::from(overdue), Decimal::from(sales));
            let sum = best_possible(current, sales, days).unwrap() + average_days_delinquent(overdue, sales, days).unwrap();
            prop_assert_eq!(rounded(simple(current + overdue, sales, days).unwrap(), 6), rounded(sum, 6));
        }
    }
}
