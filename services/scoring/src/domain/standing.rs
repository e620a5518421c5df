//! What is known of customers besides their habits, as of the close of a day.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use uuid::Uuid;

/// What is owed in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Owed {
    pub open: Decimal,
    pub overdue: Decimal,
}

/// By ISO 4217 code.
pub(crate) type Amounts = BTreeMap<String, Owed>;

/// What is known of a customer besides its habit, as of the close of a day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    pub owed: Amounts,
    pub open_invoices: i32,
    pub overdue_invoices: i32,
    pub oldest_overdue_days: i32,
    pub exposure_percentile: i32,
    pub overdue_percentile: i32,
    pub tenure_days: i32,
    pub tier: String,
    pub rating: String,
    /// Empty when none.
    pub group: String,
    pub credit_limit: Option<(String, Decimal)>,
    pub kept_promises: i32,
    pub broken_promises: i32,
    pub open_promises: i32,
    pub open_disputes: i32,
}

/// A corporate group: its members and what they owe together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Corporation {
    pub members: Vec<Uuid>,
    pub owed: Amounts,
    pub broken_promises: i32,
}

/// The standing of customers, and their groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Standings {
    customers: BTreeMap<Uuid, Standing>,
    groups: BTreeMap<String, Corporation>,
}

/// Of a customer of whom nothing is known.
pub(crate) static NOTHING: Standing = Standing {
    owed: Amounts::new(),
    open_invoices: 0,
    overdue_invoices: 0,
    oldest_overdue_days: 0,
    exposure_percentile: 0,
    overdue_percentile: 0,
    tenure_days: 0,
    tier: String::new(),
    rating: String::new(),
    group: String::new(),
    credit_limit: None,
    kept_promises: 0,
    broken_promises: 0,
    open_promises: 0,
    open_disputes: 0,
};

impl Standings {
    /// Of all customers of whom anything is known.
    pub(crate) fn new(customers: BTreeMap<Uuid, Standing>) -> Self {
        let mut groups: BTreeMap<String, Corporation> = BTreeMap::new();
        for (customer_id, standing) in customers.iter().filter(|(_, standing)| !standing.group.is_empty()) {
            let group = groups.entry(standing.group.clone()).or_default();
            group.members.push(*customer_id);
            group.broken_promises = group.broken_promises.saturating_add(standing.broken_promises);
            for (currency, owed) in &standing.owed {
                let sum = group.owed.entry(currency.clone()).or_default();
                sum.open = sum.open.saturating_add(owed.open);
                sum.overdue = sum.overdue.saturating_add(owed.overdue);
            }
        }
        Self { customers, groups }
    }

    pub(crate) fn of(&self, customer_id: Uuid) -> &Standing {
        self.customers.get(&customer_id).unwrap_or(&NOTHING)
    }

    /// The group of a customer; `None` when it is in none.
    pub(crate) fn group_of(&self, customer_id: Uuid) -> Option<&Corporation> {
        self.groups.get(&self.of(customer_id).group)
    }

    pub(crate) fn customers(&self) -> impl Iterator<Item = (Uuid, &Standing)> {
        self.customers.iter().map(|(customer_id, standing)| (*customer_id, standing))
    }
}

/// Shares of a corporate group as a whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct GroupHabit {
    pub late_share: f64,
    pub severe_share: f64,
}

#[cfg(test)]
mod tests {
    use super::super::features::{Feature, Scalar, Subject};
    use super::super::segment::Habit;
    use super::*;

    #[test]
    fn a_group_is_the_sum_of_its_customers_by_currency() {
        let customer = |group: &str, open, currency: &str, broken_promises| Standing {
            group: group.into(),
            owed: [(currency.to_owned(), Owed { open: Decimal::new(open, 2), overdue: Decimal::ONE })].into(),
            broken_promises,
            ..Standing::default()
        };
        let ids = [1, 2, 3, 4].map(Uuid::from_u128);
        let customers = [
            customer("NORTE", 150, "COP", 1),
            customer("NORTE", 250, "COP", 2),
            customer("NORTE", 7, "USD", 0),
            customer("", 9, "COP", 9),
        ];
        let standings = Standings::new(ids.into_iter().zip(customers).collect());
        let group = standings.group_of(ids[0]).unwrap();
        assert_eq!(group.members, ids[..3]);
        assert_eq!((group.owed["COP"].open, group.owed["USD"].open), (Decimal::new(400, 2), Decimal::new(7, 2)));
        assert_eq!((group.owed["COP"].overdue, group.broken_promises), (Decimal::TWO, 3));
        assert_eq!(standings.group_of(ids[3]), None);
        let habit = GroupHabit { late_share: 0.5, severe_share: 0.25 };
        let subject = |id| Subject {
            standing: standings.of(id),
            group: standings.group_of(id).map(|group| (group, habit)),
            ..Subject::of_habit(Habit::NONE)
        };
        assert_eq!(subject(ids[2]).value(Feature::GroupOpenAmount, "COP"), Scalar::Money(Decimal::new(400, 2)));
        assert_eq!(subject(ids[2]).value(Feature::OpenAmount, "COP"), Scalar::Money(Decimal::ZERO));
        assert_eq!(subject(ids[2]).value(Feature::GroupSevereShare, ""), Scalar::Share(0.25));
        assert_eq!(subject(ids[3]).value(Feature::GroupOpenAmount, "COP"), Scalar::Money(Decimal::new(9, 2)));
        assert_eq!(subject(ids[3]).value(Feature::GroupCustomers, ""), Scalar::Count(1));
    }
}
