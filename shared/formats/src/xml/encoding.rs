//! From bytes to characters: what the byte order mark and the declaration say, and no guess.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::MAX_DOCUMENT;
use crate::{Finding, Place};

/// The declaration stands in the first line, with at most three short pseudo-attributes.
const DECLARATION_BYTES: usize = 256;

/// The characters of a document. Its declaration must agree with its bytes.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Finding> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(Finding::new("too-large", Place::start(), format!("a document has at most {MAX_DOCUMENT} bytes")));
    }
    let (marked, body) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (Some(encoding), bytes.get(mark..).unwrap_or_default()),
        None => (None, bytes),
    };
    if let Some(wide) = marked.filter(|encoding| [UTF_16LE, UTF_16BE].contains(encoding)) {
        let text = wide.decode_without_bom_handling_and_without_replacement(body);
        let text = text.ok_or_else(|| contradiction("the bytes are not the UTF-16 that their mark announces"))?;
        return match declared(text.as_bytes()).as_deref() {
            None | Some("utf-16") => checked(text),
            Some(other) => Err(contradiction(&format!("{other} is declared, the byte order mark is of UTF-16"))),
        };
    }
    if body.iter().take(4).any(|byte| *byte == 0) {
        return Err(contradiction("UTF-16 and UTF-32 are read with a UTF-16 byte order mark only"));
    }
    let declared = declared(body);
    match declared.as_deref() {
        None | Some("utf-8" | "utf8") => utf_8(body),
        Some("us-ascii" | "ascii") if body.is_ascii() => utf_8(body),
        Some(other) if marked.is_some() => {
            Err(contradiction(&format!("{other} is declared, the byte order mark is of UTF-8")))
        }
        Some("iso-8859-1" | "latin1" | "latin-1" | "iso8859-1")
            if !body.iter().any(|byte| (0x80..0xa0).contains(byte)) =>
        {
            single_byte(body)
        }
        Some("windows-1252" | "cp1252") if !body.iter().any(|byte| UNASSIGNED.contains(byte)) => single_byte(body),
        Some(other) => {
            Err(contradiction(&format!("{other} is declared, and the bytes are not that or it is not read")))
        }
    }
}

/// What Windows-1252 leaves unassigned.
const UNASSIGNED: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

fn utf_8(body: &[u8]) -> Result<Cow<'_, str>, Finding> {
    let text = UTF_8.decode_without_bom_handling_and_without_replacement(body);
    checked(text.ok_or_else(|| contradiction("the bytes are not UTF-8, which is what holds without a declaration"))?)
}

/// Any bytes are Latin-1, also those of UTF-8: a text whose every letter beyond ASCII is well-formed UTF-8 was declared wrongly.
fn single_byte(body: &[u8]) -> Result<Cow<'_, str>, Finding> {
    if !body.is_ascii() && std::str::from_utf8(body).is_ok() {
        return Err(contradiction("an eight-bit alphabet is declared, the bytes are UTF-8"));
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(body);
    checked(text)
}

/// The declared name in small letters.
fn declared(body: &[u8]) -> Option<String> {
    let head = body.get(..DECLARATION_BYTES.min(body.len()))?;
    let head: String = head.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\u{fffd}' }).collect();
    let (declaration, _) = head.strip_prefix("<?xml")?.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (name, _) = value.get(1..)?.split_once(quote)?;
    Some(name.to_ascii_lowercase())
}

fn checked(text: Cow<'_, str>) -> Result<Cow<'_, str>, Finding> {
    let Some((at, bad)) = text.char_indices().find(|(_, c)| !super::is_character(*c)) else { return Ok(text) };
    let before = text.get(..at).unwrap_or_default();
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    let place = Place { line: u64::try_from(line).unwrap_or(u64::MAX), path: String::new() };
    Err(Finding::new("xml-character", place, format!("U+{:04X} may not stand in a document", u32::from(bad))))
}

fn contradiction(detail: &str) -> Finding {
    Finding::new("encoding", Place::start(), detail.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str, mark: bool) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn declarations_and_bytes_agree() {
        let good: [(Vec<u8>, &str); 7] = [
            ("<a>ñ</a>".into(), "<a>ñ</a>"),
            ("\u{feff}<a>ñ</a>".into(), "<a>ñ</a>"),
            (
                b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xf1</a>".into(),
                "<?xml version='1.0' encoding='ISO-8859-1'?><a>ñ</a>",
            ),
            (
                b"<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>\x80</a>".into(),
                "<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>€</a>",
            ),
            (wide("<a>ñ</a>", true), "<a>ñ</a>"),
            (wide("<?xml version='1.0' encoding='UTF-16'?><a/>", true), "<?xml version='1.0' encoding='UTF-16'?><a/>"),
            (b"<?xml version='1.0' encoding='us-ascii'?><a/>".into(), "<?xml version='1.0' encoding='us-ascii'?><a/>"),
        ];
        for (bytes, text) in good {
            assert_eq!(decode(&bytes).unwrap(), text);
        }
        let bad: [Vec<u8>; 11] = [
            b"<a>\xf1</a>".into(),
            b"<?xml version='1.0' encoding='UTF-8'?><a>\xf1</a>".into(),
            b"<?xml version='1.0' encoding='UTF-7'?><a>+ADw-</a>".into(),
            b"<?xml version='1.0' encoding='us-ascii'?><a>\xf1</a>".into(),
            b"<?xml version='1.0' encoding='iso-8859-1'?><a>\x80</a>".into(),
            "<?xml version='1.0' encoding='iso-8859-1'?><a>ñ</a>".into(),
            "\u{feff}<?xml version='1.0' encoding='iso-8859-1'?><a/>".into(),
            b"<?xml version='1.0' encoding='UTF-16'?><a/>".into(),
            wide("<a/>", false),
            wide("<?xml version='1.0' encoding='UTF-8'?><a/>", true),
            [wide("<a>", true), vec![0x00, 0xd8]].concat(),
        ];
        for bytes in bad {
            assert_eq!(decode(&bytes).unwrap_err().code, "encoding", "{bytes:?}");
        }
        assert_eq!(decode(b"<a>\x01</a>").unwrap_err().code, "xml-character");
    }
}
