//! All debtors together, day by day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::debtor::{Debtor, Today};
use super::portfolio;
use super::row::{Feed, Row};

/// The words of the mails that came to one address on one day.
pub(crate) type Words = BTreeSet<String>;

pub(crate) struct World {
    seed: u64,
    first_day: NaiveDate,
    days: u32,
    debtors: Vec<Debtor>,
}

impl World {
    pub(crate) fn new(seed: u64, customers: u32, first_day: NaiveDate, days: u32) -> Self {
        let debtors = portfolio::customers(seed, customers).into_iter().map(Debtor::new).collect();
        Self { seed, first_day, days, debtors }
    }

    /// In how many countries there are customers.
    pub(crate) fn countries(&self) -> usize {
        self.debtors.iter().map(|debtor| debtor.customer.country.code).collect::<BTreeSet<_>>().len()
    }

    /// What the ERP and the CRM export once, before the first day.
    pub(crate) fn master_rows(&self) -> Vec<Row> {
        let time = format!("{}T00:00:00Z", self.first_day);
        self.debtors.iter().flat_map(|debtor| debtor.customer.master_rows(&time)).collect()
    }

    /// The code of the customer that reads mail at an address.
    pub(crate) fn customer_of(&self, address: &str) -> Option<&str> {
        let debtor = self.debtors.iter().find(|debtor| debtor.customer.email == address)?;
        Some(&debtor.customer.code)
    }

    /// Everyone lives through a day; `mails` holds the words that each address received.
    pub(crate) fn live(&mut self, day: NaiveDate, mails: &BTreeMap<String, Words>) -> Vec<Row> {
        let elapsed_days = i32::try_from((day - self.first_day).num_days()).unwrap_or(0);
        let days = i32::try_from(self.days.max(1)).unwrap_or(i32::MAX);
        let today = Today { seed: self.seed, day, elapsed_percent: elapsed_days.saturating_mul(100) / days };
        self.debtors
            .iter_mut()
            .flat_map(|debtor| {
                let words = mails.get(&debtor.customer.email);
                debtor.live(today, |number| words.is_some_and(|words| words.contains(number)))
            })
            .collect()
    }
}

/// Every system says that it has told everything until the start of `day`, in all the countries of the portfolio:
/// 06:00 UTC is midnight in Mexico City, the last of them.
pub(crate) fn coverage_rows(day: NaiveDate) -> Vec<Row> {
    let instant = format!("{day}T06:00:00Z");
    Feed::ALL
        .into_iter()
        .map(|feed| Row::new(feed, "source.covered", &instant, "").with("covered_until", &instant))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::Days;
    use rust_decimal::Decimal;

    use super::super::country::COUNTRIES;
    use super::super::row::{files, strange_columns};
    use super::*;

    const DAYS: u32 = 150;

    fn first_day() -> NaiveDate {
        "2025-11-03".parse().unwrap()
    }

    /// The rows of each day, when everybody gets a mail about all its invoices on every third day.
    fn year(seed: u64, customers: u32) -> Vec<Vec<Row>> {
        let mut world = World::new(seed, customers, first_day(), DAYS);
        let mut statements: BTreeMap<String, Words> = BTreeMap::new();
        let silence = BTreeMap::new();
        (0..u64::from(DAYS))
            .map(|offset| {
                let mails = if offset % 3 == 0 { &statements } else { &silence };
                let rows = world.live(first_day() + Days::new(offset), mails);
                for row in rows.iter().filter(|row| row.fact == "invoice.issued") {
                    let address = format!("pagos@{}.example", row.cell("customer").to_lowercase());
                    statements.entry(address).or_default().insert(row.cell("invoice").to_owned());
                }
                rows
            })
            .collect()
    }

    #[test]
    fn the_same_seed_writes_the_same_files_and_another_seed_others() {
        let written = |seed| year(seed, 40).iter().map(|rows| files(rows)).collect::<Vec<_>>();
        let once = written(1);
        assert_eq!(once, written(1));
        assert_ne!(once, written(2));
    }

    #[test]
    fn what_a_debtor_does_does_not_depend_on_the_others() {
        let few = year(5, 10);
        let many = year(5, 40);
        for (day, rows) in few.iter().enumerate() {
            for row in rows {
                assert!(many[day].contains(row), "{row:?}");
            }
        }
    }

    #[test]
    fn a_year_has_every_kind_of_fact() {
        let days = year(7, 100);
        let facts: BTreeSet<&str> = days.iter().flatten().map(|row| row.fact).collect();
        for fact in [
            "invoice.issued",
            "payment.received",
            "credit_note.issued",
            "withholding.recorded",
            "dispute.opened",
            "dispute.resolved",
            "promise.made",
            "promise.withdrawn",
        ] {
            assert!(facts.contains(fact), "no {fact}");
        }
        let lump_sums =
            days.iter().flatten().filter(|row| row.fact == "payment.received" && row.cell("remittance").is_empty());
        assert!(lump_sums.count() > 10);
    }

    #[test]
    fn every_row_fits_its_layout_and_every_amount_its_currency() {
        let world = World::new(7, 60, first_day(), DAYS);
        let rows =
            world.master_rows().into_iter().chain(coverage_rows(first_day())).chain(year(7, 60).into_iter().flatten());
        for row in rows {
            assert_eq!(strange_columns(&row), Vec::<&str>::new(), "{row:?}");
            if !row.cell("amount").is_empty() && !row.cell("currency").is_empty() {
                let currency = primitives::Currency::parse(row.cell("currency")).unwrap();
                let money = primitives::Money::parse(row.cell("amount"), currency);
                assert!(money.is_ok_and(|money| money.amount() > Decimal::ZERO), "{row:?}");
            }
        }
    }

    #[test]
    fn nobody_pays_more_than_was_invoiced() {
        let mut left: BTreeMap<String, Decimal> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for row in year(11, 80).into_iter().flatten() {
            let amount = || row.cell("amount").parse::<Decimal>().unwrap();
            match row.fact {
                "invoice.issued" => {
                    left.insert(row.cell("invoice").to_owned(), amount());
                }
                "payment.received" if seen.insert(row.cell("payment").to_owned()) => {
                    for part in row.cell("remittance").split(';').filter(|part| !part.is_empty()) {
                        let (invoice, paid) = part.rsplit_once(':').unwrap();
                        *left.get_mut(invoice).unwrap() -= paid.parse::<Decimal>().unwrap();
                    }
                }
                "withholding.recorded" => *left.get_mut(row.cell("invoice")).unwrap() -= amount(),
                "credit_note.issued" => {
                    let (invoice, credited) = row.cell("invoices").rsplit_once(':').unwrap();
                    *left.get_mut(invoice).unwrap() -= credited.parse::<Decimal>().unwrap();
                }
                _ => {}
            }
        }
        for (invoice, amount) in left {
            assert!(amount >= Decimal::ZERO, "{invoice}: {amount}");
        }
    }

    #[test]
    fn coverage_reaches_the_end_of_yesterday_in_every_country() {
        for offset in 0..365 {
            let day = first_day() + Days::new(offset);
            let covered: chrono::DateTime<chrono::Utc> = coverage_rows(day)[0].cell("covered_until").parse().unwrap();
            for country in &COUNTRIES {
                assert!(primitives::civil::start_of_day(day, country.zone) <= covered, "{} on {day}", country.code);
            }
        }
    }
}
