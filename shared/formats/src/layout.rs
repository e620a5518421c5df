//! The CSV layouts: one fixed set of columns per fact, recognised by the header line.

use serde_json::{Map, Value, json};

/// How a cell becomes a member of the fact's `data`. What a value *means* is checked by ingestion, so that a file and
/// any other door refuse the same things with the same words; here only the form of lists is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it stands: text, dates, amounts.
    Text,
    /// `true` or `false`.
    Flag,
    /// Names separated by semicolons: `F-1;F-2`.
    Names,
    /// Invoices with optional amounts: `F-1:100.00;F-2`.
    Parts,
}

#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    pub form: Form,
    /// The column must be there; its cells may be empty all the same, for ingestion to say what is missing.
    pub required: bool,
}

#[derive(Debug)]
pub struct Layout {
    pub fact: &'static str,
    /// What the fact says.
    pub columns: &'static [Column],
    /// The column whose value names the thing: part of the default `fact_id`. `None` for facts without one.
    pub key: Option<&'static str>,
}

/// Columns of every layout, before the fact's own. Of these only `time` must be there.
pub const ENVELOPE: [&str; 3] = ["fact_id", "time", "legal_entity"];

const fn needs(name: &'static str) -> Column {
    Column { name, form: Form::Text, required: true }
}

const fn may(name: &'static str) -> Column {
    Column { name, form: Form::Text, required: false }
}

const fn may_as(name: &'static str, form: Form) -> Column {
    Column { name, form, required: false }
}

pub static LAYOUTS: [Layout; 24] = [
    Layout {
        fact: "customer.upserted",
        key: Some("customer"),
        columns: &[
            needs("customer"),
            needs("name"),
            may("party_kind"),
            may("country"),
            may("time_zone"),
            may("language"),
            may("tier"),
            may("payer"),
            may("group"),
            may("credit_limit"),
            may("credit_limit_currency"),
            may("rating"),
            may("tax_id"),
            may("preferred_channel"),
            may_as("requires_submission", Form::Flag),
        ],
    },
    Layout {
        fact: "contact.upserted",
        key: Some("contact"),
        columns: &[
            needs("contact"),
            needs("customer"),
            needs("name"),
            needs("email"),
            may("role"),
            may("language"),
            may_as("active", Form::Flag),
        ],
    },
    Layout {
        fact: "invoice.issued",
        key: Some("invoice"),
        columns: &[
            needs("invoice"),
            needs("customer"),
            may("payer"),
            needs("amount"),
            needs("currency"),
            needs("issue_date"),
            needs("due_date"),
            may("delivered_date"),
            may("effective_due_date"),
            may("expected_withholding"),
            may("last_dunned_on"),
            may_as("references", Form::Names),
        ],
    },
    Layout {
        fact: "debit_note.issued",
        key: Some("debit_note"),
        columns: &[
            needs("debit_note"),
            may("invoice"),
            needs("customer"),
            may("payer"),
            needs("amount"),
            needs("currency"),
            needs("issue_date"),
            needs("due_date"),
            may("delivered_date"),
            may("effective_due_date"),
            may("expected_withholding"),
            may("last_dunned_on"),
        ],
    },
    Layout {
        fact: "invoice.voided",
        key: Some("invoice"),
        columns: &[needs("invoice"), needs("voided_on"), needs("reason"), may("note")],
    },
    Layout {
        fact: "invoice.delivered",
        key: Some("invoice"),
        columns: &[needs("invoice"), needs("delivered_on"), may("channel"), may("note")],
    },
    Layout {
        fact: "invoice.submitted",
        key: Some("invoice"),
        columns: &[needs("invoice"), needs("submitted_on"), may("portal"), may("note")],
    },
    Layout {
        fact: "instrument.received",
        key: Some("instrument"),
        columns: &[
            needs("instrument"),
            needs("kind"),
            needs("payer"),
            needs("amount"),
            needs("currency"),
            needs("received_on"),
            needs("matures_on"),
            may_as("invoices", Form::Parts),
        ],
    },
    Layout {
        fact: "instrument.changed",
        key: Some("instrument"),
        columns: &[needs("instrument"), needs("state"), needs("on")],
    },
    Layout {
        fact: "payment.received",
        key: Some("payment"),
        columns: &[
            needs("payment"),
            needs("payer"),
            needs("amount"),
            needs("currency"),
            needs("value_date"),
            may("received_date"),
            may("bank_reference"),
            may_as("remittance", Form::Parts),
        ],
    },
    Layout {
        fact: "credit_note.issued",
        key: Some("credit_note"),
        columns: &[
            needs("credit_note"),
            needs("customer"),
            may("payer"),
            needs("amount"),
            needs("currency"),
            needs("issue_date"),
            may_as("invoices", Form::Parts),
        ],
    },
    Layout {
        fact: "withholding.expected",
        key: Some("invoice"),
        columns: &[needs("invoice"), needs("amount"), needs("currency"), may("regime")],
    },
    Layout {
        fact: "withholding.recorded",
        key: Some("withholding"),
        columns: &[
            needs("withholding"),
            needs("payer"),
            needs("invoice"),
            needs("amount"),
            needs("currency"),
            needs("value_date"),
            may("certificate"),
        ],
    },
    Layout {
        fact: "dispute.opened",
        key: Some("dispute"),
        columns: &[needs("dispute"), needs("invoice"), needs("reason"), may("amount"), needs("opened_on")],
    },
    Layout {
        fact: "dispute.resolved",
        key: Some("dispute"),
        columns: &[needs("dispute"), needs("resolved_on"), may("outcome")],
    },
    Layout {
        fact: "promise.made",
        key: Some("promise"),
        columns: &[
            needs("promise"),
            needs("customer"),
            Column { name: "invoices", form: Form::Names, required: true },
            needs("amount"),
            needs("currency"),
            needs("promised_date"),
            needs("made_on"),
            may("channel"),
            may("replaces"),
            may("time_zone"),
        ],
    },
    Layout { fact: "promise.withdrawn", key: Some("promise"), columns: &[needs("promise"), needs("withdrawn_on")] },
    Layout { fact: "plan.withdrawn", key: Some("plan"), columns: &[needs("plan"), needs("withdrawn_on")] },
    Layout {
        fact: "hold.placed",
        key: Some("hold"),
        columns: &[
            needs("hold"),
            needs("customer"),
            may_as("invoices", Form::Names),
            needs("kind"),
            may("reason"),
            needs("placed_on"),
            may("until"),
        ],
    },
    Layout { fact: "hold.lifted", key: Some("hold"), columns: &[needs("hold"), needs("lifted_on")] },
    Layout {
        fact: "issue.raised",
        key: Some("issue"),
        columns: &[
            needs("issue"),
            needs("customer"),
            may_as("invoices", Form::Names),
            needs("reason"),
            may("description"),
            needs("raised_on"),
            may("owner"),
            may("raised_by"),
        ],
    },
    Layout {
        fact: "issue.resolved",
        key: Some("issue"),
        columns: &[needs("issue"), needs("resolved_on"), may("outcome"), may("dispute")],
    },
    Layout {
        fact: "fx_rate.published",
        key: None,
        columns: &[needs("rates"), needs("base"), needs("quote"), needs("rate"), needs("rate_date"), may("through")],
    },
    Layout { fact: "source.covered", key: None, columns: &[needs("covered_until")] },
];

