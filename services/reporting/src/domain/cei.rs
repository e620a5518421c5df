//! The collection effectiveness index of one month.

use rust_decimal::Decimal;

use super::figure::ratio;

/// (opening + sales − closing) / (opening + sales − closing not yet overdue) × 100: of what could have been collected,
/// the part that was. A window is one month, so the multi-month divisor that sources disagree on never appears. Credit
/// notes and withholdings count as collection. 70 / 90 = 77.78.
pub(crate) fn collection_effectiveness(
    opening: Decimal,
    sales: Decimal,
    closing: Decimal,
    closing_current: Decimal,
) -> Option<Decimal> {
    ratio((opening + sales - closing) * Decimal::ONE_HUNDRED, opening + sales - closing_current)
}

#[cfg(test)]
mod tests {
    use super::super::figure::{PERCENT_DIGITS, fixed};
    use super::*;

    fn cei(opening: i64, sales: i64, closing: i64, current: i64) -> Option<String> {
        let [opening, sales, closing, current] = [opening, sales, closing, current].map(Decimal::from);
        collection_effectiveness(opening, sales, closing, current).map(|percent| fixed(percent, PERCENT_DIGITS))
    }

    #[test]
    fn the_published_vector() {
        assert_eq!(cei(100, 60, 90, 70).as_deref(), Some("77.78"));
    }

    #[test]
    fn everything_collectable_collected_is_one_hundred() {
        assert_eq!(cei(100, 60, 70, 70).as_deref(), Some("100.00"));
        assert_eq!(cei(0, 60, 60, 60), None, "nothing fell due");
    }
}
