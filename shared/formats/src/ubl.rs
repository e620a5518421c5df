//! UBL 2.1 invoices, credit notes and debit notes: Peppol BIS Billing and EN 16931, and Colombia's DIAN. What a profile
//! adds in extensions is not looked at.
//!
//! The amount of a receivable is `PayableAmount` (BT-115), not `TaxInclusiveAmount`: what was paid in advance must not be
//! chased, and what was rounded off is not owed. Without either the two are the same.
//!
//! An invoice over less than nothing (BT-3 is 380, the total is negative, as some ERPs write corrections) is read as the credit note
//! that it is, and the reading says so.

mod attached;
mod facts;
mod totals;

pub use facts::drafts;
pub use totals::Totals;

use chrono::NaiveDate;
use primitives::{Currency, Money};

use crate::draft::{self, shown};
use crate::xml::Element;
use crate::{Finding, Place};

const CAC: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2";
const CBC: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";
/// UNTDID 1001 codes by which an `Invoice` says that it is a credit note.
const CREDIT_CODES: [&str; 5] = ["81", "83", "381", "396", "532"];
/// What the DIAN calls *consumidor final*: everybody who gave no number.
const FINAL_CONSUMER: &str = "222222222222";

/// What the DIAN calls *contado*: due when it is issued.
const CASH: &str = "1";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Invoice,
    CreditNote,
    DebitNote,
}

/// Whose rules a document follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    En16931,
    Dian,
    Other,
}

/// An invoice, credit note or debit note.
#[derive(Debug, Clone)]
pub struct Bill {
    pub place: Place,
    pub kind: Kind,
    pub profile: Profile,
    pub number: String,
    /// The CUFE or CUDE of a DIAN document.
    pub uuid: Option<String>,
    pub type_code: Option<String>,
    pub issue_date: NaiveDate,
    pub issue_time: Option<String>,
    pub due_date: Option<NaiveDate>,
    pub currency: Currency,
    /// As the buyer is written, which is enough to tell two sellers apart.
    pub seller: Option<String>,
    pub buyer: Buyer,
    pub totals: Totals,
    pub payable: Money,
    /// Numbers of the invoices that this one corrects.
    pub references: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Buyer {
    pub place: Place,
    pub code: Option<String>,
    /// For the tax authority, VAT first: by it the seller may know the buyer under a number of its own.
    pub tax_id: Option<String>,
    pub name: Option<String>,
    pub country: Option<String>,
    pub natural_person: bool,
}

impl Bill {
    /// An invoice by which the seller owes.
    pub(crate) fn is_credit_in_disguise(&self) -> bool {
        matches!(self.kind, Kind::Invoice) && self.payable.is_negative()
    }