/// The columns of a layout in the order in which `puntual feed --layouts` shows them.
pub fn header(layout: &Layout) -> impl Iterator<Item = &'static str> {
    ENVELOPE.into_iter().chain(layout.columns.iter().map(|column| column.name))
}

fn required(layout: &Layout) -> impl Iterator<Item = &'static str> {
    ["time"].into_iter().chain(layout.columns.iter().filter(|column| column.required).map(|column| column.name))
}

#[cfg(test)]
fn of_fact(fact: &str) -> Option<&'static Layout> {
    LAYOUTS.iter().find(|layout| layout.fact == fact)
}

/// A header that fits no layout.
#[derive(Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The fact whose layout comes nearest.
    pub nearest: &'static str,
    pub missing: Vec<String>,
    pub unknown: Vec<String>,
    pub twice: Vec<String>,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the header fits no layout; nearest is {}", self.nearest)?;
        for (what, names) in
            [("missing column", &self.missing), ("unknown column", &self.unknown), ("column twice", &self.twice)]
        {
            if !names.is_empty() {
                write!(f, "; {what}: {}", names.join(", "))?;
            }
        }
        Ok(())
    }
}

/// The layout of a header line: all columns that it requires, in any order, and no unknown ones.
pub fn recognise(names: &[String]) -> Result<&'static Layout, Unfit> {
    let misfit = |layout: &'static Layout| {
        let missing: Vec<String> =
            required(layout).filter(|column| !names.iter().any(|name| name == column)).map(str::to_owned).collect();
        let unknown: Vec<String> =
            names.iter().filter(|name| !header(layout).any(|column| column == name.as_str())).cloned().collect();
        let twice = names
            .iter()
            .enumerate()
            .filter(|(position, name)| names.iter().take(*position).any(|earlier| &earlier == name))
            .map(|(_, name)| name.clone())
            .collect();
        Unfit { nearest: layout.fact, missing, unknown, twice }
    };
    let nearest = LAYOUTS
        .iter()
        .map(|layout| (layout, misfit(layout)))
        .min_by_key(|(_, unfit)| (unfit.unknown.len(), unfit.missing.len()));
    match nearest {
        Some((layout, unfit)) if unfit.missing.is_empty() && unfit.unknown.is_empty() && unfit.twice.is_empty() => {
            Ok(layout)
        }
        Some((_, unfit)) => Err(unfit),
        None => Err(Unfit { nearest: "none", missing: vec![], unknown: names.to_vec(), twice: vec![] }),
    }
}

