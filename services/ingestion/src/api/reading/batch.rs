//! The lines of a batch (NDJSON).

use axum::body::Bytes;

use super::Finding;

pub(crate) const MAX_LINES: usize = 5_000;
pub(crate) const MAX_LINE_BYTES: usize = 256 * 1024;

/// One line that is not blank.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// From 1, blank lines counted.
    pub(crate) number: usize,
    /// Of its first byte in the body.
    pub(crate) byte_offset: usize,
    pub(crate) bytes: Bytes,
    /// Why no fact could be made of it.
    pub(crate) unreadable: Option<Finding>,
}

impl Line {
    pub(crate) const fn new(number: usize, byte_offset: usize, bytes: Bytes) -> Self {
        Self { number, byte_offset, bytes, unreadable: None }
    }

    /// The whole body as one line.
    pub(crate) fn only(bytes: Bytes) -> Self {
        Self::new(1, 0, bytes)
    }

    /// Why it is not worth reading.
    pub(crate) fn refused(&self) -> Option<Finding> {
        let too_long = (self.bytes.len() > MAX_LINE_BYTES)
            .then(|| Finding::new("line-too-long", "#", format!("longer than {MAX_LINE_BYTES} bytes")));
        too_long.or_else(|| self.unreadable.clone())
    }
}

/// The lines of `body`; `None` when there are more than [`MAX_LINES`]. Line ends may be LF or CR LF, the last is optional.
pub(crate) fn lines(body: &Bytes) -> Option<Vec<Line>> {
    let lines: Vec<Line> = pieces(body).take(MAX_LINES + 1).collect();
    (lines.len() <= MAX_LINES).then_some(lines)
}

/// The lines of a body, one after the other.
pub(crate) struct Pieces<'a> {
    body: &'a Bytes,
    number: usize,
    at: usize,
}

/// The lines of `body` that are not blank, however many.
pub(crate) const fn pieces(body: &Bytes) -> Pieces<'_> {
    Pieces { body, number: 0, at: 0 }
}

impl Iterator for Pieces<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        while self.at < self.body.len() {
            let rest = self.body.get(self.at..)?;
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let piece = rest.get(..length)?;
            let text = piece.strip_suffix(b"\r").unwrap_or(piece);
            let byte_offset = self.at;
            self.at += length + 1;
            self.number += 1;
            if !text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
                return Some(Line::new(self.number, byte_offset, self.body.slice_ref(text)));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_and_line_ends_do_not_count() {
        let body = Bytes::from_static(b"{1}\r\n\n  \n{2}\n{3}");
        let lines = lines(&body).unwrap();
        let seen: Vec<_> = lines.iter().map(|line| (line.number, line.byte_offset, &line.bytes[..])).collect();
        assert_eq!(seen, [(1, 0, &b"{1}"[..]), (4, 9, &b"{2}"[..]), (5, 13, &b"{3}"[..])]);
    }

    #[test]
    fn there_is_a_limit() {
        assert_eq!(lines(&Bytes::from("x\n".repeat(MAX_LINES))).unwrap().len(), MAX_LINES);
        assert!(lines(&Bytes::from("x\n".repeat(MAX_LINES + 1))).is_none());
    }
}
