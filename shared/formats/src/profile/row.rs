//! One row of a file as its fields see it.

use std::borrow::Cow;

use serde_json::Value;

use super::plan::{Plan, Ref, Reference, Step};
use super::value::{Kind, of_float};

/// Of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) kind: Kind,
}

impl Cell {
    pub(super) const fn text(text: String) -> Self {
        Self { text, kind: Kind::Text }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    /// For every reference the position of its column.
    Cells {
        columns: &'a [Option<usize>],
        cells: &'a [Cell],
    },
    Value(&'a Value),
}

/// What stands where a reference points.
pub(super) enum Seen<'a> {
    Nothing,
    Text(Cow<'a, str>, Kind),
    /// A list or an object.
    Inner(&'a Value),
}

impl<'a> Row<'a> {
    pub(super) fn see(self, reference: Ref, plan: &Plan) -> Seen<'a> {
        match self {
            Self::Cells { columns, cells } => {
                let cell = columns.get(reference).copied().flatten().and_then(|column| cells.get(column));
                cell.map_or(Seen::Nothing, |cell| trimmed(Cow::Borrowed(&cell.text), cell.kind))
            }
            Self::Value(value) => {
                let paths = plan.references.get(reference).map(|reference| reference.paths.as_slice());
                let found = paths.unwrap_or_default().iter().filter_map(|path| follow(value, path));
                found.into_iter().find(|value| !value.is_null()).map_or(Seen::Nothing, of_value)
            }
        }
    }

    /// Without lists and objects.
    pub(super) fn text(self, reference: Ref, plan: &Plan) -> Cow<'a, str> {
        match self.see(reference, plan) {
            Seen::Text(text, _) => text,
            Seen::Nothing | Seen::Inner(_) => Cow::Borrowed(""),
        }
    }

    /// From 1.
    pub(super) fn cell(self, reference: Ref) -> Option<usize> {
        match self {
            Self::Cells { columns, .. } => columns.get(reference).copied().flatten().map(|column| column + 1),
            Self::Value(_) => None,
        }
    }
}

fn trimmed(text: Cow<'_, str>, kind: Kind) -> Seen<'_> {
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    if text.is_empty() { Seen::Nothing } else { Seen::Text(text, kind) }
}

fn of_value(value: &Value) -> Seen<'_> {
    match value {
        Value::Null => Seen::Nothing,
        Value::Bool(flag) => Seen::Text(Cow::Borrowed(if *flag { "true" } else { "false" }), Kind::Text),
        Value::String(text) => trimmed(Cow::Borrowed(text), Kind::Text),
        Value::Number(number) => {
            let float = if number.is_f64() { number.as_f64() } else { None };
            // The digits that were sent, where a float can keep them; the other forms would write a thousand zeros.
            let is_plain = |float: f64| (1e-9..1e17).contains(&float.abs()) || float.abs() < f64::MIN_POSITIVE;
            let written = |float: f64| if is_plain(float) { float.to_string() } else { of_float(float) };
            Seen::Text(Cow::Owned(float.map_or_else(|| number.to_string(), written)), Kind::Number)
        }
        Value::Array(_) | Value::Object(_) => Seen::Inner(value),
    }
}

pub(super) fn follow<'a>(value: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Member(name) => value.get(name),
        Step::Index(index) => value.get(index),
    })
}

/// What a header line has of a plan.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) columns: Vec<Option<usize>>,
    /// Needed and not there, in words.
    pub(super) missing: Vec<String>,
    /// Found twice, so that nobody knows which is meant.
    pub(super) twice: Vec<String>,
    /// Nothing uses them.
    pub(super) unused: Vec<String>,
}

impl Header {
    pub(super) fn of(plan: &Plan, names: &[Cell]) -> Self {
        let names: Vec<(String, &str)> =
            names.iter().map(|cell| (super::plan::folded(&cell.text), cell.text.trim())).collect();
        let mut header = Self::default();
        for reference in &plan.references {
            let found = reference.folded.iter().find_map(|wanted| names.iter().position(|(name, _)| name == wanted));
            if let Some((name, shown)) = found.and_then(|at| names.get(at))
                && names.iter().filter(|(other, _)| other == name).count() > 1
                && !header.twice.iter().any(|twice| twice == shown)
            {
                header.twice.push((*shown).to_owned());
            }
            header.columns.push(found);
        }
        let used = |at: usize| header.columns.contains(&Some(at));
        header.unused = names
            .iter()
            .enumerate()
            .filter(|(at, (name, _))| !name.is_empty() && !used(*at))
            .map(|(_, (_, shown))| (*shown).to_owned())
            .collect();
        let is_there = |reference: &Ref| header.columns.get(*reference).copied().flatten().is_some();
        let shown = |reference: &Ref| plan.references.get(*reference).map(Reference::shown).unwrap_or_default();
        for need in &plan.needs {
            if need.any_of.iter().any(|all| all.iter().all(is_there)) {
                continue;
            }
            let wanted = need.any_of.iter().map(|all| {
                all.iter().filter(|reference| !is_there(reference)).map(shown).collect::<Vec<_>>().join(" and ")
            });
            let wanted = wanted.collect::<Vec<_>>().join(", or ");
            if !header.missing.contains(&wanted) {
                header.missing.push(wanted);
            }
        }
        header
    }
}
