//! Which members a fact or an open item has, and what their values are.

use super::raw::Form;
use crate::layout::{self, LAYOUTS};
use crate::rows::{OPEN_ITEM, REQUIRED_OF_OPEN_ITEM};

pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) required: bool,
}

/// A fact as profiles know it.
pub(super) struct Kind {
    pub(super) fact_type: &'static str,
    /// The member that names the thing.
    pub(super) key: Option<&'static str>,
    pub(super) members: Vec<Member>,
}

/// Facts that no CSV layout has.
const WITHOUT_LAYOUT: [(&str, &str, &[&str]); 3] = [
    (
        "settlement.recorded",
        "settlement",
        &["settlement", "kind", "payer", "invoice", "amount", "currency", "value_date"],
    ),
    ("clearing.observed", "clearing", &["clearing", "payer", "invoice", "amount", "currency", "value_date"]),
    ("credit.observed", "credit", &["credit", "payer", "amount", "currency", "value_date"]),
];

pub(super) fn of_open_item() -> Vec<Member> {
    let members = OPEN_ITEM.into_iter().enumerate();
    members.map(|(at, name)| Member { name, form: of(name), required: at < REQUIRED_OF_OPEN_ITEM }).collect()
}

pub(super) fn of_fact(fact_type: &str) -> Option<Kind> {
    if let Some(layout) = LAYOUTS.iter().find(|layout| layout.fact == fact_type) {
        let member = |column: &layout::Column| Member {
            name: column.name,
            form: match column.form {
                layout::Form::Text => of(column.name),
                layout::Form::Flag => Form::Flag,
                layout::Form::Names => Form::List,
                layout::Form::Parts => Form::Parts,
            },
            required: column.required,
        };
        let members = layout.columns.iter().map(member).collect();
        return Some(Kind { fact_type: layout.fact, key: layout.key, members });
    }
    let (fact_type, key, names) = WITHOUT_LAYOUT.into_iter().find(|(name, ..)| *name == fact_type)?;
    let members = names.iter().map(|name| Member { name, form: of(name), required: true }).collect();
    Some(Kind { fact_type, key: Some(key), members })
}

pub(super) fn fact_types() -> impl Iterator<Item = &'static str> {
    LAYOUTS.iter().map(|layout| layout.fact).chain(WITHOUT_LAYOUT.into_iter().map(|(name, ..)| name))
}

fn of(name: &str) -> Form {
    match name {
        "amount" | "open_amount" | "expected_withholding" | "credit_limit" => Form::Amount,
        "covered_until" => Form::Instant,
        "until" => Form::Date,
        _ if name == "on" || name.ends_with("_date") || name.ends_with("_on") => Form::Date,
        _ => Form::Text,
    }
}
