//! Invoices that are paid in another currency than their own (L16).
//!
//! The money stays where it came: what of a payment pays an invoice of another currency leaves the payment's account and comes
//! into that of the invoice as a share in the invoice's currency. So every account goes on in one currency, and each currency is
//! conserved by itself; what ties the two is [`Ratio`], kept with both amounts (M5).
//!
//! Which ratio was agreed the tenant's rule says, for each pair of currencies: published rates of the payment's value date, or
//! what the payment itself says that it settles. Without a rule nothing is exchanged.

use chrono::NaiveDate;
use primitives::Currency;
use rust_decimal::{Decimal, RoundingStrategy};

use super::chain::Tolerance;

/// What was agreed for payments in one currency of invoices in another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    pub(crate) paid: Currency,
    pub(crate) owed: Currency,
    /// Whose published rates; `None`: what the payment says.
    pub(crate) rates: Option<String>,
    /// What may be missing after the exchange; `None`: nothing.
    pub(crate) tolerance: Option<Tolerance>,
}

/// What a payment says that a part of it settles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settles {
    pub(crate) currency: Currency,
    pub(crate) amount: Decimal,
    /// As the payment tells it, beside the amounts: units of the one currency for one of the other.
    pub(crate) rate: Option<Decimal>,
    pub(crate) rate_date: Option<NaiveDate>,
}

/// Of which quote currency how many units one unit of the base currency was worth on some days.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Published {
    /// Whose rates they are.
    pub(crate) rates: String,
    pub(crate) base: Currency,
    pub(crate) quote: Currency,
    pub(crate) rate: Decimal,
    pub(crate) rate_date: NaiveDate,
    /// The last day on which it holds: a Friday's rate may hold through Monday.
    pub(crate) through: NaiveDate,
}

impl Published {
    /// Every day on which it holds, the first one in any case.
    pub(crate) fn days(&self) -> impl Iterator<Item = NaiveDate> {
        let through = self.through.max(self.rate_date);
        self.rate_date.iter_days().take_while(move |day| *day <= through)
    }
}

/// `settled = paid × times ÷ over`: kept as it is, so that neither direction of a rate is rounded before the amount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    pub(crate) times: Decimal,
    pub(crate) over: Decimal,
}

impl Ratio {
    /// One unit of what is owed is worth `rate` units of what is paid.
    pub(crate) const fn per_owed(rate: Decimal) -> Self {
        Self { times: Decimal::ONE, over: rate }
    }

    /// One unit of what is paid is worth `rate` units of what is owed.
    pub(crate) const fn per_paid(rate: Decimal) -> Self {
        Self { times: rate, over: Decimal::ONE }
    }

    /// `paid` was meant to settle `settled`.
    pub(crate) const fn told(paid: Decimal, settled: Decimal) -> Self {
        Self { times: settled, over: paid }
    }

    /// What `paid` settles, rounded to the minor unit of `owed`, half away from zero. `None` beyond what a decimal holds.
    pub(crate) fn settled(&self, paid: Decimal, owed: Currency) -> Option<Decimal> {
        let exact = paid.checked_mul(self.times)?.checked_div(self.over)?;
        Some(exact.round_dp_with_strategy(owed.scale(), RoundingStrategy::MidpointAwayFromZero))
    }
}

/// Whether what a payment says of a rate fits its amounts, in either direction, to one minor unit of the currencies.
pub(crate) fn fits(settles: &Settles, paid: Decimal, currency: Currency) -> bool {
    let Some(rate) = settles.rate else { return true };
    let near = |ratio: Ratio, from: Decimal, to: Decimal, into: Currency| {
        let unit = Decimal::new(1, into.scale());
        ratio.settled(from, into).is_some_and(|amount| (amount - to).abs() <= unit)
    };
    let to_owed = |ratio| near(ratio, paid, settles.amount, settles.currency);
    // A rate with few decimals says nothing of the minor units of the greater amount, but of the smaller one.
    let to_paid = |ratio| near(ratio, settles.amount, paid, currency);
    [Ratio::per_owed(rate), Ratio::per_paid(rate)].into_iter().any(|ratio| to_owed(ratio) || to_paid(ratio))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_rate_holds_in_both_directions() {
        let cases = [
            // (paid, ratio, owed, settled)
            ("4012350.00", Ratio::per_owed(d("4012.35")), "USD", "1000.00"),
            ("4000000.00", Ratio::per_owed(d("4012.35")), "USD", "996.92"),
            ("1000.00", Ratio::per_paid(d("4012.35")), "COP", "4012350.00"),
            ("1000.00", Ratio::per_paid(d("945.505")), "CLP", "945505"),
            ("0.01", Ratio::per_paid(d("50")), "CLP", "1"),
            ("100.00", Ratio::told(d("4000000.00"), d("1000.00")), "USD", "0.03"),
        ];
        for (paid, ratio, owed, settled) in cases {
            assert_eq!(ratio.settled(d(paid), currency(owed)), Some(d(settled)), "{paid} {ratio:?}");
        }
        assert_eq!(Ratio::per_paid(Decimal::MAX).settled(d("10"), currency("USD")), None);
    }

    #[test]
    fn what_a_payment_says_of_its_rate_fits_its_amounts() {
        let settles = |amount: &str, rate: Option<&str>| Settles {
            currency: currency("USD"),
            amount: d(amount),
            rate: rate.map(d),
            rate_date: None,
        };
        for (amount, rate, is_fit) in [
            ("1000.00", Some("4000"), true),
            ("1000.00", Some("0.00025"), true),
            ("1000.01", Some("4000"), true),
            ("999.00", Some("4000"), false),
            ("999.00", None, true),
        ] {
            assert_eq!(fits(&settles(amount, rate), d("4000000.00"), currency("COP")), is_fit, "{amount} {rate:?}");
        }
    }

    #[test]
    fn a_rate_holds_through_its_last_day() {
        let on = |first: &str, last: &str| Published {
            rates: "TRM".into(),
            base: currency("USD"),
            quote: currency("COP"),
            rate: d("4012.35"),
            rate_date: first.parse().unwrap(),
            through: last.parse().unwrap(),
        };
        assert_eq!(on("2026-02-06", "2026-02-09").days().count(), 4);
        assert_eq!(on("2026-02-06", "2026-02-06").days().count(), 1);
    }

    proptest! {
        /// What bounces never leaves more settled than before, and all of what was told settles what it was told to.
        #[test]
        fn less_never_settles_more(paid in 1_u64..10_000_000, back in 0_u64..10_000_000, settled in 1_u64..1_000_000) {
            let (paid, settled) = (Decimal::new(i64::try_from(paid).unwrap(), 2), Decimal::new(i64::try_from(settled).unwrap(), 2));
            let ratio = Ratio::told(paid, settled);
            let usd = currency("USD");
            prop_assert_eq!(ratio.settled(paid, usd), Some(settled));
            let rest = (paid - Decimal::new(i64::try_from(back).unwrap(), 2)).max(Decimal::ZERO);
            prop_assert!(ratio.settled(rest, usd).unwrap() <= settled);
        }
    }
}
