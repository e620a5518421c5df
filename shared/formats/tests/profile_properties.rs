//! No bytes and no profile make it panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use formats::profile::{Profile, check, shipped};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rust_xlsxwriter::Workbook;

/// What mutations put into a profile or a file.
const PIECES: [&str; 30] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    "\n",
    "  ",
    "- ",
    "\"",
    "'",
    "&a ",
    "*a",
    "{}",
    "~",
    "!!binary x",
    "first_of: [",
    "column: ",
    "as: debezium_decimal",
    "scale: 28",
    "%Y",
    "epoch_us",
    "99999999999999999999",
    "-",
    "1.23E+11",
    "\t",
    ";",
    "\0",
    "ñ",
    "0x1",
    "<<: ",
];

fn mutated(base: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec((any::<Index>(), 0..40_usize, select(PIECES.to_vec())), 1..6).prop_map(move |changes| {
        let mut bytes = base.clone();
        for (at, length, piece) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
        }
        bytes
    })
}

fn profile() -> impl Strategy<Value = (Profile, &'static str)> {
    select(shipped().to_vec()).prop_map(|(name, yaml)| (Profile::parse(yaml).unwrap(), name))
}

fn file(name: &str) -> Vec<u8> {
    if name == "generic-open-items-xlsx" {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write_row(0, 0, ["invoice", "customer", "currency", "open_amount", "due_date"]).unwrap();
        sheet.write_row(1, 0, ["F-1", "C-1", "COP"]).unwrap();
        sheet.write_row(1, 3, [1.5, 46_062.0]).unwrap();
        return workbook.save_to_buffer().unwrap();
    }
    let kind = if name.starts_with("debezium") { "ndjson" } else { "csv" };
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/profiles");
    std::fs::read(directory.join(format!("{name}.{kind}"))).unwrap()
}

proptest! {
    #[test]
    fn no_text_is_a_profile_that_panics(
        (yaml, name) in select(shipped().to_vec()).prop_flat_map(|(name, yaml)| (mutated(yaml.as_bytes().to_vec()), Just(name)))
    ) {
        if let Ok(profile) = Profile::parse(&String::from_utf8_lossy(&yaml)) {
            check(&profile, &file(name), 10);
        }
    }

    #[test]
    fn any_text_at_all_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = Profile::parse(&text);
    }

    #[test]
    fn no_bytes_make_a_profile_panic(
        (profile, bytes) in profile().prop_flat_map(|(profile, name)| (Just(profile), mutated(file(name))))
    ) {
        check(&profile, &bytes, 10);
    }

    #[test]
    fn any_bytes_at_all_are_read_or_refused(
        (profile, _) in profile(),
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'{'), Just(b'['), Just(b','), Just(b'\n')], 0..300),
    ) {
        check(&profile, &bytes, 10);
    }
}
