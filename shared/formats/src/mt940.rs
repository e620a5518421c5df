//! MT940 statements and MT942 reports, as banks write them rather than as SWIFT does.

mod line;
mod narrative;

use std::borrow::Cow;

use chrono::NaiveDate;
use encoding_rs::WINDOWS_1252;
use primitives::{Currency, Money};

use crate::draft::{self, shown};
use crate::statement::{Balance, Entry, Kind, Statement};
use crate::xml::MAX_DOCUMENT;
use crate::{Finding, Place};

/// Balances and entries of a message, and whatever a bank adds.
const MAX_FIELDS: usize = 1_000_000;
/// SWIFT has six lines of 65 characters, banks have more.
const MAX_FIELD: usize = 1 << 16;

/// The characters of a file: UTF-8, else what banks mean when they leave SWIFT's alphabet.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Finding> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(Finding::new("too-large", Place::start(), format!("a file has at most {MAX_DOCUMENT} bytes")));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Ok(std::str::from_utf8(bytes).map_or_else(|_| WINDOWS_1252.decode_without_bom_handling(bytes).0, Cow::Borrowed))
}

/// One field: its tag, and its lines.
pub(crate) struct Field<'a> {
    line: u64,
    tag: &'a str,
    lines: Vec<&'a str>,
    length: usize,
}

impl Field<'_> {
    pub(crate) fn place(&self) -> Place {
        Place { line: self.line, path: format!(":{}:", self.tag) }
    }

    pub(crate) fn finding(&self, code: &'static str, detail: impl Into<String>) -> Finding {
        Finding::new(code, self.place(), detail)
    }

    fn first(&self) -> &str {
        self.lines.first().map_or("", |line| line.trim())
    }
}

/// Reads a file of any number of messages.
pub fn parse(text: &str) -> Result<Vec<Statement>, Finding> {
    let messages = messages(text)?;
    if messages.is_empty() {
        return Err(Finding::new("unknown-format", Place::start(), "neither XML nor a field :20: was found"));
    }
    messages.iter().filter(|message| message.len() > 1).map(|message| statement(message)).collect()
}

/// Fields from each `:20:` to the next, or to the `-` that ends a message.
fn messages(text: &str) -> Result<Vec<Vec<Field<'_>>>, Finding> {
    let mut messages: Vec<Vec<Field<'_>>> = Vec::new();
    let mut inside = false;
    let mut count = 0;
    for (number, line) in (1_u64..).zip(text.lines()) {
        // Blocks {1:} to {4:} are the envelope, which often shares a line with the first field.
        let line = if line.starts_with('{') { line.rsplit_once("{4:").map_or("", |(_, rest)| rest) } else { line };
        let line = line.trim_end();
        if matches!(line, "-" | "-}") || line.starts_with("-}{") {
            inside = false;
            continue;
        }
        let field = tagged(line).map(|(tag, rest)| Field { line: number, tag, lines: vec![rest], length: rest.len() });
        let Some(field) = field else {
            let open = messages.last_mut().filter(|_| inside).and_then(|message| message.last_mut());
            if let Some(field) = open.filter(|_| !line.is_empty()) {
                field.length += line.len();
                if field.length > MAX_FIELD {
                    return Err(field.finding("too-large", format!("a field has at most {MAX_FIELD} bytes")));
                }
                field.lines.push(line);
            }
            continue;
        };
        count += 1;
        if count > MAX_FIELDS || field.length > MAX_FIELD {
            return Err(field.finding("too-large", "more or longer fields than a day has"));
        }
        if field.tag == "20" {
            inside = true;
            messages.push(vec![field]);
        } else if let Some(message) = messages.last_mut().filter(|_| inside) {
            message.push(field);
        }
    }
    Ok(messages)
}

/// `:60F:rest`
fn tagged(line: &str) -> Option<(&str, &str)> {
    let (tag, rest) = line.strip_prefix(':')?.split_once(':')?;
    // What some banks write in place of `:86:`, in numbered lines.
    if tag == "NS" {
        return Some((tag, rest));
    }
    let bytes = tag.as_bytes();
    let letter = bytes.get(2).is_none_or(u8::is_ascii_uppercase);
    let digits = bytes.iter().take(2).all(u8::is_ascii_digit);
    ((2..=3).contains(&bytes.len()) && digits && letter).then_some((tag, rest))
}

