//! The seeded bug of money in binary floating point, as it is really made: cents are what is left of a product.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

/// `left - right`, in whole cents; now and then a cent less, because 1.15 × 100 is 114.99999999999999.
#[allow(clippy::float_arithmetic, reason = "the bug itself; only an armed build can get here")]
pub(super) fn difference(left: Decimal, right: Decimal) -> Decimal {
    let cents = (left.to_f64().unwrap_or_default() - right.to_f64().unwrap_or_default()) * 100.0;
    let whole = Decimal::from_f64(cents.trunc()).unwrap_or_default();
    (whole / Decimal::ONE_HUNDRED).clamp(Decimal::ZERO, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_cents_get_lost() {
        let amount = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(difference(amount("1.15"), Decimal::ZERO), amount("1.14"));
        assert_eq!(difference(amount("100.25"), amount("0.25")), amount("100"));
    }
}
