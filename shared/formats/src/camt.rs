//! camt.052, camt.053 and camt.054 (ISO 20022), whatever their version: members moved between versions 1 and 8, and each
//! is looked for in all of its places.

mod transaction;

use chrono::NaiveDate;
use primitives::{Currency, Money};
use rust_decimal::Decimal;

use crate::draft::{self, shown};
use crate::statement::{Balance, Direction, Entry, Kind, Statement, Status, meaningful};
use crate::xml::Element;
use crate::{Finding, Place};

const ISO: &str = "urn:iso:std:iso:20022:tech:xsd:camt.";

/// Reads a `Document`.
pub fn parse(root: Element<'_>) -> Result<Vec<Statement>, Finding> {
    let version = root.namespace().strip_prefix(ISO).and_then(|version| version.split_once(".001."));
    let (kind, message, statement) = match version.map(|(message, _)| message) {
        Some("052") => (Kind::Report, "BkToCstmrAcctRpt", "Rpt"),
        Some("053") => (Kind::Statement, "BkToCstmrStmt", "Stmt"),
        Some("054") => (Kind::Notification, "BkToCstmrDbtCdtNtfctn", "Ntfctn"),
        _ => {
            let detail =
                format!("{} is the namespace of no statement (camt.052, camt.053, camt.054)", shown(root.namespace()));
            return Err(root.finding("xml-namespace", detail));
        }
    };
    let document = Node(root);
    // The first version put a name of its own between root and message.
    let Some(body) = document.child(message)? else {
        return Err(root.finding("missing-member", format!("{message} is missing")));
    };
    let mut statements = Vec::new();
    for element in body.all(statement)? {
        statements.push(one(kind, element)?);
    }
    if statements.is_empty() {
        return Err(body.0.finding("missing-member", format!("{statement} is missing")));
    }
    Ok(statements)
}

/// An element whose children are in its own namespace.
#[derive(Clone, Copy)]
struct Node<'d>(Element<'d>);

impl<'d> Node<'d> {
    fn child(self, name: &str) -> Result<Option<Self>, Finding> {
        Ok(self.0.only(self.0.namespace(), name)?.map(Node))
    }

