//! From a profile as it is written to one that can be followed, or all that is wrong with it.

use chrono_tz::Tz;
use encoding_rs::{UTF_8, WINDOWS_1252};

use super::Wrong;
use super::fields::Owner;
use super::members;
use super::plan::{
    Condition, Fact, Format, HeaderLine, Input, Need, Negative, Numbers, Plan, Reading, Ref, Reference, Rule, Step,
    Test, To, Trailer, Unknown, folded,
};
use super::raw::{Names, Quotes, RawCondition, RawFormat, RawInput, RawNumbers, RawProfile, RawRule, RawTrailer};
use super::value;
use crate::table::Dialect;

/// Rules of one profile; more is a program.
const MAX_RULES: usize = 100;

/// What is collected on the way.
pub(super) struct Compiler {
    pub(super) wrong: Vec<Wrong>,
    pub(super) references: Vec<Reference>,
    pub(super) needs: Vec<Need>,
    aliases: Vec<(String, Names)>,
    is_json: bool,
}

pub(super) fn compile(raw: RawProfile) -> Result<Plan, Vec<Wrong>> {
    let mut compiler = Compiler {
        wrong: Vec::new(),
        references: Vec::new(),
        needs: Vec::new(),
        aliases: raw.columns.into_iter().collect(),
        is_json: raw.input.format == RawFormat::Json,
    };
    if raw.name.trim().is_empty() {
        compiler.note("name", "a profile has a name");
    }
    for (alias, names) in compiler.aliases.clone() {
        if names.0.iter().all(|name| name.trim().is_empty()) {
            compiler.note(&format!("columns.{alias}"), "at least one name of the column is expected");
        }
    }
    let numbers = compiler.numbers(raw.numbers);
    let dates = raw.dates.map_or_else(|| vec!["%Y-%m-%d".to_owned()], |names| names.0);
    compiler.formats("dates", &dates);
    let time_zone = raw.time_zone.as_deref().unwrap_or("UTC").parse::<Tz>().unwrap_or_else(|_| {
        compiler.note("time_zone", "the name of an IANA time zone is expected, like America/Bogota");
        Tz::UTC
    });
    let input = compiler.input(raw.input);
    if raw.rules.is_empty() || raw.rules.len() > MAX_RULES {
        compiler.note("rules", &format!("from 1 to {MAX_RULES} rules are expected"));
    }
    let rules: Vec<Rule> = raw
        .rules
        .into_iter()
        .enumerate()
        .filter_map(|(at, rule)| compiler.rule(&format!("rules[{at}]"), rule))
        .collect();
    let has = |wanted: fn(&To) -> bool| rules.iter().any(|rule| wanted(&rule.to));
    if has(|to| matches!(to, To::OpenItem { .. })) && has(|to| matches!(to, To::Fact(_))) {
        compiler.note("rules", "a file is a list of open items or tells facts, not both: make two profiles");
    }
    if compiler.wrong.is_empty() {
        let Compiler { references, needs, .. } = compiler;
        let reading = Reading { numbers, dates, time_zone };
        return Ok(Plan { name: raw.name, about: raw.about, input, references, reading, rules, needs });
    }
    Err(compiler.wrong)
}

impl Compiler {
    pub(super) fn note(&mut self, path: &str, detail: &str) {
        self.wrong.push(Wrong { line: None, column: None, path: path.to_owned(), detail: detail.to_owned() });
    }

    /// What a header line must have one of.
    pub(super) fn need(&mut self, any_of: Vec<Vec<Ref>>) {
        let need = Need { any_of };
        if !self.needs.contains(&need) {
            self.needs.push(need);
        }
    }

    /// The number of a column or path; an alias stands for its names.
    pub(super) fn reference(&mut self, path: &str, names: &Names) -> Ref {
        let mut all: Vec<String> = Vec::new();
        for name in &names.0 {
            match self.aliases.iter().find(|(alias, _)| alias == name) {
                Some((_, names)) => all.extend(names.0.iter().cloned()),
                None => all.push(name.clone()),
            }
        }
        if all.is_empty() || all.iter().any(|name| name.trim().is_empty()) {
            self.note(path, "the name of a column is expected");
        }
        let mut paths = Vec::new();
        if self.is_json {
            for name in &all {
                paths.push(self.steps(path, name));
            }
        }
        let folded = all.iter().map(|name| folded(name)).collect();
        let reference = Reference { names: all, folded, paths };
        self.references.iter().position(|known| *known == reference).unwrap_or_else(|| {
            self.references.push(reference);
            self.references.len() - 1
        })
    }

