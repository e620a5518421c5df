//! Mexico's CFDI 4.0: everything stands in attributes, whatever the prefixes are.
//!
//! An invoice is known by two numbers: the seller's `Serie` and `Folio`, and the fiscal UUID of its stamp. Payments and
//! credit notes name the UUID, so it is the draft's id whichever number the facts go by ([`crate::InvoiceNumber`]).

mod facts;
mod payments;
mod terms;

pub use facts::drafts;
pub use payments::{Payment, Settled};
pub use terms::days as terms_days;

use chrono::NaiveDate;
use primitives::{Currency, Money};
use rust_decimal::Decimal;

use crate::draft::{self, shown};
use crate::xml::Element;
use crate::{Finding, Place};

const CFDI: &str = "http://www.sat.gob.mx/cfd/4";
const STAMP: &str = "http://www.sat.gob.mx/TimbreFiscalDigital";
const LOCAL_TAXES: &str = "http://www.sat.gob.mx/implocal";

/// `TipoDeComprobante`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Income,
    Credit,
    Payment,
    Transfer,
    Payroll,
}

/// `MetodoPago`: paid at once, or by instalments that payments will tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Pue,
    Ppd,
}

#[derive(Debug, Clone)]
pub struct Comprobante {
    pub place: Place,
    pub kind: Kind,
    /// In capitals; `None` before the document is stamped.
    pub uuid: Option<String>,
    pub series: Option<String>,
    pub folio: Option<String>,
    pub issue_date: NaiveDate,
    /// Local, where it was issued.
    pub issue_time: Option<String>,
    /// `None` for a payment, whose own total is nothing.
    pub total: Option<Money>,
    pub method: Option<Method>,
    /// `CondicionesDePago`.
    pub terms: Option<String>,
    pub issuer: Option<String>,
    pub receiver: Receiver,
    pub relations: Vec<Relation>,
    pub payments: Vec<Result<Payment, Finding>>,
}

#[derive(Debug, Clone)]
pub struct Receiver {
    pub place: Place,
    pub rfc: String,
    pub name: Option<String>,
    /// `NumRegIdTrib`: what a foreigner is known by at home.
    pub foreign_id: Option<String>,
}

/// `CfdiRelacionados`: 01 credit note, 03 return, 04 replacement, 07 advance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub kind: String,
    pub uuids: Vec<String>,
}

/// Reads a `Comprobante` of version 4.0.
pub fn parse(root: Element<'_>) -> Result<Comprobante, Finding> {
    if root.namespace() == "http://www.sat.gob.mx/cfd/3" {
        return Err(root.finding("unknown-format", "CFDI 3.3, which ended in 2023, is not read"));
    }
    if root.namespace() != CFDI {
        return Err(root.finding("xml-namespace", format!("Comprobante is expected in the namespace {CFDI}")));
    }
    if attribute(root, "Version")? != "4.0" {
        return Err(root.finding("unknown-format", "version 4.0 is expected"));
    }
    let kind = match attribute(root, "TipoDeComprobante")? {
        "I" => Kind::Income,
        "E" => Kind::Credit,
        "P" => Kind::Payment,
        "T" => Kind::Transfer,
        "N" => Kind::Payroll,
        other => return Err(root.finding("unknown-value", format!("TipoDeComprobante {} is not known", shown(other)))),
    };
    let issued = attribute(root, "Fecha")?;
    let total = if matches!(kind, Kind::Income | Kind::Credit) {
        let currency = draft::currency(attribute(root, "Moneda")?, &root.place())?;
        let total = draft::money(attribute(root, "Total")?, currency, &root.place())?;
        check_totals(root, total.amount(), currency)?;
        Some(total)
    } else {
        None
    };
    Ok(Comprobante {
        place: root.place(),
        kind,
        uuid: stamp(root)?,
        series: optional(root, "Serie"),
        folio: optional(root, "Folio"),
        issue_date: draft::date(issued, &root.place())?,
        issue_time: issued.split_once('T').map(|(_, time)| time.to_owned()),
        total,
        method: match root.attribute("MetodoPago") {
            Some("PUE") => Some(Method::Pue),
            Some("PPD") => Some(Method::Ppd),
            _ => None,
        },
        terms: optional(root, "CondicionesDePago"),
        issuer: root.only(CFDI, "Emisor")?.and_then(|issuer| optional(issuer, "Rfc")),
        receiver: receiver(root)?,
        relations: relations(root)?,
        payments: payments::parse(root)?,
    })
}

