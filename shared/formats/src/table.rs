//! Tables as text (CSV): strict where leniency would shift a column or swallow a file.
//!
//! Cells are separated by one character and quoted where they hold it, a quote or a line break; quotes are doubled. A record
//! ends with LF, CR LF or CR. What is wrong with one record is told and the next one is read; what makes the rest of the
//! file unreadable ends it: bytes that are no text, a NUL, and a quote that is never closed, which shows as a cell beyond
//! [`MAX_CELL_BYTES`] or as the end of the file.

use std::io::{self, BufRead};

use encoding_rs::{Encoding, UTF_8};

/// Longest cell; what is longer is a quote that was not closed.
pub const MAX_CELL_BYTES: usize = 64 * 1024;
/// Widest record.
pub const MAX_COLUMNS: usize = 256;

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    pub delimiter: u8,
    /// One whose ASCII is ASCII: UTF-8, Windows-1252, ISO-8859-x.
    pub encoding: &'static Encoding,
    /// False for files that quote nothing, where a quote is a character like any other (`3" pipe`).
    pub has_quotes: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: b',', encoding: UTF_8, has_quotes: true }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// On which it begins, from 1.
    pub line: u64,
    /// Of its first byte.
    pub byte_offset: u64,
    pub cells: Vec<String>,
}

impl Record {
    /// A line without any character.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty()) && self.cells.len() == 1
    }
}

/// Why a record is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Stable, for programs.
    pub code: &'static str,
    pub line: u64,
    pub byte_offset: u64,
    /// Cell that is to blame, from 1.
    pub cell: Option<usize>,
    pub detail: String,
    /// Nothing after it can be read.
    pub is_fatal: bool,
}

/// A file of records, read one by one; memory holds one.
#[derive(Debug)]
pub struct Table<R> {
    reader: R,
    dialect: Dialect,
    line: u64,
    offset: u64,
    ended: bool,
}

/// Where the record being read begins, and what is wrong with it so far.
struct Begun {
    line: u64,
    byte_offset: u64,
    cells: Vec<String>,
    wrong: Option<Broken>,
}

impl Begun {
    /// Adds to the cell being read. False when nothing can follow.
    fn push(&mut self, cell: &mut Vec<u8>, byte: u8) -> bool {
        if byte == 0 {
            self.note("encoding", "a NUL byte: this is no text", true);
            return false;
        }
        if cell.len() == MAX_CELL_BYTES {
            let detail = format!("a cell longer than {MAX_CELL_BYTES} bytes: is a quote not closed?");
            self.note("csv-field-limit", &detail, true);
            return false;
        }
        cell.push(byte);
        true
    }

    /// The first thing that is wrong counts, unless what comes later ends the file.
    fn note(&mut self, code: &'static str, detail: &str, is_fatal: bool) {
        if self.wrong.is_none() || is_fatal {
            self.wrong = Some(Broken {
                code,
                line: self.line,
                byte_offset: self.byte_offset,
                cell: Some(self.cells.len() + 1),
                detail: detail.to_owned(),
                is_fatal,
            });
        }
    }
}

impl<R: BufRead> Table<R> {
    pub fn new(reader: R, dialect: Dialect) -> Self {
        Self { reader, dialect, line: 1, offset: 0, ended: false }
    }

    /// How far the file was read.
    pub fn bytes_read(&self) -> u64 {
        self.offset
    }

    /// The next record, blank lines included; `None` at the end, or after what is fatal.
    pub fn record(&mut self) -> io::Result<Option<Result<Record, Broken>>> {
        if self.offset == 0 && !self.ended {
            self.skip_mark()?;
        }
        if self.ended || self.peek()?.is_none() {
            return Ok(None);
        }
        let mut begun = Begun { line: self.line, byte_offset: self.offset, cells: Vec::new(), wrong: None };
        loop {
            let is_quoted = self.dialect.has_quotes && self.peek()? == Some(b'"');
            let ends = if is_quoted { self.quoted(&mut begun)? } else { self.plain(&mut begun)? };
            if begun.wrong.as_ref().is_some_and(|wrong| wrong.is_fatal) {
                self.ended = true;
                return Ok(begun.wrong.map(Err));
            }
            if ends {
                return Ok(Some(match begun.wrong {
                    Some(wrong) => Err(wrong),
                    None => Ok(Record { line: begun.line, byte_offset: begun.byte_offset, cells: begun.cells }),
                }));
            }
        }
    }

