//! The rules by which a tenant's money is applied, as JSON.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::members::{Members, Noted, Read, Refusal, Sign};
use super::{Finding, data, exchange, json};
use crate::domain::cash::chain::{Chain, Rule, Tolerance};
use crate::domain::cash::exchange::Pair;
use crate::domain::cash::withholdings;
use crate::domain::ledger::CreditKind;
use crate::domain::text::{self, TEXT_CHARS};

const MAX_RULES: usize = 20;
/// Reasons, currencies or countries of one rule.
const MAX_ITEMS: usize = 200;
/// More invoices than these make up any amount.
const MAX_COMBINED: u8 = 4;
/// Decimals of a part of a hundred.
const PER_CENT_SCALE: u32 = 4;

/// Reads `{"rules": [...]}`, or says all that is wrong with it.
pub(crate) fn chain(bytes: &[u8], version: i64, today: NaiveDate) -> Result<Chain, Vec<Finding>> {
    let json = json::parse(bytes).map_err(|finding| vec![finding])?;
    let mut findings = Vec::new();
    match read(&json, today, &mut findings) {
        Ok(rules) if findings.is_empty() => Ok(Chain { version, rules }),
        _ => Err(findings),
    }
}

fn read(json: &json::Json, today: NaiveDate, findings: &mut Vec<Finding>) -> Read<Vec<Rule>> {
    let mut body = Members::of(json, "#", today, findings)?;
    if !body.has("rules") {
        return Err(body.missing("rules"));
    }
    let items = body.items("rules", MAX_RULES)?;
    let (_, findings) = body.inner();
    let (mut rules, mut names) = (Vec::with_capacity(items.len()), BTreeSet::new());
    for (pointer, item) in items {
        // One that is wrong does not keep the others from being read.
        let read = Members::of(item, &pointer, today, findings).and_then(|mut members| {
            let rule = rule(&mut members);
            members.finish();
            rule
        });
        let Ok(rule) = read else { continue };
        // Limits differ by kind; everything else is said once.
        let is_new = names.insert(format!("{} {}", rule.name(), kind_of(&rule).unwrap_or_default()));
        if !is_new {
            findings.push(Finding::new("duplicate-rule", format!("{pointer}/rule"), "the rule stands before"));
        }
        rules.push(rule);
    }
    body.finish();
    Ok(rules)
}

fn kind_of(rule: &Rule) -> Option<&'static str> {
    if let Rule::Tolerance(tolerance) = rule { Some(tolerance.kind.as_str()) } else { None }
}

fn rule(members: &mut Members<'_>) -> Read<Rule> {
    let known = [
        "remittance",
        "reference",
        "account",
        "name",
        "amount",
        "oldest_first",
        "withholding",
        "deduction",
        "tolerance",
        "exchange",
    ];
    match members.required_choice("rule", &known)? {
        "remittance" => Ok(Rule::Remittance),
        "reference" => Ok(Rule::Reference { in_text: members.flag("in_text", true)? }),
        "account" => Ok(Rule::Account),
        "name" => Ok(Rule::Name),
        "amount" => amount(members),
        "oldest_first" => Ok(Rule::OldestFirst),
        "withholding" => withholding(members),
        "deduction" => deduction(members),
        "tolerance" => tolerance(members),
        "exchange" => exchanged(members),
        _ => Err(Noted),
    }
}

fn amount(members: &mut Members<'_>) -> Read<Rule> {
    let up_to = members.optional("up_to", |value| {
        let up_to = value.parse::<u8>().ok().filter(|up_to| (1..=MAX_COMBINED).contains(up_to));
        up_to.ok_or_else(|| Refusal {
            code: "unknown-value",
            detail: format!("a number of invoices from 1 to {MAX_COMBINED} is expected"),
        })
    });
    Ok(Rule::Amount { up_to: up_to?.unwrap_or(1).into() })
}