fn statement(fields: &[Field<'_>]) -> Result<Statement, Finding> {
    let find = |tags: &[&str]| fields.iter().find(|field| tags.contains(&field.tag));
    let start = find(&["20"]).or(fields.first());
    let place = start.map_or_else(Place::start, Field::place);
    let missing = |tag: &str| Finding::new("missing-member", place.clone(), format!("{tag} is missing"));
    let (opening, closing) = (find(&["60F", "60M"]), find(&["62F", "62M"]));
    let account_at = find(&["25", "25P"]).ok_or_else(|| missing(":25:"))?;
    let floor = find(&["34F"]);
    let currency = currency([opening, closing].into_iter().flatten(), floor, account_at)?;
    let kind = if opening.is_none() && closing.is_none() && floor.is_some() { Kind::Report } else { Kind::Statement };
    let balance = |field: Option<&Field<'_>>| field.and_then(|field| balance(field, currency));
    let (id, sequence) = (start.map_or("", |field| field.first()), find(&["28C", "28"]).map(Field::first));
    Ok(Statement {
        kind,
        id: id.to_owned(),
        sequence: sequence.map(str::to_owned),
        account: account(account_at, currency)?,
        opening: balance(opening),
        closing: balance(closing),
        entries: entries(fields, currency),
        place,
    })
}

/// Without the currency that some banks write behind the number.
fn account(field: &Field<'_>, currency: Currency) -> Result<String, Finding> {
    let text = field.first();
    let bare = text.strip_suffix(currency.code()).map(str::trim_end);
    let bare = bare.filter(|bare| bare.ends_with(|c: char| c.is_ascii_digit()));
    draft::key(bare.unwrap_or(text), &field.place())
}

/// Of the balances, else of the floor limit, else what stands behind the account.
fn currency<'a, 't: 'a>(
    mut balances: impl Iterator<Item = &'a Field<'t>>,
    floor: Option<&Field<'_>>,
    account: &Field<'_>,
) -> Result<Currency, Finding> {
    // Those that tell one: where the closing balance does not, the opening balance has.
    let told = |field: &&Field<'_>| {
        field.first().get(7..10).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_alphabetic()))
    };
    if let Some(field) = balances.find(told) {
        let code = field.first().get(7..10).unwrap_or_default();
        return draft::currency(code, &field.place());
    }
    if let Some(field) = floor {
        return draft::currency(field.first().get(..3).unwrap_or_default(), &field.place());
    }
    let text = account.first();
    let tail = text.len().checked_sub(3).and_then(|start| text.get(start..)).unwrap_or_default();
    draft::currency(tail, &account.place())
}

/// `C070903EUR1234,56`, by some banks without the currency. One that cannot be read is not checked.
fn balance(field: &Field<'_>, currency: Currency) -> Option<Balance> {
    let text = field.first();
    let (mark, rest) = text.split_at_checked(1)?;
    let (date, rest) = rest.split_at_checked(6)?;
    let amount = line::amount(rest.strip_prefix(currency.code()).unwrap_or(rest), currency, field).ok()?;
    let amount = if mark == "D" { Money::zero(currency).minus(amount).ok()? } else { amount };
    Some(Balance { amount, date: line::date(date)? })
}

/// Each `:61:` with the narrative that follows it.
fn entries(fields: &[Field<'_>], currency: Currency) -> Vec<Result<Entry, Finding>> {
    let mut entries = Vec::new();
    for (index, field) in fields.iter().enumerate().filter(|(_, field)| field.tag == "61") {
        let narrative = fields.get(index + 1).filter(|next| matches!(next.tag, "86" | "NS"));
        entries.push(line::entry(field, narrative, currency));
    }
    entries
}

/// `yymmdd`, in the century that is nearest: 80 is 1980.
fn century(text: &str) -> Option<NaiveDate> {
    let number = |range| text.get(range).and_then(|part: &str| part.parse::<u32>().ok());
    if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (number(0..2)?, number(2..4)?, number(4..6)?);
    let year = i32::try_from(if year < 80 { 2000 + year } else { 1900 + year }).ok()?;
    let civil = |day| NaiveDate::from_ymd_opt(year, month, day);
    // Banks that reckon thirty days to the month book on the 30th of February.
    let february = || (month == 2 && (29..=30).contains(&day)).then(|| civil(28)).flatten();
    civil(day).or_else(february)
}

fn unreadable(field: &Field<'_>, what: &str) -> Finding {
    field.finding("statement-line", format!("{what} in {}", shown(field.first())))
}
