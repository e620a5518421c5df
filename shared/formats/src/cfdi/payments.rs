//! The complement of payments 2.0: which payment settled how much of which document.

use chrono::NaiveDate;
use primitives::{Currency, Money};
use rust_decimal::Decimal;

use super::{attribute, complements, document_id, number, optional};
use crate::xml::Element;
use crate::{Finding, Place, draft};

const PAGOS: &str = "http://www.sat.gob.mx/Pagos20";
/// As many as ingestion takes in one remittance.
const MAX_DOCUMENTS: usize = 1_000;

/// One `Pago`.
#[derive(Debug, Clone)]
pub struct Payment {
    pub place: Place,
    /// Among those of its document, from 1.
    pub ordinal: usize,
    pub date: NaiveDate,
    pub amount: Money,
    /// `NumOperacion`.
    pub operation: Option<String>,
    pub settled: Vec<Settled>,
}

/// One `DoctoRelacionado`.
#[derive(Debug, Clone)]
pub struct Settled {
    /// UUID of the invoice, in capitals.
    pub document: String,
    pub series: Option<String>,
    pub folio: Option<String>,
    pub instalment: Option<String>,
    /// In the currency of the payment.
    pub amount: Money,
    /// In the currency of the document.
    pub paid: Money,
}

pub(super) fn parse(root: Element<'_>) -> Result<Vec<Result<Payment, Finding>>, Finding> {
    let mut payments = Vec::new();
    for list in complements(root, PAGOS, "Pagos")? {
        for pago in list.all(PAGOS, "Pago")? {
            payments.push(payment(pago, payments.len() + 1));
        }
    }
    Ok(payments)
}

fn payment(pago: Element<'_>, ordinal: usize) -> Result<Payment, Finding> {
    let place = pago.place();
    let currency = draft::currency(attribute(pago, "MonedaP")?, &place)?;
    let amount = draft::money(attribute(pago, "Monto")?, currency, &place)?;
    if amount.is_negative() || amount.is_zero() {
        return Err(pago.finding("amount-sign", format!("a payment of {amount}")));
    }
    let documents = pago.all(PAGOS, "DoctoRelacionado")?;
    if documents.len() > MAX_DOCUMENTS {
        return Err(pago.finding("too-many-items", format!("a payment settles at most {MAX_DOCUMENTS} documents")));
    }
    let mut settled = Vec::with_capacity(documents.len());
    let mut sum = Decimal::ZERO;
    for document in documents {
        let part = settlement(document, currency)?;
        sum += part.amount.amount();
        settled.push(part);
    }
    if sum > amount.amount() {
        return Err(pago.finding("totals", format!("{sum} are settled with a payment of {amount}")));
    }
    Ok(Payment {
        date: draft::date(attribute(pago, "FechaPago")?, &place)?,
        place,
        ordinal,
        amount,
        operation: optional(pago, "NumOperacion"),
        settled,
    })
}

fn settlement(document: Element<'_>, currency: Currency) -> Result<Settled, Finding> {
    let place = document.place();
    let other = draft::currency(attribute(document, "MonedaDR")?, &place)?;
    let paid = draft::money(attribute(document, "ImpPagado")?, other, &place)?;
    if paid.is_negative() || paid.is_zero() {
        return Err(document.finding("amount-sign", format!("{paid} are paid")));
    }
    Ok(Settled {
        document: document_id(attribute(document, "IdDocumento")?, &place)?,
        series: optional(document, "Serie"),
        folio: optional(document, "Folio"),
        instalment: optional(document, "NumParcialidad"),
        amount: if other == currency { paid } else { converted(document, paid, currency)? },
        paid,
    })
}

/// `EquivalenciaDR` units of the document's currency are one of the payment's. Only what divides without a rest is
/// taken over: nobody here decides who bears the cent.
fn converted(document: Element<'_>, paid: Money, currency: Currency) -> Result<Money, Finding> {
    let refuse = |detail| document.finding("currency-conversion", detail);
    let rate = number(document, "EquivalenciaDR")?.filter(|rate| rate.is_sign_positive() && !rate.is_zero());
    let rate = rate.ok_or_else(|| refuse("EquivalenciaDR is missing between two currencies".to_owned()))?;
    let quotient = paid.amount().checked_div(rate).map(|quotient| quotient.round_dp(currency.scale()));
    let exact = quotient.filter(|quotient| quotient.checked_mul(rate) == Some(paid.amount()));
    let exact = exact
        .ok_or_else(|| refuse(format!("{paid} {} at {rate} make no exact amount in {currency}", paid.currency())))?;
    draft::rounded(exact, currency, &document.place())
}
