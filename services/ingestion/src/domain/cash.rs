//! Whose money it is, and what it pays: the rules that a tenant chose, in their order.
//!
//! | rule | finds | certain when |
//! | --- | --- | --- |
//! | `remittance` | the invoices that come with the payment, with their amounts | those that are known belong to one payer; or all are known and told, and one payer pays for their customers |
//! | `reference` | invoices whose numbers stand among the references or, `in_text`, in the text | all of them belong to one payer; or one payer pays for their customers, and they are open for just this amount |
//! | `account` | payers that have paid from this account before | there is one |
//! | `name` | payers of exactly this name | there is one, and `amount` finds what it pays |
//! | `amount` | for a payer that was found: the one open invoice, or the only few, of this very amount; for nobody: invoices of this amount, whoever owes them | for a payer; for nobody never |
//! | `oldest_first` | leaves the choice to the ledger, for a payer that was found | always |
//! | `exchange` | what a payment in another currency settles ([`exchange`]) | where both currencies are agreed |
//! | `withholding`, `deduction`, `tolerance` | why less came than was owed ([`differences`]) | |
//!
//! The first rule that is certain decides ([`matching`]); what is not certain is suggested to a person, with a confidence. A
//! decision looks at one payment and at what is open of the payers in question, and at nothing else: facts about others change
//! nothing.

pub(crate) mod chain;
pub(crate) mod differences;
pub(crate) mod exchange;
pub(crate) mod matching;
#[cfg(test)]
mod properties;
pub(crate) mod shares;
pub(crate) mod withholdings;

use std::collections::BTreeSet;

use rust_decimal::Decimal;

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
    /// What the payment says that it pays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) remittance: Vec<Remitted>,
}

/// An invoice that a payment of unknown origin names.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Remitted {
    pub(crate) invoice: String,
    /// `None`: whatever is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Decimal>,
    /// What was kept back of it, and why in the payer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deduction: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Clues {
    /// What may be the number of an invoice among the references: each as a whole, without what RF adds (ISO 11649), and every
    /// word that has a digit.
    pub(crate) fn referenced(&self) -> BTreeSet<String> {
        numbers(self.references.iter(), SHORTEST_NUMBER)
    }

    /// The same in the text, where short numbers are years, days and amounts.
    pub(crate) fn in_text(&self) -> BTreeSet<String> {
        numbers(self.text.iter(), SHORTEST_IN_PROSE)
    }
}

fn numbers<'a>(texts: impl Iterator<Item = &'a String>, shortest: usize) -> BTreeSet<String> {
    let mut numbers = BTreeSet::new();
    for text in texts {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_what_the_bank_passes_on() {
        let clues = Clues {
            references: vec!["RF18539007547034".into(), "NOTPROVIDED".into()],
            text: Some("Pago facturas F-1001, f-1002; y CO/2026/77, 10001 de 2026.".into()),
            ..Clues::default()
        };
        assert!(clues.referenced().contains("539007547034"));
        assert!(!clues.referenced().iter().any(|number| number.contains("NOTPROVIDED")));
        let numbers = clues.in_text();
        for number in ["F-1001", "F-1002", "CO/2026/77", "10001"] {
            assert!(numbers.contains(number), "{number} in {numbers:?}");
        }
        assert!(!numbers.iter().any(|number| number == "Pago" || number == "2026"));
        assert_eq!(creditor_reference("RF19539007547034"), None, "wrong check digits");
    }
}
