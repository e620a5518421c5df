//! Files from elsewhere, which are not ours to keep: `PUNTUAL_SAMPLES=directory cargo test -p formats real -- --nocapture`.
//! What is read of each is compared with what the document says of itself, and with what its owners expect of it where that lies
//! beside it: `.json` beside camt (amounts in minor units), `.yml` beside MT940.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use formats::statement::{Direction, Statement};
use formats::{Options, Reading, camt, mt940, xml};
use primitives::{Currency, Money};
use rust_decimal::Decimal;
use serde_json::Value;

fn below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { below(&path, found) } else { found.push(path) }
    }
}

/// Sum of all entries by currency, debits negative; `None` when one of them cannot be read.
fn movements(statements: &[Statement]) -> Option<BTreeMap<Currency, Decimal>> {
    let mut sums: BTreeMap<Currency, Decimal> = BTreeMap::new();
    for entry in statements.iter().flat_map(|statement| &statement.entries) {
        let entry = entry.as_ref().ok()?;
        let amount = entry.amount.amount();
        let signed = if entry.direction == Direction::Credit { amount } else { -amount };
        *sums.entry(entry.amount.currency()).or_default() += signed;
    }
    sums.retain(|_, sum| !sum.is_zero());
    Some(sums)
}

/// What stands beside a camt: entries with minor units, which may be signed already.
fn expected_of_camt(json: &Value) -> Option<BTreeMap<Currency, Decimal>> {
    let mut sums: BTreeMap<Currency, Decimal> = BTreeMap::new();
    for entry in json.get("getEntries")?.as_array()? {
        let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
        let currency = Currency::parse(text("/getAmount/getCurrency/getCode")?).ok()?;
        let units: i64 = text("/getAmount/getAmount")?.parse().ok()?;
        let amount = Decimal::new(units, currency.scale()).abs();
        let signed = if text("/getCreditDebitIndicator")? == "CRDT" { amount } else { -amount };
        *sums.entry(currency).or_default() += signed;
    }
    sums.retain(|_, sum| !sum.is_zero());
    Some(sums)
}

/// What stands beside an MT940: the amount of each transaction, by currency.
fn expected_of_mt940(yaml: &str) -> Option<BTreeMap<Currency, Decimal>> {
    let (_, transactions) = yaml.split_once("\ntransactions:")?;
    let mut sums: BTreeMap<Currency, Decimal> = BTreeMap::new();
    let mut lines = transactions.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if !line.starts_with("amount:") || !line.ends_with("decimal.Decimal") {
            continue;
        }
        let amount: Decimal = lines.next()?.trim_start_matches("- ").trim_matches('\'').parse().ok()?;
        let currency = lines.next()?.strip_prefix("currency: ")?;
        *sums.entry(Currency::parse(currency).ok()?).or_default() += amount;
    }
    sums.retain(|_, sum| !sum.is_zero());
    Some(sums)
}

fn statements(bytes: &[u8]) -> Option<Vec<Statement>> {
    if let Ok(text) = xml::decode(bytes)
        && let Ok(tree) = xml::Document::parse(&text)
    {
        return camt::parse(tree.root()).ok();
    }
    mt940::parse(&mt940::decode(bytes).ok()?).ok()
}

/// What is wrong with what was read of a file.
fn differences(path: &Path, bytes: &[u8], reading: &Reading) -> Vec<String> {
    let mut wrong = Vec::new();
    for draft in reading.drafts.iter().flatten() {
        let amount =
            |name: &str| draft.data.get(name).and_then(Value::as_str).and_then(|text| text.parse::<Decimal>().ok());
        let parts = ["remittance", "invoices"].iter().filter_map(|name| draft.data.get(*name)?.as_array()).flatten();
        let parts: Decimal = parts.filter_map(|part| part.get("amount")?.as_str()?.parse::<Decimal>().ok()).sum();
        if amount("amount").is_some_and(|whole| parts > whole) {
            wrong.push(format!("{} {}: the parts sum to {parts}", draft.fact_type, draft.id));
        }
    }
    let Some(statements) = statements(bytes) else { return wrong };
    let received: Vec<Money> = reading
        .drafts
        .iter()
        .flatten()
        .filter(|draft| draft.fact_type == "payment.received")
        .filter_map(|draft| {
            let currency = Currency::parse(draft.data.get("currency")?.as_str()?).ok()?;
            Money::parse(draft.data.get("amount")?.as_str()?, currency).ok()
        })
        .collect();
    let credits: Decimal = statements
        .iter()
        .flat_map(|statement| statement.entries.iter().flatten())
        .filter(|entry| entry.direction == Direction::Credit)
        .map(|entry| entry.amount.amount())
        .sum();
    let sum: Decimal = received.iter().map(Money::amount).sum();
    if sum > credits && !received.is_empty() {
        wrong.push(format!("{sum} was received of {credits} that came"));
    }
    let expected =
        fs::read_to_string(path.with_extension("yml")).ok().and_then(|yaml| expected_of_mt940(&yaml)).or_else(|| {
            let json = fs::read(path.with_extension("json")).ok()?;
            expected_of_camt(&serde_json::from_slice(&json).ok()?)
        });
    if let (Some(expected), Some(found)) = (expected, movements(&statements))
        && expected != found
    {
        wrong.push(format!("{found:?} moved, {expected:?} is expected"));
    }
    wrong
}

#[test]
#[allow(clippy::print_stdout, reason = "what became of each file is what it is run for")]
fn real_samples() {
    let Some(directory) = std::env::var_os("PUNTUAL_SAMPLES") else { return };
    let mut files = Vec::new();
    below(Path::new(&directory), &mut files);
    files.sort();
    let mut wrong = Vec::new();
    for path in files {
        if path.extension().is_some_and(|kind| kind == "json" || kind == "yml") {
            continue;
        }
        let Ok(bytes) = fs::read(&path) else { continue };
        println!("{}", path.display());
        match formats::read(&bytes, &Options { terms_days: Some(30), ..Options::default() }) {
            Ok(reading) => {
                println!("  {:?}, {} skipped", reading.format, reading.skipped);
                for warning in &reading.warnings {
                    println!("  warning {} {}: {}", warning.code, warning.place.path, warning.detail);
                }
                for draft in &reading.drafts {
                    match draft {
                        Ok(draft) => println!("  {} {}", draft.fact_type, Value::Object(draft.data.clone())),
                        Err(finding) => println!("  {} {}: {}", finding.code, finding.place.path, finding.detail),
                    }
                }
                wrong.extend(
                    differences(&path, &bytes, &reading).into_iter().map(|what| format!("{}: {what}", path.display())),
                );
            }
            Err(finding) => {
                println!("  {} line {} {}: {}", finding.code, finding.place.line, finding.place.path, finding.detail);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
