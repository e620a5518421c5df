//! `:86:`, the narrative: sub-fields `?20`, SEPA keywords (`EREF+`), slash codes (`/EREF/`), or plain text.

use crate::draft;
use crate::statement::{Transaction, meaningful};

/// A line that is as long as SWIFT allows was cut there, in the middle of a word or not.
const FULL_LINE: usize = 65;
/// Dutch banks, which write slash codes, cut a character before.
const FULL_DUTCH_LINE: usize = 64;
/// And a purpose line in a sub-field there.
const FULL_PURPOSE: usize = 27;
const PLUS_CODES: [&str; 18] = [
    "EREF", "KREF", "MREF", "CRED", "DEBT", "COAM", "OAMT", "SVWZ", "ABWA", "ABWE", "IBAN", "BIC", "PURP", "ORCR",
    "DDAT", "TAN1", "RREF", "SQTP",
];
const SLASH_CODES: [&str; 34] = [
    "EREF", "REMI", "BENM", "ORDP", "NAME", "IBAN", "BIC", "ISDT", "CSID", "MARF", "TRTP", "PREF", "RTRN", "PURP",
    "ULTC", "ULTD", "ULTB", "CNTP", "ID", "ADDR", "TRCD", "CREF", "RCMT", "SVCL", "INFO", "ACCT", "TR", "NRTX", "IREF",
    "KREF", "SVWZ", "FT", "PT", "PY",
];

#[derive(Debug, Default)]
pub(super) struct Narrative {
    /// The business transaction code of a structured narrative.
    pub(super) code: String,
    /// It says itself that money comes back.
    pub(super) back: bool,
    /// Why, if it does: every structured narrative has a posting text.
    pub(super) reason: String,
    pub(super) transaction: Transaction,
}

pub(super) fn read(lines: &[&str]) -> Narrative {
    let text = joined(lines);
    let text = text.trim();
    if let Some(separator) = structured(text) {
        return sub_fields(text, separator);
    }
    let mut narrative = Narrative::default();
    if !slash_codes(text, &mut narrative.transaction) && !plus_codes(text, &mut narrative.transaction) {
        narrative.transaction.text = draft::line(text);
        let first = text.split_whitespace().next().filter(|word| is_iban(word));
        narrative.transaction.account = first.map(str::to_owned);
    }
    narrative
}

/// `:NS:`, each of whose lines begins with the number of what it says: 01 to 14 the purpose, 15 and 16 the name of the other
/// side, 17 the posting text, 34 its account. The rest is about the statement.
pub(super) fn numbered(lines: &[&str]) -> Narrative {
    let fields: Option<Vec<(&str, &str)>> = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.split_at_checked(2).filter(|(tag, _)| tag.bytes().all(|byte| byte.is_ascii_digit())))
        .collect();
    let Some(fields) = fields else { return read(lines) };
    let (mut purpose, mut name, mut posting, mut account) = (Vec::new(), Vec::new(), None, None);
    for (tag, value) in fields {
        match tag {
            tag if ("01"..="14").contains(&tag) => purpose.push(value),
            "15" | "16" => name.push(value),
            "17" => posting = draft::line(value),
            "34" => account = draft::line(value),
            _ => {}
        }
    }
    let mut narrative = Narrative::default();
    let (purpose, transaction) = (continued(&purpose), &mut narrative.transaction);
    if !plus_codes(&purpose, transaction) {
        transaction.text = draft::line(&purpose);
    }
    transaction.account = account.or(transaction.account.take());
    transaction.name = draft::line(&continued(&name)).or(transaction.name.take());
    narrative.back = posting.as_deref().is_some_and(comes_back);
    narrative.reason = posting.unwrap_or_default();
    narrative
}

/// Lines of a text, which goes on in the middle of a word where a line is full.
fn continued(lines: &[&str]) -> String {
    let mut text = String::new();
    let mut full = true;
    for line in lines {
        if !full {
            text.push(' ');
        }
        text.push_str(line);
        full = line.chars().count() >= FULL_PURPOSE;
    }
    text
}

/// What banks write when money comes back.
fn comes_back(posting: &str) -> bool {
    let said = posting.to_uppercase();
    ["STORNO", "RETOURE", "RUECKLAST", "RÜCKLAST", "RUECKGABE"].iter().any(|word| said.contains(word))
}

/// Two letters, two digits, and letters or digits.
pub(super) fn is_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    (15..=34).contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes.iter().take(2).all(u8::is_ascii_uppercase)
        && bytes.iter().skip(2).take(2).all(u8::is_ascii_digit)
}

fn joined(lines: &[&str]) -> String {
    let mut text = String::new();
    let width = if lines.first().is_some_and(|line| line.starts_with('/')) { FULL_DUTCH_LINE } else { FULL_LINE };
    let mut full = true;
    for line in lines {
        if !full && !line.starts_with(['?', '>']) {
            text.push(' ');
        }
        text.push_str(line);
        full = line.chars().count() >= width;
    }
    text
}

