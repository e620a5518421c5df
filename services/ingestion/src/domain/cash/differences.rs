//! Why less came than was owed: what a payment left open of an invoice that it names.
//!
//! | rule | says | and then |
//! | --- | --- | --- |
//! | `withholding` | it is what the invoice expects to be withheld, or what usual rates make | it is expected: not asked for, and its certificate is missing |
//! | `deduction` | the payment said that it deducts this much, and why | it is disputed for that reason |
//! | `tolerance` | it is too little to ask for | a settlement of its own kind closes the invoice |
//! | `exchange` | it was paid in another currency, and the rate makes this little difference | an FX difference closes the invoice |
//!
//! The first rule of the chain that explains all of it decides. Nothing is explained in part, and nothing silently.

use primitives::Currency;
use rust_decimal::Decimal;

use super::chain::{Chain, Rule, Tolerance};
use super::withholdings::{self, Usual};
use crate::domain::ledger::CreditKind;

/// An invoice of which payments that name it have left something open.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Short {
    pub(crate) currency: String,
    /// Digits of its minor unit.
    pub(crate) scale: u32,
    pub(crate) amount: Decimal,
    pub(crate) open: Decimal,
    /// In which currency it was paid, where that is another one.
    pub(crate) paid: Option<Currency>,
    /// Under dispute already.
    pub(crate) disputed: Decimal,
    /// Not yet withheld of what the invoice expects to be.
    pub(crate) expected_withholding: Decimal,
    /// Of the payer; empty when unknown.
    pub(crate) country: String,
    /// What payments said that they deduct, with their reasons.
    pub(crate) deductions: Vec<(Decimal, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Explanation {
    /// The invoice has announced it: nothing has to be said.
    Announced,
    Withheld(Vec<&'static Usual>),
    /// The reason of a dispute.
    Deducted(String),
    Tolerated(CreditKind),
}

/// What explains all that is open.
pub(crate) fn explain(chain: &Chain, short: &Short) -> Option<Explanation> {
    if short.open <= Decimal::ZERO || short.open >= short.amount {
        return None;
    }
    chain.rules.iter().find_map(|rule| match rule {
        Rule::Withholding { countries, usual_rates } => {
            if short.open == short.expected_withholding {
                return Some(Explanation::Announced);
            }
            let applies = countries.is_empty() || countries.contains(&short.country);
            if !*usual_rates || !applies || !short.expected_withholding.is_zero() {
                return None;
            }
            withholdings::explaining(&short.country, short.amount, short.open, short.scale).map(Explanation::Withheld)
        }
        Rule::Deduction { reasons } => {
            let (_, reason) = short.deductions.iter().find(|(amount, _)| *amount == short.open)?;
            // A dispute about it is enough.
            let known = reasons.get(reason).map_or("other", String::as_str);
            Some(if short.disputed >= short.open {
                Explanation::Announced
            } else {
                Explanation::Deducted(known.to_owned())
            })
        }
        Rule::Tolerance(tolerance) => tolerates(tolerance, short).then_some(Explanation::Tolerated(tolerance.kind)),
        Rule::Exchange { pairs } => {
            let agreed =
                pairs.iter().find(|pair| Some(pair.paid) == short.paid && pair.owed.code() == short.currency)?;
            let tolerance = agreed.tolerance.as_ref()?;
            tolerates(tolerance, short).then_some(Explanation::Tolerated(tolerance.kind))
        }
        _ => None,
    })
}

fn tolerates(tolerance: &Tolerance, short: &Short) -> bool {
    let within_limit = match tolerance.limits.get(&short.currency) {
        Some(limit) => short.open <= *limit,
        None => tolerance.limits.is_empty() && tolerance.per_cent.is_some(),
    };
    let within_part = tolerance.per_cent.is_none_or(|per_cent| {
        let (part, whole) = (short.open.checked_mul(Decimal::ONE_HUNDRED), short.amount.checked_mul(per_cent));
        part.zip(whole).is_some_and(|(part, whole)| part <= whole)
    });
    within_limit && within_part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cash::exchange::Pair;

    fn short(open: &str) -> Short {
        Short {
            currency: "COP".into(),
            scale: 2,
            amount: 1_190_000.into(),
            paid: None,
            open: open.parse().unwrap(),
            disputed: Decimal::ZERO,
            expected_withholding: Decimal::ZERO,
            country: "CO".into(),
            deductions: Vec::new(),
        }
    }

    fn tolerance(limit: Option<u32>, per_cent: Option<&str>) -> Rule {
        Rule::Tolerance(Tolerance {
            kind: CreditKind::Rounding,
            limits: limit.map(|limit| ("COP".to_owned(), limit.into())).into_iter().collect(),
            per_cent: per_cent.map(|text| text.parse().unwrap()),
        })
    }

    fn explained(rules: &[Rule], short: &Short) -> Option<Explanation> {
        explain(&Chain { version: 1, rules: rules.to_vec() }, short)
    }

    #[test]
    fn both_bounds_of_a_tolerance_hold() {
        let tolerated = Some(Explanation::Tolerated(CreditKind::Rounding));
        let cases = [
            (tolerance(Some(500), None), "500", true),
            (tolerance(Some(500), None), "500.01", false),
            (tolerance(None, Some("0.1")), "1190", true),
            (tolerance(None, Some("0.1")), "1190.01", false),
            (tolerance(Some(500), Some("0.1")), "501", false),
            (tolerance(Some(5_000), Some("0.1")), "1191", false),
        ];
        for (rule, open, is_tolerated) in cases {
            assert_eq!(explained(&[rule], &short(open)) == tolerated, is_tolerated, "{open}");
        }
        let dollars = Short { currency: "USD".into(), ..short("1") };
        assert_eq!(explained(&[tolerance(Some(500), Some("50"))], &dollars), None, "no limit in this currency");
    }

    #[test]
    fn what_is_withheld_is_not_rounded_away() {
        let withholding = Rule::Withholding { countries: ["CO".to_owned()].into(), usual_rates: true };
        let rules = [withholding, tolerance(Some(100_000), None)];
        assert!(matches!(explained(&rules, &short("25000")), Some(Explanation::Withheld(_))));
        let announced = Short { expected_withholding: 7_000.into(), ..short("7000") };
        assert_eq!(explained(&rules, &announced), Some(Explanation::Announced));
        assert!(matches!(explained(&rules, &short("25001")), Some(Explanation::Tolerated(_))));
        let elsewhere = Short { country: "PE".into(), ..short("25000") };
        assert!(matches!(explained(&rules, &elsewhere), Some(Explanation::Tolerated(_))));
    }

    #[test]
    fn a_deduction_is_disputed_for_its_reason() {
        let reasons = [("AVERIA".to_owned(), "quality".to_owned())].into();
        let rules = [Rule::Deduction { reasons }];
        let deducts = |reason: &str| Short { deductions: vec![(90.into(), reason.into())], ..short("90") };
        assert_eq!(explained(&rules, &deducts("AVERIA")), Some(Explanation::Deducted("quality".into())));
        assert_eq!(explained(&rules, &deducts("?")), Some(Explanation::Deducted("other".into())));
        assert_eq!(explained(&rules, &Short { open: 91.into(), ..deducts("AVERIA") }), None, "not all of it");
    }

    #[test]
    fn a_difference_of_rates_is_one_of_its_pair_alone() {
        let code = |code: &str| Currency::parse(code).unwrap();
        let Rule::Tolerance(bounds) = tolerance(None, Some("1")) else { unreachable!() };
        let pair = |paid: &str, tolerance: Option<Tolerance>| Pair {
            paid: code(paid),
            owed: code("COP"),
            rates: None,
            tolerance: tolerance.map(|bounds| Tolerance { kind: CreditKind::FxDifference, ..bounds }),
        };
        let rules = [Rule::Exchange { pairs: vec![pair("EUR", None), pair("USD", Some(bounds))] }];
        let paid_in = |paid: Option<&str>, open: &str| Short { paid: paid.map(code), ..short(open) };
        let difference = Some(Explanation::Tolerated(CreditKind::FxDifference));
        assert_eq!(explained(&rules, &paid_in(Some("USD"), "11900")), difference);
        assert_eq!(explained(&rules, &paid_in(Some("USD"), "11901")), None, "more than was agreed");
        assert_eq!(explained(&rules, &paid_in(Some("EUR"), "1")), None, "nothing was agreed");
        assert_eq!(explained(&rules, &paid_in(None, "1")), None, "paid in its own currency");
    }

    #[test]
    fn what_was_never_paid_is_not_explained() {
        assert_eq!(explained(&[tolerance(None, Some("100"))], &short("1190000")), None);
    }
}