/// The envelope of one row (D1). `names` and `cells` belong together; `names` has passed [`recognise`].
pub fn fact(layout: &Layout, source: &str, names: &[String], cells: &[String]) -> Value {
    let cell = |name: &str| {
        names
            .iter()
            .position(|column| column == name)
            .and_then(|position| cells.get(position))
            .map_or("", String::as_str)
    };
    let mut data = Map::new();
    for column in layout.columns {
        let text = cell(column.name);
        if !text.is_empty() {
            data.insert(column.name.to_owned(), member(column.form, text));
        }
    }
    let given = |name: &str| Some(cell(name)).filter(|text| !text.is_empty()).map(str::to_owned);
    let id = given("fact_id").unwrap_or_else(|| default_id(layout.fact, layout.key.map(cell), cell("time")));
    let attributes =
        Attributes { id: Some(id), time: given("time"), legal_entity: given("legal_entity"), source_version: None };
    envelope(layout.fact, source, attributes, data)
}

/// Attributes of a fact; what is absent is missed by ingestion.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) id: Option<String>,
    pub(crate) time: Option<String>,
    pub(crate) legal_entity: Option<String>,
    pub(crate) source_version: Option<String>,
}

pub(crate) fn envelope(fact: &str, source: &str, attributes: Attributes, data: Map<String, Value>) -> Value {
    let mut envelope = Map::new();
    let Attributes { id, time, legal_entity, source_version } = attributes;
    let told = [("id", id), ("time", time), ("legal_entity", legal_entity), ("source_version", source_version)];
    envelope.extend(told.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text?)))));
    envelope.insert("source".to_owned(), json!(source));
    envelope.insert("type".to_owned(), json!(fact));
    envelope.insert("data".to_owned(), Value::Object(data));
    Value::Object(envelope)
}

/// `<type>:<key>:<time>`: the same row gives the same id, a later change of the same thing gives another.
pub(crate) fn default_id(fact: &str, key: Option<&str>, time: &str) -> String {
    key.map_or_else(|| format!("{fact}:{time}"), |key| format!("{fact}:{key}:{time}"))
}

fn member(form: Form, text: &str) -> Value {
    match form {
        Form::Text => json!(text),
        Form::Flag => match text {
            "true" => json!(true),
            "false" => json!(false),
            other => json!(other),
        },
        Form::Names => json!(text.split(';').map(str::trim).collect::<Vec<_>>()),
        Form::Parts => json!(text.split(';').map(|text| part(text.trim())).collect::<Vec<_>>()),
    }
}

/// `F-1:100.00` has an amount, `F-1` and `F-1:` have none (so a number with a colon in it is written `A:1:`).
pub(crate) fn part(text: &str) -> Value {
    match text.rsplit_once(':') {
        None | Some((_, "")) => json!({ "invoice": text.strip_suffix(':').unwrap_or(text) }),
        Some((invoice, amount)) => json!({ "invoice": invoice, "amount": amount }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(layout: &Layout) -> Vec<String> {
        header(layout).map(str::to_owned).collect()
    }

    #[test]
    fn every_layout_is_recognised_by_its_own_header_in_any_order() {
        for layout in &LAYOUTS {
            let mut header = names(layout);
            assert_eq!(recognise(&header).unwrap().fact, layout.fact);
            header.reverse();
            assert_eq!(recognise(&header).unwrap().fact, layout.fact);
        }
    }

    #[test]
    fn a_header_that_fits_none_names_what_is_missing_unknown_and_twice() {
        let mut header = names(of_fact("invoice.issued").unwrap());
        header.retain(|name| name != "due_date");
        header.push("colour".to_owned());
        header.push("amount".to_owned());
        let unfit = recognise(&header).unwrap_err();
        assert_eq!(
            unfit.to_string(),
            "the header fits no layout; nearest is invoice.issued; missing column: due_date; unknown column: colour; \
             column twice: amount"
        );
    }

    #[test]
    fn a_row_becomes_an_envelope_without_its_empty_cells() {
        let layout = of_fact("payment.received").unwrap();
        let header = names(layout);
        let cells: Vec<String> = header
            .iter()
            .map(|name| match name.as_str() {
                "time" => "2026-01-05T15:00:00Z",
                "legal_entity" => "CO",
                "payment" => "P-9",
                "payer" => "C-1",
                "amount" => "150.00",
                "currency" => "COP",
                "value_date" => "2026-01-05",
                "remittance" => "F-1:100.00;F-2;A:1:",
                _ => "",
            })
            .map(str::to_owned)
            .collect();
        assert_eq!(
            fact(layout, "bank", &header, &cells),
            json!({
                "id": "payment.received:P-9:2026-01-05T15:00:00Z",
                "source": "bank",
                "type": "payment.received",
                "time": "2026-01-05T15:00:00Z",
                "legal_entity": "CO",
                "data": {
                    "payment": "P-9", "payer": "C-1", "amount": "150.00", "currency": "COP", "value_date": "2026-01-05",
                    "remittance": [{"invoice": "F-1", "amount": "100.00"}, {"invoice": "F-2"}, {"invoice": "A:1"}],
                }
            })
        );
    }
}
