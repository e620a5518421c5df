//! A file of facts: CSV in one of the layouts or NDJSON, read line by line, or a document that is read as a whole.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use formats::profile::Profile;
use formats::rows::{Rows, Shape};
use formats::table::{Broken, Dialect};

/// A line longer than this is not a fact: ingestion would refuse it anyway, and memory stays bounded.
const LONGEST_LINE_BYTES: usize = 1 << 20;

/// What files that can be read are called.
pub(crate) const READABLE: [&str; 8] = ["csv", "ndjson", "jsonl", "xml", "sta", "mt940", "940", "942"];
/// Of what is read as a whole.
const LARGEST_DOCUMENT_BYTES: usize = 64 << 20;

/// A fact ready for the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FactLine {
    /// Where it stands in its file, from 1.
    pub(crate) line: u64,
    pub(crate) json: String,
}

/// Something wrong at one place of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) file: PathBuf,
    pub(crate) line: u64,
    /// The column, or the JSON pointer of the member, when one is to blame.
    pub(crate) field: Option<String>,
    pub(crate) reason: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: ", self.file.display(), self.line)?;
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// One line of the file that is not blank.
#[derive(Debug)]
pub(crate) enum Item {
    Fact(FactLine),
    Unreadable(Problem),
}

enum Form {
    Csv(Rows<BufReader<File>>),
    Ndjson {
        reader: BufReader<File>,
        line: u64,
        bytes_read: u64,
    },
    /// What is left of a document.
    Document {
        items: std::vec::IntoIter<Item>,
        bytes_read: u64,
    },
}

/// What a file does not say itself.
#[derive(Clone, Default)]
pub(crate) struct Origin {
    /// Code of the source; lines of NDJSON carry their own.
    pub(crate) source: Option<String>,
    /// Code; the tenant's first one when absent.
    pub(crate) legal_entity: Option<String>,
    pub(crate) options: formats::Options,
    /// Reads the files, whatever they are.
    pub(crate) profile: Option<Profile>,
}

impl Origin {
    pub(crate) fn of(source: &str) -> Self {
        Self { source: Some(source.to_owned()), ..Self::default() }
    }

    fn source(&self, path: &Path) -> anyhow::Result<&str> {
        self.source.as_deref().with_context(|| format!("{}: such a file needs --source CODE", path.display()))
    }
}

pub(crate) struct FactFile {
    path: PathBuf,
    form: Form,
}

impl FactFile {
    /// Opens a file and recognises its layout.
    pub(crate) fn open(path: &Path, origin: &Origin) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let reader = BufReader::new(file);
        if let Some(profile) = &origin.profile {
            let source = origin.source(path)?.to_owned();
            let shape = Shape::Profile { profile: profile.clone(), source };
            if profile.has_totals() {
                // What the file says of itself stands at its end: it must hold before anything is sent.
                agrees(path, &shape)?;
            }
            return Ok(Self { path: path.to_owned(), form: Form::Csv(opened(path, reader, &shape)?) });
        }
        let form = match path.extension().and_then(|extension| extension.to_str()) {
            Some("ndjson" | "jsonl") => Form::Ndjson { reader, line: 0, bytes_read: 0 },
            Some("csv") => {
                let shape = Shape::Facts { source: origin.source(path)?.to_owned() };
                Form::Csv(opened(path, reader, &shape)?)
            }
            Some("xml" | "sta" | "mt940" | "940" | "942") => document(path, reader, origin)?,
            _ => bail!("{}: none of .csv, .ndjson, .xml, .sta, .mt940", path.display()),
        };
        Ok(Self { path: path.to_owned(), form })
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        match &self.form {
            Form::Csv(rows) => rows.bytes_read(),
            Form::Ndjson { bytes_read, .. } | Form::Document { bytes_read, .. } => *bytes_read,
        }
    }

    /// The next line that is not blank; `None` at the end.
    pub(crate) fn next_item(&mut self) -> anyhow::Result<Option<Item>> {
        let Self { path, form } = self;
        let cannot_read = || format!("cannot read {}", path.display());
        match form {
            Form::Document { items, .. } => Ok(items.next()),
            Form::Ndjson { reader, line, bytes_read } => {
                let read = next_line(reader, line, bytes_read).with_context(cannot_read)?;
                Ok(read.map(|text| match text {
                    Ok(json) => Item::Fact(FactLine { line: *line, json }),
                    Err(reason) => Item::Unreadable(Problem {
                        file: path.clone(),
                        line: *line,
                        field: None,
                        reason: reason.to_owned(),
                    }),
                }))
            }
            Form::Csv(rows) => {
                let row = rows.row().with_context(cannot_read)?;
                Ok(row.map(|row| match row {
                    Ok(row) => Item::Fact(FactLine { line: row.line, json: row.json.to_string() }),
                    Err(broken) => Item::Unreadable(problem(path, rows, &broken)),
                }))
            }
        }
    }
}

