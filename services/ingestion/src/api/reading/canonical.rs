//! The canonical form of JSON (RFC 8785), written in one pass: by a general writer it was an eighth of an intake's work.

use super::json::Json;

/// Appends the canonical form of `json`.
pub(super) fn write(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(true) => out.extend_from_slice(b"true"),
        Json::Bool(false) => out.extend_from_slice(b"false"),
        Json::Number(number) => write_integer(number, out),
        Json::Text(text) => write_text(text, out),
        Json::Array(items) => {
            out.push(b'[');
            separated(out, items.iter(), write);
            out.push(b']');
        }
        Json::Object(members) => write_members(members.iter().map(|(name, value)| (name.as_str(), value)), out),
    }
}

/// Appends an object, its members by the UTF-16 code units of their names.
pub(super) fn write_members<'a>(members: impl Iterator<Item = (&'a str, &'a Json)>, out: &mut Vec<u8>) {
    let mut members: Vec<(&str, &Json)> = members.collect();
    members.sort_by(|(one, _), (other, _)| {
        if one.is_ascii() && other.is_ascii() { one.cmp(other) } else { one.encode_utf16().cmp(other.encode_utf16()) }
    });
    out.push(b'{');
    separated(out, members.into_iter(), |(name, value), out| {
        write_text(name, out);
        out.push(b':');
        write(value, out);
    });
    out.push(b'}');
}

fn separated<T>(out: &mut Vec<u8>, items: impl Iterator<Item = T>, write: impl Fn(T, &mut Vec<u8>)) {
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
}

/// Numbers other than safe integers do not get here: no member accepts them.
fn write_integer(number: &str, out: &mut Vec<u8>) {
    match number.parse::<i64>() {
        Ok(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
        Err(_) => out.extend_from_slice(b"null"),
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // Its escapes are those of RFC 8785, and writing to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::json::parse;

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1_i64 << 53) + 1..1_i64 << 53).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\x00-\\x7f\u{e000}-\u{ffff}\u{10000}-\u{10ffff}]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let name = "[a-c\\x00-\\x1f\"\\\\ñ\u{e000}-\u{ffff}\u{10000}-\u{10ffff}]{0,3}";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_common_writer(value in any_json()) {
            let expected = serde_json_canonicalizer::to_string(&value).unwrap();
            let mut written = Vec::new();
            super::write(&parse(value.to_string().as_bytes()).unwrap(), &mut written);
            prop_assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
    }
}