fn withholding(members: &mut Members<'_>) -> Read<Rule> {
    let usual_rates = members.flag("usual_rates", false);
    let items = members.items("countries", MAX_ITEMS)?;
    let (_, findings) = members.inner();
    let mut countries = BTreeSet::new();
    for (pointer, item) in items {
        let json::Json::Text(code) = item else {
            let detail = format!("a string is expected, not {}", item.kind());
            findings.push(Finding::new("wrong-type", pointer, detail));
            return Err(Noted);
        };
        if let Err(refusal) = data::country(code) {
            findings.push(Finding::new(refusal.code, pointer, refusal.detail));
            return Err(Noted);
        }
        if !withholdings::knows(code) {
            findings.push(Finding::new("unknown-value", pointer, "no rates of this country are known"));
            return Err(Noted);
        }
        countries.insert(code.clone());
    }
    Ok(Rule::Withholding { countries, usual_rates: usual_rates? })
}

fn deduction(members: &mut Members<'_>) -> Read<Rule> {
    let items = members.items("reasons", MAX_ITEMS)?;
    let (today, findings) = members.inner();
    let mut reasons = BTreeMap::new();
    for (pointer, item) in items {
        let mut reason = Members::of(item, &pointer, today, findings)?;
        let told = reason.required("told", |value| Ok(text::text(value, TEXT_CHARS)?.to_owned()));
        let means = reason.required_choice("means", &data::DISPUTE_REASONS);
        reason.finish();
        reasons.insert(told?, means?.to_owned());
    }
    Ok(Rule::Deduction { reasons })
}

fn tolerance(members: &mut Members<'_>) -> Read<Rule> {
    let kind = members.choice("as", &["rounding", "bank_charge"], "rounding");
    let per_cent = members.optional("per_cent", per_cent);
    let items = members.items("limits", MAX_ITEMS)?;
    if items.is_empty() && matches!(per_cent, Ok(None)) {
        return Err(members.note("limits", "missing-member", "limits or per_cent is needed".to_owned()));
    }
    let (today, findings) = members.inner();
    let mut limits = BTreeMap::new();
    for (pointer, item) in items {
        let mut limit = Members::of(item, &pointer, today, findings)?;
        let currency = limit.currency();
        let amount = limit.amount("amount", currency, Sign::Positive);
        limit.finish();
        limits.insert(currency?.code().to_owned(), amount?.amount());
    }
    let kind = CreditKind::parse(kind?).ok_or(Noted)?;
    Ok(Rule::Tolerance(Tolerance { kind, limits, per_cent: per_cent? }))
}

/// Pairs of currencies, each once.
fn exchanged(members: &mut Members<'_>) -> Read<Rule> {
    let items = members.items("pairs", MAX_ITEMS)?;
    if items.is_empty() {
        return Err(members.missing("pairs"));
    }
    let (today, findings) = members.inner();
    let mut pairs: Vec<Pair> = Vec::with_capacity(items.len());
    for (pointer, item) in items {
        let mut told = Members::of(item, &pointer, today, findings)?;
        let currencies = exchange::pair(&mut told);
        let rates = told.optional_key("rates");
        let per_cent = told.optional("per_cent", per_cent);
        let limit = told.optional_amount("limit", currencies.map(|(_, owed)| owed), Sign::Positive);
        let is_known = |(paid, owed)| pairs.iter().any(|pair| pair.paid == paid && pair.owed == owed);
        if currencies.is_ok_and(is_known) {
            return Err(told.note("owed", "duplicate-rule", "the pair stands before".to_owned()));
        }
        told.finish();
        let ((paid, owed), per_cent, limit) = (currencies?, per_cent?, limit?);
        let limits: BTreeMap<String, Decimal> =
            limit.map(|limit| (owed.code().to_owned(), limit.amount())).into_iter().collect();
        let has_tolerance = per_cent.is_some() || !limits.is_empty();
        let tolerance = has_tolerance.then_some(Tolerance { kind: CreditKind::FxDifference, limits, per_cent });
        pairs.push(Pair { paid, owed, rates: rates?, tolerance });
    }
    Ok(Rule::Exchange { pairs })
}