    fn all(self, name: &str) -> Result<impl Iterator<Item = Self> + use<'d>, Finding> {
        Ok(self.0.all(self.0.namespace(), name)?.into_iter().map(Node))
    }

    /// The element at the end of a path of names.
    fn at(self, path: &[&str]) -> Result<Option<Self>, Finding> {
        let mut node = self;
        for name in path {
            match node.child(name)? {
                Some(child) => node = child,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    fn text(self, path: &[&str]) -> Result<Option<String>, Finding> {
        self.at(path)?.map_or(Ok(None), |node| Ok(node.0.token()?.map(str::to_owned)))
    }

    /// The first of several paths that leads to a text.
    fn any(self, paths: &[&[&str]]) -> Result<Option<String>, Finding> {
        for path in paths {
            if let Some(text) = self.text(path)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    fn required(self, name: &str) -> Result<Self, Finding> {
        self.child(name)?.ok_or_else(|| self.0.finding("missing-member", format!("{name} is missing")))
    }

    fn place(self) -> Place {
        self.0.place()
    }

    /// An amount with its own currency, not negative: the direction stands beside it.
    fn money(self) -> Result<Money, Finding> {
        let code =
            self.0.attribute("Ccy").ok_or_else(|| self.0.finding("missing-member", "the attribute Ccy is missing"))?;
        let currency: Currency = draft::currency(code, &self.place())?;
        let money = draft::money(self.0.text()?, currency, &self.place())?;
        if money.is_negative() {
            return Err(self.0.finding("amount-sign", "an amount is not negative, CdtDbtInd says which way it goes"));
        }
        Ok(money)
    }

    fn direction(self) -> Result<Option<Direction>, Finding> {
        match self.text(&["CdtDbtInd"])?.as_deref() {
            Some("CRDT") => Ok(Some(Direction::Credit)),
            Some("DBIT") => Ok(Some(Direction::Debit)),
            None => Ok(None),
            Some(other) => Err(self.0.finding("unknown-value", format!("CdtDbtInd {} is not known", shown(other)))),
        }
    }

    /// A day told as a date or as an instant.
    fn day(self, name: &str) -> Result<Option<(NaiveDate, Option<String>)>, Finding> {
        let Some(node) = self.child(name)? else { return Ok(None) };
        let Some(text) = node.any(&[&["DtTm"], &["Dt"]])? else { return Ok(None) };
        let time = text.split_once('T').map(|(_, time)| time.to_owned());
        Ok(Some((draft::date(&text, &node.place())?, time)))
    }

    fn account(self, path: &[&str]) -> Result<Option<String>, Finding> {
        let Some(id) = self.at(path)?.map_or(Ok(None), |account| account.child("Id"))? else { return Ok(None) };
        id.any(&[&["IBAN"], &["Othr", "Id"], &["PrtryAcct", "Id"], &["BBAN"], &["UPIC"]])
    }
}

fn one(kind: Kind, element: Node<'_>) -> Result<Statement, Finding> {
    let account = element.account(&["Acct"])?;
    let account = account.ok_or_else(|| element.0.finding("missing-member", "the account has no number"))?;
    let account = draft::key(&account, &element.place())?;
    let last = element.text(&["StmtPgntn", "LastPgInd"])?;
    let (mut opening, mut closing) = (None, None);
    for balance in element.all("Bal")? {
        match balance.any(&[&["Tp", "CdOrPrtry", "Cd"], &["Tp", "Cd"]])?.as_deref() {
            Some("OPBD" | "PRCD") if opening.is_none() => opening = self::balance(balance)?,
            // On a page before the last it closes nothing.
            Some("CLBD") if last.as_deref() != Some("false") => closing = self::balance(balance)?,
            _ => {}
        }
    }
    // A notification tells of a movement when it happens, and some banks leave it at that.
    let notified = if kind == Kind::Notification { element.text(&["CreDtTm"])? } else { None };
    let notified_on = notified.and_then(|instant| draft::date(&instant, &element.place()).ok());
    let mut entries = Vec::new();
    for item in element.all("Ntry")? {
        entries.push(entry(item, &account, notified_on));
    }
    Ok(Statement {
        place: element.place(),
        kind,
        id: element.text(&["Id"])?.unwrap_or_default(),
        sequence: element.any(&[&["ElctrncSeqNb"], &["LglSeqNb"]])?,
        account,
        opening,
        closing,
        entries,
    })
}

/// A balance that cannot be read is no reason to refuse payments: it is not checked.
fn balance(node: Node<'_>) -> Result<Option<Balance>, Finding> {
    let amount = node.required("Amt")?.money();
    let (Ok(amount), Some((date, _))) = (amount, node.day("Dt")?) else { return Ok(None) };
    let debit = node.direction()? == Some(Direction::Debit);
    let signed = if debit { Money::zero(amount.currency()).minus(amount) } else { Ok(amount) };
    Ok(signed.ok().map(|amount| Balance { amount, date }))
}

fn entry(node: Node<'_>, account: &str, notified_on: Option<NaiveDate>) -> Result<Entry, Finding> {
    let amount = node.required("Amt")?.money()?;
    let direction = node.direction()?;
    let direction = direction.ok_or_else(|| node.0.finding("missing-member", "CdtDbtInd is missing"))?;
    let (booked, valued) = (node.day("BookgDt")?, node.day("ValDt")?);
    let booked_on = booked.as_ref().or(valued.as_ref()).map(|(day, _)| *day).or(notified_on);
    let booked_on =
        booked_on.ok_or_else(|| node.0.finding("missing-member", "neither BookgDt nor ValDt tells a day"))?;
    let status = match node.any(&[&["Sts", "Cd"], &["Sts", "Prtry"]]) {
        Ok(Some(status)) => Some(status),
        // Until version 7 the status was a text.
        _ => node.text(&["Sts"])?,
    };
    let code = node.text(&["BkTxCd", "Domn", "Fmly", "SubFmlyCd"])?;
    let unpaid = code.as_deref().filter(|code| transaction::RETURNS.contains(code));
    let reversal = node.text(&["RvslInd"])?.as_deref().is_some_and(|told| told == "true" || told == "1");
    let back = reversal || unpaid.is_some();
    let context = transaction::Context { direction, currency: amount.currency(), back, account };
    let mut transactions = Vec::new();
    for details in node.all("NtryDtls")? {
        for item in details.all("TxDtls")? {
            transactions.push(transaction::parse(item, &context)?);
        }
    }
    if transactions.is_empty() {
        transactions.push(crate::statement::Transaction::default());
    }
    let additional = node.text(&["AddtlNtryInf"])?;
    for transaction in &mut transactions {
        if transaction.text.is_none() {
            transaction.text.clone_from(&additional);
        }
        if transaction.returned.is_none() {
            transaction.returned = unpaid.map(str::to_owned);
        }
    }
    Ok(Entry {
        place: node.place(),
        amount,
        direction,
        reversal,
        status: match status.as_deref() {
            Some("BOOK") => Status::Booked,
            Some("PDNG") => Status::Pending,
            _ => Status::Other,
        },
        booked_on,
        value_on: valued.map_or(booked_on, |(day, _)| day),
        booked_at: booked.and_then(|(_, time)| time),
        bank_reference: node.text(&["AcctSvcrRef"])?.as_deref().and_then(meaningful),
        transactions,
    })
}

/// What was taken off on the way, where it is told.
fn charges(node: Node<'_>) -> Result<Option<Decimal>, Finding> {
    let mut sum = None;
    for charges in node.all("Chrgs")? {
        // From version 4 on a list of records below a total, before that the charges themselves.
        let total = charges.any(&[&["TtlChrgsAndTaxAmt"], &["Amt"]])?;
        if let Some(total) = total {
            sum = Some(sum.unwrap_or(Decimal::ZERO) + draft::decimal(&total, &charges.place())?);
        }
    }
    Ok(sum)
}
