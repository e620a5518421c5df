//! Who paid, and what: the rule chain for payments whose payer the bank does not name.
//!
//! | rule | finds | certain when |
//! | --- | --- | --- |
//! | `reference` | invoices whose numbers stand among the references or in the text | all of them belong to one payer |
//! | `account` | payers that have paid from this account before | there is one |
//! | `name` | payers of exactly this name | there is one, and one of its open invoices has this very amount |
//!
//! The first certain rule decides; what the others find are suggestions for a person. A payer that is found without invoices
//! leaves the choice to the ledger's own rule, oldest first, unless one open invoice has this very amount.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::text::KEY_CHARS;

/// More words than this are a letter and no reference.
const MAX_TOKENS: usize = 200;
/// Shorter words are part of sentences.
const SHORTEST_NUMBER: usize = 3;
/// Of digits alone, in prose.
const SHORTEST_IN_PROSE: usize = 5;

/// What the bank says.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Clues {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) references: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

/// An open invoice that may be meant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) number: String,
    pub(crate) payer_id: Uuid,
    pub(crate) open_amount: Decimal,
}

/// What is known that bears on one payment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    pub(crate) amount: Decimal,
    /// Open invoices that it names.
    pub(crate) named: Vec<Candidate>,
    pub(crate) payers_by_account: BTreeSet<Uuid>,
    pub(crate) payers_by_name: BTreeSet<Uuid>,
    /// Open invoices of those payers.
    pub(crate) of_payers: Vec<Candidate>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Match {
    pub(crate) rule: &'static str,
    pub(crate) payer_id: Uuid,
    /// Numbers; empty where the ledger's own rule is to choose.
    pub(crate) invoices: Vec<String>,
    /// Per cent; 100 is certain.
    pub(crate) confidence: u8,
}

impl Clues {
    /// What may be the number of an invoice: references as a whole and without what RF adds (ISO 11649), and every word that
    /// has a digit.
    pub(crate) fn numbers(&self) -> BTreeSet<String> {
        let mut numbers = BTreeSet::new();
        let references = self.references.iter().map(|text| (text, SHORTEST_NUMBER));
        // In prose short numbers are years, days and amounts.
        let prose = self.text.iter().map(|text| (text, SHORTEST_IN_PROSE));
        for (text, shortest) in references.chain(prose) {
            let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '(' | ')' | '+'));
            for word in words.chain([text.trim()]) {
                let word = word.trim_matches(|c: char| !c.is_alphanumeric());
                let is_plain_number = word.bytes().all(|byte| byte.is_ascii_digit());
                let may_be = word.len() >= if is_plain_number { shortest } else { SHORTEST_NUMBER }
                    && word.chars().count() <= KEY_CHARS
                    && word.chars().any(|c| c.is_ascii_digit());
                if !may_be || numbers.len() >= MAX_TOKENS {
                    continue;
                }
                if let Some(inner) = creditor_reference(word) {
                    numbers.insert(inner);
                }
                numbers.insert(word.to_uppercase());
                numbers.insert(word.to_owned());
            }
        }
        numbers
    }
}

/// What a creditor reference (ISO 11649: `RF`, two check digits, at most 21 letters and digits) is about, when its check
/// digits are right.
fn creditor_reference(word: &str) -> Option<String> {
    let compact: String = word.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
    let rest = compact.strip_prefix("RF")?;
    let (check, inner) = rest.split_at_checked(2)?;
    let is_right = inner.len() <= 21
        && check.bytes().all(|byte| byte.is_ascii_digit())
        && inner.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && remainder(&format!("{inner}RF{check}")) == Some(1);
    (is_right && !inner.is_empty()).then(|| inner.trim_start_matches('0').to_owned())
}

/// Of the number that letters and digits make (A is 10), divided by 97.
fn remainder(text: &str) -> Option<u32> {
    text.chars().try_fold(0, |rest, c| {
        let digit = c.to_digit(36)?;
        Some(if digit > 9 { (rest * 100 + digit) % 97 } else { (rest * 10 + digit) % 97 })
    })
}

