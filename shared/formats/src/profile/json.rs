//! JSON values one by one: a value on each line, an array, or a list inside a document.

use std::io::{self, BufRead, Read};

use serde_json::Value;

use super::plan::Step;
use super::row::follow;
use super::strict::{Strict, TWICE};
use crate::table::Broken;

/// Longest line, and longest element of an array.
pub(super) const MAX_VALUE_BYTES: usize = 1 << 20;
/// Of what must be held as a whole: an array, a document, a workbook.
pub(super) const MAX_WHOLE_BYTES: usize = 64 << 20;

/// Line, byte offset and value.
pub(super) type Told = (u64, u64, Value);

pub(super) enum Values<R> {
    Lines {
        reader: R,
        line: u64,
        offset: u64,
    },
    Array(Array),
    /// Elements are counted where their lines are not known.
    List {
        values: std::vec::IntoIter<Value>,
        at: u64,
    },
}

impl<R: BufRead> Values<R> {
    pub(super) fn open(mut reader: R, list: Option<&[Step]>) -> io::Result<Result<Self, Broken>> {
        let (mut line, mut offset) = (1, 0);
        if reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
            offset = 3;
        }
        let first = loop {
            let Some(byte) = reader.fill_buf()?.first().copied() else {
                return Ok(Err(broken("empty-body", line, offset, "there is nothing to read")));
            };
            if !byte.is_ascii_whitespace() {
                break byte;
            }
            line += u64::from(byte == b'\n');
            offset += 1;
            reader.consume(1);
        };
        if first != b'[' && list.is_none() {
            return Ok(Ok(Self::Lines { reader, line: line - 1, offset }));
        }
        let Some(bytes) = whole(&mut reader)? else {
            let detail = format!("more than {MAX_WHOLE_BYTES} bytes; a value on each line can be of any number");
            return Ok(Err(broken("too-large", line, offset, &detail)));
        };
        let Some(path) = list else {
            return Ok(Ok(Self::Array(Array { bytes, at: 1, line, start: offset, ended: false })));
        };
        let document = match serde_json::from_slice::<Strict>(&bytes) {
            Ok(Strict(document)) => document,
            Err(error) => {
                let (code, detail) = said(&error);
                return Ok(Err(broken(code, u64::try_from(error.line()).unwrap_or(1), 0, &detail)));
            }
        };
        Ok(match follow(&document, path) {
            Some(Value::Array(values)) => Ok(Self::List { values: values.clone().into_iter(), at: 0 }),
            _ => Err(broken("csv-header", line, offset, "the document has no list where input.values points")),
        })
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Told, Broken>>> {
        match self {
            Self::List { values, at } => {
                *at += 1;
                Ok(values.next().map(|value| Ok((*at, 0, value))))
            }
            Self::Array(array) => Ok(array.next()),
            Self::Lines { reader, line, offset } => loop {
                let (begins, limit) = (*offset, u64::try_from(MAX_VALUE_BYTES).unwrap_or(u64::MAX));
                let mut bytes = Vec::new();
                let read = reader.take(limit).read_until(b'\n', &mut bytes)?;
                if read == 0 {
                    return Ok(None);
                }
                *line += 1;
                *offset += u64::try_from(read).unwrap_or(0);
                if read == MAX_VALUE_BYTES && bytes.last() != Some(&b'\n') {
                    *offset += reader.skip_until(b'\n').map(|skipped| u64::try_from(skipped).unwrap_or(0))?;
                    return Ok(Some(Err(broken("too-long", *line, begins, "a line longer than 1 MiB"))));
                }
                if !bytes.trim_ascii().is_empty() {
                    return Ok(Some(parsed(&bytes, *line, begins)));
                }
            },
        }
    }
}

/// At most [`MAX_WHOLE_BYTES`]; none when there are more.
pub(super) fn whole(reader: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(u64::try_from(MAX_WHOLE_BYTES + 1).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= MAX_WHOLE_BYTES).then_some(bytes))
}

/// An array whose elements are found by their brackets, so that each has its line and one that is wrong is told alone.
pub(super) struct Array {
    bytes: Vec<u8>,
    at: usize,
    line: u64,
    start: u64,
    ended: bool,
}

impl Array {
    fn next(&mut self) -> Option<Result<Told, Broken>> {
        if self.ended {
            return None;
        }
        self.skip(|byte| byte.is_ascii_whitespace() || byte == b',');
        let (line, begins) = (self.line, self.at);
        let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
        loop {
            let Some(byte) = self.bytes.get(self.at).copied() else {
                self.ended = true;
                return Some(Err(self.fatal(line, begins, "the array is not closed")));
            };
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                _ if in_text => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' if depth == 0 => break,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.line += u64::from(byte == b'\n');
            self.at += 1;
            if self.at - begins > MAX_VALUE_BYTES {
                self.ended = true;
                return Some(Err(self.fatal(line, begins, "an element longer than 1 MiB")));
            }
        }
        if self.at > begins {
            let element = self.bytes.get(begins..self.at).unwrap_or_default();
            return Some(parsed(element, line, self.offset(begins)));
        }
        self.ended = true;
        self.at += 1;
        self.skip(|byte| byte.is_ascii_whitespace());
        let ends = self.at >= self.bytes.len();
        (!ends).then(|| Err(self.fatal(self.line, self.at, "something follows the array")))
    }

    fn skip(&mut self, is_skipped: impl Fn(u8) -> bool) {
        while let Some(byte) = self.bytes.get(self.at).copied().filter(|byte| is_skipped(*byte)) {
            self.line += u64::from(byte == b'\n');
            self.at += 1;
        }
    }

    fn offset(&self, at: usize) -> u64 {
        self.start + u64::try_from(at).unwrap_or(0)
    }

    fn fatal(&self, line: u64, at: usize, detail: &str) -> Broken {
        broken("malformed-json", line, self.offset(at), detail)
    }
}

fn parsed(bytes: &[u8], line: u64, byte_offset: u64) -> Result<Told, Broken> {
    match serde_json::from_slice::<Strict>(bytes) {
        Ok(Strict(value)) => Ok((line, byte_offset, value)),
        Err(error) => {
            let (code, detail) = said(&error);
            Err(Broken { is_fatal: false, ..broken(code, line, byte_offset, &detail) })
        }
    }
}

/// Without the place, which is one inside the value.
fn said(error: &serde_json::Error) -> (&'static str, String) {
    let text = error.to_string();
    let detail = text.split(" at line ").next().unwrap_or_default().to_owned();
    (if detail.starts_with(TWICE) { "duplicate-member" } else { "malformed-json" }, detail)
}

pub(super) fn broken(code: &'static str, line: u64, byte_offset: u64, detail: &str) -> Broken {
    Broken { code, line, byte_offset, cell: None, detail: detail.to_owned(), is_fatal: true }
}