/// `166?00…`: the character behind the code separates the sub-fields.
fn structured(text: &str) -> Option<char> {
    let (code, rest) = text.split_at_checked(3)?;
    let mut rest = rest.chars();
    let separator = rest.next().filter(|c| c.is_ascii_punctuation() && *c != '/')?;
    let digits = rest.next()?.is_ascii_digit() && rest.next()?.is_ascii_digit();
    (digits && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(separator)
}

fn sub_fields(text: &str, separator: char) -> Narrative {
    let mut parts = text.split(separator);
    let code = parts.next().unwrap_or_default().to_owned();
    let mut fields: Vec<(&str, String)> = Vec::new();
    for part in parts {
        let tag = part.get(..2).filter(|tag| tag.bytes().all(|byte| byte.is_ascii_digit()));
        match (tag, fields.last_mut()) {
            (Some(tag), _) => fields.push((tag, part.get(2..).unwrap_or_default().to_owned())),
            // The separator stood in the text.
            (None, Some((_, value))) => {
                value.push(separator);
                value.push_str(part);
            }
            (None, None) => {}
        }
    }
    let mut purpose = String::new();
    let (mut name, mut account, mut posting, mut reason) = (String::new(), None, None, None);
    let mut full = true;
    for (tag, value) in &fields {
        match *tag {
            "00" => posting = draft::line(value),
            tag if is_purpose(tag) => {
                if !full {
                    purpose.push(' ');
                }
                purpose.push_str(value);
                full = value.chars().count() >= FULL_PURPOSE;
            }
            // Polish banks tell the IBAN beside the number.
            "31" if account.is_none() => account = Some(value.replace(' ', "")).filter(|told| !told.is_empty()),
            "38" => account = Some(value.replace(' ', "")).filter(|told| !told.is_empty()).or(account),
            "32" | "33" => name.push_str(value),
            "34" => reason = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut narrative = Narrative { code, ..Narrative::default() };
    let transaction = &mut narrative.transaction;
    if !plus_codes(&purpose, transaction) {
        transaction.text = draft::line(&purpose);
    }
    transaction.account = account.or(transaction.account.take());
    transaction.name = draft::line(&name).or(transaction.name.take());
    narrative.back = posting.as_deref().is_some_and(comes_back);
    let words: Vec<String> = reason.into_iter().chain(posting).collect();
    narrative.reason = words.join(" ");
    narrative
}

fn is_purpose(tag: &str) -> bool {
    ("20"..="29").contains(&tag) || ("60"..="63").contains(&tag)
}

/// `EREF+…SVWZ+…`; `false` when there is none of them.
fn plus_codes(text: &str, transaction: &mut Transaction) -> bool {
    let mut marks: Vec<(usize, usize, &str)> = Vec::new();
    for (plus, _) in text.match_indices('+') {
        let head = text.get(..plus).unwrap_or_default();
        let code = PLUS_CODES.iter().find(|code| head.ends_with(**code));
        marks.extend(code.map(|code| (plus - code.len(), plus + 1, *code)));
    }
    if marks.is_empty() {
        return false;
    }
    let before = marks.first().and_then(|(start, _, _)| text.get(..*start)).unwrap_or_default();
    let mut words: Vec<&str> = vec![before];
    for (index, (_, start, code)) in marks.iter().enumerate() {
        let end = marks.get(index + 1).map_or(text.len(), |(next, _, _)| *next);
        let value = text.get(*start..end).unwrap_or_default().trim();
        match *code {
            "EREF" => transaction.end_to_end = meaningful(value),
            "KREF" | "MREF" | "RREF" => transaction.references.extend(meaningful(value)),
            "SVWZ" => words.push(value),
            "IBAN" => transaction.account = Some(value.to_owned()),
            "ABWA" => transaction.name = draft::line(value),
            _ => {}
        }
    }
    transaction.text = draft::line(&words.join(" "));
    true
}

/// `/EREF/…/REMI/…`; `false` when the text is not made of them.
fn slash_codes(text: &str, transaction: &mut Transaction) -> bool {
    let Some(rest) = text.trim_start().strip_prefix('/') else { return false };
    if !rest.split('/').next().is_some_and(|code| SLASH_CODES.contains(&code)) {
        return false;
    }
    let mut fields: Vec<(&str, Vec<&str>)> = Vec::new();
    for part in rest.split('/') {
        match fields.last_mut() {
            // The counterparty has four parts that no code introduces.
            Some(("CNTP", values)) if values.len() < 4 => values.push(part),
            _ if SLASH_CODES.contains(&part) => fields.push((part, Vec::new())),
            Some((_, values)) => values.push(part),
            None => {}
        }
    }
    let mut words = Vec::new();
    for (code, values) in &fields {
        let value = values.join("/");
        let value = value.trim().trim_matches('/').trim();
        match *code {
            "EREF" => transaction.end_to_end = meaningful(value),
            "PREF" | "CREF" | "MARF" | "IREF" | "KREF" => transaction.references.extend(meaningful(value)),
            "REMI" | "SVWZ" => {
                let (structured, told) = remitted(values);
                transaction.references.extend(structured);
                words.push(told);
            }
            "INFO" | "PY" | "PT" | "FT" => words.push(value.to_owned()),
            "NAME" => transaction.name = draft::line(value).or(transaction.name.take()),
            "IBAN" | "ACCT" => transaction.account = draft::line(value).or(transaction.account.take()),
            "CNTP" => {
                transaction.account = values.first().and_then(|account| draft::line(account));
                transaction.name = values.get(2).and_then(|name| draft::line(name));
            }
            "RTRN" => transaction.returned = Some(value.to_owned()),
            _ => {}
        }
    }
    transaction.text = draft::line(&words.join(" "));
    true
}

/// `USTD//text`, `STRD/CUR/reference`, or just a text.
fn remitted(values: &[&str]) -> (Option<String>, String) {
    match values {
        ["STRD", _, rest @ ..] => (meaningful(rest.join("/").trim_matches('/')), String::new()),
        ["USTD", rest @ ..] => (None, rest.join("/").trim_matches('/').to_owned()),
        all => (None, all.join("/").trim_matches('/').to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Narrative {
        read(lines)
    }

    #[test]
    fn sub_fields_are_put_together() {
        let lines = [
            "166?00GUTSCHRIFT?100399?20EREF+2026-INVOICE-000000001?2145?22SVWZ",
            "+Rechnung F-100 und F-101 v?23om Maerz?30TESTDEFF?31DE02120300000",
            "000202051?32Muster Handel?33s GmbH",
        ];
        let narrative = told(&lines);
        let transaction = narrative.transaction;
        assert_eq!(narrative.code, "166");
        assert_eq!(transaction.end_to_end.as_deref(), Some("2026-INVOICE-00000000145"));
        assert_eq!(transaction.text.as_deref(), Some("Rechnung F-100 und F-101 vom Maerz"));
        assert_eq!(transaction.account.as_deref(), Some("DE02120300000000202051"));
        assert_eq!(transaction.name.as_deref(), Some("Muster Handels GmbH"));
        assert_eq!(transaction.returned, None);
    }

    #[test]
    fn slash_codes_keep_slashes_of_their_values() {
        let transaction = told(&["/TRTP/SEPA OVERBOEKING/IBAN/NL91TEST0417164300/BIC/TESTNL2A/NAME/J/B VOORBEELD/REMI/Factuur 12/2026/EREF/E-9"]).transaction;
        assert_eq!(transaction.name.as_deref(), Some("J/B VOORBEELD"));
        assert_eq!(transaction.text.as_deref(), Some("Factuur 12/2026"));
        assert_eq!(transaction.account.as_deref(), Some("NL91TEST0417164300"));
        let transaction =
            told(&["/EREF/X1//CNTP/NL91TEST0417164300/TESTNL2A/Voorbeeld BV///REMI/USTD//Factuur 7/"]).transaction;
        assert_eq!(transaction.end_to_end.as_deref(), Some("X1"));
        assert_eq!(transaction.name.as_deref(), Some("Voorbeeld BV"));
        assert_eq!(transaction.text.as_deref(), Some("Factuur 7"));
        let transaction = told(&["/EREF/NOTPROVIDED//REMI/STRD/CUR/9012345678901234/"]).transaction;
        assert_eq!((transaction.end_to_end, transaction.references), (None, vec!["9012345678901234".to_owned()]));
    }

    #[test]
    fn ibans_are_found_where_banks_hide_them() {
        let cases = [
            (vec!["NL47TEST9999999999 hr voorbeeld", "", "Factuur 9"], "NL47TEST9999999999"),
            (
                vec![" 020?00Uznanie?20FAKTURA 12/2026?310000111122223333?38PL00105000990000111122", "223333"],
                "PL00105000990000111122223333",
            ),
        ];
        for (lines, account) in cases {
            assert_eq!(told(&lines).transaction.account.as_deref(), Some(account), "{lines:?}");
        }
    }

    #[test]
    fn anything_else_is_text() {
        for (lines, expected) in [
            (vec!["SVWZ+Invoice 7 EREF+A1"], "Invoice 7"),
            (vec!["GIRO 110022 VOORBEELD", "FACTUUR 8"], "GIRO 110022 VOORBEELD FACTUUR 8"),
            (vec!["/PAYMENT OF/ SOMETHING"], "/PAYMENT OF/ SOMETHING"),
            (
                vec!["000>100011223344", ">20REKENING VOORBEELD HUUR JAN>21UARI 2026>310011223399"],
                "REKENING VOORBEELD HUUR JANUARI 2026",
            ),
        ] {
            assert_eq!(told(&lines).transaction.text.as_deref(), Some(expected), "{lines:?}");
        }
        assert_eq!(told(&[]).transaction.text, None);
    }
}
