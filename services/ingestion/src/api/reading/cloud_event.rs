//! CloudEvents 1.0 over HTTP besides the structured mode, which is our envelope: attributes as headers (binary mode), and
//! arrays of events (batch mode).

use axum::body::Bytes;
use axum::http::HeaderMap;
use percent_encoding::percent_decode_str;

use super::batch::{Line, MAX_LINES};
use super::json::BOM;
use super::{Finding, json};

const PREFIX: &str = "ce-";

/// True when attributes of an event are among the headers.
pub(crate) fn is_binary(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(PREFIX))
}

/// The event of a request in binary mode, as the structured mode would have told it.
pub(crate) fn binary(headers: &HeaderMap, body: &Bytes) -> Result<Bytes, Finding> {
    let mut event = vec![b'{'];
    for name in headers.keys() {
        let Some(attribute) = name.as_str().strip_prefix(PREFIX) else { continue };
        let pointer = json::below("#", attribute);
        let mut values = headers.get_all(name).iter();
        let value = match (values.next().map(|value| value.to_str()), values.next()) {
            (Some(Ok(value)), None) => decoded(value).ok_or(()),
            (_, Some(_)) => return Err(Finding::new("duplicate-member", pointer, "the header is there twice")),
            _ => Err(()),
        };
        let value = value
            .map_err(|()| Finding::new("encoding", pointer, "a header is ASCII, the rest percent-encoded UTF-8"))?;
        member(&mut event, attribute, &value);
    }
    let data = body.strip_prefix(BOM).unwrap_or(body);
    if data.iter().all(u8::is_ascii_whitespace) {
        event.pop_if(|last| *last == b',');
    } else {
        // A whole value, so that it cannot add to the attributes.
        json::parse(data)
            .map_err(|finding| Finding { pointer: finding.pointer.replacen('#', "#/data", 1), ..finding })?;
        event.extend_from_slice(b"\"data\":");
        event.extend_from_slice(data);
    }
    event.push(b'}');
    Ok(event.into())
}

fn member(event: &mut Vec<u8>, name: &str, value: &str) {
    // Strings always have a JSON form.
    for text in [name, value] {
        event.extend(serde_json::to_vec(text).unwrap_or_default());
        event.push(b':');
    }
    event.pop();
    event.push(b',');
}

/// `Euro%20%E2%82%AC` is `Euro €`; some senders quote what has blanks.
fn decoded(value: &str) -> Option<String> {
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let plain = quoted.map_or_else(|| value.to_owned(), |text| text.replace("\\\"", "\"").replace("\\\\", "\\"));
    Some(percent_decode_str(&plain).decode_utf8().ok()?.into_owned())
}