/// All complements of a document.
fn complements<'d>(root: Element<'d>, namespace: &str, name: &str) -> Result<Vec<Element<'d>>, Finding> {
    let mut found = Vec::new();
    for complement in root.all(CFDI, "Complemento")? {
        found.extend(complement.children().filter(|child| child.is(namespace, name)));
    }
    Ok(found)
}

fn stamp(root: Element<'_>) -> Result<Option<String>, Finding> {
    let stamps = complements(root, STAMP, "TimbreFiscalDigital")?;
    match stamps.as_slice() {
        [] => Ok(None),
        [stamp] => {
            let uuid = attribute(*stamp, "UUID")?;
            if is_uuid(uuid) {
                return Ok(Some(uuid.to_ascii_uppercase()));
            }
            Err(stamp.finding("uuid-format", format!("{} is no UUID", shown(uuid))))
        }
        [_, second, ..] => Err(second.finding("duplicate-member", "a document is stamped once")),
    }
}

fn receiver(root: Element<'_>) -> Result<Receiver, Finding> {
    let receiver = root.only(CFDI, "Receptor")?;
    let receiver = receiver.ok_or_else(|| root.finding("missing-member", "Receptor is missing"))?;
    Ok(Receiver {
        place: receiver.place(),
        rfc: draft::key(attribute(receiver, "Rfc")?.trim(), &receiver.place())?,
        name: receiver.attribute("Nombre").and_then(draft::line),
        foreign_id: optional(receiver, "NumRegIdTrib"),
    })
}

fn relations(root: Element<'_>) -> Result<Vec<Relation>, Finding> {
    let mut relations = Vec::new();
    for group in root.all(CFDI, "CfdiRelacionados")? {
        let mut uuids = Vec::new();
        for related in group.all(CFDI, "CfdiRelacionado")? {
            uuids.push(document_id(attribute(related, "UUID")?, &related.place())?);
        }
        relations.push(Relation { kind: attribute(group, "TipoRelacion")?.to_owned(), uuids });
    }
    Ok(relations)
}

/// `Total` is the concepts without discounts, with taxes passed on and without those withheld, local ones as well.
fn check_totals(root: Element<'_>, total: Decimal, currency: Currency) -> Result<(), Finding> {
    let mut concepts = Vec::new();
    for list in root.all(CFDI, "Conceptos")? {
        concepts.extend(list.all(CFDI, "Concepto")?);
    }
    let mut sum = Decimal::ZERO;
    for concept in &concepts {
        sum += number(*concept, "Importe")?.unwrap_or_default();
    }
    let subtotal = number(root, "SubTotal")?.ok_or_else(|| root.finding("missing-member", "SubTotal is missing"))?;
    let mut due = subtotal - number(root, "Descuento")?.unwrap_or_default();
    if let Some(taxes) = root.only(CFDI, "Impuestos")? {
        due += number(taxes, "TotalImpuestosTrasladados")?.unwrap_or_default();
        due -= number(taxes, "TotalImpuestosRetenidos")?.unwrap_or_default();
    }
    for taxes in complements(root, LOCAL_TAXES, "ImpuestosLocales")? {
        due += number(taxes, "TotaldeTraslados")?.unwrap_or_default();
        due -= number(taxes, "TotaldeRetenciones")?.unwrap_or_default();
    }
    // Each concept may have six decimals: half a minor unit of rounding for each.
    let terms = i64::try_from(concepts.len()).unwrap_or(i64::MAX).max(2);
    let tolerance = Decimal::new(5, currency.scale() + 1) * Decimal::from(terms);
    for (rule, said, sum) in
        [("SubTotal is the sum of the concepts", subtotal, sum), ("Total is what is left to pay", total, due)]
    {
        if (said - sum).abs() > tolerance {
            return Err(root.finding("totals", format!("{rule}: {said} is said, the parts make {sum}")));
        }
    }
    Ok(())
}

fn number(element: Element<'_>, name: &str) -> Result<Option<Decimal>, Finding> {
    element.attribute(name).map(|text| draft::decimal(text, &element.place())).transpose()
}

fn attribute<'d>(element: Element<'d>, name: &str) -> Result<&'d str, Finding> {
    element.attribute(name).ok_or_else(|| element.finding("missing-member", format!("the attribute {name} is missing")))
}

fn optional(element: Element<'_>, name: &str) -> Option<String> {
    element.attribute(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// UUIDs are the same in small and in capital letters, and facts are compared by the byte.
fn document_id(text: &str, place: &Place) -> Result<String, Finding> {
    let text = text.trim();
    if is_uuid(text) { Ok(text.to_ascii_uppercase()) } else { draft::key(text, place) }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
