//! What ERPs and banks send as files, read as facts of Puntual. Bytes in, drafts out: no I/O, no clock, no float.
//!
//! | File | Facts |
//! | --- | --- |
//! | UBL 2.1 `Invoice`, `DebitNote` (Peppol, EN 16931, DIAN) | `customer.upserted`, `invoice.issued`, `debit_note.issued` |
//! | UBL 2.1 `CreditNote`, or an `Invoice` of type 381 or over less than nothing | `customer.upserted`, `credit_note.issued` |
//! | DIAN `AttachedDocument` | those of the document inside |
//! | CFDI 4.0 of type I | `customer.upserted`, `invoice.issued` |
//! | CFDI 4.0 of type E | `customer.upserted`, `credit_note.issued` |
//! | CFDI 4.0 of type P with pagos 2.0 | a `payment.received` for each `Pago` |
//! | CSV in one of the [`layout`]s | the layout's fact |
//! | CSV of open items ([`rows`]) | none yet: a list is compared with the ledger first |
//! | any CSV, XLSX or JSON ([`profile`]) | what its profile says |
//! | camt.052, .053 and .054, MT940 and MT942 | `payment.received` without a payer, `payment.reversed` |
//!
//! A bank knows no customers: its payments carry `clues` (account, name, references, text) in place of `payer`, and the
//! application of cash finds out. Debits that return nothing, and whatever is not booked yet, are counted and left out.
//!
//! A document that cannot be read is a [`Finding`]; an entry of a statement that cannot be used is one beside the drafts
//! of the others. What a document tells twice must agree ([`ubl`], [`cfdi`]); a statement whose balances do not is read
//! with a warning, since its entries were booked all the same.

pub mod camt;
pub mod cfdi;
mod draft;
pub mod layout;
pub mod mt940;
pub mod profile;
pub mod rows;
pub mod statement;
pub mod table;
pub mod ubl;
pub mod xml;

use chrono_tz::Tz;
use serde_json::{Map, Value};

/// Where in a file something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: u64,
    /// Elements from the root, as written (`/Invoice/cac:InvoiceLine[2]/cbc:ID`), or the tag of a field (`:61:`).
    pub path: String,
}

impl Place {
    pub(crate) fn start() -> Self {
        Self { line: 1, path: String::new() }
    }
}

/// Why a file or a record is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable, for programs.
    pub code: &'static str,
    pub place: Place,
    /// For people.
    pub detail: String,
}

impl Finding {
    pub(crate) fn new(code: &'static str, place: Place, detail: impl Into<String>) -> Self {
        Self { code, place, detail: detail.into() }
    }
}

/// A fact that a file tells. Its source the caller knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub place: Place,
    pub fact_type: &'static str,
    /// The same for the same document, however often it comes.
    pub id: String,
    /// RFC 3339 instant.
    pub time: String,
    pub source_version: Option<String>,
    pub data: Map<String, Value>,
}

impl Draft {
    /// The fact in its envelope (D1). `legal_entity` is the code of whose document it is, the tenant's first when absent.
    pub fn envelope(&self, source: &str, legal_entity: Option<&str>) -> Value {
        let mut fact = Map::new();
        let mut say = |name: &str, value: &str| drop(fact.insert(name.to_owned(), Value::from(value)));
        say("id", &self.id);
        say("source", source);
        say("type", self.fact_type);
        say("time", &self.time);
        if let Some(version) = &self.source_version {
            say("source_version", version);
        }
        if let Some(entity) = legal_entity {
            say("legal_entity", entity);
        }
        fact.insert("data".to_owned(), Value::Object(self.data.clone()));
        Value::Object(fact)
    }
}

/// Which of an invoice's two numbers its facts go by, where a CFDI has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InvoiceNumber {
    /// `Serie-Folio`, the fiscal UUID where a document has none. Payments and credit notes name the UUID all the same.
    #[default]
    Series,
    /// Always the fiscal UUID.
    Fiscal,
}

/// What a file leaves open.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Days from issue to due date, for invoices that tell neither a due date nor terms.
    pub terms_days: Option<u32>,
    /// Of documents that tell local dates only.
    pub time_zone: Tz,
    pub invoice_number: InvoiceNumber,
}

impl Default for Options {
    fn default() -> Self {
        Self { terms_days: None, time_zone: Tz::UTC, invoice_number: InvoiceNumber::Series }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Ubl,
    Cfdi,
    Camt,
    Mt940,
}

/// What a file said.
#[derive(Debug, Clone)]
pub struct Reading {
    pub format: Format,
    pub drafts: Vec<Result<Draft, Finding>>,
    /// What does not keep anything from being read: balances that do not add up, a statement that stands twice, an invoice that is
    /// a credit note.
    pub warnings: Vec<Finding>,
    /// Entries of statements that are neither payments nor reversals, or are not booked.
    pub skipped: u64,
}

/// Reads a file of whichever format it is.
pub fn read(bytes: &[u8], options: &Options) -> Result<Reading, Finding> {
    let document = |format, drafts: Vec<Draft>| Reading {
        format,
        drafts: drafts.into_iter().map(Ok).collect(),
        warnings: Vec::new(),
        skipped: 0,
    };
    if !looks_like_xml(bytes) {
        let text = mt940::decode(bytes)?;
        return Ok(statement::reading(Format::Mt940, &mt940::parse(&text)?, options));
    }
    let text = xml::decode(bytes)?;
    let tree = xml::Document::parse(&text)?;
    let root = tree.root();
    match (root.name(), root.namespace()) {
        ("Invoice" | "CreditNote" | "DebitNote" | "AttachedDocument", _) => {
            let bill = ubl::parse(root)?;
            Ok(Reading { warnings: bill.warnings(), ..document(Format::Ubl, ubl::drafts(&bill, options)?) })
        }
        ("Comprobante", _) => {
            let comprobante = cfdi::parse(root)?;
            Ok(Reading { drafts: cfdi::drafts(&comprobante, options)?, ..document(Format::Cfdi, Vec::new()) })
        }
        ("Document", _) => Ok(statement::reading(Format::Camt, &camt::parse(root)?, options)),
        (name, namespace) => {
            Err(root.finding("unknown-format", format!("{name} in the namespace \"{namespace}\" is not read")))
        }
    }
}

/// Every XML document starts with `<`, after a byte order mark and blanks; no MT940 does.
fn looks_like_xml(bytes: &[u8]) -> bool {
    let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'<' | 0 | 0xfe | 0xff))
}