/// The events of a batch, one to a line; `None` when there are more than [`MAX_LINES`]. Only the array is read here: what is
/// wrong inside one event is that event's.
pub(crate) fn elements(body: &Bytes) -> Result<Option<Vec<Line>>, Finding> {
    let start = if body.starts_with(BOM) { BOM.len() } else { 0 };
    let malformed = |what: &str, at: usize| Err(Finding::new("malformed-json", "#", format!("{what} at byte {at}")));
    let mut bytes = body.iter().copied().enumerate().skip(start).skip_while(|(_, byte)| byte.is_ascii_whitespace());
    let mut from = match bytes.next() {
        None => return Err(Finding::new("empty-body", "#", "there is no JSON here")),
        Some((at, b'[')) => at + 1,
        Some(_) => return Err(Finding::new("wrong-type", "#", "an array of events is expected")),
    };
    let (mut lines, mut depth, mut in_text, mut escaped) = (Vec::new(), 0_usize, false, false);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => depth -= 1,
            b',' | b']' if depth == 0 => {
                let element = body.get(from..at).unwrap_or_default();
                let blanks = element.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                let is_last = byte == b']';
                if blanks == element.len() && !(is_last && lines.is_empty()) {
                    return malformed("a value is expected", at);
                }
                if blanks < element.len() {
                    if lines.len() == MAX_LINES {
                        return Ok(None);
                    }
                    let byte_offset = from + blanks;
                    let bytes = body.slice_ref(element.trim_ascii());
                    lines.push(Line::new(lines.len() + 1, byte_offset, bytes));
                }
                from = at + 1;
                if is_last {
                    return match bytes.find(|(_, byte)| !byte.is_ascii_whitespace()) {
                        None => Ok(Some(lines)),
                        Some((at, _)) => malformed("something follows the array", at),
                    };
                }
            }
            b'}' => return malformed("`]` is expected", at),
            _ => {}
        }
    }
    malformed("the array has no end", body.len())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn told(pairs: &[(&'static str, &str)], body: &'static str) -> String {
        String::from_utf8(binary(&headers(pairs), &Bytes::from_static(body.as_bytes())).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn headers_become_attributes() {
        assert_eq!(told(&[("ce-id", "1"), ("accept", "*/*")], "{\"a\":1}"), r#"{"id":"1","data":{"a":1}}"#);
        assert_eq!(told(&[("ce-id", "1")], " "), r#"{"id":"1"}"#);
        assert_eq!(told(&[("ce-id", "Euro%20%E2%82%AC%20%F0%9F%98%80")], ""), r#"{"id":"Euro € 😀"}"#);
        assert_eq!(told(&[("ce-id", r#""a \"b\" c""#)], ""), r#"{"id":"a \"b\" c"}"#);
    }

    #[test]
    fn what_cannot_be_an_attribute_says_which() {
        let wrong = |pairs: &[(&'static str, &str)], body: &'static str| {
            let finding = binary(&headers(pairs), &Bytes::from_static(body.as_bytes())).unwrap_err();
            (finding.code, finding.pointer)
        };
        assert_eq!(wrong(&[("ce-id", "%FF")], ""), ("encoding", "#/id".to_owned()));
        assert_eq!(wrong(&[("ce-id", "ñ")], ""), ("encoding", "#/id".to_owned()));
        assert_eq!(wrong(&[("ce-id", "1"), ("ce-id", "2")], ""), ("duplicate-member", "#/id".to_owned()));
        assert_eq!(wrong(&[("ce-id", "1")], "{},\"tenant\":{}"), ("malformed-json", "#/data".to_owned()));
        assert_eq!(wrong(&[("ce-id", "1")], "{\"a\":}"), ("malformed-json", "#/data/a".to_owned()));
    }

    #[test]
    fn an_array_is_cut_between_its_events() {
        let body = Bytes::from_static(b"\xef\xbb\xbf [ {\"a\":[1,2]} ,\n{\"b\":\"],\\\"}\"},{[}] , 7]\n");
        let lines = elements(&body).unwrap().unwrap();
        let seen: Vec<_> = lines.iter().map(|line| (line.number, line.byte_offset, &line.bytes[..])).collect();
        let expected: [(usize, usize, &[u8]); 2] = [(1, 6, b"{\"a\":[1,2]}"), (2, 20, b"{\"b\":\"],\\\"}\"}")];
        assert_eq!(seen.get(..2).unwrap(), expected);
        assert_eq!(seen.len(), 4);
        assert_eq!(elements(&Bytes::from_static(b" [] ")).unwrap().unwrap().len(), 0);
        for (text, code) in [
            ("", "empty-body"),
            ("{}", "wrong-type"),
            ("[1,]", "malformed-json"),
            ("[,1]", "malformed-json"),
            ("[1", "malformed-json"),
            ("[\"1]", "malformed-json"),
            ("[1]2", "malformed-json"),
            ("[1}]", "malformed-json"),
        ] {
            assert_eq!(elements(&Bytes::from_static(text.as_bytes())).unwrap_err().code, code, "{text}");
        }
        let many = Bytes::from(format!("[{}1]", "1,".repeat(MAX_LINES)));
        assert!(elements(&many).unwrap().is_none());
    }
}