fn per_cent(value: &str) -> Result<Decimal, Refusal> {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && value.len() <= 8;
    let number = plain.then(|| value.parse::<Decimal>().ok()).flatten();
    let number = number.filter(|number| *number > Decimal::ZERO && *number <= Decimal::TEN);
    number.filter(|number| number.scale() <= PER_CENT_SCALE).ok_or_else(|| Refusal {
        code: "unknown-value",
        detail: format!("per cent above 0 and up to 10, with {PER_CENT_SCALE} decimals at most, are expected"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<Vec<Rule>, Vec<(&'static str, String)>> {
        let today = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        let read = chain(text.as_bytes(), 1, today).map(|chain| chain.rules);
        read.map_err(|findings| findings.into_iter().map(|finding| (finding.code, finding.pointer)).collect())
    }

    #[test]
    fn a_chain_is_read_in_its_order() {
        let rules = found(
            r#"{"rules": [{"rule": "account"}, {"rule": "amount", "up_to": "3"}, {"rule": "reference", "in_text": false},
                {"rule": "tolerance", "as": "bank_charge", "per_cent": "0.5", "limits": [{"currency": "COP", "amount": "500"}]}]}"#,
        );
        let rules = rules.unwrap();
        let names: Vec<_> = rules.iter().map(Rule::name).collect();
        assert_eq!(names, ["account", "amount", "reference", "tolerance"]);
        assert_eq!((&rules[1], &rules[2]), (&Rule::Amount { up_to: 3 }, &Rule::Reference { in_text: false }));
        assert_eq!(found(r#"{"rules": []}"#), Ok(Vec::new()));
    }

    #[test]
    fn pairs_of_currencies_are_read() {
        let told = |pairs: &str| found(&format!(r#"{{"rules": [{{"rule": "exchange", "pairs": [{pairs}]}}]}}"#));
        let rules = told(
            r#"{"paid": "COP", "owed": "USD", "rates": "TRM", "per_cent": "1", "limit": "20.00"},
               {"paid": "USD", "owed": "COP"}"#,
        );
        let Rule::Exchange { pairs } = &rules.unwrap()[0] else { unreachable!() };
        let bounds = pairs[0].tolerance.as_ref().unwrap();
        assert_eq!((bounds.kind, bounds.limits.get("USD")), (CreditKind::FxDifference, Some(&Decimal::from(20))));
        assert_eq!((pairs[0].rates.as_deref(), &pairs[1].rates, &pairs[1].tolerance), (Some("TRM"), &None, &None));
        for (pairs, code, pointer) in [
            ("", "missing-member", "#/rules/0/pairs"),
            (r#"{"paid": "COP", "owed": "COP"}"#, "currency-mismatch", "#/rules/0/pairs/0/owed"),
            (r#"{"paid": "COP", "owed": "usd"}"#, "currency", "#/rules/0/pairs/0/owed"),
            (r#"{"paid": "COP", "owed": "USD", "limit": "0.001"}"#, "amount-scale", "#/rules/0/pairs/0/limit"),
            (
                r#"{"paid": "COP", "owed": "USD"}, {"paid": "COP", "owed": "USD"}"#,
                "duplicate-rule",
                "#/rules/0/pairs/1/owed",
            ),
        ] {
            assert_eq!(told(pairs).unwrap_err(), [(code, pointer.to_owned())], "{pairs}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_place() {
        let wrong = found(
            r#"{"rules": [{"rule": "luck"}, {"rule": "amount", "up_to": "9"}, {"rule": "account", "x": "1"}, {"rule": "account"},
                {"rule": "tolerance"}, {"rule": "tolerance", "per_cent": "11"},
                {"rule": "withholding", "countries": ["CO", "DE"]}, {"rule": "deduction", "reasons": [{"told": "A"}]}]}"#,
        );
        let wrong: Vec<(&str, String)> = wrong.unwrap_err();
        let expected = [
            ("unknown-value", "#/rules/0/rule"),
            ("unknown-value", "#/rules/1/up_to"),
            ("unknown-field", "#/rules/2/x"),
            ("duplicate-rule", "#/rules/3/rule"),
            ("missing-member", "#/rules/4/limits"),
            ("unknown-value", "#/rules/5/per_cent"),
            ("unknown-value", "#/rules/6/countries/1"),
            ("missing-member", "#/rules/7/reasons/0/means"),
        ];
        assert_eq!(wrong, expected.map(|(code, pointer)| (code, pointer.to_owned())));
        assert_eq!(found("{}").unwrap_err(), [("missing-member", "#/rules".to_owned())]);
        assert_eq!(found("[").unwrap_err()[0].0, "malformed-json");
    }
}
