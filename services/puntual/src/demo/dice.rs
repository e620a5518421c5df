//! Chance that does not depend on the order in which it is asked (D17): every debtor has, for every day and purpose, a
//! stream of its own. Integers only: a float's last bit may differ between machines, and with it the whole year.

use chrono::{Datelike, NaiveDate};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

/// What the dice are thrown for; a new purpose leaves the throws of the others as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Profile,
    Invoice,
    Reaction,
    Payment,
    Resend,
}

/// A stream of throws.
pub(crate) struct Dice(ChaCha8Rng);

/// Quantiles of a log-normal distribution with median 1 and sigma 0.9, in thousandths, at (i + 1/2) / 64:
/// round(1000 · exp(0.9 · Φ⁻¹((i + 0.5) / 64))).
const LOG_NORMAL_PER_MILLE: [u64; 64] = [
    114, 167, 205, 237, 266, 292, 318, 343, 367, 391, 415, 438, 462, 485, 509, 533, 557, 581, 606, 631, 657, 683, 710,
    737, 765, 793, 823, 853, 884, 916, 948, 983, 1018, 1054, 1092, 1132, 1173, 1216, 1261, 1308, 1357, 1409, 1464,
    1522, 1584, 1650, 1720, 1795, 1876, 1964, 2060, 2165, 2282, 2411, 2557, 2723, 2916, 3144, 3420, 3766, 4225, 4882,
    5982, 8809,
];

impl Dice {
    /// The stream of one debtor on one day for one purpose.
    pub(crate) fn of(seed: u64, debtor: u32, day: NaiveDate, purpose: Purpose) -> Self {
        let purpose: u8 = match purpose {
            Purpose::Profile => 0,
            Purpose::Invoice => 1,
            Purpose::Reaction => 2,
            Purpose::Payment => 3,
            Purpose::Resend => 4,
        };
        let mut key = [0_u8; 32];
        let parts = seed
            .to_le_bytes()
            .into_iter()
            .chain(debtor.to_le_bytes())
            .chain(day.num_days_from_ce().to_le_bytes())
            .chain([purpose]);
        for (slot, byte) in key.iter_mut().zip(parts) {
            *slot = byte;
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// From 0 up to and without `count`; 0 when `count` is 0. The bias of the multiplication is below 2⁻³² for the
    /// small numbers asked for here.
    pub(crate) fn below(&mut self, count: u32) -> u32 {
        let scaled = u64::from(self.0.next_u32()) * u64::from(count);
        u32::try_from(scaled >> 32).unwrap_or(0)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        let width = high.abs_diff(low).saturating_add(1);
        low.saturating_add_unsigned(self.below(width))
    }

    /// Like [`Self::between`], with the middle likelier than the ends: the mean of two throws.
    pub(crate) fn around(&mut self, low: i32, high: i32) -> i32 {
        let sum = self.between(low, high).saturating_add(self.between(low, high));
        sum.div_euclid(2)
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let count = u32::try_from(choices.len()).unwrap_or(u32::MAX);
        choices.get(usize::try_from(self.below(count)).unwrap_or(0))
    }

    /// An amount whose logarithm is normal, at `scale` decimals.
    pub(crate) fn amount(&mut self, median: Decimal, scale: u32) -> Decimal {
        let step = usize::try_from(self.below(63)).unwrap_or(0);
        let from = LOG_NORMAL_PER_MILLE.get(step).copied().unwrap_or(1000);
        let to = LOG_NORMAL_PER_MILLE.get(step + 1).copied().unwrap_or(from);
        let per_mille = from + (to - from) * u64::from(self.below(1000)) / 1000;
        // The cents come from throws of their own: amounts that are round in every row look made up.
        let cents = Decimal::new(i64::from(self.below(10_000)), 4);
        (median * Decimal::from(per_mille) / Decimal::from(1000) + cents).round_dp(scale)
    }

    /// The cards in an order of chance.
    pub(crate) fn shuffle<T>(&mut self, cards: &mut [T]) {
        for position in (1..cards.len()).rev() {
            let count = u32::try_from(position + 1).unwrap_or(u32::MAX);
            let other = usize::try_from(self.below(count)).unwrap_or(0);
            cards.swap(position, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 2).unwrap()
    }

    fn throws(seed: u64, debtor: u32, purpose: Purpose) -> Vec<u32> {
        let mut dice = Dice::of(seed, debtor, day(), purpose);
        (0..8).map(|_| dice.below(1_000_000)).collect()
    }

    #[test]
    fn every_debtor_and_purpose_has_its_own_throws() {
        let own = throws(7, 3, Purpose::Payment);
        assert_eq!(own, throws(7, 3, Purpose::Payment));
        assert_ne!(own, throws(8, 3, Purpose::Payment));
        assert_ne!(own, throws(7, 4, Purpose::Payment));
        assert_ne!(own, throws(7, 3, Purpose::Invoice));
    }

    #[test]
    fn amounts_keep_the_scale_of_their_currency_and_lie_around_the_median() {
        let median = Decimal::from(100_000);
        let mut dice = Dice::of(1, 1, day(), Purpose::Invoice);
        let amounts: Vec<Decimal> = (0..2000).map(|_| dice.amount(median, 0)).collect();
        assert!(amounts.iter().all(|amount| amount.scale() == 0 && *amount > Decimal::ZERO));
        let below = amounts.iter().filter(|amount| **amount < median).count();
        assert!((900..1100).contains(&below), "{below} of 2000 below the median");
    }

    #[test]
    fn between_reaches_both_ends_and_no_further() {
        let mut dice = Dice::of(1, 1, day(), Purpose::Profile);
        let seen: std::collections::BTreeSet<i32> = (0..500).map(|_| dice.between(-2, 2)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [-2, -1, 0, 1, 2]);
    }
}