    /// What is read otherwise than it is written.
    #[must_use]
    pub fn warnings(&self) -> Vec<Finding> {
        if !self.is_credit_in_disguise() {
            return Vec::new();
        }
        let detail = format!("the invoice is over {}: it is read as a credit note", self.payable);
        vec![Finding::new("negative-invoice", self.place.clone(), detail)]
    }
}

/// Reads an `Invoice`, `CreditNote`, `DebitNote`, or the one inside an `AttachedDocument`.
pub fn parse(root: Element<'_>) -> Result<Bill, Finding> {
    let (kind, line, total) = match root.name() {
        "Invoice" => (Kind::Invoice, "InvoiceLine", "LegalMonetaryTotal"),
        "CreditNote" => (Kind::CreditNote, "CreditNoteLine", "LegalMonetaryTotal"),
        "DebitNote" => (Kind::DebitNote, "DebitNoteLine", "RequestedMonetaryTotal"),
        "AttachedDocument" => return attached::parse(root),
        other => return Err(root.finding("unknown-format", format!("{other} is no UBL document that is read"))),
    };
    namespace_of(root)?;
    let profile = profile(root)?;
    let currency_at = required(root, "DocumentCurrencyCode")?;
    let currency = draft::currency(value(currency_at)?, &currency_at.place())?;
    let type_code = first_text(root, &["InvoiceTypeCode", "CreditNoteTypeCode"])?;
    let credit = kind == Kind::Invoice && type_code.as_deref().is_some_and(|code| CREDIT_CODES.contains(&code));
    let total = cac(root, total)?.ok_or_else(|| missing(root, total))?;
    let payable_at = required(total, "PayableAmount")?;
    let payable = draft::money(amount_text(payable_at, currency)?, currency, &payable_at.place())?;
    let number_at = required(root, "ID")?;
    let issued_at = required(root, "IssueDate")?;
    let issue_date = draft::date(value(issued_at)?, &issued_at.place())?;
    let cash = profile == Profile::Dian && below(root, "PaymentMeans", "ID")?.as_deref() == Some(CASH);
    let totals = Totals::parse(root, total, line, currency)?;
    totals.check(profile, payable.amount(), &total.place())?;
    Ok(Bill {
        place: root.place(),
        kind: if credit { Kind::CreditNote } else { kind },
        profile,
        number: draft::key(value(number_at)?, &number_at.place())?,
        uuid: text(root, "UUID")?,
        type_code,
        issue_date,
        issue_time: text(root, "IssueTime")?,
        due_date: due_date(root)?.or_else(|| cash.then_some(issue_date)),
        currency,
        seller: match party_of(root, "AccountingSupplierParty")? {
            Some((_, party)) => party_code(party)?,
            None => None,
        },
        buyer: buyer(root, profile)?,
        totals,
        payable,
        references: references(root)?,
    })
}

fn namespace_of(root: Element<'_>) -> Result<(), Finding> {
    let expected = format!("urn:oasis:names:specification:ubl:schema:xsd:{}-2", root.name());
    if root.namespace() == expected {
        return Ok(());
    }
    Err(root.finding("xml-namespace", format!("{} is expected in the namespace {expected}", root.name())))
}

fn profile(root: Element<'_>) -> Result<Profile, Finding> {
    let said = |name| Ok::<_, Finding>(text(root, name)?.unwrap_or_default());
    let (profile, customization) = (said("ProfileID")?, said("CustomizationID")?);
    Ok(if profile.starts_with("DIAN") || customization.starts_with("DIAN") {
        Profile::Dian
    } else if customization.contains("en16931") {
        Profile::En16931
    } else {
        Profile::Other
    })
}

/// The document's own, else the latest that a way of payment tells: nobody is chased before the last of them.
fn due_date(root: Element<'_>) -> Result<Option<NaiveDate>, Finding> {
    if let Some(due) = cbc(root, "DueDate")?.filter(|due| due.token().is_ok_and(|text| text.is_some())) {
        return Ok(Some(draft::date(value(due)?, &due.place())?));
    }
    let mut latest = None;
    for name in ["PaymentMeans", "PaymentTerms"] {
        for means in root.all(CAC, name)? {
            for due in means.all(CBC, "PaymentDueDate")? {
                if let Some(told) = due.token()? {
                    latest = latest.max(Some(draft::date(told, &due.place())?));
                }
            }
        }
    }
    Ok(latest)
}

/// Of the invoices that are corrected; by what the DIAN calls the discrepancy where nothing else names them.
fn references(root: Element<'_>) -> Result<Vec<String>, Finding> {
    let mut numbers = Vec::new();
    for reference in root.all(CAC, "BillingReference")? {
        for document in reference.all(CAC, "InvoiceDocumentReference")? {
            if let Some(number) = cbc(document, "ID")? {
                numbers.push(draft::key(value(number)?, &number.place())?);
            }
        }
    }
    if numbers.is_empty() {
        for response in root.all(CAC, "DiscrepancyResponse")? {
            if let Some(number) = text(response, "ReferenceID")? {
                numbers.push(draft::key(&number, &response.place())?);
            }
        }
    }
    numbers.sort();
    numbers.dedup();
    Ok(numbers)
}

fn party_of<'d>(root: Element<'d>, name: &str) -> Result<Option<(Element<'d>, Element<'d>)>, Finding> {
    let Some(role) = cac(root, name)? else { return Ok(None) };
    Ok(cac(role, "Party")?.map(|party| (role, party)))
}

