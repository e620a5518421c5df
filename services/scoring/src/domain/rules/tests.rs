//! What rules are refused, what they mean, and what they say of it.

mod properties;

use std::collections::BTreeMap;
use std::time::Instant;

use super::super::features::Subject;
use super::super::segment::{Habit, Segment, StructuralDelay};
use super::super::standing::{Corporation, GroupHabit, Owed, Standing};
use super::check::{LONGEST, MOST_NODES, compile};
use super::*;

fn document(when: &str) -> Document {
    Document {
        rules: vec![Rule { segment: "high_risk".into(), when: when.into(), reason: Some("told".into()) }],
        fallback: Fallback { segment: "regular".into(), reason: None },
        off: Vec::new(),
    }
}

fn habit(observations: u32, late_share: f64, severe_share: f64, structural_days: u32) -> Habit {
    Habit { observations, late_share, severe_share, structural: StructuralDelay::of_days(structural_days) }
}

fn standing() -> Standing {
    Standing {
        owed: BTreeMap::from([(
            "COP".to_owned(),
            Owed { open: "1500000.10".parse().unwrap(), overdue: "500000".parse().unwrap() },
        )]),
        open_invoices: 4,
        overdue_invoices: 2,
        oldest_overdue_days: 31,
        exposure_percentile: 90,
        overdue_percentile: 75,
        tenure_days: 800,
        tier: "strategic".into(),
        rating: "B +".into(),
        group: "NORTE".into(),
        credit_limit: Some(("COP".into(), "2000000".parse().unwrap())),
        kept_promises: 3,
        broken_promises: 2,
        open_promises: 1,
        open_disputes: 0,
    }
}

#[test]
fn what_cannot_be_used_is_said_with_its_place() {
    let cases = [
        ("", "expression-syntax"),
        ("late_share >=", "expression-syntax"),
        ("late_share >= 0.5)", "expression-syntax"),
        ("late_share => 0.5", "expression-syntax"),
        ("'open", "expression-syntax"),
        ("lateshare >= 0.5", "feature-unknown"),
        ("customer.late_share >= 0.5", "expression-unsupported"),
        ("late_share", "expression-not-boolean"),
        ("tier", "expression-not-boolean"),
        ("1", "expression-not-boolean"),
        ("'regular'", "expression-not-boolean"),
        ("late_share && true", "expression-not-boolean"),
        ("!observations", "expression-not-boolean"),
        ("true ? 1 : 2", "expression-not-boolean"),
        ("tier >= 3", "expression-types"),
        ("tier == 3", "expression-types"),
        ("observations == \"3\"", "expression-types"),
        ("has_credit_limit > false", "expression-types"),
        ("late_share > 3000000000", "expression-types"),
        ("open_amount(\"COP\") > 0.5", "expression-types"),
        ("open_amount > 1000", "currency-missing"),
        ("open_amount(\"PESOS\") > 1000", "currency-unknown"),
        ("open_amount(COP) > 1000", "currency-unknown"),
        ("open_amount(\"COP\") > open_amount(\"USD\")", "currencies-differ"),
        ("open_amount(\"COP\") > decimal(\"a lot\")", "decimal-invalid"),
        ("open_amount(\"COP\") > decimal(1.5)", "decimal-invalid"),
        ("open_amount(\"COP\") + 1 > 1000", "expression-unsupported"),
        ("observations + 1 > 3", "expression-unsupported"),
        ("late_share / 0.0 > 1.0", "expression-unsupported"),
        ("[1, 2].all(x, x > 0)", "expression-unsupported"),
        ("[1, 2].exists(x, x > observations)", "expression-unsupported"),
        ("has(tier.x)", "expression-unsupported"),
        ("tier.matches('(a+)+$')", "expression-unsupported"),
        ("size(tier) > 3", "expression-unsupported"),
        ("tier in rating", "expression-types"),
        ("tier in ['a', rating]", "expression-types"),
        ("tier in ['a', 3]", "expression-types"),
        ("tier.startsWith(rating)", "expression-types"),
        ("observations.startsWith('1')", "expression-types"),
        ("null == tier", "expression-unsupported"),
        ("b'x' == tier", "expression-unsupported"),
        ("{'a': 1} == tier", "expression-unsupported"),
        ("timestamp('2026-01-01T00:00:00Z') > tier", "expression-unsupported"),
    ];
    for (text, code) in cases {
        let findings = document(text).compile("rules-1").unwrap_err();
        assert_eq!((findings.len(), findings[0].pointer.as_str()), (1, "/rules/0/when"), "{text}");
        assert_eq!(findings[0].code, code, "{text}: {}", findings[0].detail);
    }
    let placed = document("observations > 2 && lateshare > 0.5").compile("rules-1").unwrap_err();
    assert_eq!(placed[0].detail, "column 21: there is no feature lateshare");
    let unfinished = document("observations > 2 && (late_share").compile("rules-1").unwrap_err();
    assert!(unfinished[0].detail.starts_with("column 3"), "{}", unfinished[0].detail);
}

