//! Conditions mean what others say they do: the language's own interpreter, and the rules of the house before they were
//! expressions. Nothing makes the parser fail.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::super::super::features::{Feature, Kind, Scalar, Subject};
use super::super::super::model::statistics;
use super::super::super::segment::{Habit, Segment, StructuralDelay};
use super::super::super::standing::Standing;
use super::super::Rules;
use super::super::check::compile;
use super::{document, habit};

/// The rules of the house as they were decided before they were written down as expressions.
fn twin(habit: Habit) -> (Segment, Vec<String>) {
    let compare = |name, value: f64, limit: f64| {
        let sign = if value >= limit { ">=" } else { "<" };
        format!("{name}={}{sign}{}", statistics::share(value), statistics::share(limit))
    };
    let severe = compare("severe_share", habit.severe_share, 0.10);
    let often = compare("late_share", habit.late_share, 0.50);
    let seldom = compare("late_share", habit.late_share, 0.20);
    let (segment, mut reasons) = if habit.observations < 3 {
        (Segment::New, vec![format!("observations={}<3", habit.observations)])
    } else if habit.severe_share >= 0.10 {
        (Segment::HighRisk, vec![severe])
    } else if habit.late_share >= 0.50 {
        (Segment::OftenLate, vec![often, severe])
    } else if habit.late_share < 0.20 {
        (Segment::Regular, vec![seldom, severe])
    } else {
        (Segment::OccasionalLate, vec![seldom, often, severe])
    };
    if segment != Segment::New && habit.structural != StructuralDelay::NONE {
        reasons.push(format!("net_of_structural_days={}", habit.structural.days()));
    }
    (segment, reasons)
}

/// Shares, and those on which the rules of the house turn.
fn shares() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..1.0_f64,
        prop::sample::select(vec![0.0, 0.1, 0.2, 0.5, 0.099_999, 0.199_999, 0.499_999_999_999_999_9, 1.0])
    ]
}

/// Numbers, text and conditions over a few features: (expression, and how deep it may still go).
fn conditions() -> impl Strategy<Value = String> {
    let sign = || prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let number = || {
        prop_oneof![
            prop::sample::select(vec![
                "observations",
                "late_share",
                "severe_share",
                "open_invoices",
                "structural_days"
            ])
            .prop_map(str::to_owned),
            (-3..6_i32).prop_map(|it| it.to_string()),
            (0..8_u32).prop_map(|it| format!("{}.{}", it / 4, it % 4 * 25)),
        ]
    };
    let text = || prop::sample::select(vec!["tier", "rating", "'a'", "'ab'", "''"]);
    let literal = || prop::sample::select(vec!["'a'", "'ab'", "'b'", "''"]);
    let leaf = prop_oneof![
        (number(), sign(), number()).prop_map(|(left, sign, right)| format!("{left} {sign} {right}")),
        (text(), sign(), text()).prop_map(|(left, sign, right)| format!("{left} {sign} {right}")),
        (text(), prop::collection::vec(literal(), 0..3))
            .prop_map(|(of, list)| format!("{of} in [{}]", list.join(", "))),
        (text(), prop::sample::select(vec!["startsWith", "endsWith", "contains"]), literal())
            .prop_map(|(of, test, text)| format!("{of}.{test}({text})")),
        prop::sample::select(vec!["true", "false", "has_credit_limit"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) && ({right})")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) || ({right})")),
            inner.clone().prop_map(|it| format!("!({it})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(it, yes, no)| format!("({it}) ? ({yes}) : ({no})")),
        ]
    })
}

/// What the interpreter of the `cel` crate makes of it.
fn interpreted(text: &str, subject: &Subject<'_>) -> bool {
    let program = cel::Program::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut context = cel::Context::default();
    for feature in Feature::ALL.iter().filter(|it| it.kind() != Kind::Money) {
        let name = feature.name();
        match subject.value(*feature, "") {
            Scalar::Flag(flag) => context.add_variable_from_value(name, flag),
            Scalar::Count(count) => context.add_variable_from_value(name, count),
            Scalar::Share(share) => context.add_variable_from_value(name, share),
            Scalar::Text(text) => context.add_variable_from_value(name, text.to_owned()),
            Scalar::Money(_) => {}
        }
    }
    match program.execute(&context) {
        Ok(cel::Value::Bool(holds)) => holds,
        other => panic!("{text}: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_rules_of_the_house_decide_as_they_did_before_they_were_expressions(
        observations in 0..6_u32, late_share in shares(), severe_share in shares(), days in 0..30_u32,
    ) {
        let habit = habit(observations, late_share, severe_share, days);
        prop_assert_eq!(Rules::standard().decide(&Subject::of_habit(habit)), twin(habit));
    }

    #[test]
    fn conditions_mean_what_the_language_says(
        text in conditions(), observations in 0..4_u32, late_share in shares(), severe_share in shares(),
        tier in "[ab]{0,2}", rating in "[ab]{0,2}", open_invoices in 0..4_i32, limited: bool,
    ) {
        let credit_limit = limited.then(|| ("COP".to_owned(), Decimal::ONE));
        let standing = Standing { open_invoices, tier, rating, credit_limit, ..Standing::default() };
        let subject = Subject { standing: &standing, ..Subject::of_habit(habit(observations, late_share, severe_share, 7)) };
        let node = compile(&text);
        prop_assert!(node.is_ok(), "{}: {:?}", text, node);
        prop_assert_eq!(node.unwrap().holds(&subject), interpreted(&text, &subject), "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_fail_otherwise_than_by_refusing(
        words in prop::collection::vec(prop_oneof![
            prop::sample::select(vec!["(", ")", "[", "]", "{", "}", "&&", "||", "!", "?", ":", "in", "==", ">", "-", "\"", "'", "1", "1.5e400",
                "0x", "9999999999999999999", "true", "null", "tier", "open_amount", "decimal", ".", ",", "all", "has", "\\u", "r\"", "b'"]).prop_map(str::to_owned),
            "\\PC{0,6}",
        ], 0..30),
    ) {
        let _ = document(&words.join(" ")).compile("rules-1");
        let _ = document(&words.concat()).compile("rules-1");
    }
}
