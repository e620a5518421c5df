//! Whose a document is that names its buyer by nothing but a tax number: the customer who has this number in its file.
//!
//! The seller's own code is what facts go by; a UBL document often has none. Where one customer, and no other, has the number,
//! the document is its own, and tells nothing of its master data, which whoever keeps the file knows better. A customer that
//! goes by the number itself, because a document came before any file, stays who it is: the same document again is the same facts.

use std::collections::BTreeMap;

use formats::{Draft, Finding};
use runtime::{Caller, Door, Problem};
use serde_json::{Value, json};

use crate::store;

type Drafts = Vec<Result<Draft, Finding>>;

/// Puts the seller's code for the number, where it is known.
pub(super) async fn recognise(door: &Door, caller: &Caller, drafts: &mut Drafts) -> Result<(), Problem> {
    let told: Vec<(String, Vec<String>)> = drafts.iter().flatten().filter_map(number_alone).collect();
    if told.is_empty() {
        return Ok(());
    }
    let mut tx = door.begin(caller.tenant_id).await?;
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (number, forms) in told {
        let codes = store::parties::codes_of_tax_ids(&mut tx, caller.tenant_id, &forms).await?;
        if let ([code], false) = (codes.as_slice(), codes.contains(&number)) {
            known.insert(number, code.clone());
        }
    }
    tx.rollback().await?;
    drafts.retain(|draft| !draft.as_ref().is_ok_and(|draft| is_of(draft, &known) && is_file(draft)));
    for draft in drafts.iter_mut().flatten() {
        let code = customer(draft).and_then(|number| known.get(number)).cloned();
        if let Some(code) = code {
            draft.data.insert("customer".to_owned(), json!(code));
        }
    }
    Ok(())
}

fn customer(draft: &Draft) -> Option<&str> {
    draft.data.get("customer").and_then(Value::as_str)
}

fn is_of(draft: &Draft, known: &BTreeMap<String, String>) -> bool {
    customer(draft).is_some_and(|number| known.contains_key(number))
}

fn is_file(draft: &Draft) -> bool {
    draft.fact_type == "customer.upserted"
}

/// The number of a customer who goes by its tax number, and the forms in which its file may have it: with the letters of its
/// country, as VAT numbers have them, and without.
fn number_alone(draft: &Draft) -> Option<(String, Vec<String>)> {
    let number = customer(draft).filter(|_| is_file(draft))?;
    draft.data.get("tax_id").and_then(Value::as_str).filter(|tax_id| *tax_id == number)?;
    let mut forms = vec![number.to_owned()];
    let country = draft.data.get("country").and_then(Value::as_str);
    let is_country = |letters: &str| {
        country.map_or_else(|| letters.bytes().all(|byte| byte.is_ascii_uppercase()), |country| country == letters)
    };
    match (number.split_at_checked(2), country) {
        (Some((letters, rest)), _) if is_country(letters) => forms.push(rest.to_owned()),
        (_, Some(country)) => forms.push(format!("{country}{number}")),
        _ => {}
    }
    Some((number.to_owned(), forms))
}
