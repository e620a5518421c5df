//! How promises turn out.

use rust_decimal::Decimal;

use super::figure::{ratio, ratio_of_counts};

/// Promises of one currency and one outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PromiseGroup {
    pub(crate) currency: String,
    pub(crate) status: String,
    pub(crate) promises: i64,
    pub(crate) promised: Decimal,
    /// Paid within the window of the promise.
    pub(crate) paid: Decimal,
}

/// Counts by outcome. Matured are those that were kept, kept in part or broken; one withdrawn or replaced before its
/// day never matured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PromiseTally {
    pub(crate) open: i64,
    pub(crate) kept: i64,
    pub(crate) partially_kept: i64,
    pub(crate) broken: i64,
    pub(crate) withdrawn: i64,
    pub(crate) replaced: i64,
}

impl PromiseTally {
    /// `open` includes those past their day that no source confirms yet.
    pub(crate) fn of(groups: &[PromiseGroup]) -> Self {
        let mut tally = Self::default();
        for group in groups {
            let count = match group.status.as_str() {
                "open" | "due_unconfirmed" => &mut tally.open,
                "kept" => &mut tally.kept,
                "partially_kept" => &mut tally.partially_kept,
                "broken" => &mut tally.broken,
                "withdrawn" => &mut tally.withdrawn,
                "replaced" => &mut tally.replaced,
                _ => continue,
            };
            *count += group.promises;
        }
        tally
    }

    pub(crate) fn matured(&self) -> i64 {
        self.kept + self.partially_kept + self.broken
    }

    /// Kept / matured, by count.
    pub(crate) fn kept_rate(&self) -> Option<Decimal> {
        ratio_of_counts(self.kept, self.matured())
    }

    /// Broken / matured, by count.
    pub(crate) fn broken_rate(&self) -> Option<Decimal> {
        ratio_of_counts(self.broken, self.matured())
    }
}

/// The amount version, per currency: paid within the window / promised, over matured promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PromisedMoney {
    pub(crate) currency: String,
    pub(crate) promised: Decimal,
    pub(crate) paid: Decimal,
}

impl PromisedMoney {
    /// By currency.
    pub(crate) fn of(groups: &[PromiseGroup]) -> Vec<Self> {
        let matured = |group: &&PromiseGroup| matches!(group.status.as_str(), "kept" | "partially_kept" | "broken");
        let mut currencies: Vec<&str> = groups.iter().filter(matured).map(|group| group.currency.as_str()).collect();
        currencies.sort_unstable();
        currencies.dedup();
        currencies
            .into_iter()
            .map(|currency| {
                let of_currency = || groups.iter().filter(matured).filter(move |group| group.currency == currency);
                Self {
                    currency: currency.to_owned(),
                    promised: of_currency().map(|group| group.promised).sum(),
                    paid: of_currency().map(|group| group.paid).sum(),
                }
            })
            .collect()
    }

    pub(crate) fn kept_rate(&self) -> Option<Decimal> {
        ratio(self.paid, self.promised)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn group(status: &str, promises: i64, amount: i64, paid: i64) -> PromiseGroup {
        PromiseGroup {
            currency: "COP".to_owned(),
            status: status.to_owned(),
            promises,
            promised: Decimal::from(amount),
            paid: Decimal::from(paid),
        }
    }

    #[test]
    fn only_matured_promises_are_judged() {
        let groups = [
            group("open", 5, 500, 10),
            group("kept", 2, 200, 200),
            group("partially_kept", 1, 100, 40),
            group("broken", 1, 100, 0),
            group("withdrawn", 3, 300, 0),
            group("replaced", 4, 400, 0),
        ];
        let tally = PromiseTally::of(&groups);
        assert_eq!(tally.matured(), 4);
        assert_eq!(tally.kept_rate(), Some("0.5".parse().unwrap()));
        assert_eq!(tally.broken_rate(), Some("0.25".parse().unwrap()));
        let money = PromisedMoney::of(&groups);
        assert_eq!(money.len(), 1);
        assert_eq!(money[0].kept_rate(), Some("0.6".parse().unwrap()), "240 of 400");
    }

    #[test]
    fn without_a_matured_promise_there_is_no_rate() {
        assert_eq!(PromiseTally::of(&[group("open", 5, 500, 10)]).kept_rate(), None);
        assert_eq!(PromisedMoney::of(&[group("open", 5, 500, 10)]), []);
    }

    proptest! {
        #[test]
        fn kept_partly_kept_and_broken_make_the_whole(kept in 0_i64..100, partly in 0_i64..100, broken in 1_i64..100) {
            let tally = PromiseTally { kept, partially_kept: partly, broken, ..PromiseTally::default() };
            let shares = tally.kept_rate().unwrap() + tally.broken_rate().unwrap() + ratio_of_counts(partly, tally.matured()).unwrap();
            prop_assert_eq!(shares.round_dp(20), Decimal::ONE);
        }
    }
}