    fn skip_mark(&mut self) -> io::Result<()> {
        let mark = b"\xef\xbb\xbf";
        if self.reader.fill_buf()?.starts_with(mark) {
            self.reader.consume(mark.len());
            self.offset += 3;
        }
        Ok(())
    }

    /// Reads a cell without quotes and what ends it; true when that is the end of the record.
    fn plain(&mut self, begun: &mut Begun) -> io::Result<bool> {
        let mut cell = Vec::new();
        loop {
            match self.peek()? {
                None => return Ok(self.close(begun, cell, true)),
                Some(b'\n' | b'\r') => {
                    self.line_end()?;
                    return Ok(self.close(begun, cell, true));
                }
                Some(byte) if byte == self.dialect.delimiter => {
                    self.advance();
                    return Ok(self.close(begun, cell, false));
                }
                Some(byte) => {
                    self.advance();
                    if byte == b'"' && self.dialect.has_quotes {
                        begun.note("csv-quote", "a quote inside a cell that is not quoted as a whole", false);
                    }
                    if !begun.push(&mut cell, byte) {
                        return Ok(true);
                    }
                }
            }
        }
    }

    fn quoted(&mut self, begun: &mut Begun) -> io::Result<bool> {
        self.advance();
        let mut cell = Vec::new();
        loop {
            match self.peek()? {
                None => {
                    begun.note("csv-quote", "a quote is never closed", true);
                    return Ok(true);
                }
                Some(b'"') => {
                    self.advance();
                    match self.peek()? {
                        Some(b'"') => {
                            self.advance();
                            cell.push(b'"');
                        }
                        None => return Ok(self.close(begun, cell, true)),
                        Some(b'\n' | b'\r') => {
                            self.line_end()?;
                            return Ok(self.close(begun, cell, true));
                        }
                        Some(byte) if byte == self.dialect.delimiter => {
                            self.advance();
                            return Ok(self.close(begun, cell, false));
                        }
                        Some(_) => {
                            begun.note("csv-quote", "something follows the closing quote of a cell", false);
                            return self.plain(begun);
                        }
                    }
                }
                Some(b'\n' | b'\r') => {
                    self.line_end()?;
                    if !begun.push(&mut cell, b'\n') {
                        return Ok(true);
                    }
                }
                Some(byte) => {
                    self.advance();
                    if !begun.push(&mut cell, byte) {
                        return Ok(true);
                    }
                }
            }
        }
    }

    fn close(&self, begun: &mut Begun, cell: Vec<u8>, ends: bool) -> bool {
        if begun.cells.len() == MAX_COLUMNS {
            let code = if begun.line == 1 { "csv-too-wide" } else { "csv-field-count" };
            begun.note(code, &format!("more than {MAX_COLUMNS} cells"), begun.line == 1);
            return ends;
        }
        let text = if self.dialect.encoding == UTF_8 {
            String::from_utf8(cell).ok()
        } else if !cell.is_ascii() && std::str::from_utf8(&cell).is_ok() {
            // No word of another encoding looks like this: it would be taken for something else.
            begun.note("encoding", &format!("UTF-8, and {} is declared", self.dialect.encoding.name()), true);
            return ends;
        } else {
            let decoded = self.dialect.encoding.decode_without_bom_handling_and_without_replacement(&cell);
            decoded.map(std::borrow::Cow::into_owned)
        };
        match text {
            Some(text) => begun.cells.push(text),
            None => begun.note("encoding", &format!("not {}", self.dialect.encoding.name()), true),
        }
        ends
    }

