//! A JSON reader that refuses what others let pass: duplicate members (last one wins, elsewhere), numbers through floats, lone
//! surrogates, deep nesting. Errors carry the byte offset or the pointer.

use std::collections::BTreeSet;

use super::Finding;

/// Facts need three levels; what nests deeper is an attack or a mistake.
const MAX_DEPTH: usize = 32;
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// A JSON value. Numbers stay as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Reads one value and nothing after it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json, Finding> {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Finding::new("encoding", "#", format!("not UTF-8 at byte {}", error.valid_up_to())))?;
    let mut reader = Reader { bytes: text.as_bytes(), text, at: 0 };
    reader.blanks();
    if reader.peek().is_none() {
        return Err(Finding::new("empty-body", "#", "there is no JSON here"));
    }
    let value = reader.value(0).map_err(|finding| Finding { pointer: format!("#{}", finding.pointer), ..finding })?;
    reader.blanks();
    if reader.peek().is_some() {
        return Err(Finding { pointer: "#".to_owned(), ..reader.malformed("something follows the value") });
    }
    Ok(value)
}

/// The pointer of a member below `parent` (RFC 6901).
pub(crate) fn below(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The finding of a member or an item, as its object or array tells it.
fn within(name: &str, finding: Finding) -> Finding {
    Finding { pointer: below("", name) + &finding.pointer, ..finding }
}

/// So many members are looked through for a name that is there twice; of more, the names are kept.
const FEW: usize = 32;

/// Pointers of its findings begin where it stands.
struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Json, Finding> {
        match self.peek() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => {
                Err(Finding::new("too-deep", "", format!("nested deeper than {MAX_DEPTH} at byte {}", self.at)))
            }
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err(self.malformed("a value is expected")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, Finding> {
        self.at += 1;
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut names = BTreeSet::new();
        self.blanks();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.malformed("the name of a member is expected"));
            }
            let name = self.string()?;
            if members.len() == FEW {
                names.extend(members.iter().map(|(name, _)| name.clone()));
            }
            let is_new = if members.len() < FEW {
                members.iter().all(|(other, _)| *other != name)
            } else {
                names.insert(name.clone())
            };
            if !is_new {
                return Err(within(&name, Finding::new("duplicate-member", "", "the member is there twice")));
            }
            let value = self.member(depth).map_err(|finding| within(&name, finding))?;
            members.push((name, value));
            self.blanks();
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            self.expect(b',')?;
        }
    }

    fn member(&mut self, depth: usize) -> Result<Json, Finding> {
        self.blanks();
        self.expect(b':')?;
        self.blanks();
        self.value(depth + 1)
    }

    fn array(&mut self, depth: usize) -> Result<Json, Finding> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            self.blanks();
            let value = self.value(depth + 1).map_err(|finding| within(&items.len().to_string(), finding))?;
            items.push(value);
            self.blanks();
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Result<String, Finding> {
        self.at += 1;
        let mut value = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
                self.at += 1;
            }
            value.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(value);
                }
                Some(b'\\') => {
                    self.at += 1;
                    value.push(self.escape()?);
                }
                Some(_) => return Err(self.malformed("a control character stands in a string")),
                None => return Err(self.malformed("a string has no end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Finding> {
        let escaped = self.peek();
        self.at += 1;
        Ok(match escaped {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.malformed("an unknown escape")),
        })
    }

    fn unicode(&mut self) -> Result<char, Finding> {
        let first = self.four_hex_digits()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.take(b'\\') && self.take(b'u') {
            let second = self.four_hex_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            } else {
                first
            }
        } else {
            first
        };
        char::from_u32(code)
            .ok_or_else(|| Finding::new("text-encoding", "", "half of a surrogate pair is not a character"))
    }

    fn four_hex_digits(&mut self) -> Result<u32, Finding> {
        let digits =
            self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.malformed("four hexadecimal digits are expected"))?;
        self.at += 4;
        Ok(code)
    }

    fn number(&mut self) -> Result<Json, Finding> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return Err(self.malformed("a digit is expected"));
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(self.malformed("a digit is expected"));
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return Err(self.malformed("a digit is expected"));
            }
        }
        Ok(Json::Number(self.text.get(start..self.at).unwrap_or_default().to_owned()))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, Finding> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(value);
        }
        Err(self.malformed("a value is expected"))
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.at += 1;
        }
        there
    }

    fn expect(&mut self, byte: u8) -> Result<(), Finding> {
        if self.take(byte) { Ok(()) } else { Err(self.malformed(&format!("`{}` is expected", char::from(byte)))) }
    }

    fn malformed(&self, what: &str) -> Finding {
        Finding::new("malformed-json", "", format!("{what} at byte {}", self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json_is_read_as_written() {
        let value =
            parse(b"\xef\xbb\xbf {\"a\":[1.50,-0,\"\\ud83d\\ude00\\n\"],\"b\":{\"c\":null,\"d\":true}} \r\n").unwrap();
        let number = |text: &str| Json::Number(text.into());
        let expected = Json::Object(vec![
            ("a".into(), Json::Array(vec![number("1.50"), number("-0"), Json::Text("😀\n".into())])),
            ("b".into(), Json::Object(vec![("c".into(), Json::Null), ("d".into(), Json::Bool(true))])),
        ]);
        assert_eq!(value, expected);
    }

    #[test]
    fn what_is_not_says_where() {
        let deep = "[".repeat(10_000);
        let cases: [(&[u8], &str, &str, &str); 19] = [
            (b"", "empty-body", "#", ""),
            (b" \n\t", "empty-body", "#", ""),
            (b"{\"a\":1", "malformed-json", "#", "byte 6"),
            (b"{} x", "malformed-json", "#", "byte 3"),
            (b"{\"a\":1,\"a\":2}", "duplicate-member", "#/a", ""),
            (b"{\"x\":[{\"a/b~\":1,\"a/b~\":2}]}", "duplicate-member", "#/x/0/a~1b~0", ""),
            (deep.as_bytes(), "too-deep", "#", "byte 32"),
            (b"{\"a\":\"\\ud800\"}", "text-encoding", "#/a", ""),
            (b"{\"a\":\"\\ud800\\u0041\"}", "text-encoding", "#/a", ""),
            (b"{\"a\":\"\\udc00\"}", "text-encoding", "#/a", ""),
            (b"{\"a\":\"x\xff\"}", "encoding", "#", "byte 7"),
            (b"\xff\xfe{\x00}\x00", "encoding", "#", "byte 0"),
            (b"{\"a\":\"\xc0\xaf\"}", "encoding", "#", "byte 6"),
            (b"{\"a\":NaN}", "malformed-json", "#/a", "byte 5"),
            (b"{\"a\":01}", "malformed-json", "#", "byte 6"),
            (b"{\"a\":1.}", "malformed-json", "#/a", ""),
            (b"{\"a\":\"line\nbreak\"}", "malformed-json", "#/a", ""),
            (b"{'a':1}", "malformed-json", "#", "byte 1"),
            (b"[1,]", "malformed-json", "#/1", "byte 3"),
        ];
        for (bytes, code, pointer, detail) in cases {
            let found = parse(bytes).unwrap_err();
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(found.code, code, "{shown:.40}");
            assert!(
                found.pointer.starts_with(pointer) && (code == "too-deep" || found.pointer == pointer),
                "{found:?}"
            );
            assert!(found.detail.contains(detail), "{found:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn it_agrees_with_the_common_reader(text in "[\\[\\]{}\",:0-9a-c.eE\\\\ \\-]{0,20}") {
            let ours = parse(text.as_bytes());
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            let only_stricter = ours.as_ref().is_err_and(|found| found.code == "duplicate-member")
                || theirs.as_ref().is_err_and(|error| error.to_string().contains("number out of range"));
            proptest::prop_assert!(only_stricter || ours.is_ok() == theirs.is_ok(), "{:?} {:?}", ours, theirs);
        }
    }
}
