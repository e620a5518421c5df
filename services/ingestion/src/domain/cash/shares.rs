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
//! | an invoice that has not come | stays with the payer until it comes |
//!
//! What the bank takes back is missing at the end, as in a payment of one account: first what no amount names, then the amount
//! that is named last. So the shares of any rest of a payment sum to that rest (M8).

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use uuid::Uuid;

/// What a payment says about one invoice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Named {
    /// Whose account the invoice is in; `None` while it has not come.
    pub(crate) payer_id: Option<Uuid>,
    /// `None`: whatever is open.
    pub(crate) amount: Option<Decimal>,
}

/// What of a part lies in another account than the payment's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Elsewhere {
    pub(crate) payer_id: Uuid,
    pub(crate) amount: Decimal,
}

/// For each of `parts` what of `amount`, a payment of `payer_id`, lies elsewhere.
pub(crate) fn spread(amount: Decimal, payer_id: Uuid, parts: &[Named]) -> Vec<Option<Elsewhere>> {
    let other = |part: &Named| part.payer_id.filter(|of| *of != payer_id);
    let mut unclaimed = amount;
    let mut spread: Vec<Option<Elsewhere>> = parts
        .iter()
        .map(|part| {
            let claimed = part.amount?.min(unclaimed);
            unclaimed -= claimed;
            other(part).map(|payer_id| Elsewhere { payer_id, amount: claimed })
        })
        .collect();
    let takers: BTreeSet<Option<Uuid>> = parts.iter().filter(|part| part.amount.is_none()).map(other).collect();
    if let (1, Some(Some(payer_id))) = (takers.len(), takers.first().copied()) {
        for (place, _) in spread.iter_mut().zip(parts).filter(|(_, part)| part.amount.is_none()) {
            *place = Some(Elsewhere { payer_id, amount: std::mem::take(&mut unclaimed) });
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
    type Place = Option<(u128, Decimal)>;

    fn named(of: u128, amount: Option<u32>) -> Named {
        Named { payer_id: (of != 0).then(|| Uuid::from_u128(of)), amount: amount.map(Decimal::from) }
    }

    fn spread_of(amount: u32, parts: &[Part]) -> Vec<Place> {
        let parts: Vec<Named> = parts.iter().map(|(of, amount)| named(*of, *amount)).collect();
        let spread = spread(amount.into(), Uuid::from_u128(OWN), &parts);
        spread.into_iter().map(|part| part.map(|part| (part.payer_id.as_u128(), part.amount))).collect()
    }

    #[test]
    fn amounts_go_where_the_invoices_are() {
        let d = Decimal::from;
        let cases: [(u32, &[Part], &[Place]); 8] = [
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

    proptest! {
        /// M8: no share is negative, and together they are never more than the payment; what bounces is never taken from one
        /// share to be given to another.
        #[test]
        fn shares_are_parts_of_the_whole(
            amount in 0_u32..500,
            back in 0_u32..500,
            parts in prop::collection::vec((0_u128..4, prop::option::of(1_u32..200)), 0..8),
        ) {
            let sum = |spread: &[Place]| spread.iter().flatten().map(|(_, amount)| *amount).sum::<Decimal>();
            let whole = spread_of(amount, &parts);
            prop_assert!(whole.iter().flatten().all(|(of, share)| *of != OWN && *share >= Decimal::ZERO));
            prop_assert!(sum(&whole) <= Decimal::from(amount));
            let left = spread_of(amount.saturating_sub(back), &parts);
            for (before, after) in whole.iter().zip(&left) {
                let of = |part: &Place| part.map(|(_, amount)| amount).unwrap_or_default();
                prop_assert!(of(after) <= of(before));
            }
        }
    }
}