    fn line_end(&mut self) -> io::Result<()> {
        let first = self.peek()?;
        self.advance();
        if first == Some(b'\r') && self.peek()? == Some(b'\n') {
            self.advance();
        }
        self.line += 1;
        Ok(())
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.reader.fill_buf() {
                Ok(buffer) => return Ok(buffer.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn advance(&mut self) {
        self.reader.consume(1);
        self.offset += 1;
    }
}

/// A cell as it is written: quoted only where it must be.
pub fn written(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], dialect: Dialect) -> Vec<Result<Record, Broken>> {
        let mut table = Table::new(bytes, dialect);
        let mut records = Vec::new();
        while let Some(record) = table.record().unwrap() {
            records.push(record);
        }
        records
    }

    /// Cells, or code, line and cell of what is wrong.
    type Told = Result<Vec<String>, (&'static str, u64, Option<usize>)>;

    fn cells(bytes: &[u8]) -> Vec<Told> {
        let told = |record: Result<Record, Broken>| {
            record.map(|record| record.cells).map_err(|broken| (broken.code, broken.line, broken.cell))
        };
        read(bytes, Dialect::default()).into_iter().map(told).collect()
    }

    #[test]
    fn a_record_is_read_or_refused_with_its_cell_and_the_next_one_follows() {
        let row = |cells: &[&str]| Ok(cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
        assert_eq!(cells(b""), []);
        assert_eq!(cells(b"a,b"), [row(&["a", "b"])]);
        assert_eq!(cells(b"\xef\xbb\xbfa\r\nb\rc\n\nd"), ["a", "b", "c", "", "d"].map(|cell| row(&[cell])));
        assert_eq!(cells(b"\"a,b\",c\n,"), [row(&["a,b", "c"]), row(&["", ""])]);
        assert_eq!(
            cells(b"\"say \"\"hi\"\"\"\n\"two\r\nlines\",x\n"),
            [row(&["say \"hi\""]), row(&["two\nlines", "x"])]
        );
        assert_eq!(cells(b"a,b\"c,d\ne"), [Err(("csv-quote", 1, Some(2))), row(&["e"])]);
        assert_eq!(cells(b"\"a\"b,c\ne"), [Err(("csv-quote", 1, Some(1))), row(&["e"])]);
        assert_eq!(cells(b"x\na,\"b\nc\n"), [row(&["x"]), Err(("csv-quote", 2, Some(2)))]);
        assert_eq!(cells(b"a,\0\nb"), [Err(("encoding", 1, Some(2)))]);
        assert_eq!(cells(b"a\n\xf1\nb"), [row(&["a"]), Err(("encoding", 2, Some(1)))]);
    }

    #[test]
    fn lines_and_offsets_are_those_of_the_file() {
        let records = read(b"a\r\n\"b\nb\"\nc", Dialect::default());
        let places: Vec<(u64, u64)> =
            records.into_iter().map(|record| record.unwrap()).map(|record| (record.line, record.byte_offset)).collect();
        assert_eq!(places, [(1, 0), (2, 3), (4, 9)]);
    }

    #[test]
    fn a_declared_encoding_and_delimiter_are_taken_at_their_word() {
        let dialect = Dialect { delimiter: b';', encoding: WINDOWS_1252, ..Dialect::default() };
        assert_eq!(read(b"a\xf1o;1,5", dialect)[0].as_ref().unwrap().cells, ["año", "1,5"]);
        let mistaken = read("año;1,5".as_bytes(), dialect);
        assert_eq!(mistaken[0].as_ref().unwrap_err().code, "encoding", "never mojibake");
    }

    #[test]
    fn where_nothing_is_quoted_a_quote_is_a_character() {
        let dialect = Dialect { has_quotes: false, ..Dialect::default() };
        assert_eq!(read(b"3\" pipe,\"a\nb\"\n", dialect)[0].as_ref().unwrap().cells, ["3\" pipe", "\"a"]);
    }

    #[test]
    fn what_has_no_measure_is_stopped() {
        let endless = [b"x\n\"".to_vec(), b"a\n".repeat(MAX_CELL_BYTES)].concat();
        assert_eq!(cells(&endless)[1], Err(("csv-field-limit", 2, Some(1))));
        assert_eq!(cells(&endless).len(), 2);
        let wide = ",".repeat(1_000_000);
        assert_eq!(cells(wide.as_bytes()), [Err(("csv-too-wide", 1, Some(MAX_COLUMNS + 1)))]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(row in prop::collection::vec("[a-z,\"; ñ:\n]{1,8}", 1..6)) {
            let line = row.iter().map(|cell| written(cell)).collect::<Vec<_>>().join(",");
            prop_assert_eq!(cells(line.as_bytes()), [Ok(row)]);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b','), Just(b'\n')], 0..200)) {
            let _ = cells(&bytes);
        }
    }
}
