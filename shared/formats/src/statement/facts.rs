//! From entries to payments received and reversed.

use std::collections::{BTreeMap, BTreeSet};

use primitives::Money;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::{Direction, Entry, Kind, Statement, Status, Transaction};
use crate::draft::{self, KEY_CHARS, data, put};
use crate::{Draft, Finding, Format, Options, Place, Reading};

/// More references than this are no clue any more.
const MAX_REFERENCES: usize = 50;
/// As many as ingestion takes in one remittance.
const MAX_PARTS: usize = 1_000;

/// The payments that statements tell of, with whatever is left out counted.
pub fn reading(format: Format, statements: &[Statement], options: &Options) -> Reading {
    let mut teller = Teller {
        options,
        numbers: BTreeMap::new(),
        received: BTreeMap::new(),
        reading: Reading { format, drafts: Vec::new(), warnings: Vec::new(), skipped: 0 },
    };
    let mut seen = BTreeSet::new();
    for statement in statements {
        let identity = (&statement.account, &statement.id, &statement.sequence, signature(statement));
        if statement.kind == Kind::Statement && !statement.entries.is_empty() && !seen.insert(identity) {
            let detail = format!("the statement {} of the account stands twice", draft::shown(&statement.id));
            teller.reading.warnings.push(Finding::new("duplicate-statement", statement.place.clone(), detail));
            continue;
        }
        if let Some(Err(warning)) = statement.balances() {
            teller.reading.warnings.push(warning);
        }
        for entry in &statement.entries {
            match entry {
                Ok(entry) => teller.tell(statement, entry),
                Err(finding) => teller.reading.drafts.push(Err(finding.clone())),
            }
        }
    }
    teller.reading
}

/// Ids of statements are not always unique: two that differ in their balances or length are two.
fn signature(statement: &Statement) -> String {
    format!("{:?} {:?} {}", statement.opening, statement.closing, statement.entries.len())
}

struct Teller<'a> {
    options: &'a Options,
    /// How often each number was given in this file.
    numbers: BTreeMap<String, u32>,
    /// Numbers of payments by what a reversal may say of them; `None` when several share it.
    received: BTreeMap<(String, String), Option<String>>,
    reading: Reading,
}

