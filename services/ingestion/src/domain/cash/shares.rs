//! One payment for invoices of several accounts: whose money which part of it is.
//!
//! A payment lies in its payer's account. What it pays of an invoice of another account lies there as a *share*, a credit of its
//! own. The shares follow from what is told alone, never from what is open:
//!
//! | the payment says | its share |
//! | --- | --- |
//! | an amount for an invoice | that amount goes where the invoice is, first named first served |
//! | no amount, and all such invoices are in one other account | all that the amounts leave goes there |
//! | no amount, for invoices of several accounts | nothing: how much is meant for which, nobody can know |
//! | an invoice of another currency | goes to the account in that currency, exchanged there ([`super::exchange`]), where this was agreed |
//! | an invoice that has not come | stays with the payer until it comes |
//!
//! What the bank takes back is missing at the end, as in a payment of one account: first what no amount names, then the amount
//! that is named last. So the shares of any rest of a payment sum to that rest (M8).

use std::collections::BTreeSet;

use primitives::Currency;
use rust_decimal::Decimal;
use uuid::Uuid;

/// An account, as seen from a payment of its legal entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) payer_id: Uuid,
    /// `None`: the payment's own currency.
    pub(crate) exchanged: Option<Currency>,
}

impl Place {
    pub(crate) const fn of(payer_id: Uuid) -> Self {
        Self { payer_id, exchanged: None }
    }
}

/// What a payment says about one invoice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Named {
    /// Which account the invoice is in; `None` while it has not come, or cannot be paid in the payment's currency.
    pub(crate) place: Option<Place>,
    /// `None`: whatever is open.
    pub(crate) amount: Option<Decimal>,
}

/// What of a part lies in another account than the payment's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Elsewhere {
    pub(crate) place: Place,
    /// In the payment's currency.
    pub(crate) amount: Decimal,
}

/// For each of `parts` what of `amount`, a payment of `payer_id`, lies elsewhere.
pub(crate) fn spread(amount: Decimal, payer_id: Uuid, parts: &[Named]) -> Vec<Option<Elsewhere>> {
    let other = |part: &Named| part.place.filter(|place| *place != Place::of(payer_id));
    let mut unclaimed = amount;
    let mut spread: Vec<Option<Elsewhere>> = parts
        .iter()
        .map(|part| {
            let claimed = part.amount?.min(unclaimed);
            unclaimed -= claimed;
            other(part).map(|place| Elsewhere { place, amount: claimed })
        })
        .collect();
    let takers: BTreeSet<Option<Place>> = parts.iter().filter(|part| part.amount.is_none()).map(other).collect();
    if let (1, Some(Some(place))) = (takers.len(), takers.first().copied()) {
        for (part, _) in spread.iter_mut().zip(parts).filter(|(_, part)| part.amount.is_none()) {
            *part = Some(Elsewhere { place, amount: std::mem::take(&mut unclaimed) });
        }
    }
    spread
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OWN: u128 = 1;

    /// Whose the invoice is, 0 while it has not come, and the amount that is named.
    type Part = (u128, Option<u32>);
    /// In whose account what of a part lies.
    type Lying = Option<(u128, Decimal)>;

    fn named(of: u128, amount: Option<u32>) -> Named {
        let place = (of != 0).then(|| Place::of(Uuid::from_u128(of)));
        Named { place, amount: amount.map(Decimal::from) }
    }

    fn spread_of(amount: u32, parts: &[Part]) -> Vec<Lying> {
        let parts: Vec<Named> = parts.iter().map(|(of, amount)| named(*of, *amount)).collect();
        let spread = spread(amount.into(), Uuid::from_u128(OWN), &parts);
        spread.into_iter().map(|part| part.map(|part| (part.place.payer_id.as_u128(), part.amount))).collect()
    }

    #[test]
    fn amounts_go_where_the_invoices_are() {
        let d = Decimal::from;
        let cases: [(u32, &[Part], &[Lying]); 8] = [
            (100, &[(1, Some(60)), (2, Some(40))], &[None, Some((2, d(40)))]),
            (100, &[(2, Some(60)), (3, Some(60))], &[Some((2, d(60))), Some((3, d(40)))]),
            (50, &[(1, Some(60)), (2, Some(40))], &[None, Some((2, d(0)))]),
            (100, &[(0, Some(60)), (2, Some(40))], &[None, Some((2, d(40)))]),
            (100, &[(2, None)], &[Some((2, d(100)))]),
            (100, &[(1, Some(30)), (2, None), (2, None)], &[None, Some((2, d(70))), Some((2, d(0)))]),
            (100, &[(1, None), (2, None)], &[None, None]),
            (100, &[(0, None), (2, None)], &[None, None]),
        ];
        for (amount, parts, expected) in cases {
            assert_eq!(spread_of(amount, parts), expected, "{amount} {parts:?}");
        }
    }

    #[test]
    fn the_payers_own_account_in_another_currency_is_elsewhere() {
        let dollars = Place { exchanged: Currency::parse("USD").ok(), ..Place::of(Uuid::from_u128(OWN)) };
        let parts = [Named { place: Some(dollars), amount: None }, named(OWN, Some(30))];
        let amount = Decimal::from(70);
        let expected = vec![Some(Elsewhere { place: dollars, amount }), None];
        assert_eq!(spread(Decimal::from(100), Uuid::from_u128(OWN), &parts), expected);
    }

    proptest! {
        /// M8: no share is negative, and together they are never more than the payment; what bounces is never taken from one
        /// share to be given to another.
        #[test]
        fn shares_are_parts_of_the_whole(
            amount in 0_u32..500,
            back in 0_u32..500,
            parts in prop::collection::vec((0_u128..4, prop::option::of(1_u32..200)), 0..8),
        ) {
            let sum = |spread: &[Lying]| spread.iter().flatten().map(|(_, amount)| *amount).sum::<Decimal>();
            let whole = spread_of(amount, &parts);
            prop_assert!(whole.iter().flatten().all(|(of, share)| *of != OWN && *share >= Decimal::ZERO));
            prop_assert!(sum(&whole) <= Decimal::from(amount));
            let left = spread_of(amount.saturating_sub(back), &parts);
            for (before, after) in whole.iter().zip(&left) {
                let of = |part: &Lying| part.map(|(_, amount)| amount).unwrap_or_default();
                prop_assert!(of(after) <= of(before));
            }
        }
    }
}