fn opened(path: &Path, reader: BufReader<File>, shape: &Shape) -> anyhow::Result<Rows<BufReader<File>>> {
    let opened = Rows::open(reader, Dialect::default(), shape);
    let opened = opened.with_context(|| format!("cannot read {}", path.display()))?;
    opened.map_err(|broken| anyhow::anyhow!("{}:{}: {}", path.display(), broken.line, broken.detail))
}

/// Reads a file to its end for what makes all of it unreadable, and for its totals.
fn agrees(path: &Path, shape: &Shape) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut rows = opened(path, BufReader::new(file), shape)?;
    while let Some(row) = rows.row().with_context(|| format!("cannot read {}", path.display()))? {
        if let Err(broken) = row
            && broken.is_fatal
        {
            bail!("{}:{}: {}", path.display(), broken.line, broken.detail);
        }
    }
    Ok(())
}

/// An invoice, a credit note, a statement of an account: what is wrong with one of its facts does not keep the others.
fn document(path: &Path, mut reader: BufReader<File>, origin: &Origin) -> anyhow::Result<Form> {
    let source = origin.source(path)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(LARGEST_DOCUMENT_BYTES).unwrap_or(u64::MAX);
    (&mut reader).take(limit + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.len() > LARGEST_DOCUMENT_BYTES {
        bail!("{}: larger than {LARGEST_DOCUMENT_BYTES} bytes", path.display());
    }
    let reading = formats::read(&bytes, &origin.options).map_err(|finding| {
        anyhow::anyhow!("{}:{}: {} {}", path.display(), finding.place.line, finding.place.path, finding.detail)
    })?;
    let told = reading.drafts.into_iter().map(|draft| match draft {
        Ok(draft) => {
            let json = draft.envelope(source, origin.legal_entity.as_deref()).to_string();
            Item::Fact(FactLine { line: draft.place.line, json })
        }
        Err(finding) => Item::Unreadable(Problem {
            file: path.to_owned(),
            line: finding.place.line,
            field: Some(finding.place.path).filter(|path| !path.is_empty()),
            reason: finding.detail,
        }),
    });
    let items: Vec<Item> = told.collect();
    let bytes_read = u64::try_from(bytes.len()).unwrap_or(0);
    Ok(Form::Document { items: items.into_iter(), bytes_read })
}

fn problem(path: &Path, rows: &Rows<BufReader<File>>, broken: &Broken) -> Problem {
    let field = broken.cell.map(|cell| rows.column(cell).map_or_else(|| format!("field {cell}"), str::to_owned));
    let rest = if broken.is_fatal { "; nothing after it was read" } else { "" };
    Problem { file: path.to_owned(), line: broken.line, field, reason: format!("{}{rest}", broken.detail) }
}

/// The next line that is not blank, without its line break; `Err` when it is no text.
fn next_line(
    reader: &mut BufReader<File>,
    line: &mut u64,
    bytes_read: &mut u64,
) -> std::io::Result<Option<Result<String, &'static str>>> {
    loop {
        let mut bytes = Vec::new();
        let limit = u64::try_from(LONGEST_LINE_BYTES).unwrap_or(u64::MAX);
        let read = reader.take(limit).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        *line += 1;
        *bytes_read += u64::try_from(read).unwrap_or(0);
        if read == LONGEST_LINE_BYTES && bytes.last() != Some(&b'\n') {
            *bytes_read += skip_rest_of_line(reader)?;
            return Ok(Some(Err("longer than 1 MiB")));
        }
        let Ok(text) = String::from_utf8(bytes) else { return Ok(Some(Err("not UTF-8"))) };
        let text = text.trim_end_matches(['\n', '\r']);
        if !text.trim().is_empty() {
            return Ok(Some(Ok(text.to_owned())));
        }
    }
}