    /// `payload.after.lines[0].id`
    fn steps(&mut self, path: &str, text: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
            if name.is_empty() && rest.is_empty() {
                self.note(path, &format!("{text} is no path: names and dots are expected, like a.b[0].c"));
            }
            if !name.is_empty() {
                steps.push(Step::Member(name.to_owned()));
            }
            while let Some((index, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                match index.parse() {
                    Ok(index) => steps.push(Step::Index(index)),
                    Err(_) => self.note(path, &format!("[{index}] is no position in a list; the first is [0]")),
                }
                rest = after;
            }
            if !rest.is_empty() {
                self.note(path, &format!("{text} is no path: {rest} is left over"));
            }
        }
        steps
    }

    pub(super) fn formats(&mut self, path: &str, formats: &[String]) {
        for format in formats {
            if let Err(detail) = value::check_format(format) {
                self.note(path, &format!("{format}: {detail}"));
            }
        }
    }

    fn numbers(&mut self, raw: RawNumbers) -> Numbers {
        let decimal = self.sign_of(raw.decimal.as_deref().unwrap_or("."), "numbers.decimal", &['.', ',']);
        let group = match raw.group.as_deref() {
            None | Some("") => None,
            Some(" " | "blank") => Some(' '),
            Some(text) => Some(self.sign_of(text, "numbers.group", &['.', ',', '\'', '’', '_'])),
        };
        if group == Some(decimal) {
            self.note("numbers.group", "the decimal sign cannot separate groups as well");
        }
        let negative = raw.negative.unwrap_or_else(|| vec![Negative::Leading]);
        if raw
            .ignore
            .iter()
            .any(|text| text.is_empty() || text.chars().any(|c| c.is_ascii_digit() || "+-.,()".contains(c)))
        {
            self.note("numbers.ignore", "only texts without digits and signs can be ignored, like $ or COP");
        }
        Numbers { decimal, group, negative, ignore: raw.ignore }
    }

    fn sign_of(&mut self, text: &str, path: &str, known: &[char]) -> char {
        known.iter().copied().find(|known| text.chars().eq([*known])).unwrap_or_else(|| {
            self.note(
                path,
                &format!("one of {} is expected", known.iter().map(char::to_string).collect::<Vec<_>>().join(" ")),
            );
            '.'
        })
    }

    fn input(&mut self, raw: RawInput) -> Input {
        let format = match raw.format {
            RawFormat::Csv => {
                let delimiter = match raw.delimiter.as_deref() {
                    None | Some(",") => b',',
                    Some(";") => b';',
                    Some("|") => b'|',
                    Some("tab" | "\t") => b'\t',
                    Some(_) => {
                        self.note("input.delimiter", "one of , ; | tab is expected");
                        b','
                    }
                };
                let encoding = match raw.encoding.as_deref().map(str::to_ascii_lowercase).as_deref() {
                    None | Some("utf-8" | "utf8") => UTF_8,
                    // Who says the one means the other; what differs are control characters, which nobody sends.
                    Some("windows-1252" | "iso-8859-1") => WINDOWS_1252,
                    Some(_) => {
                        self.note("input.encoding", "one of utf-8, windows-1252, iso-8859-1 is expected");
                        UTF_8
                    }
                };
                Format::Csv(Dialect { delimiter, encoding, has_quotes: raw.quotes != Some(Quotes::None) })
            }
            RawFormat::Xlsx => Format::Xlsx { sheet: raw.sheet.clone() },
            RawFormat::Json => {
                Format::Json { values: raw.values.as_deref().map(|values| self.steps("input.values", values)) }
            }
        };
        let misplaced = [
            ("delimiter", raw.delimiter.is_some(), raw.format == RawFormat::Csv),
            ("encoding", raw.encoding.is_some(), raw.format == RawFormat::Csv),
            ("quotes", raw.quotes.is_some(), raw.format == RawFormat::Csv),
            ("sheet", raw.sheet.is_some(), raw.format == RawFormat::Xlsx),
            ("values", raw.values.is_some(), raw.format == RawFormat::Json),
            ("header_line", raw.header_line.is_some(), raw.format != RawFormat::Json),
            ("trailer", raw.trailer.is_some(), raw.format != RawFormat::Json),
            ("unknown_columns", raw.unknown_columns == Unknown::Refuse, raw.format != RawFormat::Json),
        ];
        for (name, is_said, fits) in misplaced {
            if is_said && !fits {
                self.note(&format!("input.{name}"), "this format has no such thing");
            }
        }
        let header = match raw.header_line.as_deref().map(str::trim) {
            None | Some("first") => HeaderLine::First,
            Some("find") => HeaderLine::Find,
            Some(number) => match number.parse() {
                Ok(line) if line > 0 => HeaderLine::At(line),
                _ => {
                    self.note("input.header_line", "first, find or the number of a line is expected");
                    HeaderLine::First
                }
            },
        };
        let skip = self.conditions("input.skip", raw.skip);
        let trailer = raw.trailer.map(|trailer| self.trailer(trailer));
        let (unknown_columns, short_rows) = (raw.unknown_columns, raw.short_rows);
        Input { format, header, skip, trailer, unknown_columns, short_rows }
    }

