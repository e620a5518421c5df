//! Decayed sums, shrunk shares, and their way into decimals.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Time in which the weight of an observation halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HalfLife {
    Days30,
    Days60,
    Days90,
    Days365,
    Never,
}

impl HalfLife {
    const fn days(self) -> u32 {
        match self {
            Self::Days30 => 30,
            Self::Days60 => 60,
            Self::Days90 => 90,
            Self::Days365 => 365,
            Self::Never => u32::MAX,
        }
    }

    /// 2^(−1/days).
    const fn factor_of_one_day(self) -> f64 {
        match self {
            Self::Days30 => 0.977_159_968_434_245_9,
            Self::Days60 => 0.988_514_020_352_896_2,
            Self::Days90 => 0.992_327_946_262_943_5,
            Self::Days365 => 0.998_102_768_651_594_6,
            Self::Never => 1.0,
        }
    }

    /// 2^(−days/half-life).
    pub(super) fn decay(self, days: u32) -> f64 {
        power(0.5, days / self.days()) * power(self.factor_of_one_day(), days % self.days())
    }
}

/// Exponentiation by squaring.
fn power(base: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, base, exponent);
    while rest > 0 {
        if rest % 2 == 1 {
            result *= square;
        }
        square *= square;
        rest /= 2;
    }
    result
}

/// Exponentially decayed count, sum and sum of squares of what was observed, as of the end of `day`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub n: f64,
    pub s: f64,
    pub q: f64,
    /// Days since 0000-12-31; 0 while nothing was observed.
    pub day: i32,
}

impl Cell {
    /// f = 2^(−(u−t)/h); n ← n·f + w; s ← s·f + w·x; q ← q·f + w·x². Days must not go back.
    pub(crate) fn add(&mut self, day: NaiveDate, value: f64, weight: f64, half_life: HalfLife) {
        let decayed = self.at(day, half_life);
        *self = Self {
            n: decayed.n + weight,
            s: decayed.s + weight * value,
            q: decayed.q + weight * value * value,
            day: decayed.day,
        };
    }

    /// The same sums as of a later day.
    pub(crate) fn at(self, day: NaiveDate, half_life: HalfLife) -> Self {
        let day = day.num_days_from_ce().max(self.day);
        let factor = half_life.decay(day.abs_diff(self.day));
        Self { n: self.n * factor, s: self.s * factor, q: self.q * factor, day }
    }

    /// The sums of two habits as of a day.
    pub(crate) fn plus(self, other: Self, day: NaiveDate, half_life: HalfLife) -> Self {
        let (one, other) = (self.at(day, half_life), other.at(day, half_life));
        Self { n: one.n + other.n, s: one.s + other.s, q: one.q + other.q, day: one.day.max(other.day) }
    }
}

/// What is believed before anything was seen: `mean`, worth `strength` observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prior {
    pub mean: f64,
    pub strength: f64,
}

/// (s + k·m) / (n + k): the mean of the cell, shrunk to the prior.
pub(crate) fn shrunk(cell: Cell, prior: Prior) -> f64 {
    (cell.s + prior.strength * prior.mean) / (cell.n + prior.strength)
}

/// The plain mean; `None` without observations.
pub(crate) fn mean(cell: Cell) -> Option<f64> {
    (cell.n > 0.0).then(|| cell.s / cell.n)
}

/// The mean of (weight, value) pairs; `None` when nothing has weight.
pub(crate) fn weighted_mean(pairs: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (weight, sum) =
        pairs.fold((0.0, 0.0), |(weights, sum), (weight, value)| (weights + weight, sum + weight * value));
    (weight > 0.0).then(|| sum / weight)
}

/// A probability with six digits, never quite 0 or 1.
pub(crate) fn probability(value: f64) -> Decimal {
    Decimal::new(whole((value * 1e6).round()).clamp(1, 999_999), 6)
}

/// What adds up to log-odds, with nine digits.
pub(crate) fn log_odds(value: f64) -> Decimal {
    Decimal::new(whole((value * 1e9).round()), 9)
}

/// Days with two digits, rounded half away from zero.
pub(crate) fn days(value: f64) -> Decimal {
    Decimal::new(whole((value * 1e2).round()), 2)
}

/// A share with two digits, cut off and not rounded, so that "0.19<0.20" stays true when it is read.
pub(crate) fn share(value: f64) -> Decimal {
    Decimal::new(whole((value * 1e2).floor()), 2)
}

#[allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a float to integer cast saturates, and statistics stay far below 2^53"
)]
pub(super) fn whole(value: f64) -> i64 {
    value as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(offset: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(u64::from(offset))
    }

    #[test]
    fn a_half_life_halves() {
        for half_life in [HalfLife::Days30, HalfLife::Days60, HalfLife::Days90, HalfLife::Days365] {
            assert_eq!(half_life.decay(0).to_bits(), 1.0_f64.to_bits());
            assert_eq!(half_life.decay(half_life.days()).to_bits(), 0.5_f64.to_bits());
            for days in [1_u32, 7, 29, 61, 400, 3000] {
                let expected = (-f64::from(days) / f64::from(half_life.days())).exp2();
                assert!((half_life.decay(days) - expected).abs() < 1e-12, "{half_life:?} {days}");
            }
        }
    }

    #[test]
    fn a_cell_decays_then_adds() {
        let mut cell = Cell::default();
        cell.add(day(0), 1.0, 1.0, HalfLife::Days30);
        cell.add(day(30), 3.0, 0.5, HalfLife::Days30);
        // n = 1·½ + ½, s = 1·½ + ½·3, q = 1·½ + ½·9
        assert_eq!([cell.n, cell.s, cell.q].map(f64::to_bits), [1.0, 2.0, 5.0_f64].map(f64::to_bits));
        assert_eq!(mean(cell), Some(2.0));
        assert_eq!(mean(Cell::default()), None);
    }

    #[test]
    fn decimals_are_short_and_inside() {
        let cases = [(0.0, "0.000001"), (1.0, "0.999999"), (1.0 / 3.0, "0.333333"), (2.0 / 3.0, "0.666667")];
        for (value, text) in cases {
            assert_eq!(probability(value).to_string(), text);
        }
        assert_eq!(days(5.125).to_string(), "5.13");
        assert_eq!(share(0.1999).to_string(), "0.19");
        assert_eq!(share(0.2).to_string(), "0.20");
        assert_eq!(share(0.0).to_string(), "0.00");
    }
}
