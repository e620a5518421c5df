//! A file of facts, read line by line: CSV in one of the layouts, or NDJSON.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::layout::{self, Layout};
use super::record;

/// A line longer than this is not a fact: ingestion would refuse it anyway, and memory stays bounded.
const LONGEST_LINE_BYTES: usize = 1 << 20;

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
    Csv { layout: &'static Layout, names: Vec<String>, source: String },
    Ndjson,
}

pub(crate) struct FactFile {
    path: PathBuf,
    reader: BufReader<File>,
    form: Form,
    line: u64,
    bytes_read: u64,
}

impl FactFile {
    /// Opens a file and recognises its layout. `source` is the code that rows of a CSV file are sent under; lines of
    /// NDJSON carry their own.
    pub(crate) fn open(path: &Path, source: Option<&str>) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut file =
            Self { path: path.to_owned(), reader: BufReader::new(file), form: Form::Ndjson, line: 0, bytes_read: 0 };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("ndjson" | "jsonl") => {}
            Some("csv") => {
                let Some(source) = source else { bail!("{}: a CSV file needs --source CODE", path.display()) };
                file.form = file.read_header(source)?;
            }
            _ => bail!("{}: neither .csv nor .ndjson", path.display()),
        }
        Ok(file)
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    fn read_header(&mut self, source: &str) -> anyhow::Result<Form> {
        let place = self.path.display().to_string();
        let Some(line) = self.next_line()? else { bail!("{place}: empty: a CSV file starts with its header line") };
        let text = line.map_err(|reason| anyhow::anyhow!("{place}:{}: {reason}", self.line))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let names = record::cells(text)
            .map_err(|broken| anyhow::anyhow!("{place}:{}: header: {}", self.line, broken.reason()))?;
        let layout = layout::recognise(&names).map_err(|unfit| anyhow::anyhow!("{place}:{}: {unfit}", self.line))?;
        Ok(Form::Csv { layout, names, source: source.to_owned() })
    }

    /// The next line that is not blank; `None` at the end.
    pub(crate) fn next_item(&mut self) -> anyhow::Result<Option<Item>> {
        let Some(line) = self.next_line()? else { return Ok(None) };
        Ok(Some(match line {
            Ok(text) => self.item(&text),
            Err(reason) => self.unreadable(None, reason),
        }))
    }

    fn item(&self, text: &str) -> Item {
        let Form::Csv { layout, names, source } = &self.form else {
            return Item::Fact(FactLine { line: self.line, json: text.to_owned() });
        };
        match record::cells(text) {
            Err(broken) => {
                let field = names.get(broken.field() - 1).cloned();
                self.unreadable(field.or_else(|| Some(format!("field {}", broken.field()))), broken.reason())
            }
            Ok(cells) if cells.len() != names.len() => {
                let reason = format!("{} fields where the header has {}", cells.len(), names.len());
                let field = if cells.len() < names.len() { names.get(cells.len()).cloned() } else { None };
                self.unreadable(field, &reason)
            }
            Ok(cells) => {
                Item::Fact(FactLine { line: self.line, json: layout::fact(layout, source, names, &cells).to_string() })
            }
        }
    }

    fn unreadable(&self, field: Option<String>, reason: &str) -> Item {
        Item::Unreadable(Problem { file: self.path.clone(), line: self.line, field, reason: reason.to_owned() })
    }

    /// The next line that is not blank, without its line break; `Err` when it is no text.
    fn next_line(&mut self) -> anyhow::Result<Option<Result<String, &'static str>>> {
        loop {
            let mut bytes = Vec::new();
            let limit = u64::try_from(LONGEST_LINE_BYTES).unwrap_or(u64::MAX);
            let read = (&mut self.reader)
                .take(limit)
                .read_until(b'\n', &mut bytes)
                .with_context(|| format!("cannot read {}", self.path.display()))?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            self.bytes_read += u64::try_from(read).unwrap_or(0);
            if read == LONGEST_LINE_BYTES && bytes.last() != Some(&b'\n') {
                self.skip_rest_of_line()?;
                return Ok(Some(Err("longer than 1 MiB")));
            }
            let Ok(text) = String::from_utf8(bytes) else { return Ok(Some(Err("not UTF-8"))) };
            let text = text.trim_end_matches(['\n', '\r']);
            if !text.trim().is_empty() {
                return Ok(Some(Ok(text.to_owned())));
            }
        }
    }

    fn skip_rest_of_line(&mut self) -> anyhow::Result<()> {
        loop {
            let buffer = self.reader.fill_buf().with_context(|| format!("cannot read {}", self.path.display()))?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let (skipped, done) = match end {
                Some(position) => (position + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.reader.consume(skipped);
            self.bytes_read += u64::try_from(skipped).unwrap_or(0);
            if done {
                return Ok(());
            }
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
        let mut file = FactFile::open(&path, Some("erp"))?;
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
            c,2026-01-01T00:00:00Z,CO,\"P-1,2026-01-01\r\n\
            d,\xff,CO,P-1,2026-01-01\r\n\
            e,2026-01-01T00:00:00Z,CO,P-2,2026-01-02,x\r\n\
            f,2026-01-01T00:00:00Z,CO,P-3,2026-01-03";
        let items = items("withdrawn.csv", content).unwrap();
        assert_eq!(
            items,
            [
                r#"2: {"data":{"promise":"P-1","withdrawn_on":"2026-01-01"},"id":"a","legal_entity":"CO","source":"erp","time":"2026-01-01T00:00:00Z","type":"promise.withdrawn"}"#,
                r#"4: "withdrawn_on" 4 fields where the header has 5"#,
                r#"5: "promise" a quote is not closed on its line"#,
                r#"6: "" not UTF-8"#,
                r#"7: "" 6 fields where the header has 5"#,
                r#"8: {"data":{"promise":"P-3","withdrawn_on":"2026-01-03"},"id":"f","legal_entity":"CO","source":"erp","time":"2026-01-01T00:00:00Z","type":"promise.withdrawn"}"#,
            ]
        );
    }

    #[test]
    fn a_missing_column_stops_the_file_with_its_names() {
        let error = items("withdrawn.csv", b"\nfact_id,time,promise,withdrawn_on\n").unwrap_err().to_string();
        assert!(
            error.ends_with(
                "withdrawn.csv:2: the header fits no layout; nearest is promise.withdrawn; missing column: legal_entity"
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