    fn trailer(&mut self, raw: RawTrailer) -> Trailer {
        if raw.when.is_empty() {
            self.note("input.trailer.when", "say by which columns the total line is known");
        }
        if raw.count.is_none() && raw.sum.is_none() {
            self.note("input.trailer", "count or sum is expected: the column that holds it");
        }
        let when = self.conditions("input.trailer.when", raw.when);
        let mut column = |name: &str, names: Option<Names>| {
            let column = names.map(|names| self.reference(&format!("input.trailer.{name}"), &names));
            column.inspect(|column| self.need(vec![vec![*column]]))
        };
        Trailer {
            when,
            count: column("count", raw.count),
            sum: column("sum", raw.sum),
            currency: column("currency", raw.currency),
        }
    }

    fn conditions(&mut self, path: &str, raw: Vec<RawCondition>) -> Vec<Condition> {
        raw.into_iter().enumerate().filter_map(|(at, raw)| self.condition(&format!("{path}[{at}]"), raw)).collect()
    }

    fn condition(&mut self, path: &str, raw: RawCondition) -> Option<Condition> {
        let column = self.reference(&format!("{path}.column"), &raw.column);
        if !raw.optional {
            self.need(vec![vec![column]]);
        }
        let mut not = raw.not;
        let mut tests = Vec::new();
        tests.extend(raw.equals.map(|text| Test::OneOf(vec![text])));
        tests.extend(raw.one_of.map(Test::OneOf));
        tests.extend(raw.starts_with.map(Test::StartsWith));
        tests.extend(raw.contains.map(Test::Contains));
        tests.extend(raw.amount.map(Test::Amount));
        if let Some(is_empty) = raw.empty {
            not ^= !is_empty;
            tests.push(Test::Empty);
        }
        if tests.len() > 1 {
            self.note(path, "one test is expected; make two conditions of two tests");
        }
        let Some(test) = tests.pop() else {
            self.note(path, "a test is expected: equals, one_of, starts_with, contains, empty or amount");
            return None;
        };
        Some(Condition { column, test, not })
    }

    fn rule(&mut self, path: &str, raw: RawRule) -> Option<Rule> {
        let when = self.conditions(&format!("{path}.when"), raw.when);
        let envelope = [
            ("id", raw.id),
            ("time", raw.time),
            ("source_version", raw.source_version),
            ("legal_entity", raw.legal_entity),
        ];
        if raw.to != "nothing" && raw.why.is_some() {
            self.note(&format!("{path}.why"), "only rows that become nothing need a reason");
        }
        let to = match raw.to.as_str() {
            "nothing" => {
                if !raw.data.is_empty() || envelope.iter().any(|(_, field)| field.is_some()) {
                    self.note(path, "a row that becomes nothing has no members");
                }
                To::Nothing(raw.why.unwrap_or_else(|| {
                    self.note(&format!("{path}.why"), "say why such rows are left out");
                    String::new()
                }))
            }
            "open_item" => {
                for (name, field) in envelope {
                    if field.is_some() {
                        self.note(&format!("{path}.{name}"), "open items have no envelope: only data is expected");
                    }
                }
                let data = self.data(&format!("{path}.data"), raw.data, &members::of_open_item(), "an open item");
                To::OpenItem { data }
            }
            fact_type => {
                let Some(kind) = members::of_fact(fact_type) else {
                    let known = members::fact_types().collect::<Vec<_>>().join(", ");
                    let detail = format!("{fact_type} is not known; one of open_item, nothing, {known} is expected");
                    self.note(&format!("{path}.to"), &detail);
                    return None;
                };
                let data = self.data(&format!("{path}.data"), raw.data, &kind.members, kind.fact_type);
                let [id, time, source_version, legal_entity] = envelope.map(|(name, raw)| {
                    raw.map(|raw| self.field(&format!("{path}.{name}"), raw, &Owner::attribute(name)))
                });
                let Some(time) = time else {
                    self.note(path, "time is missing: when the fact happened or was written down");
                    return None;
                };
                let (kind, key) = (kind.fact_type, kind.key);
                To::Fact(Box::new(Fact { kind, key, id, time, source_version, legal_entity, data }))
            }
        };
        Some(Rule { when, to })
    }
}
