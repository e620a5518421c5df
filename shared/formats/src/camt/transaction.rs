//! `TxDtls`: one payment of an entry.

use primitives::{Currency, Money};

use super::{Node, charges};
use crate::Finding;
use crate::draft::{self, KEY_CHARS};
use crate::statement::{Direction, Remitted, Transaction, meaningful};

/// Sub-families of bank transaction codes (ISO 20022 external code set) by which money comes back: a return, a reversal
/// after a return or a request, an unpaid debit or cheque.
pub(super) const RETURNS: [&str; 7] = ["RRTN", "UPDD", "PRDD", "RPCR", "RCDD", "UPCQ", "UPCT"];
/// A remitter who names more documents than this sends a file of its own.
const MAX_DOCUMENTS: usize = 1_000;

/// What the entry says of its transactions.
pub(super) struct Context<'a> {
    pub(super) direction: Direction,
    pub(super) currency: Currency,
    pub(super) back: bool,
    /// The account of the statement, which is never the other side's.
    pub(super) account: &'a str,
}

pub(super) fn parse(node: Node<'_>, entry: &Context<'_>) -> Result<Transaction, Finding> {
    let direction = node.direction()?;
    let returned = returned(node)?;
    let back = entry.back || returned.is_some();
    let (name, number) = match node.child("RltdPties")? {
        Some(parties) => other_side(parties, direction.unwrap_or(entry.direction), back, entry.account)?,
        None => (None, None),
    };
    let remittance = remittance(node, entry.currency)?;
    let (references, remitted, mut text) = (remittance.references, remittance.remitted, remittance.text);
    if text.is_none() {
        text = node.text(&["AddtlTxInf"])?;
    }
    let reference = |name: &str| Ok::<_, Finding>(node.text(&["Refs", name])?.as_deref().and_then(meaningful));
    Ok(Transaction {
        place: Some(node.place()),
        amount: amount(node, entry.currency)?,
        direction,
        bank_reference: reference("AcctSvcrRef")?,
        end_to_end: reference("EndToEndId")?,
        transaction: reference("TxId")?,
        message: reference("MsgId")?,
        references,
        remitted,
        text,
        name,
        account: number,
        charges: charges(node)?,
        contents: None,
        returned,
    })
}

/// Name and account of whoever paid, or was paid. What comes back keeps the roles that it had on its way, with most banks.
fn other_side(
    parties: Node<'_>,
    direction: Direction,
    back: bool,
    own: &str,
) -> Result<(Option<String>, Option<String>), Finding> {
    let (debtor, creditor) = (["Dbtr", "DbtrAcct", "UltmtDbtr"], ["Cdtr", "CdtrAcct", "UltmtCdtr"]);
    let roles: &[[&str; 3]] = match (direction, back) {
        (Direction::Credit, false) => &[debtor],
        (Direction::Debit, false) => &[creditor],
        (Direction::Debit, true) => &[debtor, creditor],
        (Direction::Credit, true) => &[creditor, debtor],
    };
    for [party, account, ultimate] in roles {
        let number = parties.account(&[account])?;
        let name =
            parties.any(&[&[party, "Nm"], &[party, "Pty", "Nm"], &[ultimate, "Nm"], &[ultimate, "Pty", "Nm"]])?;
        if (name.is_some() || number.is_some()) && number.as_deref() != Some(own) {
            return Ok((name, number));
        }
    }
    Ok((None, None))
}

/// The transaction's amount in the currency of the account, in whichever place its version has it.
fn amount(node: Node<'_>, currency: Currency) -> Result<Option<Money>, Finding> {
    let paths: [&[&str]; 3] = [&["Amt"], &["AmtDtls", "TxAmt", "Amt"], &["AmtDtls", "InstdAmt", "Amt"]];
    for path in paths {
        if let Some(found) = node.at(path)?.filter(|found| found.0.attribute("Ccy") == Some(currency.code())) {
            return Ok(Some(found.money()?));
        }
    }
    Ok(None)
}

/// A return's reason, in its code or in words.
fn returned(node: Node<'_>) -> Result<Option<String>, Finding> {
    let Some(information) = node.child("RtrInf")? else { return Ok(None) };
    let code = information.any(&[&["Rsn", "Cd"], &["Rsn", "Prtry"]])?;
    let mut words: Vec<String> = code.into_iter().collect();
    for additional in information.all("AddtlInf")?.take(4) {
        words.extend(additional.0.token()?.map(str::to_owned));
    }
    Ok(Some(words.join(" ")))
}

#[derive(Default)]
struct Remittance {
    references: Vec<String>,
    remitted: Vec<Remitted>,
    text: Option<String>,
}

fn remittance(node: Node<'_>, currency: Currency) -> Result<Remittance, Finding> {
    let mut told = Remittance::default();
    let Some(information) = node.child("RmtInf")? else { return Ok(told) };
    let (mut lines, mut whole) = (Vec::new(), true);
    for line in information.all("Ustrd")?.take(MAX_DOCUMENTS) {
        lines.extend(line.0.token()?);
    }
    for structured in information.all("Strd")?.take(MAX_DOCUMENTS) {
        if let Some(reference) = structured.any(&[&["CdtrRefInf", "Ref"], &["CdtrRefInf", "CdtrRef"]])? {
            told.references.extend(meaningful(&reference));
        }
        for document in structured.all("RfrdDocInf")?.take(MAX_DOCUMENTS) {
            if let Some(number) = document.any(&[&["Nb"], &["RfrdDocNb"]])? {
                told.references.extend(meaningful(&number));
            }
        }
        match remitted(structured, currency) {
            Some(part) => told.remitted.push(part),
            None => whole &= structured.all("RfrdDocInf")?.next().is_none(),
        }
        for line in structured.all("AddtlRmtInf")?.take(4) {
            lines.extend(line.0.token()?);
        }
    }
    // Amounts of some documents say nothing of the others: then all of them are names only.
    if !whole {
        told.remitted.clear();
    }
    told.text = (!lines.is_empty()).then(|| lines.join(" "));
    Ok(told)
}

/// One document with what is paid of it. What cannot be read so is a name among the references, and no reason to refuse a
/// payment.
fn remitted(structured: Node<'_>, currency: Currency) -> Option<Remitted> {
    let mut documents = structured.all("RfrdDocInf").ok()?;
    let (document, more) = (documents.next()?, documents.next());
    let number = document.any(&[&["Nb"], &["RfrdDocNb"]]).ok()?.as_deref().and_then(meaningful)?;
    let amounts = structured.child("RfrdDocAmt").ok()??;
    let money = |node: Node<'_>| {
        let own = node.0.attribute("Ccy") == Some(currency.code());
        node.money().ok().filter(|money| own && !money.is_zero())
    };
    let amount = money(amounts.child("RmtdAmt").ok()??)?;
    let mut deduction: Option<(Money, Option<String>)> = None;
    for adjustment in amounts.all("AdjstmntAmtAndRsn").ok()? {
        // What is added is no deduction.
        if adjustment.direction().ok()? == Some(Direction::Credit) {
            return None;
        }
        let kept = money(adjustment.child("Amt").ok()??)?;
        let words = adjustment.any(&[&["Rsn"], &["AddtlInf"]]).ok()?.as_deref().and_then(draft::line);
        let (sum, reason) = deduction.unwrap_or((Money::zero(currency), None));
        deduction = Some((sum.plus(kept).ok()?, reason.or(words)));
    }
    (more.is_none() && number.chars().count() <= KEY_CHARS).then_some(Remitted { number, amount, deduction })
}
