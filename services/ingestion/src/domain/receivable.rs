//! What follows from the settlements, disputes and dates of one invoice.

use chrono::NaiveDate;
use rust_decimal::Decimal;

/// What the debtor is asked for: the open amount without the tax that is still expected to be withheld (L1), and without what
/// else is `deducted`: instruments in hand (L14), credit notes on their way (L17).
pub(crate) fn expected_net(
    open: Decimal,
    expected_withholding: Decimal,
    withheld: Decimal,
    deducted: Decimal,
) -> Decimal {
    let still_expected = (expected_withholding - withheld).max(Decimal::ZERO);
    (open - still_expected - deducted).max(Decimal::ZERO)
}

/// The part of the open amount that is under dispute; an open dispute without an amount (`None`) is about all of it.
pub(crate) fn disputed(open: Decimal, open_disputes: impl IntoIterator<Item = Option<Decimal>>) -> Decimal {
    open_disputes
        .into_iter()
        .map(|amount| amount.unwrap_or(open))
        .fold(Decimal::ZERO, |sum, amount| (sum + amount).min(open))
}

/// Days from issue to delivery; none while it is not delivered, nor when it came before its own date.
pub(crate) fn delivery_delay_days(issued: NaiveDate, delivered: Option<NaiveDate>) -> u32 {
    delivered.and_then(|delivered| u32::try_from((delivered - issued).num_days()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn withheld_tax_is_not_asked_for_twice() {
        let d = Decimal::from;
        let cases = [
            // (open, expected withholding, withheld, deducted, expected net)
            (100, 0, 0, 0, 100),
            (100, 10, 0, 0, 90),
            (90, 10, 10, 0, 90),
            (94, 10, 6, 0, 90),
            (5, 10, 0, 0, 0),
            (80, 10, 20, 0, 80),
            (100, 10, 0, 50, 40),
            (100, 10, 0, 95, 0),
        ];
        for (open, expected, withheld, deducted, net) in cases {
            let asked = expected_net(d(open), d(expected), d(withheld), d(deducted));
            assert_eq!(asked, d(net), "{open} {expected} {withheld} {deducted}");
        }
    }

    #[test]
    fn no_more_is_disputed_than_is_open() {
        let d = Decimal::from;
        assert_eq!(disputed(d(100), []), d(0));
        assert_eq!(disputed(d(100), [Some(d(30)), Some(d(40))]), d(70));
        assert_eq!(disputed(d(100), [Some(d(30)), None]), d(100));
        assert_eq!(disputed(d(10), [Some(d(30))]), d(10));
    }
}