fn buyer(root: Element<'_>, profile: Profile) -> Result<Buyer, Finding> {
    let role = "AccountingCustomerParty";
    let (role, party) = party_of(root, role)?.ok_or_else(|| missing(root, role))?;
    let person = first(party, "Person")?;
    let full_name = match person {
        Some(person) => {
            let names = [text(person, "FirstName")?, text(person, "FamilyName")?];
            Some(names.into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
        None => None,
    };
    let name = below(party, "PartyLegalEntity", "RegistrationName")?
        .or(below(party, "PartyName", "Name")?)
        .or(below(party, "PartyTaxScheme", "RegistrationName")?)
        .or(full_name);
    let is_somebody = |code: &String| profile != Profile::Dian || code != FINAL_CONSUMER;
    let own_number = text(role, "SupplierAssignedAccountID")?;
    let code = own_number.or(party_code(party)?).filter(is_somebody);
    let tax_id = below(party, "PartyTaxScheme", "CompanyID")?.or(below(party, "PartyLegalEntity", "CompanyID")?);
    // 1 is a company, 2 a natural person.
    let additional = first_of(role.all(CBC, "AdditionalAccountID")?)?;
    Ok(Buyer {
        place: party.place(),
        code,
        tax_id: tax_id.filter(is_somebody),
        name: name.as_deref().and_then(draft::line),
        country: country(party)?,
        natural_person: profile == Profile::Dian && additional.as_deref() == Some("2"),
    })
}

/// What a party is known by: the seller's own number for it first, its tax number, its registration, its address in the network.
fn party_code(party: Element<'_>) -> Result<Option<String>, Finding> {
    Ok(below(party, "PartyIdentification", "ID")?
        .or(below(party, "PartyTaxScheme", "CompanyID")?)
        .or(below(party, "PartyLegalEntity", "CompanyID")?)
        .or(text(party, "EndpointID")?))
}

fn country(party: Element<'_>) -> Result<Option<String>, Finding> {
    let physical = match first(party, "PhysicalLocation")? {
        Some(location) => first(location, "Address")?,
        None => None,
    };
    for address in [first(party, "PostalAddress")?, physical].into_iter().flatten() {
        let code = below(address, "Country", "IdentificationCode")?;
        if let Some(code) = code.filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())) {
            return Ok(Some(code));
        }
    }
    Ok(None)
}

fn cac<'d>(element: Element<'d>, name: &str) -> Result<Option<Element<'d>>, Finding> {
    element.only(CAC, name)
}

fn cbc<'d>(element: Element<'d>, name: &str) -> Result<Option<Element<'d>>, Finding> {
    element.only(CBC, name)
}

/// The first of several that the standard allows.
fn first<'d>(element: Element<'d>, name: &str) -> Result<Option<Element<'d>>, Finding> {
    Ok(element.all(CAC, name)?.into_iter().next())
}

fn text(element: Element<'_>, name: &str) -> Result<Option<String>, Finding> {
    cbc(element, name)?.map_or(Ok(None), |found| Ok(found.token()?.map(str::to_owned)))
}

fn first_text(element: Element<'_>, names: &[&str]) -> Result<Option<String>, Finding> {
    for name in names {
        if let Some(found) = text(element, name)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The first text of that name below any child of that other name.
fn below(element: Element<'_>, parent: &str, name: &str) -> Result<Option<String>, Finding> {
    for parent in element.all(CAC, parent)? {
        if let Some(found) = first_of(parent.all(CBC, name)?)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn first_of(elements: Vec<Element<'_>>) -> Result<Option<String>, Finding> {
    for element in elements {
        if let Some(text) = element.token()? {
            return Ok(Some(text.to_owned()));
        }
    }
    Ok(None)
}

fn missing(element: Element<'_>, name: &str) -> Finding {
    element.finding("missing-member", format!("{name} is missing"))
}

fn required<'d>(element: Element<'d>, name: &str) -> Result<Element<'d>, Finding> {
    cbc(element, name)?.ok_or_else(|| missing(element, name))
}

fn value(element: Element<'_>) -> Result<&str, Finding> {
    element.token()?.ok_or_else(|| element.finding("text-empty", "a value is expected"))
}

/// An amount in the document's currency, which its attribute must not contradict.
fn amount_text(element: Element<'_>, currency: Currency) -> Result<&str, Finding> {
    if let Some(other) = element.attribute("currencyID").filter(|other| *other != currency.code()) {
        let detail = format!("{} in a document in {currency}", shown(other));
        return Err(element.finding("currency-mismatch", detail));
    }
    element.text()
}
