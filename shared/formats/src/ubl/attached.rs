//! DIAN's container: the bill and the authority's answer to it, each as a text.

use super::{Bill, Buyer, CAC, CBC, namespace_of};
use crate::xml::{Document, Element};
use crate::{Finding, Place};

pub(super) fn parse(root: Element<'_>) -> Result<Bill, Finding> {
    namespace_of(root)?;
    let inner = root.only(CAC, "Attachment")?.map_or(Ok(None), |found| found.only(CAC, "ExternalReference"))?;
    let inner = inner.map_or(Ok(None), |found| found.only(CBC, "Description"))?;
    let Some(description) = inner else {
        return Err(root.finding("missing-member", "cac:Attachment/cac:ExternalReference/cbc:Description is missing"));
    };
    let text = description.text()?.trim();
    let outer = description.place();
    let nested = |finding: Finding| {
        let path = format!("{}{}", outer.path, finding.place.path);
        Finding {
            place: Place { line: outer.line.saturating_add(finding.place.line).saturating_sub(1), path },
            ..finding
        }
    };
    // A mark before the declaration would hide it.
    let document = Document::parse(text.trim_start_matches('\u{feff}')).map_err(nested)?;
    let root = document.root();
    if root.name() == "AttachedDocument" {
        return Err(nested(root.finding("unknown-format", "a container inside a container")));
    }
    let bill = super::parse(root).map_err(nested)?;
    let outside = |place: Place| nested(Finding::new("", place, "")).place;
    let buyer = Buyer { place: outside(bill.buyer.place), ..bill.buyer };
    Ok(Bill { place: outside(bill.place), buyer, ..bill })
}