/// The best match first. Only the first can be certain.
pub(crate) fn matches(evidence: &Evidence) -> Vec<Match> {
    let mut found = Vec::new();
    let payers: BTreeSet<Uuid> = evidence.named.iter().map(|invoice| invoice.payer_id).collect();
    for payer_id in &payers {
        let invoices = evidence.named.iter().filter(|invoice| invoice.payer_id == *payer_id);
        let invoices: Vec<String> = invoices.map(|invoice| invoice.number.clone()).collect();
        let confidence = if payers.len() == 1 { 100 } else { 60 };
        found.push(Match { rule: "reference", payer_id: *payer_id, invoices, confidence });
    }
    for payer_id in &evidence.payers_by_account {
        let confidence = if evidence.payers_by_account.len() == 1 { 100 } else { 50 };
        let invoices = exactly(evidence, *payer_id);
        found.push(Match { rule: "account", payer_id: *payer_id, invoices, confidence });
    }
    for payer_id in &evidence.payers_by_name {
        let invoices = exactly(evidence, *payer_id);
        let is_only = evidence.payers_by_name.len() == 1;
        let confidence = match (is_only, invoices.is_empty()) {
            (true, false) => 100,
            (true, true) => 70,
            (false, false) => 50,
            (false, true) => 30,
        };
        found.push(Match { rule: "name", payer_id: *payer_id, invoices, confidence });
    }
    // Rules that disagree are not certain, whichever comes first.
    let certain: BTreeSet<Uuid> =
        found.iter().filter(|found| found.confidence == 100).map(|found| found.payer_id).collect();
    if certain.len() > 1 {
        found
            .iter_mut()
            .filter(|found| found.confidence == 100 && found.rule != "reference")
            .for_each(|found| found.confidence = 80);
    }
    found.sort_by_key(|found| std::cmp::Reverse(found.confidence));
    let mut seen = BTreeSet::new();
    found.retain(|found| seen.insert(found.payer_id));
    found
}

/// The one open invoice of a payer that has the payment's amount.
fn exactly(evidence: &Evidence, payer_id: Uuid) -> Vec<String> {
    let mut equal = evidence
        .of_payers
        .iter()
        .filter(|invoice| invoice.payer_id == payer_id && invoice.open_amount == evidence.amount);
    match (equal.next(), equal.next()) {
        (Some(only), None) => vec![only.number.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payer(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn open(number: &str, of: u128, amount: u32) -> Candidate {
        Candidate { number: number.into(), payer_id: payer(of), open_amount: amount.into() }
    }

    #[test]
    fn numbers_are_found_in_what_the_bank_passes_on() {
        let clues = Clues {
            references: vec!["RF18539007547034".into(), "NOTPROVIDED".into()],
            text: Some("Pago facturas F-1001, f-1002; y CO/2026/77, 10001 de 2026.".into()),
            ..Clues::default()
        };
        let numbers = clues.numbers();
        for number in ["539007547034", "F-1001", "F-1002", "CO/2026/77", "10001"] {
            assert!(numbers.contains(number), "{number} in {numbers:?}");
        }
        assert!(!numbers.iter().any(|number| number.contains("NOTPROVIDED") || number == "Pago" || number == "2026"));
        assert_eq!(creditor_reference("RF19539007547034"), None, "wrong check digits");
    }

    #[test]
    fn an_invoice_that_is_named_tells_the_payer() {
        let evidence =
            Evidence { amount: 100.into(), named: vec![open("F-1", 1, 60), open("F-2", 1, 60)], ..Evidence::default() };
        let found = matches(&evidence);
        assert_eq!(
            found[0],
            Match {
                rule: "reference",
                payer_id: payer(1),
                invoices: vec!["F-1".into(), "F-2".into()],
                confidence: 100
            }
        );
    }

    #[test]
    fn invoices_of_two_payers_are_for_a_person_to_part() {
        let evidence =
            Evidence { amount: 100.into(), named: vec![open("F-1", 1, 60), open("F-2", 2, 40)], ..Evidence::default() };
        assert!(matches(&evidence).iter().all(|found| found.confidence < 100));
    }

    #[test]
    fn an_account_is_known_by_who_paid_from_it() {
        let evidence = Evidence {
            amount: 40.into(),
            payers_by_account: [payer(1)].into(),
            of_payers: vec![open("F-1", 1, 60), open("F-2", 1, 40)],
            ..Evidence::default()
        };
        let found = matches(&evidence);
        assert_eq!(
            (found[0].rule, &found[0].invoices[..], found[0].confidence),
            ("account", &["F-2".to_owned()][..], 100)
        );
    }

    #[test]
    fn a_name_alone_is_a_suggestion() {
        let evidence = Evidence {
            amount: 50.into(),
            payers_by_name: [payer(1)].into(),
            of_payers: vec![open("F-1", 1, 60)],
            ..Evidence::default()
        };
        assert_eq!(matches(&evidence)[0].confidence, 70);
    }

    #[test]
    fn where_rules_disagree_the_reference_wins() {
        let evidence = Evidence {
            amount: 50.into(),
            named: vec![open("F-1", 1, 60)],
            payers_by_account: [payer(2)].into(),
            ..Evidence::default()
        };
        let found = matches(&evidence);
        assert_eq!((found[0].payer_id, found[0].confidence, found[1].confidence), (payer(1), 100, 80));
    }
}