#[test]
fn everything_wrong_with_a_document_is_said_at_once() {
    let rule = |segment: &str, reason: Option<&str>| Rule {
        segment: segment.into(),
        when: "true".into(),
        reason: reason.map(Into::into),
    };
    let document = Document {
        rules: vec![rule("vip", None), rule("regular", Some("Del gerente")), rule("new", Some("ok_1"))],
        fallback: Fallback { segment: String::new(), reason: Some(String::new()) },
        off: vec!["rating".into(), "colour".into()],
    };
    let findings = document.compile("rules-1").unwrap_err();
    let mut at: Vec<_> = findings.iter().map(|it| (it.pointer.as_str(), it.code)).collect();
    at.sort_unstable();
    let expected = [
        ("/fallback/reason", "reason-invalid"),
        ("/fallback/segment", "segment-unknown"),
        ("/off/1", "feature-unknown"),
        ("/rules/0/segment", "segment-unknown"),
        ("/rules/1/reason", "reason-invalid"),
    ];
    assert_eq!(at, expected);
    let many = Document { rules: vec![rule("new", None); MOST_RULES + 1], ..self::document("true") };
    assert_eq!(many.compile("rules-1").unwrap_err()[0].code, "too-many-rules");
}

#[test]
fn nothing_is_too_long_too_large_or_too_deep_to_be_refused() {
    let repeated = |part: &str, times: usize| part.repeat(times);
    let cases = [
        (repeated(" ", LONGEST) + "true", "expression-too-long"),
        (vec!["1<2"; MOST_NODES / 3 + 1].join("||"), "expression-too-large"),
        (repeated("(", 400) + "true" + &repeated(")", 400), "expression-too-deep"),
        (repeated("(", LONGEST), "expression-too-deep"),
        (repeated("[", 500) + &repeated("]", 500), "expression-too-deep"),
        (repeated("{1:", 300), "expression-too-deep"),
        (repeated("true?", 190) + "true", "expression-too-deep"),
        (repeated("true?true:", 90) + "true", "expression-too-deep"),
        // What closes them stands in a string, in a comment, or behind what looks like one.
        (repeated("(\")))\"==tier||", 50), "expression-too-deep"),
        (repeated("(//)))\n", 50), "expression-too-deep"),
        (repeated("(''')'))'''", 50), "expression-too-deep"),
        (repeated(r"('\'' + ')))'", 50), "expression-too-deep"),
    ];
    for (text, code) in cases {
        assert_eq!(compile(&text).map_err(|wrong| wrong.code), Err(code), "{text}");
    }
    let deep = |open: &str, inside: &str, close: &str| repeated(open, 24) + inside + &repeated(close, 24);
    for text in [
        deep("(", "true", ")"),
        deep("!(", "true", ")"),
        deep("(true||", "true", ")"),
        repeated("true?true:", 24) + "true",
    ] {
        assert!(compile(&text).is_ok(), "{text}: {:?}", compile(&text));
    }
    let joined = vec!["1<2"; 50].join("||");
    for text in
        [deep("-(1+2*-", "1", ")"), deep("[", &joined, "]"), deep("(1<1+1<1*", "1", ")"), deep("{1:", &joined, "}")]
    {
        assert!(compile(&text).is_err(), "{text}");
    }
    // Nests in the tree or not at all: it must end, one way or the other, on the stack that a request has.
    for part in [
        "!",
        "-",
        "- ",
        "true.a",
        ".a",
        "true && (",
        "tier[",
        "a+",
        "1<",
        "true||",
        "\\",
        "\"",
        "'''",
        "\u{0}",
        "é",
        "?:",
    ] {
        let _ = compile(&repeated(part, LONGEST / part.len()));
        let _ = compile(&(repeated(part, (LONGEST - 4) / part.len()) + "true"));
    }
}