impl Teller<'_> {
    fn tell(&mut self, statement: &Statement, entry: &Entry) {
        if entry.status != Status::Booked || entry.amount.is_zero() {
            self.reading.skipped += 1;
            return;
        }
        if let Some(parts) = parts(entry) {
            for (transaction, amount, direction) in parts {
                self.tell_one(statement, entry, transaction, amount, direction);
            }
            return;
        }
        if let [single] = entry.transactions.as_slice() {
            // What arrived counts, also where charges were taken off on the way.
            self.tell_one(statement, entry, single, entry.amount, entry.direction);
            return;
        }
        if !entry.transactions.is_empty() {
            let detail = "the amounts of the transactions do not make the entry's: it is told as one";
            self.reading.warnings.push(Finding::new("batch-sum", entry.place.clone(), detail));
        }
        self.tell_one(statement, entry, &merged(&entry.transactions), entry.amount, entry.direction);
    }

    fn tell_one(
        &mut self,
        statement: &Statement,
        entry: &Entry,
        transaction: &Transaction,
        amount: Money,
        direction: Direction,
    ) {
        let back = entry.reversal || transaction.returned.is_some();
        let told = match (direction, back) {
            (Direction::Credit, false) => self.received(statement, entry, transaction, amount),
            (Direction::Debit, true) => self.reversed(statement, entry, transaction, amount),
            // What we paid: going out, or coming back.
            (Direction::Debit, false) | (Direction::Credit, true) => {
                self.reading.skipped += 1;
                return;
            }
        };
        self.reading.drafts.push(Ok(told));
    }

    fn received(&mut self, statement: &Statement, entry: &Entry, transaction: &Transaction, amount: Money) -> Draft {
        let number = self.number(statement, entry, transaction, amount);
        for reference in [&transaction.end_to_end, &transaction.transaction].into_iter().flatten() {
            let known = self.received.entry((reference.clone(), amount.to_string()));
            known.and_modify(|known| *known = None).or_insert_with(|| Some(number.clone()));
        }
        let mut data = data([
            ("payment", json!(number)),
            ("currency", json!(amount.currency().code())),
            ("amount", json!(amount.to_string())),
            ("value_date", json!(entry.value_on.to_string())),
            ("received_date", json!(entry.booked_on.to_string())),
        ]);
        put(
            &mut data,
            "bank_reference",
            bank_reference(entry, transaction).filter(|text| text.chars().count() <= KEY_CHARS),
        );
        put(&mut data, "clues", Some(clues(transaction)));
        put(&mut data, "remittance", remittance(transaction, amount));
        self.draft("payment.received", number, entry, transaction, data)
    }

    fn reversed(&mut self, statement: &Statement, entry: &Entry, transaction: &Transaction, amount: Money) -> Draft {
        let number = self.number(statement, entry, transaction, amount);
        let told = [&transaction.end_to_end, &transaction.transaction].into_iter().flatten();
        let original = told
            .filter_map(|reference| self.received.get(&(reference.clone(), amount.to_string())))
            .find_map(Clone::clone);
        let mut data = data([
            ("reversal", json!(number)),
            ("currency", json!(amount.currency().code())),
            ("amount", json!(amount.to_string())),
            ("reversed_on", json!(entry.booked_on.to_string())),
        ]);
        put(&mut data, "payment", original);
        put(&mut data, "reason", transaction.returned.as_deref().and_then(draft::line));
        put(&mut data, "clues", Some(clues(transaction)));
        self.draft("payment.reversed", format!("{number}/reversed"), entry, transaction, data)
    }

    fn draft(
        &self,
        fact_type: &'static str,
        id: String,
        entry: &Entry,
        transaction: &Transaction,
        data: Map<String, Value>,
    ) -> Draft {
        Draft {
            place: place(entry, transaction),
            fact_type,
            id,
            time: draft::instant(entry.booked_on, entry.booked_at.as_deref(), self.options.time_zone),
            source_version: None,
            data,
        }
    }

    /// Account, day of booking, and the bank's reference: the same in tomorrow's copy of the statement. Where the bank
    /// gives none, or the same to several, contents and order of occurrence tell them apart.
    fn number(&mut self, statement: &Statement, entry: &Entry, transaction: &Transaction, amount: Money) -> String {
        let reference = bank_reference(entry, transaction).or_else(|| transaction.transaction.clone());
        let day = entry.booked_on.to_string();
        let contents = || {
            if let Some(contents) = &transaction.contents {
                return draft::digest(&[contents]);
            }
            let texts = [&transaction.end_to_end, &transaction.text, &transaction.name, &transaction.account];
            let mut parts = vec![entry.value_on.to_string(), amount.to_string(), amount.currency().code().to_owned()];
            parts.extend(texts.map(|text| text.clone().unwrap_or_default()));
            parts.extend(transaction.references.iter().cloned());
            parts.insert(0, if entry.direction == Direction::Credit { "C" } else { "D" }.to_owned());
            draft::digest(&parts.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let mut number = format!("{}/{day}/{}", statement.account, reference.unwrap_or_else(contents));
        // Room for the counter and for what reversals add.
        if number.chars().count() > KEY_CHARS - 20 {
            number = format!("{day}/{}", draft::digest(&[&number]));
        }
        let count = self.numbers.entry(number.clone()).or_insert(0);
        *count += 1;
        if *count > 1 { format!("{number}/{count}") } else { number }
    }
}

/// Each transaction with its amount and direction, when they make up the entry.
fn parts(entry: &Entry) -> Option<Vec<(&Transaction, Money, Direction)>> {
    if entry.transactions.len() < 2 {
        return None;
    }
    let mut sum = Decimal::ZERO;
    let mut parts = Vec::with_capacity(entry.transactions.len());
    for transaction in &entry.transactions {
        let amount = transaction.amount.filter(|amount| amount.currency() == entry.amount.currency())?;
        let direction = transaction.direction.unwrap_or(entry.direction);
        sum += if direction == entry.direction { amount.amount() } else { -amount.amount() };
        parts.push((transaction, amount, direction));
    }
    (sum == entry.amount.amount()).then_some(parts)
}

fn bank_reference(entry: &Entry, transaction: &Transaction) -> Option<String> {
    transaction.bank_reference.clone().or_else(|| entry.bank_reference.clone())
}

fn place(entry: &Entry, transaction: &Transaction) -> Place {
    transaction.place.clone().unwrap_or_else(|| entry.place.clone())
}

/// What a batch that cannot be taken apart says as a whole.
fn merged(transactions: &[Transaction]) -> Transaction {
    let mut whole = Transaction::default();
    for transaction in transactions.iter().take(MAX_REFERENCES) {
        whole.references.extend(transaction.references.iter().cloned());
        whole.references.extend(transaction.end_to_end.clone());
        whole.returned = whole.returned.or_else(|| transaction.returned.clone());
    }
    let texts: Vec<&str> =
        transactions.iter().take(MAX_REFERENCES).filter_map(|transaction| transaction.text.as_deref()).collect();
    whole.text = draft::line(&texts.join(" "));
    whole
}

/// What is paid of each document; nothing where this is more than came, since nobody here decides which is wrong.
fn remittance(transaction: &Transaction, amount: Money) -> Option<Vec<Value>> {
    let mut sum = Money::zero(amount.currency());
    let mut parts = Vec::with_capacity(transaction.remitted.len());
    for told in &transaction.remitted {
        sum = sum.plus(told.amount).ok()?;
        let mut part = data([("invoice", json!(told.number)), ("amount", json!(told.amount.to_string()))]);
        if let Some((deduction, reason)) = &told.deduction {
            put(&mut part, "deduction", Some(deduction.to_string()));
            put(&mut part, "reason", reason.clone());
        }
        parts.push(Value::Object(part));
    }
    let rest = amount.minus(sum).ok().filter(|rest| !rest.is_negative());
    rest.and_then(|_| (!parts.is_empty() && parts.len() <= MAX_PARTS).then_some(parts))
}

/// By what the payer and the invoices may be found.
fn clues(transaction: &Transaction) -> Value {
    let mut clues = Map::new();
    put(&mut clues, "account", transaction.account.as_deref().and_then(draft::line));
    put(&mut clues, "name", transaction.name.as_deref().and_then(draft::line));
    let told = transaction.references.iter();
    let told = told.chain(&transaction.end_to_end).chain(&transaction.transaction).chain(&transaction.message);
    let mut references: Vec<String> = Vec::new();
    for reference in told.filter_map(|reference| draft::line(reference)) {
        if references.len() < MAX_REFERENCES && !references.contains(&reference) {
            references.push(reference);
        }
    }
    put(&mut clues, "references", (!references.is_empty()).then_some(references));
    put(&mut clues, "text", transaction.text.as_deref().and_then(draft::line));
    Value::Object(clues)
}
