//! No bytes make a reader panic, and whatever becomes a draft has the form that ingestion takes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use formats::{Draft, Options, Reading};
use proptest::prelude::*;
use proptest::sample::Index;

static FIXTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|kind| kind != "json"))
        .map(|path| fs::read(path).unwrap())
        .collect()
});

/// What mutations put into a file.
const PIECES: [&str; 24] = [
    "<",
    ">",
    "</",
    "/>",
    "&",
    "&#0;",
    "&amp;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE a>",
    "\u{0}",
    "ñ",
    "-",
    "0",
    "9",
    ",",
    "//",
    ":61:",
    ":86:",
    "\r\n",
    "?20",
    "é\u{301}",
];

fn options() -> Options {
    Options { terms_days: Some(30), ..Options::default() }
}

fn sound(draft: &Draft) -> Result<(), TestCaseError> {
    let key = |value: &str| {
        !value.is_empty()
            && value.chars().count() <= 128
            && value.trim() == value
            && !value.chars().any(char::is_control)
    };
    prop_assert!(key(&draft.id), "{:?}", draft.id);
    prop_assert!(draft.time.ends_with('Z') && draft.time.len() == 20, "{}", draft.time);
    for name in ["invoice", "credit_note", "payment", "reversal", "customer", "payer", "bank_reference"] {
        if let Some(value) = draft.data.get(name) {
            prop_assert!(value.as_str().is_some_and(key), "{name} {value}");
        }
    }
    if draft.fact_type != "customer.upserted" {
        let currency = draft.data["currency"].as_str().unwrap().parse().unwrap();
        let money = primitives::Money::parse(draft.data["amount"].as_str().unwrap(), currency).unwrap();
        prop_assert!(!money.is_negative() && !money.is_zero());
    }
    Ok(())
}

fn all_sound(reading: &Reading) -> Result<(), TestCaseError> {
    reading.drafts.iter().flatten().try_for_each(sound)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = formats::read(&bytes, &options());
    }

    #[test]
    fn any_text_between_tags_is_read_or_refused(text in "\\PC{0,60}") {
        for document in [format!("<a b='{text}'>{text}</a>"), format!(":20:{text}\n:25:{text}\n:60F:{text}\n:61:{text}\n:86:{text}")] {
            let _ = formats::read(document.as_bytes(), &options());
        }
    }

    #[test]
    fn any_statement_line_is_read_or_refused(line in "[0-9]{6}([0-9]{4})?R?[CD][A-Z]?[0-9]{1,17},[0-9]{0,3}[NFS][A-Z]{3}.{0,20}", text in "([0-9]{3}\\?[0-9]{2})?.{0,80}") {
        let file = format!(":20:A\n:25:ACC\n:60F:C260101EUR0,\n:61:{line}\n:86:{text}\n");
        all_sound(&formats::read(file.as_bytes(), &options()).unwrap())?;
    }

    #[test]
    fn broken_fixtures_are_read_or_refused(
        file in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), 0..40_usize, prop::sample::select(&PIECES[..])), 1..6),
        cut in prop::option::weighted(0.2, any::<Index>()),
    ) {
        let mut bytes = FIXTURES[file.index(FIXTURES.len())].clone();
        for (at, length, piece) in changes {
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
            if bytes.is_empty() {
                bytes.push(b' ');
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(reading) = formats::read(&bytes, &options()) {
            all_sound(&reading)?;
        }
    }
}
