//! Corrections are postings, never updates (M7).

use rust_decimal::Decimal;

use super::{AllocationKey, Allocations};

/// A line of the settlement journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) key: AllocationKey,
    /// Takes back an earlier posting.
    pub(crate) reverse: bool,
    /// Always positive.
    pub(crate) amount: Decimal,
}

/// The postings that turn the allocations in force into the wanted ones, reversals first.
pub(crate) fn difference(in_force: &Allocations, wanted: &Allocations) -> Vec<Posting> {
    let mut postings = Vec::new();
    for (key, before) in in_force {
        let after = wanted.get(key).copied().unwrap_or_default();
        if after < *before {
            postings.push(Posting { key: key.clone(), reverse: true, amount: *before - after });
        }
    }
    for (key, after) in wanted {
        let before = in_force.get(key).copied().unwrap_or_default();
        if *after > before {
            postings.push(Posting { key: key.clone(), reverse: false, amount: *after - before });
        }
    }
    postings
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_what_differs_is_posted() {
        let key = |number: u128| AllocationKey {
            invoice_id: Uuid::from_u128(number),
            value_date: "2026-01-31".parse().unwrap(),
            credit_id: Uuid::nil(),
            inferred: false,
        };
        let amounts = |pairs: &[(u128, i64)]| -> Allocations {
            pairs.iter().map(|(number, amount)| (key(*number), Decimal::from(*amount))).collect()
        };
        let postings = difference(&amounts(&[(1, 10), (2, 20), (3, 30)]), &amounts(&[(1, 10), (2, 5), (4, 40)]));
        let posted: Vec<_> = postings
            .iter()
            .map(|posting| (posting.key.invoice_id.as_u128(), posting.reverse, posting.amount))
            .collect();
        assert_eq!(posted, [(2, true, Decimal::from(15)), (3, true, Decimal::from(30)), (4, false, Decimal::from(40))]);
    }
}
