//! The fields of a profile: what is said of a member, and what its header line must have for it.

use std::collections::BTreeMap;

use super::compile::Compiler;
use super::members::Member;
use super::plan::{Field, Form, From, Lookup, Piece, Ref, Sign, Terms};
use super::raw::{Names, RawField, RawLong};

/// What a field is for.
pub(super) struct Owner {
    pub(super) form: Form,
    pub(super) required: bool,
}

impl Owner {
    /// Of the envelope.
    pub(super) fn attribute(name: &str) -> Self {
        let form = if name == "time" { Form::Instant } else { Form::Text };
        Self { form, required: matches!(name, "id" | "time") }
    }

    const fn part(form: Form) -> Self {
        Self { form, required: false }
    }
}

impl Compiler {
    pub(super) fn data(
        &mut self,
        path: &str,
        raw: BTreeMap<String, RawField>,
        members: &[Member],
        of: &str,
    ) -> Vec<(String, Field)> {
        for member in members.iter().filter(|member| member.required && !raw.contains_key(member.name)) {
            self.note(path, &format!("{} is missing: {of} cannot do without it", member.name));
        }
        let mut data = Vec::new();
        for (name, field) in raw {
            let path = format!("{path}.{name}");
            let Some(member) = members.iter().find(|member| member.name == name) else {
                let known = members.iter().map(|member| member.name).collect::<Vec<_>>().join(", ");
                self.note(&path, &format!("{of} has no such member; it has {known}"));
                continue;
            };
            let field = self.field(&path, field, &Owner { form: member.form, required: member.required });
            data.push((name, field));
        }
        data
    }

    pub(super) fn field(&mut self, path: &str, raw: RawField, owner: &Owner) -> Field {
        let field = self.part(path, raw, owner);
        if field.required
            && let Some(any_of) = needed(&field)
        {
            self.need(any_of);
        }
        field
    }

    fn part(&mut self, path: &str, raw: RawField, owner: &Owner) -> Field {
        let raw = match raw {
            RawField::Short(text) if text.contains('{') => RawLong { template: Some(text), ..RawLong::default() },
            RawField::Short(text) => RawLong { column: Some(Names(vec![text])), ..RawLong::default() },
            RawField::Long(raw) => *raw,
        };
        let form = raw.form.unwrap_or(owner.form);
        if raw.otherwise.is_some() && raw.lookup.is_none() {
            self.note(&format!("{path}.otherwise"), "there is no lookup; for a column that is empty say default");
        }
        if raw.sign.is_some() && !matches!(form, Form::Amount | Form::DebeziumDecimal) {
            self.note(&format!("{path}.sign"), "only amounts have a sign");
        }
        if raw.scale.is_some() && form != Form::DebeziumDecimal {
            self.note(&format!("{path}.scale"), "only a debezium_decimal has a scale");
        }
        if raw.scale.is_some_and(|scale| scale > 28) {
            self.note(&format!("{path}.scale"), "at most 28 decimals are read");
        }
        if raw.terms.is_some() && !matches!(form, Form::Date | Form::DebeziumDate) {
            self.note(&format!("{path}.terms"), "days can be added to a date only");
        }
        let formats = raw.formats.map(|formats| formats.0).unwrap_or_default();
        if !formats.is_empty() && !matches!(form, Form::Date | Form::Instant) {
            self.note(&format!("{path}.formats"), "only dates and instants have formats");
        }
        self.formats(&format!("{path}.formats"), &formats);
        let terms = raw.terms.map(|terms| match terms.days {
            RawField::Short(days) if days.parse::<u16>().is_ok() => Terms::Days(days.parse().unwrap_or_default()),
            days => Terms::From(Box::new(self.part(&format!("{path}.terms.days"), days, &Owner::part(Form::Text)))),
        });
        let mut sources = Vec::new();
        for names in [raw.column, raw.path].into_iter().flatten() {
            sources.push(From::Column(self.reference(path, &names)));
        }
        sources.extend(raw.constant.map(From::Constant));
        if let Some(template) = raw.template {
            sources.push(From::Template(self.template(path, &template)));
        }
        if let Some(fields) = raw.first_of {
            if raw.trim_zeros || raw.lookup.is_some() || raw.sign.is_some() || terms.is_some() || !formats.is_empty() {
                self.note(path, "say how to read them with each of the fields of first_of");
            }
            if fields.is_empty() {
                self.note(&format!("{path}.first_of"), "at least one field is expected");
            }
            let part = |(at, raw)| self.part(&format!("{path}.first_of[{at}]"), raw, &Owner::part(form));
            sources.push(From::FirstOf(fields.into_iter().enumerate().map(part).collect()));
        }
        if sources.len() != 1 {
            self.note(path, "one of column, path, constant, template, first_of is expected");
        }
        Field {
            from: sources.pop().unwrap_or(From::Constant(String::new())),
            trim_zeros: raw.trim_zeros,
            lookup: raw.lookup.map(|entries| Lookup { entries, otherwise: raw.otherwise }),
            form,
            sign: raw.sign.unwrap_or(Sign::Keep),
            formats,
            scale: raw.scale,
            separator: raw.separator.filter(|text| !text.is_empty()).unwrap_or_else(|| ";".to_owned()),
            terms,
            required: raw.required || owner.required,
            default: raw.default,
        }
    }

    /// `{Company Code}-{Document Number}`; braces themselves are `{{` and `}}`.
    fn template(&mut self, path: &str, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if let Some((name, after)) = from.strip_prefix('{').and_then(|from| from.split_once('}')) {
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Column(self.reference(path, &Names(vec![name.trim().to_owned()]))));
                rest = after;
            } else {
                self.note(path, &format!("{text}: a brace is not closed, or not opened"));
                return pieces;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        pieces
    }
}

/// Without which of these references a field stays empty; none when it never does.
fn needed(field: &Field) -> Option<Vec<Vec<Ref>>> {
    if field.default.is_some() {
        return None;
    }
    match &field.from {
        From::Constant(_) => None,
        From::Column(column) => Some(vec![vec![*column]]),
        From::Template(pieces) => {
            let columns: Vec<Ref> = pieces
                .iter()
                .filter_map(|piece| if let Piece::Column(column) = piece { Some(*column) } else { None })
                .collect();
            Some(columns).filter(|columns| !columns.is_empty()).map(|columns| vec![columns])
        }
        From::FirstOf(fields) => {
            let all: Option<Vec<Vec<Vec<Ref>>>> = fields.iter().map(needed).collect();
            all.map(|all| all.into_iter().flatten().collect())
        }
    }
}
