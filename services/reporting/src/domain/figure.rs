//! Ratios and how they are printed: a fixed number of digits, rounded half away from zero, so that the same facts give
//! the same bytes.

use rust_decimal::{Decimal, RoundingStrategy};

/// Days are told to a tenth: finer than that is noise of the calendar.
pub(crate) const DAYS_DIGITS: u32 = 1;
/// Rates are fractions of one.
pub(crate) const RATE_DIGITS: u32 = 4;
/// The collection effectiveness index is a percentage.
pub(crate) const PERCENT_DIGITS: u32 = 2;

/// A quotient; `None` where the denominator is zero or negative: nothing was there to be measured, and 0 would be a lie.
pub(crate) fn ratio(numerator: Decimal, denominator: Decimal) -> Option<Decimal> {
    if denominator <= Decimal::ZERO { None } else { numerator.checked_div(denominator) }
}

/// The quotient of two counts.
pub(crate) fn ratio_of_counts(numerator: i64, denominator: i64) -> Option<Decimal> {
    ratio(Decimal::from(numerator), Decimal::from(denominator))
}

/// Exactly `digits` decimals.
pub(crate) fn fixed(value: Decimal, digits: u32) -> String {
    rounded(value, digits).to_string()
}

/// The number at exactly `digits` decimals; never `-0`.
pub(crate) fn rounded(value: Decimal, digits: u32) -> Decimal {
    let mut rounded = value.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(digits);
    if rounded.is_zero() {
        rounded.set_sign_positive(true);
    }
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_a_fixed_number_of_digits() {
        let cases =
            [("73.714", 1, "73.7"), ("45", 1, "45.0"), ("0.05", 1, "0.1"), ("-0.04", 1, "0.0"), ("2", 4, "2.0000")];
        for (value, digits, expected) in cases {
            assert_eq!(fixed(value.parse().unwrap(), digits), expected);
        }
    }

    #[test]
    fn nothing_over_nothing_is_not_zero() {
        assert_eq!(ratio_of_counts(0, 0), None);
        assert_eq!(ratio(Decimal::ONE, Decimal::ZERO), None);
        assert_eq!(ratio_of_counts(1, 2), Some("0.5".parse().unwrap()));
    }
}