/// Returns how many bytes were skipped.
fn skip_rest_of_line(reader: &mut BufReader<File>) -> std::io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (length, done) = match end {
            Some(position) => (position + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(length);
        skipped += u64::try_from(length).unwrap_or(0);
        if done {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(name: &str, content: &[u8]) -> anyhow::Result<Vec<String>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut file = FactFile::open(&path, &Origin::of("erp"))?;
        let mut items = Vec::new();
        while let Some(item) = file.next_item()? {
            items.push(match item {
                Item::Fact(fact) => format!("{}: {}", fact.line, fact.json),
                Item::Unreadable(problem) => {
                    format!("{}: {:?} {}", problem.line, problem.field.as_deref().unwrap_or(""), problem.reason)
                }
            });
        }
        assert_eq!(file.bytes_read(), u64::try_from(content.len()).unwrap());
        Ok(items)
    }

    #[test]
    fn bad_rows_are_named_and_good_ones_go_on() {
        let content = b"\xef\xbb\xbffact_id,time,legal_entity,promise,withdrawn_on\r\n\
            a,2026-01-01T00:00:00Z,CO,P-1,2026-01-01\r\n\
            \r\n\
            b,2026-01-01T00:00:00Z,CO,P-1\r\n\
            c,2026-01-01T00:00:00Z,CO,P\"1,2026-01-01\r\n\
            e,2026-01-01T00:00:00Z,CO,P-2,2026-01-02,x\r\n\
            f,2026-01-01T00:00:00Z,CO,P-3,2026-01-03\r\n\
            g,2026-01-01T00:00:00Z,CO,\"P-4,2026-01-03";
        let items = items("withdrawn.csv", content).unwrap();
        assert_eq!(
            items,
            [
                r#"2: {"data":{"promise":"P-1","withdrawn_on":"2026-01-01"},"id":"a","legal_entity":"CO","source":"erp","time":"2026-01-01T00:00:00Z","type":"promise.withdrawn"}"#,
                r#"4: "withdrawn_on" 4 cells where the header has 5"#,
                r#"5: "promise" a quote inside a cell that is not quoted as a whole"#,
                r#"6: "" 6 cells where the header has 5"#,
                r#"7: {"data":{"promise":"P-3","withdrawn_on":"2026-01-03"},"id":"f","legal_entity":"CO","source":"erp","time":"2026-01-01T00:00:00Z","type":"promise.withdrawn"}"#,
                r#"8: "promise" a quote is never closed; nothing after it was read"#,
            ]
        );
    }

    #[test]
    fn a_missing_column_stops_the_file_with_its_names() {
        let error = items("withdrawn.csv", b"\nfact_id,time,promise\n").unwrap_err().to_string();
        assert!(
            error.ends_with(
                "withdrawn.csv:2: the header fits no layout; nearest is promise.withdrawn; missing column: withdrawn_on"
            ),
            "{error}"
        );
    }

    #[test]
    fn a_line_without_end_is_refused_and_the_next_one_read() {
        let mut content = vec![b'x'; LONGEST_LINE_BYTES + 10];
        content.extend_from_slice(b"\n{}\n");
        assert_eq!(items("facts.ndjson", &content).unwrap(), [r#"1: "" longer than 1 MiB"#, "2: {}"]);
    }
}