#[test]
fn expressions_mean_what_they_say() {
    let standing = standing();
    let habit = habit(12, 0.4, 0.05, 7);
    let subject = Subject { p_late: 0.6, mean_days_late: 9.5, standing: &standing, ..Subject::of_habit(habit) };
    let cases = [
        ("true", true),
        ("late_share >= 0.4 && observations == 12", true),
        ("late_share > 0.4", false),
        ("0.4 <= late_share", true),
        ("late_share < 1", true),
        ("observations > 11.5", true),
        ("observations != 12 || p_late > 0.5", true),
        ("-1 < observations", true),
        ("observations == 12u", true),
        ("open_amount(\"COP\") > 1500000", true),
        ("open_amount(\"COP\") == decimal(\"1500000.10\")", true),
        ("open_amount(\"COP\") == decimal(\"1500000.1000\")", true),
        ("open_amount(\"COP\") > decimal(\"1500000.10\")", false),
        ("open_amount(\"USD\") == 0", true),
        ("open_amount(\"COP\") <= credit_limit(\"COP\")", true),
        ("has_credit_limit && credit_limit(\"USD\") == 0", true),
        ("tier == 'strategic'", true),
        ("tier in ['gold', \"strategic\"] && !(rating in [])", true),
        ("rating.startsWith('B') && rating.contains(' ') && rating.endsWith('+')", true),
        ("has_credit_limit == true", true),
        ("open_disputes > 0 ? false : broken_promises >= 2", true),
        ("group_late_share == late_share && group_customers == 1", true),
        ("group_overdue_amount(\"COP\") == overdue_amount(\"COP\")", true),
        ("9223372036854775807 > observations", true),
    ];
    for (text, expected) in cases {
        let node = compile(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
        assert_eq!(node.holds(&subject), expected, "{text}");
    }
}

#[test]
fn reasons_are_the_comparisons_that_were_needed() {
    let standing = standing();
    let corporation = Corporation::default();
    let group = GroupHabit { late_share: 0.7, severe_share: 0.2 };
    let subject = Subject {
        standing: &standing,
        group: Some((&corporation, group)),
        ..Subject::of_habit(habit(12, 0.4, 0.05, 0))
    };
    let cases = [
        ("late_share >= 0.125", "told late_share=0.400000>=0.125"),
        ("observations > 3 && (tier == 'gold' || broken_promises >= 2)", "told observations=12>3 broken_promises=2>=2"),
        ("!(late_share < 0.3 || open_disputes > 0)", "told late_share=0.40>=0.30 open_disputes=0<=0"),
        ("5 <= observations && observations >= 3", "told observations=12>=5"),
        ("overdue_amount(\"COP\") >= 100000", "told overdue_amount(COP)=500000>=100000"),
        ("open_amount(\"COP\") < credit_limit(\"COP\")", "told open_amount(COP)=1500000.10<credit_limit(COP):2000000"),
        ("rating in ['B +', 'B']", "told rating=B_+"),
        ("has_credit_limit ? tier != 'gold' : false", "told has_credit_limit=true tier=strategic"),
        ("group_late_share > 0.5", "told group_late_share=0.70>0.50"),
        // Where it does not hold, the fallback says why not.
        ("late_share > 0.3 && tier == 'gold'", "tier=strategic"),
        ("late_share > 0.5 || tier == 'gold'", "late_share=0.40<=0.50 tier=strategic"),
    ];
    for (text, reasons) in cases {
        let decided = document(text).compile("rules-1").unwrap().decide(&subject);
        assert_eq!(decided.1.join(" "), reasons, "{text}");
    }
}

#[test]
fn a_feature_that_is_off_reads_as_if_nothing_were_known() {
    let standing = standing();
    let subject = Subject { standing: &standing, ..Subject::of_habit(habit(12, 0.4, 0.05, 0)) };
    let mut document = document("tier == 'strategic' || broken_promises > 1");
    let rules = |document: &Document| document.compile("rules-1").unwrap();
    assert_eq!(rules(&document).decide(&subject).0, Segment::HighRisk);
    document.off = vec!["tier".into()];
    assert_eq!(rules(&document).decide(&subject).1, ["told", "broken_promises=2>1"]);
    assert_eq!(rules(&document).families(), [Family::Conduct].into());
    document.off.push("broken_promises".into());
    assert_eq!(rules(&document).decide(&subject).0, Segment::Regular);
    assert_eq!(rules(&document).families(), [].into());
}

#[test]
fn the_rules_of_the_house_compile() {
    assert_eq!(Document::standard().compile(STANDARD).as_ref(), Ok(Rules::standard()));
    assert_eq!(Rules::standard().families(), [Family::Habit].into());
}

/// Not a test of correctness: run it when deciding changes, in release.
#[test]
#[ignore = "measures; run with --release --ignored --nocapture"]
#[allow(clippy::print_stderr, reason = "a measurement is read by a person")]
fn decisions_a_second() {
    let habits: Vec<Habit> = (0..1_000_u32)
        .map(|it| habit(it % 20, f64::from(it % 97) / 97.0, f64::from(it % 89) / 400.0, it % 30))
        .collect();
    let standing = standing();
    let rich = Document {
        rules: (0..20)
            .map(|it| Rule {
                segment: "high_risk".into(),
                when: format!(
                    "group_late_share > 0.9 && (tier in ['gold', 'silver'] || overdue_amount(\"COP\") > 9000000{it})"
                ),
                reason: None,
            })
            .collect(),
        ..document("true")
    };
    for (name, rules) in
        [("the house's rules", Rules::standard().clone()), ("twenty rules", rich.compile("rules-1").unwrap())]
    {
        let started = Instant::now();
        let mut decided = 0_u32;
        while started.elapsed().as_millis() < 1_000 {
            for habit in &habits {
                let subject = Subject { standing: &standing, ..Subject::of_habit(*habit) };
                std::hint::black_box(rules.decide(&subject));
                decided += 1;
            }
        }
        eprintln!("{name}: {decided} in {:?}", started.elapsed());
    }
    let started = Instant::now();
    for _ in 0..100 {
        assert!(rich.compile("rules-1").is_ok());
    }
    eprintln!("twenty rules are compiled in {:?}", started.elapsed() / 100);
}
